"""Building blocks for programs that turn a corpus into cuts.

A file that cannot be read does not stop them: its cut is made all the same, empty, and
tools.validate_data names it, counts it and leaves it out.
"""

import os
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

import numpy as np
import soundfile
from lhotse import AudioSource, MonoCut, MultiCut, Recording, SupervisionSegment
from lhotse.cut import Cut
from lhotse.features import Features
from lhotse.supervision import AlignmentItem

from graphs.errors import InputError
from hybrid.data.probe import announced_samples
from hybrid.data.storage import FeatureStore

UNKNOWN_RATE = 16000  # stands in the manifest of a file whose header cannot be read


def recording_of(path: Union[str, Path], recording_id: Optional[str] = None) -> Recording:
    """A Lhotse recording from the header of an audio file (wav, flac, ogg, mp3, NIST sphere ...).

    A file without a readable header gives a recording of no samples, and so does what is no file: reading a named
    pipe would wait for ever.
    """
    path = Path(path)
    recording_id = recording_id or path.stem
    rate, frames, channels = _header(path) if os.path.isfile(path) else (UNKNOWN_RATE, 0, 1)
    return Recording(
        id=recording_id, sampling_rate=rate, num_samples=frames, duration=frames / rate,
        sources=[AudioSource(type="file", channels=list(range(channels)), source=str(path))])


def _header(path: Path) -> Tuple[int, int, int]:
    """Rate, frames and channels."""
    try:
        header = soundfile.info(str(path))
        frames = max(header.frames, announced_samples(path) or 0)  # validation tells a truncated file by this
        return header.samplerate, frames, header.channels
    except (soundfile.LibsndfileError, OSError):
        return _other_header(path)


def _other_header(path: Path) -> Tuple[int, int, int]:
    """The same by Lhotse's other readers, for formats libsndfile lacks."""
    if path.suffix[1:].upper() not in soundfile.available_formats():
        try:
            recording = Recording.from_file(path)
            return recording.sampling_rate, recording.num_samples, recording.num_channels
        except Exception:  # what is wrong with it is found by tools.validate_data
            pass
    return UNKNOWN_RATE, 0, 1


def utterance(utterance_id: str, recording: Recording, text: str, speaker: Optional[str] = None,
              start: float = 0.0, duration: Optional[float] = None, channel: Optional[int] = None,
              gender: Optional[str] = None, language: Optional[str] = None,
              alignment: Optional[Dict[str, List[AlignmentItem]]] = None) -> Cut:
    """A cut with one supervision over all of it.

    Args:
      start, duration: seconds in the recording; all of it by default.
      channel: of a recording with several; left open, option data.channel decides.
      alignment: {"word": [...], "phone": [...]}, seconds relative to the cut.
    """
    duration = recording.duration - start if duration is None else duration
    channels = recording.channel_ids
    open_channel = channel is None and len(channels) > 1
    chosen = channels if open_channel else channels[0] if channel is None else channel
    supervision = SupervisionSegment(
        id=utterance_id, recording_id=recording.id, start=0.0, duration=duration, channel=chosen, text=text,
        speaker=speaker, gender=gender, language=language, alignment=alignment)
    cut_class = MultiCut if open_channel else MonoCut
    return cut_class(id=utterance_id, start=start, duration=duration, channel=chosen, recording=recording,
                     supervisions=[supervision])


def utterance_of_features(utterance_id: str, matrix: np.ndarray, store: FeatureStore, text: str,
                          speaker: Optional[str], frame_shift: float, sampling_rate: int,
                          kind: str) -> MonoCut:
    """A cut that has ready features instead of a recording.

    Args:
      matrix: ``[T, F]`` float32, written into the store.
      frame_shift: seconds.
      sampling_rate: Hz, of the audio that the features were made from.
      kind: a name for the features.
    """
    duration = round(len(matrix) * frame_shift, 6)
    where = store.write(matrix)
    where["storage_path"] = str(store.folder / where["storage_path"])
    features = Features(
        type=kind, num_frames=len(matrix), num_features=matrix.shape[1], frame_shift=frame_shift,
        sampling_rate=sampling_rate, start=0.0, duration=duration, recording_id=utterance_id, channels=0,
        **where)
    supervision = SupervisionSegment(id=utterance_id, recording_id=utterance_id, start=0.0, duration=duration,
                                     channel=0, text=text, speaker=speaker)
    return MonoCut(id=utterance_id, start=0.0, duration=duration, channel=0, features=features,
                   supervisions=[supervision])


def parse_splits(words: Optional[str], item: str = "--splits") -> Dict[str, str]:
    """`train,dev=dev_clean` as {"train": "train", "dev": "dev_clean"}; {} for None.

    Raises InputError that names the item, what the user has said it with, for an empty or repeated name.
    """
    splits: Dict[str, str] = {}
    for word in (words or "").split(","):
        name, _, source = word.strip().partition("=")
        if name in splits or (words and not name):
            raise InputError(item, "different names, `NAME` or `NAME=SOURCE`", repr(words))
        if name:
            splits[name] = source or name
    return splits
