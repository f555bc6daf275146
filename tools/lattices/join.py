"""Joins the lattices that systems have of the same utterances, over one words.txt.

    python -m tools.lattices.join --lattices exp/decode_a --others exp/decode_b --how union --out exp/decode_union

How:
    union      the paths of all; posteriors are weighted means (--weights, at --graph-scale and --acoustic-scale)
    intersect  the sentences that all have, on the paths of the first; scores are weighted sums (determinize the others
               first: they are followed word by word)
"""

from tools.frame.program import Job
from tools.lattices.folder import change, lattice_program, scales_of

PROGRAM = (lattice_program("tools.lattices.join", __doc__, scaled=True)
           .input("--others", nargs="+", required=True, help="folders of lattices of the other systems")
           .argument("--how", required=True, choices=("union", "intersect"), help="what is kept")
           .argument("--weights", nargs="+", type=float, default=[],
                     help="of all systems, the first first; default: 1 each"))


def work(job: Job) -> None:
    from graphs.checks import weights_of
    from graphs.errors import InputError
    from hybrid.recognize.lattice_changes import Joined
    args, systems = job.args, [job.args.lattices, *job.args.others]
    weights = weights_of("--weights", args.weights, len(systems))
    words = [(folder / "words.txt").read_bytes() for folder in systems if (folder / "words.txt").exists()]
    if len(set(words)) > 1:
        raise InputError("--others", "lattices over one words.txt", "several")
    change(job, Joined(tuple(args.others), args.how, tuple(weights), *scales_of(job)))


if __name__ == "__main__":
    PROGRAM.main(work)
