"""The Free Spoken Digit Dataset as cuts, with a lexicon of ten digits and a grammar of exactly one digit.

    python -m egs.fsdd.prepare --corpus free-spoken-digit-dataset --out work/corpus

Writes {train,dev,test}.jsonl.gz, lexicon.txt and lm.arpa.
"""

from dataclasses import dataclass, field

from tools.frame.program import Job, Program

PROGRAM = (Program("egs.fsdd.prepare", __doc__, options={"corpus": "egs.fsdd.prepare:CorpusOptions"})
           .input("--corpus", help="folder of the recordings, or the folder above it", corpus=True))


@dataclass(frozen=True)
class CorpusOptions:
    num_dev: int = field(default=5, metadata={
        "help": "recordings of each digit and speaker held out of training"})

    def __post_init__(self):
        if self.num_dev < 1:
            raise ValueError(f"num_dev: expected at least 1, found {self.num_dev}")


def work(job: Job) -> None:
    from egs.fsdd import corpus as fsdd
    from egs.splits import write_splits
    from hybrid.data.corpus import recording_of, utterance
    options = job.options("corpus")
    paths = fsdd.recordings(fsdd.find_corpus(job.args.corpus))
    warning = fsdd.check_count(paths)
    if warning:
        job.log.warning("%s", warning)
    write_splits(job, {
        name: [utterance(path.stem, recording_of(path.absolute()), fsdd.transcript(path), fsdd.speaker(path))
               for path in some]
        for name, some in fsdd.split(paths, options.num_dev).items()})
    (job.out / "lexicon.txt").write_text(fsdd.lexicon(), encoding="utf-8")
    (job.out / "lm.arpa").write_text(fsdd.one_word_arpa(), encoding="utf-8")


if __name__ == "__main__":
    PROGRAM.main(work)
