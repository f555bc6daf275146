"""A corpus of your own: Kaldi data directories, Lhotse manifests or audio and text files; lexicon, language model.

    python -m egs.custom.prepare --corpus my_data --out work/corpus

--corpus, or data/ in it, holds train/wav.scp, train/text, ..., dev/..., test/... (tools.import_kaldi; a
single data directory is training data), else manifests such as cuts_train.jsonl.gz (tools.import_lhotse), else audio
files with transcripts beside them, as train/001.wav and train/001.txt (tools.import_texts). All splits whose names
begin with `test` or `eval` are test sets, but for those without any transcript. Where there is no dev or no test set,
it is held out of train, by speakers where that comes near its share.
lexiconp.txt or lexicon.txt and lm.arpa, or .gz of them, are taken along from the folder, or from local/dict in it.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional

from tools.frame.program import Job, Program

PROGRAM = (Program("egs.custom.prepare", __doc__, options={"corpus": "egs.custom.prepare:CorpusOptions"})
           .input("--corpus", help="folder of Kaldi data directories, Lhotse manifests, or audio and text files",
                  corpus=True))
NAME = re.compile(r"[\w.-]+")
COPY = "_hires"  # what Kaldi calls other features of the same recordings
LANGUAGE_MODELS = ("lm.arpa", "lm.arpa.gz")
EXPECTED = ("train/wav.scp and train/text as in Kaldi, Lhotse manifests such as cuts_train.jsonl.gz, or audio with "
            "transcripts beside it, as train/001.wav and train/001.txt; see egs/custom/README.md")


@dataclass(frozen=True)
class CorpusOptions:
    splits: Optional[str] = field(default=None, metadata={
        "help": "what the splits are called, as `train=train_clean,dev,test=heldout`; none: train, dev, and all that "
                "begin with test or eval"})
    root: Optional[str] = field(default=None, metadata={
        "help": "where relative audio paths start; none: here, the corpus folder, or above it"})
    dev_share: float = field(default=0.05, metadata={"help": "of train to hold out when there is no dev"})
    test_share: float = field(default=0.05, metadata={"help": "of train to hold out when there is no test"})
    seed: int = field(default=0, metadata={"help": "of what is held out"})
    max_failed_share: float = field(default=0.05, metadata={
        "help": "share of utterances that may lack audio or transcript"})

    def __post_init__(self):
        for name in ("dev_share", "test_share"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a share between 0 and 1, found {getattr(self, name)}")
        if not 0 <= self.max_failed_share <= 1:
            raise ValueError(f"max_failed_share: expected 0 to 1, found {self.max_failed_share}")


class Found(NamedTuple):
    """form: kaldi, lhotse or texts (audio with transcripts beside it); names: of the data directories, manifests or
    folders in the folder."""

    form: str
    folder: Path
    names: List[str]


def find_data(corpus: Path, asked: bool = False) -> Found:
    """What --corpus holds. asked: the user names the splits. Raises InputError that says what should be there."""
    from graphs.errors import InputError
    from hybrid.data.beside import folders_with_pairs, splits_in
    from hybrid.data.lhotse_manifests import find_manifests
    folders = list(filter(Path.is_dir, (corpus, corpus / "data")))
    for folder in folders:
        if (folder / "wav.scp").is_file():
            return Found("kaldi", folder, ["train"])
        names = sorted(path.parent.name for path in folder.glob("*/wav.scp"))
        if names and names != ["data"]:  # corpus/data alone is looked into next
            return Found("kaldi", folder, names)
        names = sorted(find_manifests(folder))
        if names:
            return Found("lhotse", folder, names)
    for folder in reversed(folders):  # what lies in corpus/data lies in corpus, too
        inside = folders_with_pairs(folder)
        names = sorted(inside if asked else splits_in(folder, inside))
        if names:
            return Found("texts", folder, names)
    raise InputError(f"--corpus {corpus}", EXPECTED,
                     "neither" if corpus.is_dir() else "a file" if corpus.exists() else "no such folder")


def choose_splits(found: Found, wanted: Optional[str]) -> Dict[str, str]:
    """split -> its name in the folder; without `wanted` train, dev and the test sets.

    Raises InputError for a split that is not there, or whose name a recipe cannot use.
    """
    from graphs.errors import InputError
    from hybrid.data.corpus import parse_splits
    splits = parse_splits(wanted, "option corpus.splits") or {name: name for name in found.names if _is_split(name)}
    missing = [source for source in splits.values() if source not in found.names]
    if missing or "train" not in splits:
        likely = sorted(found.names, key=lambda name: (not name.startswith("train"), _is_split(name)))[0]
        others = "".join(f",{name}" for name in found.names if _is_split(name) and name not in ("train", likely))
        raise InputError(f"{found.folder}", ", ".join(missing) or "a split train",
                         f"{', '.join(found.names)}. Say which is which, as "
                         f"corpus.splits=train={likely}{others}")
    for name in splits:
        if not NAME.fullmatch(name):
            raise InputError("option corpus.splits", "names of letters, digits and . _ -, as in `test=my set`", name)
    return splits


def without_text(found: Found) -> List[str]:
    """Test sets that nobody has transcribed."""
    from hybrid.data.lhotse_manifests import find_manifests, has_text
    from hybrid.data.pieces import audio_in
    from hybrid.data.validate import is_test
    names = [name for name in found.names if is_test(name)]
    if found.form == "texts":
        return sorted(path.name for path in found.folder.iterdir()
                      if path.is_dir() and is_test(path.name) and path.name not in names and audio_in(path))
    if found.form == "kaldi":
        return [name for name in names if not (found.folder / name / "text").is_file()]
    manifests = find_manifests(found.folder)
    return [name for name in names if not has_text(manifests[name])]


def _is_split(name: str) -> bool:
    from hybrid.data.validate import is_test
    return bool(NAME.fullmatch(name)) and (name in ("train", "dev") or is_test(name) and not name.endswith(COPY))


def first_file(names: Iterable[str], folders: Iterable[Path]) -> Optional[Path]:
    return next((folder / name for folder in folders for name in names if (folder / name).is_file()), None)


def work(job: Job) -> None:
    from egs.splits import write_splits
    from graphs.errors import InputError
    from hybrid.data.held_out import hold_out
    from hybrid.data.imports import LEXICONS
    from hybrid.data.manifest import read_cuts, splits_of
    from tools import import_kaldi, import_lhotse, import_texts
    options, corpus = job.options("corpus"), job.args.corpus
    if corpus is None:
        raise InputError("--corpus", f"your own data: {EXPECTED}", "none")
    found = find_data(corpus, asked=bool(options.splits))
    places = (corpus, found.folder, corpus / "local/dict", found.folder / "local/dict")
    untold = [] if options.splits else without_text(found)
    chosen = choose_splits(found._replace(names=[name for name in found.names if name not in untold]), options.splits)
    lexicons = (*LEXICONS, *(f"{name}.gz" for name in LEXICONS))
    vars(job.args).update(  # the arguments of the import programs
        data=found.folder, manifests=found.folder, splits=",".join(map("=".join, chosen.items())), root=options.root,
        hold_out=None, max_failed_share=options.max_failed_share,
        lexicon=first_file(lexicons, places), lm=first_file(LANGUAGE_MODELS, places))
    job.log.info("%s: %s, %s", found.folder, found.form, job.args.splits)
    unused = sorted({*found.names} - {*chosen.values()} - {*untold})
    if untold:
        job.log.warning("without transcripts, so no test sets: %s (tools.transcribe says what is said there)",
                        ", ".join(untold))
    if unused:  # one of them may be the dev or test set that is held out below
        tell = job.log.warning if chosen.keys() <= {"train", "dev"} or "dev" not in chosen else job.log.info
        tell("left aside: %s (corpus.splits names what is wanted)", ", ".join(unused))
    {"kaldi": import_kaldi, "lhotse": import_lhotse, "texts": import_texts}[found.form].work(job)
    splits = {name: read_cuts(job.out / f"{name}.jsonl.gz") for name in splits_of(job.out)}
    for name, share, there in (("dev", options.dev_share, "dev" in splits),
                               ("test", options.test_share, splits.keys() - {"train", "dev"})):
        if not there:
            splits["train"], splits[name], how = hold_out(splits["train"], share, options.seed, name)
            job.log.info("no %s, held out of train: %s", name, how)
    write_splits(job, splits)
    if job.args.lexicon is None:
        job.log.warning("no lexicon.txt: pronunciations are spellings (or pieces of them: lang.unit=sentencepiece)")
    if job.args.lm is None:
        job.log.info("no lm.arpa: a trigram of the training transcripts takes its place")


if __name__ == "__main__":
    PROGRAM.main(work)
