"""Makes a corpus of audio files with their transcripts beside them.

DATA holds folders such as train, dev and test, or is one: `001.wav` with `001.txt` or `001.lab`, in subfolders that are
called after their speakers, or in none. Audio without transcript and transcripts without audio are listed in
outcomes.tsv.
"""

from tools.frame.importing import importing
from tools.frame.program import Job, Program

PROGRAM = importing(Program("tools.import_texts", __doc__)
                    .input("--data", help="folder of splits, or one", required=True, corpus=True),
                    splits="which, as `train,dev=dev_clean,test`; default: all")


def work(job: Job) -> None:
    from graphs.errors import InputError
    from hybrid.data.beside import folders_with_pairs, read_pairs, splits_in, texts_of
    from hybrid.data.corpus import parse_splits
    from hybrid.data.imports import write_corpus
    from hybrid.outcomes import Outcomes
    data = job.args.data
    folders = folders_with_pairs(data)
    found = splits_in(data, folders)
    wanted = parse_splits(job.args.splits) or {name: name for name in found}
    found = {**found, **folders}
    missing = [source for source in wanted.values() if source not in found]
    if missing or not wanted:
        expected = f"audio with transcripts beside it, as 001.wav and 001.txt, of {', '.join(missing) or 'a split'}"
        raise InputError(f"--data {data}", expected, ", ".join(found) or "none")
    job.reads(text for source in wanted.values() for text in texts_of(found[source]))
    outcomes = Outcomes(job.log)
    splits = {name: read_pairs(found[source], outcomes) for name, source in wanted.items()}
    write_corpus(job, splits, outcomes)


if __name__ == "__main__":
    PROGRAM.main(work)
