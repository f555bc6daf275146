"""The CMU AN4 (census) corpus as it is distributed: lists in etc/, audio in wav/ or Sphinx features in feat/."""

import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

import numpy as np

from graphs.errors import InputError
from graphs.text_file import read_lines

SAMPLING_RATE = 16000  # of raw files, which have no header
FRAME_SHIFT = 0.01  # of the Sphinx features
HOW_TO_GET = ("AN4 is distributed by Carnegie Mellon University (search for `CMU AN4 database`): a folder with "
              "etc/ and wav/ (an4_sphere.tar.gz, an4_raw.bigendian.tar.gz) or feat/")
# what the whole distribution holds
UTTERANCES = {"train": 948, "test": 130}


class Utterance(NamedTuple):
    """fileid: as in the lists, `an4_clstk/fash/an251-fash-b`."""

    utterance_id: str
    speaker: str
    fileid: str
    text: str


def find_corpus(folder: Optional[Path]) -> Path:
    """The folder with etc/, which may lie one level down. Raises InputError that says how to get the data."""
    if folder is None:
        raise InputError("--corpus", "the AN4 folder", f"none given. {HOW_TO_GET}")
    for candidate in (folder, folder / "an4"):
        if (candidate / "etc" / "an4_train.fileids").exists():
            return candidate
    raise InputError(f"--corpus {folder}", "a folder with etc/an4_train.fileids", f"none. {HOW_TO_GET}")


def read_split(corpus: Path, split: str) -> List[Utterance]:
    """The utterances of `train` or `test`, in the order of the list; none when the list is not there.

    Raises: InputError for an utterance without transcript, a doubled one, or a line that is not a transcript.
    """
    lists = corpus / "etc"
    if not (lists / f"an4_{split}.fileids").exists():
        return []
    texts = _read_transcripts(lists / f"an4_{split}.transcription")
    utterances: Dict[str, Utterance] = {}
    for line in (line.strip() for _, line in read_lines(lists / f"an4_{split}.fileids")[0]):
        *folders, utterance_id = line.split("/")
        if utterance_id in utterances:
            raise InputError(f"an4_{split}.fileids: {line}", "each utterance once", "two lines")
        if utterance_id not in texts:
            raise InputError(f"an4_{split}.fileids: {line}", f"a line in an4_{split}.transcription", "none")
        speaker = folders[-1] if folders else "".join(utterance_id.split("-")[1:2])
        if not speaker:
            raise InputError(f"an4_{split}.fileids: {line}", "`FOLDER/SPEAKER/UTTERANCE`, or `NAME-SPEAKER-NAME`", line)
        utterances[utterance_id] = Utterance(utterance_id, speaker, line, texts[utterance_id])
    return list(utterances.values())


def _read_transcripts(path: Path) -> Dict[str, str]:
    texts = {}
    for number, line in read_lines(path)[0]:
        match = re.fullmatch(r"\s*(.*?)\s*\(([^()\s]+)\)\s*", line)
        if match is None:
            raise InputError(f"{path}:{number}", "`WORDS (utterance-id)`", repr(line))
        texts[match[2]] = " ".join(w for w in match[1].split() if w not in ("<s>", "</s>", "<sil>"))
    return texts


def audio_file(corpus: Path, fileid: str) -> Path:
    """The audio of an utterance, whatever its format."""
    for ending in (".sph", ".wav", ".raw", ".flac"):
        path = corpus / "wav" / (fileid + ending)
        if path.exists():
            return path
    return corpus / "wav" / (fileid + ".sph")


def read_raw(path: Path) -> np.ndarray:
    """Samples of a headerless 16-bit file, ``[num_samples]`` int16, whichever its byte order.

    Speech is smooth: read in the wrong order its samples jump.
    """
    samples = path.read_bytes()
    samples = samples[:len(samples) // 2 * 2]
    big, little = np.frombuffer(samples, ">i2").astype(float), np.frombuffer(samples, "<i2").astype(float)
    chosen = big if np.abs(np.diff(big)).sum() < np.abs(np.diff(little)).sum() else little
    return chosen.astype(np.int16)


def read_mfc(path: Path, dim: int = 13) -> np.ndarray:
    """A Sphinx feature file, ``[num_frames, dim]`` float32: a count of floats, then the floats, in either byte order.

    Raises: InputError when the count does not fit the file, or for numbers that are not finite.
    """
    content = path.read_bytes()
    for order in (">", "<"):
        if len(content) > 4 and int(np.frombuffer(content[:4], order + "i4")[0]) * 4 == len(content) - 4:
            values = np.frombuffer(content[4:], order + "f4")
            if len(values) % dim == 0 and np.isfinite(values).all():
                return values.reshape(-1, dim).astype(np.float32)
    raise InputError(str(path), f"a count and that many finite floats, {dim} a frame", f"{len(content)} bytes")
