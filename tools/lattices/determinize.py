"""Determinizes lattices at the word level: of each word sequence the best path (Kaldi's lattice-determinize-pruned).

    python -m tools.lattices.determinize --lattices exp/decode_test --out exp/decode_test_det

The lattices that come out have words on their arcs, and strings of transition_ids. Where the arcs would be more than
determinize.max_arcs the beam is narrower: outcomes.tsv names the utterance, as `retried`.
"""

from tools.frame.program import Job
from tools.lattices.folder import change, lattice_program, scales_of

PROGRAM = lattice_program("tools.lattices.determinize", __doc__, scaled=True,
                          options={"determinize": "graphs.lattices.determinize:DeterminizeOptions"})


def work(job: Job) -> None:
    from hybrid.recognize.lattice_changes import determinized
    options = job.options("determinize")
    change(job, determinized, options.beam, *scales_of(job), options.max_arcs)


if __name__ == "__main__":
    PROGRAM.main(work)
