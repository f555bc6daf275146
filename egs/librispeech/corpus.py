"""LibriSpeech: 1000 hours of read English audio books at 16 kHz by 2484 speakers; its part Mini LibriSpeech.

V. Panayotov, G. Chen, D. Povey, S. Khudanpur: LibriSpeech: an ASR corpus based on public domain audio
books. ICASSP 2015. CC BY 4.0. openslr.org resources 12 (parts), 31 (the parts of Mini LibriSpeech), 11
(lexicon, ARPA).

    LibriSpeech/SPEAKERS.TXT
    LibriSpeech/PART/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt    `SPEAKER-CHAPTER-NUMBER WORD WORD ...`
    LibriSpeech/PART/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac

Lhotse has a prepare, too: it leaves out missing files and stops at the first damaged file or empty
transcript. Here such utterances become cuts all the same, so that tools.validate_data names and counts
them; a test holds both to the same cuts of a sound corpus.
"""

from functools import partial
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from lhotse.cut import Cut

from graphs.errors import InputError
from graphs.text_file import read_lines, split_blanks
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.parallel import ordered_map
from hybrid.outcomes import Outcomes

SERVER = "https://www.openslr.org/resources"
# utterances of each part, as distributed
UTTERANCES = {
    "train-clean-5": 1519, "dev-clean-2": 1089, "train-clean-100": 28539, "train-clean-360": 104014,
    "train-other-500": 148688, "dev-clean": 2703, "dev-other": 2864, "test-clean": 2620, "test-other": 2939}
MINI = ("train-clean-5", "dev-clean-2")
LEXICON = "librispeech-lexicon.txt"


def url_of_part(part: str) -> str:
    """Raises InputError for a part that the distribution does not have."""
    if part not in UTTERANCES:
        raise InputError(f"LibriSpeech part {part}", f"one of {', '.join(UTTERANCES)}", repr(part))
    return f"{SERVER}/{31 if part in MINI else 12}/{part}.tar.gz"


def url_of_resource(name: str) -> str:
    return f"{SERVER}/11/{name}"


def how_to_get(parts: Iterable[str]) -> str:
    urls = ", ".join(map(url_of_part, parts))
    return f"Get {urls}, unpack, and give the folder LibriSpeech as --corpus"


def find_corpus(folder: Path, parts: Sequence[str]) -> Path:
    """The folder that has the parts: this one, or LibriSpeech in it.

    Raises: InputError that names the missing parts and says how to get them.
    """
    def missing(candidate: Path) -> List[str]:
        return [part for part in parts if not (candidate / part).is_dir()]

    found = min((folder, folder / "LibriSpeech"), key=lambda candidate: len(missing(candidate)))
    if missing(found):
        here = sorted(path.name for path in found.glob("*") if path.is_dir())
        raise InputError(f"--corpus {folder}", f"the parts {', '.join(parts)}",
                         f"no {', '.join(missing(found))} beside {', '.join(here[:12]) or 'nothing'}. "
                         f"{how_to_get(missing(found))}")
    return found


def download(folder: Path, parts: Sequence[str]) -> Path:
    """Lhotse's download from openslr.org; goes on where it was cut off, and does nothing when all is there.

    Raises InputError that says how to get the data.
    """
    from lhotse.recipes.librispeech import download_librispeech
    for part in parts:
        url_of_part(part)
    try:
        return Path(download_librispeech(folder, list(parts), base_url=SERVER))
    except Exception as error:  # urllib, http and tarfile each have their own
        raise InputError(
            "LibriSpeech without --corpus", "a download from openslr.org to succeed",
            f"{type(error).__name__}: {error}. {how_to_get(parts)}") from error


def find_resource(name: str, folders: Iterable[Path]) -> Optional[Path]:
    """A file of openslr.org resource 11 in one of the folders; NAME.gz may be unpacked."""
    plain = name[:-3] if name.endswith(".gz") else name
    candidates = [folder / found for folder in folders for found in (name, plain)]
    return next((path for path in candidates if path.is_file()), None)


def download_resource(name: str, folder: Path) -> Path:
    """NAME of openslr.org resource 11. Raises InputError that says how to get it."""
    from lhotse.utils import resumable_download
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.part"
    try:
        resumable_download(url_of_resource(name), part)
    except Exception as error:  # urllib and http each have their own
        raise InputError(name, f"it in --corpus or in {folder}, or a download from openslr.org to succeed",
                         f"{type(error).__name__}: {error}. Get {url_of_resource(name)} and put it into "
                         f"--corpus or {folder}") from error
    return part.rename(folder / name)


def read_genders(path: Path) -> Dict[str, str]:
    """Speaker -> f or m from SPEAKERS.TXT (`ID | SEX | PART | MINUTES | NAME`); {} when it is missing."""
    if not path.is_file():
        return {}
    rows = (line.split("|") for _, line in read_lines(path)[0] if not line.startswith(";"))
    return {row[0].strip(): row[1].strip().lower() for row in rows if len(row) > 1}


def read_part(folder: Path, outcomes: Outcomes, nj: int = 1) -> List[Cut]:
    """The utterances of a part in the order of their names.

    Args:
      folder: LibriSpeech/PART; SPEAKERS.TXT beside it tells the sexes.
      outcomes: takes the utterances, and audio that no transcript names.
    Raises: InputError when there is no transcript at all.
    """
    chapters = sorted(folder.glob("*/*/*.trans.txt"))
    if not chapters:
        raise InputError(str(folder), "SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt", "none")
    work = partial(_read_chapter, genders=read_genders(folder.parent / "SPEAKERS.TXT"))
    cuts = []
    for found, without_text in ordered_map(work, chapters, nj, folder.name, unit="chapter"):
        for cut in found:
            outcomes.add(cut.id)
        for name in without_text:
            outcomes.add(name, "failed", "no line in the transcripts of its chapter")
        cuts += found
    return cuts


def _read_chapter(transcripts: Path, genders: Dict[str, str]) -> Tuple[List[Cut], List[str]]:
    """The cuts of a chapter, and the names of its audio without a transcript."""
    cuts = []
    for _, line in read_lines(transcripts)[0]:
        utterance_id, *words = split_blanks(line)
        speaker = utterance_id.split("-")[0]
        recording = recording_of((transcripts.parent / f"{utterance_id}.flac").absolute(), utterance_id)
        cuts.append(utterance(utterance_id, recording, " ".join(words), speaker,
                              gender=genders.get(speaker), language="English"))
    known = {cut.id for cut in cuts}
    return cuts, sorted(path.stem for path in transcripts.parent.glob("*.flac") if path.stem not in known)
