"""The Free Spoken Digit Dataset: 3000 recordings of single English digits, 6 speakers, 50 of each digit from each.

The name of a file says what is in it: `7_jackson_32.wav` is recording 32 of the digit 7 by jackson. CC BY-SA 4.0,
https://github.com/Jakobovski/free-spoken-digit-dataset. Recordings 0 to 4 are the official test set.
"""

import re
from pathlib import Path
from typing import Dict, List, Optional

from graphs.errors import InputError

WORDS = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")
# the CMU dictionary's pronunciations, without stress
LEXICON = (
    ("ZERO", "Z IH R OW"), ("ZERO", "Z IY R OW"), ("ONE", "W AH N"), ("TWO", "T UW"), ("THREE", "TH R IY"),
    ("FOUR", "F AO R"), ("FIVE", "F AY V"), ("SIX", "S IH K S"), ("SEVEN", "S EH V AH N"), ("EIGHT", "EY T"),
    ("NINE", "N AY N"))
NUM_FILES, NUM_TEST = 3000, 5
HOW_TO_GET = ("Get the Free Spoken Digit Dataset from https://github.com/Jakobovski/free-spoken-digit-dataset "
              "(git clone, or its zip file; about 20 MB) and give its folder, which has recordings/, as --corpus")
_NAME = re.compile(r"([0-9])_([^_]+)_([0-9]+)")


def find_corpus(folder: Optional[Path]) -> Path:
    """The folder of the recordings, which may lie one level down. Raises InputError that says how to get them."""
    if folder is None:
        raise InputError("--corpus", "the folder of the Free Spoken Digit Dataset", f"none given. {HOW_TO_GET}")
    for candidate in (folder, folder / "recordings"):
        if recordings(candidate):
            return candidate
    raise InputError(f"--corpus {folder}", "recordings such as 7_jackson_32.wav", f"none. {HOW_TO_GET}")


def recordings(folder: Path) -> List[Path]:
    """Files named as the distribution names them, sorted."""
    return sorted(path for path in folder.glob("*.wav") if _NAME.fullmatch(path.stem))


def transcript(path: Path) -> str:
    """
    >>> transcript(Path("7_jackson_32.wav"))
    'SEVEN'
    """
    return WORDS[int(_NAME.fullmatch(path.stem)[1])]


def speaker(path: Path) -> str:
    return _NAME.fullmatch(path.stem)[2]


def index(path: Path) -> int:
    return int(_NAME.fullmatch(path.stem)[3])


def split(paths: List[Path], num_dev: int) -> Dict[str, List[Path]]:
    """Train, dev and test: of each digit and speaker recordings 0 to 4 test, the next num_dev are dev.

    Raises: InputError when a split is empty.
    """
    splits = {"train": [path for path in paths if index(path) >= NUM_TEST + num_dev],
              "dev": [path for path in paths if NUM_TEST <= index(path) < NUM_TEST + num_dev],
              "test": [path for path in paths if index(path) < NUM_TEST]}
    for name, some in splits.items():
        if not some:
            raise InputError(f"fsdd, {name}", f"recordings (test: 0 to {NUM_TEST - 1}, dev: the next {num_dev}, "
                             "train: all others)", f"none among {len(paths)}")
    return splits


def check_count(paths: List[Path]) -> Optional[str]:
    """What to warn of when this is not the whole distribution."""
    if len(paths) == NUM_FILES:
        return None
    return f"the distribution has {NUM_FILES} recordings, here are {len(paths)}: results do not compare"


def lexicon() -> str:
    """Kaldi's lexicon.txt."""
    return "".join(f"{word} {phones}\n" for word, phones in LEXICON)


def one_word_arpa() -> str:
    """A bigram model of one digit: all ten equally likely, then the end. Nothing backs off (-99 is probability 0)."""
    unigrams = ["-99 <s> -99", "-99 </s>", *(f"-99 {word} -99" for word in WORDS)]
    bigrams = [f"-1.0 <s> {word}" for word in WORDS] + [f"0.0 {word} </s>" for word in WORDS]
    return "\n".join(["\\data\\", f"ngram 1={len(unigrams)}", f"ngram 2={len(bigrams)}", "",
                      "\\1-grams:", *unigrams, "", "\\2-grams:", *bigrams, "", "\\end\\", ""])
