"""Forced alignment with an acoustic model.

    python -m tools.align --features features/train --lang lang --model exp/am1 --out exp/align_am1

Writes alignments.npz (transition_ids), tree, transitions, phones.ctm, words.ctm, outcomes.tsv.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.align", __doc__, options={"align": "hybrid.align.forced:AlignOptions"})
           .input("--features", help="features folder", required=True)
           .input("--lang", help="lang folder", required=True)
           .input("--model", help="acoustic model folder", required=True)
           .input("--speaker-transforms", nargs="+", default=[], help="folders of tools.estimate_fmllr and the like")
           .argument("--textgrids", action="store_true", help="write a Praat TextGrid for each utterance"))


def work(job: Job) -> None:
    from hybrid.align.work import AlignWork, align_folder
    _, facts = align_folder(
        AlignWork(job.args.features, job.args.lang, job.options("align"), model=job.args.model,
                  speakers=tuple(job.args.speaker_transforms)),
        job.out, job.nj, job.log, job.args.textgrids)
    job.facts.update(facts)


if __name__ == "__main__":
    PROGRAM.main(work)
