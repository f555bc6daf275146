"""What is really in an audio file: decoded to its end and compared with what its header announces."""

import os
import re
import struct
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

import numpy as np
import soundfile
from lhotse import Recording

from graphs.errors import first_line
from hybrid.data.audio import load_audio

BLOCK = 1 << 14  # samples decoded at a time: what is lost before a damaged place is no more
WAV_FIXED_SIZE = (1, 3, 6, 7, 0xFFFE)  # PCM, float, A-law, mu-law, extensible: bytes tell the samples


class AudioFacts(NamedTuple):
    """Of one recording.

    Attributes:
      reason: "" for usable audio, else missing, empty_file, unreadable, empty_audio or truncated (to
        nothing).
      detail: of the reason, for people.
      sampling_rate, channels: of the file.
      num_samples: decoded, for each channel.
      announced: samples that the file's own header or the manifest speaks of, where more.
      silent: the channels, from 0, whose samples are all zero.
    """

    reason: str = ""
    detail: str = ""
    sampling_rate: int = 0
    channels: int = 1
    num_samples: int = 0
    announced: int = 0
    silent: Tuple[int, ...] = ()


def probe(recording: Recording, decode: bool = True) -> AudioFacts:
    """Reads the recording. Never raises for bad audio.

    Args:
      decode: False believes the header.
    """
    source = recording.sources[0] if len(recording.sources) == 1 else None
    if source is None or source.type != "file" or recording.transforms:
        return _probe_by_lhotse(recording)
    path = Path(source.source)
    if not os.path.isfile(path):  # Path.is_file raises for a name that is too long
        return AudioFacts("missing", f"no file {path}")
    if path.stat().st_size == 0:
        return AudioFacts("empty_file", f"0 bytes in {path}")
    try:
        facts = _probe_file(recording, path, decode)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        if path.suffix[1:].upper() not in soundfile.available_formats():
            return _probe_by_lhotse(recording)
        return AudioFacts("unreadable", first_line(error))
    if facts.reason:
        return facts
    if facts.sampling_rate == recording.sampling_rate:
        facts = facts._replace(announced=max(facts.announced, recording.num_samples))
    if facts.num_samples == 0 and facts.announced:
        return facts._replace(reason="truncated", detail=f"expected {facts.announced} samples, got none")
    if facts.num_samples == 0:
        return facts._replace(reason="empty_audio", detail=f"no samples in {path}")
    return facts


def _probe_file(recording: Recording, path: Path, decode: bool) -> AudioFacts:
    with soundfile.SoundFile(str(path)) as file:
        if not file.seekable():
            return _probe_unseekable(recording, file.subtype_info)
        announced = max(file.frames, announced_samples(path) or 0)
        count, sounds = (0, np.zeros(file.channels, bool)) if decode else (file.frames, np.ones(file.channels, bool))
        while decode:
            try:
                block = file.read(BLOCK, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:  # a damaged frame: what comes after it is lost
                break
            if len(block) == 0:
                break
            if not np.isfinite(block).all():
                return AudioFacts("unreadable", "samples that are not finite numbers")
            count += len(block)
            sounds |= block.any(axis=0)
        return AudioFacts("", "", file.samplerate, file.channels, count, announced, _silent(sounds))


def _probe_unseekable(recording: Recording, coding: str) -> AudioFacts:
    """Lhotse looks for the first sample, which libsndfile cannot do in such a file; another backend may read it."""
    facts = _probe_by_lhotse(recording)
    return AudioFacts("unreadable", f"expected audio that can be read from any sample on, such as PCM, got {coding}"
                      ) if facts.reason else facts


def _probe_by_lhotse(recording: Recording) -> AudioFacts:
    """For pipes, links, several files and perturbed audio: reads it the way the features will be."""
    try:
        samples = load_audio(recording)
    except Exception as error:  # every backend has its own
        return AudioFacts("unreadable", first_line(error))
    if not np.isfinite(samples).all():
        return AudioFacts("unreadable", "samples that are not finite numbers")
    if samples.shape[1] == 0:
        return AudioFacts("empty_audio", "no samples")
    return AudioFacts("", "", recording.sampling_rate, samples.shape[0], samples.shape[1],
                      recording.num_samples, _silent(samples.any(axis=1)))


def _silent(sounds: np.ndarray) -> Tuple[int, ...]:
    return tuple(np.flatnonzero(~sounds).tolist())


def announced_samples(path: Path) -> Optional[int]:
    """Samples per channel that a wav or NIST sphere header speaks of; None where it says nothing.

    libsndfile shortens the number to what is in the file, so that a truncated file looks whole.
    """
    with open(path, "rb") as stream:
        head = stream.read(1024)
        if head[:8] == b"NIST_1A\n":
            found = re.search(rb"sample_count -i (\d+)", head)
            return int(found.group(1)) if found else None
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            return None
        stream.seek(12)
        block_align = None
        while True:
            chunk = stream.read(8)
            if len(chunk) < 8:
                return None
            name, size = struct.unpack("<4sI", chunk)
            if name == b"data":
                return _samples_of_data(size, block_align)
            body = stream.read(size + size % 2)
            if name == b"fmt " and len(body) >= 14:
                code, _, _, _, align = struct.unpack("<HHIIH", body[:14])
                block_align = align if code in WAV_FIXED_SIZE else None


def _samples_of_data(size: int, block_align: Optional[int]) -> Optional[int]:
    # programs that write to a pipe do not know the size: 0, the largest, or nearly so
    if not block_align or size == 0 or size >= 0x7FFFF000:
        return None
    return size // block_align


def probe_all(recordings: List[Recording], decode: bool) -> List[AudioFacts]:
    """One task of the parallel map."""
    return [probe(recording, decode) for recording in recordings]
