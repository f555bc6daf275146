"""Times of phones and words to a part of a frame, of alignments that are there.

    python -m tools.phone_times --alignment exp/align_am1 --model exp/am1 --features features/train --lang lang \\
        --out exp/times_am1

An alignment jumps by whole frames and keeps what is systematic in the boundaries that its model learnt. Here a phone
begins at the median of its posterior (hybrid/align/times/chain.py), less what that phone is late by, which the features
tell (hybrid/align/times/late.py). The model may be one over features of another features.frame_shift. Writes
phones.ctm, words.ctm, late.json, outcomes.tsv.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.phone_times", __doc__, options={"times": "hybrid.align.times.work:TimesOptions"})
           .input("--alignment", help="alignments: their phones stay", required=True)
           .input("--model", help="acoustic model folder", required=True)
           .input("--features", help="features folder", required=True)
           .input("--lang", help="lang folder of the alignments", required=True)
           .input("--late-of", help="folder of this program, from the same model, whose late.json is taken, as of the "
                  "training set, which tells more; default: it is estimated")
           .input("--speaker-transforms", nargs="+", default=[], help="folders of tools.estimate_fmllr and the like")
           .argument("--textgrids", action="store_true", help="write a Praat TextGrid for each utterance"))


def work(job: Job) -> None:
    from hybrid.align.times.work import TimesWork, times_folder
    args = job.args
    _, facts = times_folder(
        TimesWork(args.features, args.alignment, args.model, job.options("times"), tuple(args.speaker_transforms)),
        args.lang, job.out, job.nj, job.log, args.late_of, args.textgrids)
    job.facts.update(facts)


if __name__ == "__main__":
    PROGRAM.main(work)
