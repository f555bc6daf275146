"""Lattices of the same sentences and scores in another shape, by steps in turn:

    connect   without states that are on no path
    sort      states in topological order
    push      scores as near to the start as can be
    minimize  push, then states with the same future are one
    compact   an arc a word (Kaldi's CompactLattice)
    expand    an arc a frame
    reverse   every path backwards

    python -m tools.lattices.reshape --lattices exp/decode_test --steps compact minimize --out exp/decode_test_min
"""

from tools.frame.program import Job
from tools.lattices.folder import change, lattice_program, scales_of

STEPS = ("connect", "sort", "push", "minimize", "compact", "expand", "reverse")

PROGRAM = (lattice_program("tools.lattices.reshape", __doc__, scaled=True)
           .argument("--steps", nargs="+", required=True, choices=STEPS, help="what is done, in turn"))


def work(job: Job) -> None:
    from hybrid.recognize.lattice_changes import reshaped
    change(job, reshaped, tuple(job.args.steps), *scales_of(job))


if __name__ == "__main__":
    PROGRAM.main(work)
