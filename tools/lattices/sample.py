"""Draws paths of lattices at random, each with its posterior probability.

    python -m tools.lattices.sample --lattices exp/decode_test --number 10 --out exp/sampled_test

Writes samples.tsv: utterance, number, score, acoustic and graph score, words.
"""

from tools.frame.numbers import at_least, finite
from tools.frame.program import Job
from tools.lattices.folder import lattice_program, scales_of, table

PROGRAM = (lattice_program("tools.lattices.sample", __doc__, scaled=True)
           .argument("--number", type=at_least(1), default=1, help="of paths of each lattice")
           .argument("--word-insertion-penalty", type=finite, default=0.0, help="subtracted for each word")
           .argument("--seed", type=at_least(0), default=0, help="of the draws"))


def work(job: Job) -> None:
    from graphs.lattices.weights import sample_paths
    from tools.artefacts.decoding import word_namer
    args, name_of = job.args, word_namer(job.args.lattices)

    def rows_of(place, lattice):
        paths = sample_paths(lattice, args.number, (args.seed, place), *scales_of(job), args.word_insertion_penalty)
        return [(lattice.utterance_id, number, f"{path.score:.4f}", f"{path.acoustic:.4f}", f"{path.graph:.4f}",
                 " ".join(map(name_of, path.word_ids))) for number, path in enumerate(paths, 1)]
    table(job, "samples.tsv", ("utterance", "number", "score", "acoustic", "graph", "words"), rows_of)


if __name__ == "__main__":
    PROGRAM.main(work)
