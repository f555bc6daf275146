"""Words and phones of the best paths with their times and confidences, as CTM (NIST).

    python -m tools.lattices.ctm --lattices exp/decode_test --scores exp/score --lang lang --out exp/ctm_test

The same as tools.lattices.mbr with mbr.hypothesis=best: words are those that tools.score scores, a word's confidence is
the probability, over all paths, that it stands in its place; a phone's, the mean over its frames of the probability
that a path is in it. Writes words.ctm, phones.ctm, hyp.txt, sausages.jsonl and outcomes.tsv.
"""

from tools.frame.program import Job, Program
from tools.lattices import mbr

PROGRAM = mbr.with_arguments(Program("tools.lattices.ctm", __doc__, options=mbr.OPTIONS))


def work(job: Job) -> None:
    mbr.transcribe(job, hypothesis="best")


if __name__ == "__main__":
    PROGRAM.main(work)
