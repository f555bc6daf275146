"""Audio that nobody has transcribed, as cuts: whole recordings, long ones in pieces that end where it is quiet.

No audio is left out: a detector of speech that is mistaken would lose words, a place to cut only parts them.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from lhotse import Recording
from lhotse.cut import Cut

from graphs.errors import InputError
from graphs.options import check_positive
from hybrid.data.audio import load_audio
from hybrid.data.corpus import recording_of, utterance

STEP = 0.01        # seconds from one value of loudness to the next
PAUSE = 0.3        # seconds that are quiet together where a piece ends
BLOCK = 60.0       # seconds of audio in memory
FLOOR = 1e-10      # of an energy, so that digital silence has a logarithm
SUFFIXES = {f".{name}" for name in (
    "wav", "flac", "sph", "mp3", "ogg", "oga", "opus", "aif", "aiff", "au", "aac", "m4a", "mp4", "webm", "wma")}


@dataclass(frozen=True)
class PieceOptions:
    """How recordings are parted."""

    longest: float = field(default=20.0, metadata={
        "help": "seconds of a piece at most, and half of them at least; shorter recordings stay whole"})
    each_channel: bool = field(default=False, metadata={
        "help": "every channel of a recording is one of its own, as of two people on the telephone"})

    def __post_init__(self):
        check_positive(self, "longest")
        if self.longest < 4 * PAUSE:
            raise ValueError(f"longest: expected at least {4 * PAUSE:g} s, found {self.longest:g}")


class Found(NamedTuple):
    """An audio file. recording_id: has no blanks, and no other file has it."""

    recording_id: str
    path: Path


def find_audio(paths: Sequence[Path]) -> List[Found]:
    """The files, and all audio files in the folders, sorted within a folder.

    A recording is called after its file; files of the same name after their paths in the folder, too.
    Raises: InputError for a path that is not there, a folder without audio, and files that share a name even so.
    """
    found: Dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            inside = audio_in(path)
            if not inside:
                raise InputError(f"--audio {path}", "a folder with audio files", "none in it")
            found.update({file: file.relative_to(path) for file in inside})
        elif path.exists():
            found[path] = Path(path.name)
        else:
            raise InputError(f"--audio {path}", "an audio file or a folder of them", "none")
    return named(found)


def audio_in(folder: Path) -> List[Path]:
    """All audio files in it and in its folders, sorted."""
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())


def named(files: Dict[Path, Path]) -> List[Found]:
    """A name for each file: its own, or where that is not enough the path that stands for it in `files`.

    Raises: InputError for two that are called the same even so.
    """
    stems = Counter(_name(file.stem) for file in files)
    found: Dict[str, Path] = {}
    for file, inside in files.items():
        name = _name(file.stem)
        if stems[name] > 1:
            name = _name(str(inside).replace("/", "-"))
        if name in found:
            raise InputError(f"{file}", "recordings of different names", f"{found[name]} is called {name}, too")
        found[name] = file
    return [Found(*item) for item in found.items()]


def _name(text: str) -> str:
    """Without blanks, which part the fields of Kaldi's files."""
    return "_".join(text.split()) or "_"


def whole_cuts(found: Sequence[Found]) -> List[Cut]:
    """A cut for each recording, its speaker called as the recording."""
    return [utterance(one.recording_id, recording_of(one.path, one.recording_id), "", one.recording_id)
            for one in found]


class Piece(NamedTuple):
    """A cut, what it is a piece of, and the second at which it starts there."""

    cut: Cut
    whole: str
    start: float


def pieces_of(cut: Cut, options: PieceOptions) -> List[Piece]:
    """The cut as it is, or the pieces of a long one, `ID-START-END` in hundredths of a second, and of its channels.

    Audio that cannot be read stays whole: validation says what is wrong with it.
    """
    pieces = []
    for name, channel in _channels(cut, options):
        try:
            times = quietest_places(loudness(cut, channel), options.longest) if cut.duration > options.longest else []
        except Exception:  # each of Lhotse's backends has its own
            times = []
        ends = [0.0, *times, cut.duration]
        speaker = name if name != cut.id else cut.supervisions[0].speaker
        for start, end in zip(ends[:-1], ends[1:]):
            piece = f"{name}-{round(start * 100):07d}-{round(end * 100):07d}" if times else name
            pieces.append(Piece(utterance(piece, cut.recording, "", speaker, start=round(cut.start + start, 6),
                                          duration=round(end - start, 6), channel=channel), name, start))
    return pieces


def write_segments(path: Path, pieces: Sequence[Piece]) -> None:
    """Kaldi's `PIECE WHOLE START END`, which hybrid.data.kaldi_dir.read_segments reads."""
    lines = (f"{cut.id} {whole} {start:.4f} {start + cut.duration:.4f}\n" for cut, whole, start in pieces)
    path.write_text("".join(lines), encoding="utf-8")


def _channels(cut: Cut, options: PieceOptions) -> List[Tuple[str, Optional[int]]]:
    """What each that is transcribed is called, and its channel; None leaves it to option data.channel."""
    channels = cut.channel if isinstance(cut.channel, list) else [cut.channel]
    if len(channels) == 1:
        return [(cut.id, channels[0])]
    return [(f"{cut.id}.{channel}", channel) for channel in channels] if options.each_channel else [(cut.id, None)]


def loudness(cut: Cut, channel: Optional[int] = None) -> np.ndarray:
    """The logarithm of the energy of every STEP of a cut, ``[N]``; of all channels together, or of one."""
    recording: Recording = cut.recording
    step = round(STEP * recording.sampling_rate)
    levels = []
    for start in np.arange(0.0, cut.duration, BLOCK):
        seconds = min(BLOCK, cut.duration - start)
        samples = load_audio(utterance("block", recording, "", start=round(cut.start + start, 6),
                                       duration=round(seconds, 6), channel=channel))
        samples = np.concatenate([samples, np.zeros((len(samples), -samples.shape[1] % step), samples.dtype)], axis=1)
        levels.append((samples.reshape(len(samples), -1, step).astype(np.float64) ** 2).sum(axis=(0, 2)) / step)
    return np.log(np.concatenate(levels) + FLOOR)


def quietest_places(levels: np.ndarray, longest: float) -> List[float]:
    """Where to cut, in seconds: in the middle of the quietest PAUSE of each second half of `longest`.

    Args:
      levels: of `loudness`.
    Returns: times between which, and before and after which, there are at most `longest` seconds.
    """
    width, most = round(PAUSE / STEP), int(longest / STEP)
    sums = np.concatenate([[0.0], np.cumsum(levels)])
    places, start = [], 0
    while len(levels) - start > most:
        middles = np.arange(start + most // 2, start + most + 1)
        firsts, lasts = middles - width // 2, np.minimum(middles + width // 2, len(levels))
        quiet = (sums[lasts] - sums[firsts]) / (lasts - firsts)
        start = int(middles[len(quiet) - 1 - int(np.argmin(quiet[::-1]))])  # of equal ones the last
        places.append(round(start * STEP, 6))
    return places
