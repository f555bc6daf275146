"""Prunes lattices: arcs on no path within the beam of the best one are left out.

    python -m tools.lattices.prune --lattices exp/decode_test --beam 6 --out exp/decode_test_pruned
"""

from tools.frame.numbers import factor
from tools.frame.program import Job
from tools.lattices.folder import change, lattice_program, scales_of

PROGRAM = (lattice_program("tools.lattices.prune", __doc__, scaled=True)
           .argument("--beam", type=factor, required=True, help="in scaled scores"))


def work(job: Job) -> None:
    from hybrid.recognize.lattice_changes import pruned
    change(job, pruned, job.args.beam, *scales_of(job))


if __name__ == "__main__":
    PROGRAM.main(work)
