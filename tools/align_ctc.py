"""First alignment of the bootstrap: HMM paths from a CTC model.

    python -m tools.align_ctc --features features/train --lang lang --ctc exp/ctc --out exp/align_ctc

Writes alignments.npz (transition_ids), tree, transitions, phones.ctm, words.ctm, outcomes.tsv.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.align_ctc", __doc__, options={
    "bootstrap": "hybrid.align.bootstrap:BootstrapOptions", "align": "hybrid.align.forced:AlignOptions"})
           .input("--features", help="features folder", required=True)
           .input("--lang", help="lang folder", required=True)
           .input("--ctc", help="CTC model folder", required=True)
           .argument("--textgrids", action="store_true", help="write a Praat TextGrid for each utterance"))


def work(job: Job) -> None:
    from hybrid.align.work import AlignWork, align_folder, with_delay
    bootstrap = with_delay(AlignWork(
        job.args.features, job.args.lang, job.options("align"), ctc=job.args.ctc,
        bootstrap=job.options("bootstrap")), job.nj, job.log)
    _, facts = align_folder(bootstrap, job.out, job.nj, job.log, job.args.textgrids)
    job.facts.update(facts, delay_frames=bootstrap.bootstrap.delay)


if __name__ == "__main__":
    PROGRAM.main(work)
