"""Audio files with their transcripts beside them: `001.wav` and `001.txt` (or `001.lab`, as for other aligners).

Files in a folder of the folder, or deeper, are of a speaker that is called as it; those that lie in the folder itself
are of speakers that are not known.
"""

from pathlib import Path
from typing import Dict, List, Optional

from lhotse.cut import Cut

from graphs.errors import InputError
from graphs.text_file import read_lines
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.pieces import audio_in, named
from hybrid.data.validate import is_test
from hybrid.outcomes import Outcomes

TEXTS = (".txt", ".lab")
OTHER_TEXTS = ("lexicon", "lexiconp", "readme", "license", "licence")  # that may lie there


def holds_pairs(folder: Path) -> bool:
    """Is there an audio file with a transcript beside it?"""
    return any(text_beside(audio) for audio in audio_in(folder))


def folders_with_pairs(data: Path) -> Dict[str, Path]:
    """Name -> folder, of those in `data` that hold pairs. Raises InputError for what is no folder."""
    if not data.is_dir():
        raise InputError(f"--data {data}", "a folder", "a file" if data.exists() else "none")
    return {path.name: path for path in sorted(data.iterdir()) if path.is_dir() and holds_pairs(path)}


def splits_in(data: Path, folders: Dict[str, Path]) -> Dict[str, Path]:
    """Split -> folder: those with pairs, where some are called train, dev or as a test set; else `data` itself is
    train, and its folders are speakers; {} without pairs."""
    if any(name in ("train", "dev") or is_test(name) for name in folders):
        return folders
    return {"train": data} if holds_pairs(data) else {}


def texts_of(folder: Path) -> List[Path]:
    """The transcripts of the audio in a folder."""
    return list(filter(None, map(text_beside, audio_in(folder))))


def text_beside(audio: Path) -> Optional[Path]:
    kinds = (*TEXTS, *map(str.upper, TEXTS))
    return next((path for path in map(audio.with_suffix, kinds) if path.is_file()), None)


def read_pairs(folder: Path, outcomes: Outcomes) -> List[Cut]:
    """An utterance for each audio file with a transcript, in the order of the files.

    Lines of a transcript are joined by spaces. Recordings are called after their files; where several have the
    same name, after their paths, too.

    Args:
      outcomes: takes audio files without a transcript, and transcripts without audio or that are no text.
    """
    files = audio_in(folder)
    cuts = []
    for one in named({audio: audio.relative_to(folder) for audio in files}):
        text = text_beside(one.path)
        if text is None:
            outcomes.add(one.recording_id, "failed", f"no {' or '.join(one.path.stem + kind for kind in TEXTS)} beside "
                         f"{one.path}")
            continue
        try:
            words = " ".join(line.strip() for _, line in read_lines(text)[0])
        except InputError as error:
            outcomes.add(one.recording_id, "failed", str(error))
            continue
        inside = one.path.relative_to(folder)
        speaker = inside.parts[0] if inside.parent.parts else None
        cuts.append(utterance(one.recording_id, recording_of(one.path, one.recording_id), words, speaker))
        outcomes.add(one.recording_id)
    spoken = {audio.with_suffix("") for audio in files}
    for text in sorted(path for place in {audio.parent for audio in files} for path in place.iterdir()):
        if text.suffix.lower() in TEXTS and text.with_suffix("") not in spoken and text.stem.lower() not in OTHER_TEXTS:
            outcomes.add(text.stem, "failed", f"no audio beside {text}")
    return cuts
