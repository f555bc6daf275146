"""LibriSpeech, or parts of it, as cuts, with its lexicon and one of its language models.

    python -m egs.librispeech.prepare --corpus LibriSpeech --out work/corpus corpus.train=train-clean-100

Without --corpus the parts are downloaded from openslr.org into --download. The lexicon and the ARPA file are
looked for in --corpus and --download, and downloaded when they are in neither. Writes train.jsonl.gz,
dev.jsonl.gz, a manifest for each test part (test.jsonl.gz when speakers of dev become the test set),
lexicon.txt and lm.arpa.gz.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Tuple

from tools.frame.program import Job, Program

PROGRAM = (Program("egs.librispeech.prepare", __doc__, options={"corpus": "egs.librispeech.prepare:CorpusOptions"})
           .input("--corpus", help="the folder LibriSpeech, or the folder above it", corpus=True)
           .argument("--download", type=Path, counts=False,
                     help="where a download goes; default: into --out"))


@dataclass(frozen=True)
class CorpusOptions:
    train: Tuple[str, ...] = field(default=("train-clean-100",), metadata={"help": "parts to train on"})
    dev: Tuple[str, ...] = field(default=("dev-clean",), metadata={"help": "parts to choose scales on"})
    test: Tuple[str, ...] = field(default=("test-clean", "test-other"), metadata={
        "help": "parts to test on, each by itself; none: speakers of the development parts"})
    test_share: float = field(default=0.5, metadata={
        "help": "share of the development parts that is the test set, when test names no part"})
    seed: int = field(default=0, metadata={"help": "which speakers these are"})
    lm: str = field(default="3-gram.pruned.3e-7.arpa.gz", metadata={
        "help": "language model, a file of openslr.org resource 11"})

    def __post_init__(self):
        if not self.train or not self.dev:
            raise ValueError("train and dev: expected a part each")
        parts = self.train + self.dev + self.test
        if len(set(parts)) < len(parts):
            raise ValueError(f"train, dev and test: expected different parts, found {', '.join(parts)}")
        if not all(part.startswith("test") for part in self.test):
            raise ValueError(f"test: expected parts named test..., found {', '.join(self.test)}")
        if not 0 < self.test_share < 1:
            raise ValueError(f"test_share: expected a share between 0 and 1, found {self.test_share}")

    @property
    def parts(self) -> Tuple[str, ...]:
        return self.train + self.dev + self.test


def work(job: Job) -> None:
    from egs.librispeech import corpus as librispeech
    from egs.splits import write_splits
    from hybrid.data.held_out import hold_out
    from hybrid.data.imports import copy_resources
    from hybrid.outcomes import Outcomes
    options = job.options("corpus")
    downloads = job.args.download or job.out / "download"
    folder = job.args.corpus and librispeech.find_corpus(job.args.corpus, options.parts)
    places = [place for place in (job.args.corpus, folder, downloads) if place]
    # first of all, since an error is better before the download of gigabytes
    lexicon, lm = (librispeech.find_resource(name, places) or librispeech.download_resource(name, downloads)
                   for name in (librispeech.LEXICON, options.lm))
    folder = folder or librispeech.download(downloads, options.parts)
    outcomes = Outcomes(job.log)
    cuts = {}
    for part in options.parts:
        cuts[part] = librispeech.read_part(folder / part, outcomes, job.nj)
        expected = librispeech.UTTERANCES.get(part, len(cuts[part]))
        if len(cuts[part]) != expected:
            job.log.warning("%s: the distribution has %d utterances, here are %d", part, expected,
                            len(cuts[part]))
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(0.05, f"LibriSpeech in {folder}")
    splits = {name: [cut for part in parts for cut in cuts[part]]
              for name, parts in (("train", options.train), ("dev", options.dev))}
    splits.update((part, cuts[part]) for part in options.test)
    if not options.test:
        splits["dev"], splits["test"], how = hold_out(splits["dev"], options.test_share, options.seed, "test")
        job.log.info("test, of %s: %s", ", ".join(options.dev), how)
    write_splits(job, splits)
    copy_resources(job.out, lexicon, lm)


if __name__ == "__main__":
    PROGRAM.main(work)
