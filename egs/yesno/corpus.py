"""The yesno corpus: 60 recordings of one speaker who says "yes" or "no" in Hebrew, 8 words in each.

The name of a file is its transcript: `1_0_0_1_1_0_0_1.wav`, 1 for yes and 0 for no. Free, openslr.org resource 1.
The split is Kaldi's: of the sorted names the first 31 train, the other 29 test. The last of the 31 are held out for
development.

One transcript is wrong: `0_1_0_1_0_0_0_0.wav`, a training file, holds seven words. It is kept, as in Kaldi.
"""

import re
from pathlib import Path
from typing import Dict, List, Optional

from graphs.errors import InputError

WORD_OF = {"0": "NO", "1": "YES"}
PHONES_OF = {"NO": ("L", "O"), "YES": ("K", "E", "N")}  # Hebrew: lo, ken
NUM_FILES, NUM_TRAIN, WORDS_A_FILE = 60, 31, 8
SPEAKER = "yesno"
HOW_TO_GET = ("Get https://www.openslr.org/resources/1/waves_yesno.tar.gz (4.7 MB), unpack it, and give the folder "
              "waves_yesno as --corpus")
_NAME = re.compile("[01]" + (WORDS_A_FILE - 1) * "_[01]")


def download(folder: Path) -> Path:
    """Lhotse's download from openslr.org, done once. Raises InputError that says how to get the data."""
    from lhotse.recipes.yesno import download_yesno
    try:
        return Path(download_yesno(folder))
    except Exception as error:  # urllib, http and tarfile each have their own
        raise InputError("yesno without --corpus", "a download from openslr.org to succeed",
                         f"{type(error).__name__}: {error}. {HOW_TO_GET}") from error


def find_corpus(folder: Path) -> Path:
    """The folder of the recordings, which may lie one level down. Raises InputError that says how to get them."""
    for candidate in (folder, folder / "waves_yesno"):
        if recordings(candidate):
            return candidate
    raise InputError(f"--corpus {folder}", "recordings such as 1_0_0_1_1_0_0_1.wav", f"none. {HOW_TO_GET}")


def recordings(folder: Path) -> List[Path]:
    """Files whose name is a transcript, sorted."""
    return sorted(path for path in folder.glob("*.wav") if _NAME.fullmatch(path.stem))


def transcript(path: Path) -> str:
    """
    >>> transcript(Path("1_0_0_1_1_0_0_1.wav"))
    'YES NO NO YES YES NO NO YES'
    """
    return " ".join(WORD_OF[digit] for digit in path.stem.split("_"))


def split(paths: List[Path], num_dev: int) -> Dict[str, List[Path]]:
    """Train, dev and test; dev is the end of Kaldi's training files.

    Raises: InputError when nothing is left to train on or to test.
    """
    num_train = NUM_TRAIN - num_dev
    if len(paths) <= NUM_TRAIN or num_train < 1:
        raise InputError("yesno", f"more than {NUM_TRAIN} files, and fewer than that for corpus.num_dev",
                         f"{len(paths)} files, corpus.num_dev = {num_dev}")
    return {"train": paths[:num_train], "dev": paths[num_train:NUM_TRAIN], "test": paths[NUM_TRAIN:]}


def check_count(paths: List[Path]) -> Optional[str]:
    """What to warn of when this is not the whole distribution."""
    if len(paths) == NUM_FILES:
        return None
    return (f"the distribution has {NUM_FILES} files, here are {len(paths)}: the split is not Kaldi's and results "
            "do not compare")
