"""Multiplies the scores of lattices for good.

    python -m tools.lattices.scale --lattices exp/decode_test --acoustic-factor 0.1 --out exp/decode_test_scaled

--graph-factor 0 takes out what a language model has given to an end-to-end system's lattices.
"""

from tools.frame.numbers import factor, finite
from tools.frame.program import Job
from tools.lattices.folder import change, lattice_program, search_facts

PROGRAM = (lattice_program("tools.lattices.scale", __doc__)
           .argument("--graph-factor", type=factor, default=1.0, help="on graph scores")
           .argument("--acoustic-factor", type=factor, default=1.0, help="on log-likelihoods")
           .argument("--word-insertion-penalty", type=finite, default=0.0,
                     help="subtracted from the graph score of each word"))


def work(job: Job) -> None:
    from graphs.errors import InputError
    from graphs.lattices.weights import scale
    graph, acoustic = job.args.graph_factor, job.args.acoustic_factor
    if not acoustic:
        raise InputError("--acoustic-factor", "a number above 0", "0")
    own = search_facts(job.args.lattices)["acoustic_scale"] * (graph or 1.0) / acoustic
    change(job, scale, graph, acoustic, job.args.word_insertion_penalty, acoustic_scale=own)


if __name__ == "__main__":
    PROGRAM.main(work)
