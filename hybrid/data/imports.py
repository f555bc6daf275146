"""What every importer does with the splits it has read."""

import shutil
from pathlib import Path
from typing import Dict, List, Optional

from lhotse.cut import Cut

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.lang.lexicon import Lexicon
from graphs.text_file import read_lines
from hybrid.data.held_out import hold_out
from hybrid.data.manifest import source_files, write_cuts

LEXICONS = ("lexiconp.txt", "lexicon.txt")  # of a corpus; the first that is there


def with_dev(splits: Dict[str, List[Cut]], share: Optional[float], log) -> Dict[str, List[Cut]]:
    """Holds a share of `train` out as `dev`. Raises InputError when that cannot be."""
    if share is None:
        return splits
    if "dev" in splits or "train" not in splits:
        raise InputError("--hold-out", "a split `train` and no split `dev`", ", ".join(splits))
    if not 0 < share < 1:
        raise InputError("--hold-out", "a share between 0 and 1", str(share))
    train, dev, how = hold_out(splits["train"], share)
    log.info("dev, held out of train: %s", how)
    return {**splits, "train": train, "dev": dev}


def read_lexicon(corpus: Path) -> Optional[Lexicon]:
    """The lexicon of a corpus folder, if it has one; of a CMU dictionary, told by its comments, without them."""
    path = next((path for path in map(corpus.__truediv__, LEXICONS) if path.is_file()), None)
    if path is None:
        return None
    commented = path.name == "lexicon.txt" and any(line.startswith(";;;") for _, line in read_lines(path)[0])
    return Lexicon.read(path, "cmu" if commented else "auto")


def copy_resources(out: Path, lexicon: Optional[Path], lm: Optional[Path]) -> None:
    """Puts a lexicon and an ARPA file into a corpus folder under the names that stages look for."""
    if lexicon is not None:
        name = "lexiconp.txt" if lexicon.name.startswith("lexiconp") else "lexicon.txt"
        shutil.copyfile(lexicon, out / name)
    if lm is not None:
        shutil.copyfile(lm, out / ("lm.arpa.gz" if lm.suffix == ".gz" else "lm.arpa"))


def read_sources(job, splits: Dict[str, List[Cut]]) -> None:
    """Tells the job which recordings it reads, without those that it makes itself."""
    own = {job.out.absolute(), job.final(job.out)}
    job.reads(path for cuts in splits.values() for path in source_files(cuts) if not own & set(path.absolute().parents))


def write_corpus(job, splits: Dict[str, List[Cut]], outcomes) -> None:
    """Ends an import program: writes the corpus, counts, and checks the share of failures.

    Args:
      job: tools.frame.program.Job with the arguments hold_out, max_failed_share, lexicon and lm.
    """
    read_sources(job, splits)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(job.args.max_failed_share, "import")
    for name, cuts in splits.items():
        if not cuts:
            raise InputError(f"split {name}", "at least one utterance with audio and transcript", "none")
    for name, cuts in with_dev(splits, job.args.hold_out, job.log).items():
        job.facts[name] = write_cuts(job.out / f"{name}.jsonl.gz", cuts, moving=(job.out, job.final(job.out)))
        job.log.info("%s: %d utterances", name, len(cuts))
    if job.args.lm is not None:
        read_arpa(job.args.lm)  # a damaged one would else be found after all the training
    copy_resources(job.out, job.args.lexicon, job.args.lm)
    job.log.info("%s", outcomes.summary())
