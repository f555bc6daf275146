"""The best sentences of lattices, exactly.

    python -m tools.lattices.nbest --lattices exp/decode_test --number 100 --out exp/nbest_test

Writes nbest.tsv: utterance, rank, score, acoustic and graph score, words.
"""

from tools.frame.program import Job
from tools.lattices.folder import lattice_program, scales_of

PROGRAM = (lattice_program("tools.lattices.nbest", __doc__, scaled=True)
           .argument("--number", type=int, default=10, help="of sentences of each lattice, at most")
           .argument("--word-insertion-penalty", type=float, default=0.0, help="subtracted for each word"))


def work(job: Job) -> None:
    from graphs.lattices.lattice_io import read_lattices
    from hybrid.recognize.nbest import best_sentences
    from hybrid.report.tables import tsv
    from tools.artefacts.decoding import word_namer
    args, name_of = job.args, word_namer(job.args.lattices)
    rows = []
    for lattice in read_lattices(args.lattices):
        best = best_sentences(lattice, args.number, *scales_of(job), args.word_insertion_penalty)
        rows += [(lattice.utterance_id, rank, f"{s.score:.4f}", f"{s.acoustic:.4f}", f"{s.graph:.4f}",
                  " ".join(map(name_of, s.word_ids))) for rank, s in enumerate(best, 1)]
    header = ("utterance", "rank", "score", "acoustic", "graph", "words")
    (job.out / "nbest.tsv").write_text(tsv(header, rows), encoding="utf-8")


if __name__ == "__main__":
    PROGRAM.main(work)
