"""The yesno corpus as cuts, with its lexicon of two words and a unigram language model.

    python -m egs.yesno.prepare --corpus waves_yesno --out work/corpus

Without --corpus the recordings are downloaded from openslr.org into --download. Writes {train,dev,test}.jsonl.gz,
lexicon.txt and lm.arpa.
"""

from dataclasses import dataclass, field
from pathlib import Path

from tools.frame.program import Job, Program

PROGRAM = (Program("egs.yesno.prepare", __doc__, options={"corpus": "egs.yesno.prepare:CorpusOptions"})
           .input("--corpus", help="folder of the recordings, or the folder above it", corpus=True)
           .argument("--download", type=Path, counts=False, help="where a download goes; default: into --out"))


@dataclass(frozen=True)
class CorpusOptions:
    num_dev: int = field(default=5, metadata={"help": "files held out of Kaldi's 31 training files"})

    def __post_init__(self):
        if self.num_dev < 1:
            raise ValueError(f"num_dev: expected at least 1, found {self.num_dev}")


def work(job: Job) -> None:
    from egs.splits import write_splits
    from egs.yesno import corpus as yesno
    from hybrid.data.corpus import recording_of, utterance
    from hybrid.data.manifest import text_of
    from hybrid.lm.ngram_train import NgramOptions, train_ngram
    options = job.options("corpus")
    paths = yesno.recordings(yesno.find_corpus(
        job.args.corpus or yesno.download(job.args.download or job.out / "download")))
    warning = yesno.check_count(paths)
    if warning:
        job.log.warning("%s", warning)
    splits = {name: [utterance(path.stem, recording_of(path.absolute()), yesno.transcript(path), yesno.SPEAKER)
                     for path in some]
              for name, some in yesno.split(paths, options.num_dev).items()}
    write_splits(job, splits)
    lines = (f"{word} {' '.join(phones)}\n" for word, phones in yesno.PHONES_OF.items())
    (job.out / "lexicon.txt").write_text("".join(lines), encoding="utf-8")
    text = (text_of(cut).split() for cut in splits["train"])
    train_ngram(text, NgramOptions(order=1, method="witten-bell")).write_arpa(job.out / "lm.arpa")


if __name__ == "__main__":
    PROGRAM.main(work)
