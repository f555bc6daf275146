"""The best sentences of lattices, exactly.

    python -m tools.lattices.nbest --lattices exp/decode_test --number 100 --out exp/nbest_test

Writes nbest.tsv: utterance, rank, score, acoustic and graph score, words.
"""

from tools.frame.numbers import at_least, finite
from tools.frame.program import Job
from tools.lattices.folder import lattice_program, scales_of, table

PROGRAM = (lattice_program("tools.lattices.nbest", __doc__, scaled=True)
           .argument("--number", type=at_least(1), default=10, help="of sentences of each lattice, at most")
           .argument("--word-insertion-penalty", type=finite, default=0.0, help="subtracted for each word"))


def work(job: Job) -> None:
    from hybrid.recognize.nbest import best_sentences
    from tools.artefacts.decoding import word_namer
    args, name_of = job.args, word_namer(job.args.lattices)

    def rows_of(_, lattice):
        best = best_sentences(lattice, args.number, *scales_of(job), args.word_insertion_penalty)
        return [(lattice.utterance_id, rank, f"{s.score:.4f}", f"{s.acoustic:.4f}", f"{s.graph:.4f}",
                 " ".join(map(name_of, s.word_ids))) for rank, s in enumerate(best, 1)]
    table(job, "nbest.tsv", ("utterance", "rank", "score", "acoustic", "graph", "words"), rows_of)


if __name__ == "__main__":
    PROGRAM.main(work)
