"""First alignment of the bootstrap: HMM paths from a CTC model.

    python -m tools.align_ctc --features features/train --lang lang --ctc exp/ctc --out exp/align_ctc

Writes alignments.npz (transition_ids), tree, transitions, phones.ctm, words.ctm, outcomes.tsv.
"""

from dataclasses import replace

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.align_ctc", __doc__, options={
    "bootstrap": "hybrid.align.bootstrap:BootstrapOptions", "align": "hybrid.align.forced:AlignOptions"})
           .input("--features", help="features folder", required=True)
           .input("--lang", help="lang folder", required=True)
           .input("--ctc", help="CTC model folder", required=True)
           .input("--delay-of", help="folder of this program, from the same CTC model, whose delay is taken; default: "
                  "it is estimated")
           .argument("--textgrids", action="store_true", help="write a Praat TextGrid for each utterance"))


def work(job: Job) -> None:
    from hybrid.align.work import AlignWork, align_folder, with_delay
    options = job.options("bootstrap")
    if job.args.delay_of and options.delay is None:
        options = replace(options, delay=delay_of(job.args.delay_of))
    bootstrap = with_delay(AlignWork(job.args.features, job.args.lang, job.options("align"), ctc=job.args.ctc,
                                     bootstrap=options), job.nj, job.log)
    _, facts = align_folder(bootstrap, job.out, job.nj, job.log, job.args.textgrids)
    job.facts.update(facts, delay_frames=bootstrap.bootstrap.delay)


def delay_of(folder) -> int:
    """In frames. Raises InputError for a folder that this program did not write."""
    from graphs.errors import InputError
    from tools.frame.records import read_record
    found = read_record(folder).get("facts", {}).get("delay_frames")
    if type(found) is not int:
        raise InputError(f"--delay-of {folder}", f"a folder of {PROGRAM.name}", "another one")
    return found


if __name__ == "__main__":
    PROGRAM.main(work)
