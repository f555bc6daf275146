"""Reads a Kaldi data directory as Lhotse cuts.

Lhotse has an importer, too; it reads no pipes without another package and stops at the first
utterance that lacks a line. Here every problem is tied to its utterance and the rest goes on.
"""

import hashlib
import os
import re
import subprocess
import unicodedata
from functools import partial
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from lhotse import Recording
from lhotse.cut import Cut
from lhotse.utils import fastcopy

from graphs.errors import InputError
from graphs.text_file import read_lines, split_blanks, to_float, to_int
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.parallel import ordered_map
from hybrid.outcomes import Outcomes

# files begin with these; the suffix tells Lhotse's readers what a pipe has given
SUFFIX_OF = {b"RIFF": ".wav", b"NIST": ".sph", b"fLaC": ".flac", b"OggS": ".ogg"}
LONGEST = 1e7  # seconds
LONGEST_NAME = 200  # bytes of a file's name, without its suffix


class Segment(NamedTuple):
    """Seconds in a recording; end None means its end, channel None leaves that open."""

    recording_id: str
    start: float = 0.0
    end: Optional[float] = None
    channel: Optional[int] = None


def read_table(path: Path, must_exist: bool = False) -> Dict[str, str]:
    """Kaldi's `KEY VALUE...` lines; the value may be empty. {} for an optional file that is missing.

    Raises InputError for a missing or repeated key, naming the line.
    """
    if not path.exists():
        if must_exist:
            raise InputError(str(path), "a file of a Kaldi data directory", "none")
        return {}
    table: Dict[str, str] = {}
    for number, line in read_lines(path)[0]:
        key, value, *_ = re.split("[ \t]+", line.strip(" \t"), maxsplit=1) + [""]
        key = _name(key)
        if key in table:
            raise InputError(f"{path}:{number}", "every key once", f"{key!r} again")
        table[key] = value
    return table


def _name(text: str) -> str:
    """An id that was typed is the one that was made of a file's name, whose accents are characters of their own."""
    return unicodedata.normalize("NFC", text)


def read_pairs(path: Path, value: str) -> Dict[str, str]:
    """A table of exactly one field behind each key, {} where it is missing; value: what it is, for InputError."""
    table = read_table(path)
    for key, text in table.items():
        if len(split_blanks(text)) != 1:
            raise InputError(f"{path}, {key}", f"one {value}", repr(text) if text else "none")
    return {key: _name(text) for key, text in table.items()}


def read_seconds(path: Path) -> Dict[str, float]:
    """reco2dur: InputError for what is no duration above 0."""
    table = {}
    for key, text in read_pairs(path, "duration").items():
        try:
            table[key] = to_float(text)
        except ValueError:
            table[key] = 0.0
        if table[key] <= 0:
            raise InputError(f"{path}, {key}", "a duration in seconds above 0", repr(text[:40]))
    return table


def _time(text: str) -> float:
    """A number, or nan or infinity, which the utterance is told for; ValueError for others."""
    return float(text) if text.lower().lstrip("+-") in ("nan", "inf", "infinity") else to_float(text)


def read_segments(path: Path) -> Dict[str, Segment]:
    """A fifth field is the channel, as Kaldi's extract-segments reads it. Raises InputError that names the line."""
    segments = {}
    for number, line in read_lines(path)[0]:
        fields = split_blanks(line)
        try:
            utterance_id, recording_id, start, end, channel = fields if len(fields) == 5 else (*fields, "-1")
            start, end, channel = _time(start), _time(end), to_int(channel)
        except ValueError:
            raise InputError(f"{path}:{number}", "`UTTERANCE RECORDING START END [CHANNEL]`", repr(line)) from None
        utterance_id, recording_id = _name(utterance_id), _name(recording_id)
        if utterance_id in segments:
            raise InputError(f"{path}:{number}", "every utterance once", f"{utterance_id!r} again")
        segments[utterance_id] = Segment(recording_id, start, None if end == -1 else end,
                                         None if channel == -1 else channel)
    return segments


def read_kaldi_dir(folder: Path, audio_folder: Path, outcomes: Outcomes, nj: int = 1,
                   roots: Sequence[Path] = (Path("."),), transcribed: bool = True) -> List[Cut]:
    """The utterances of a data directory, in the order of segments or wav.scp.

    Args:
      folder: with wav.scp and text; segments, utt2spk, spk2gender, utt2lang and reco2dur are optional.
      audio_folder: what the pipes of wav.scp give is written here, once.
      outcomes: takes utterances that have no place in the audio, no transcript or a broken pipe.
      roots: relative paths are looked for in these folders in turn; commands run in the first.
      transcribed: with text; else transcripts are empty, and there need be no text.
    Raises: InputError for a missing wav.scp or text, or a line that does not parse.
    """
    wav_scp = read_table(folder / "wav.scp", must_exist=True)
    texts = read_table(folder / "text", must_exist=True) if transcribed else None
    for name, table in (("wav.scp", wav_scp), ("text", texts)):
        if table == {}:
            raise InputError(str(folder / name), "at least one line", "none")
    has_segments = (folder / "segments").exists()
    segments = read_segments(folder / "segments") if has_segments else {key: Segment(key) for key in wav_scp}
    texts = dict.fromkeys(segments, "") if texts is None else texts
    speakers, genders = read_pairs(folder / "utt2spk", "speaker"), read_pairs(folder / "spk2gender", "gender")
    languages = read_pairs(folder / "utt2lang", "language")
    recordings, broken = _open_recordings(folder, wav_scp, audio_folder, nj, roots)
    cuts = []
    for utterance_id, segment in segments.items():
        recording = recordings.get(segment.recording_id)
        problem = broken.get(segment.recording_id) or _problem(utterance_id, segment, recording, texts)
        if problem:
            outcomes.add(utterance_id, "failed", problem)
            continue
        speaker = speakers.get(utterance_id)
        end = recording.duration if segment.end is None else segment.end
        cuts.append(utterance(
            utterance_id, recording, texts[utterance_id], speaker, start=segment.start,
            duration=max(0.0, round(end - segment.start, 6)), channel=segment.channel,
            gender=genders.get(speaker), language=languages.get(utterance_id)))
        outcomes.add(utterance_id)
    for utterance_id in texts.keys() - segments.keys():
        where = "segments" if has_segments else "wav.scp"
        outcomes.add(utterance_id, "failed", f"in {folder / 'text'} but not in {where}")
    return cuts


def _problem(utterance_id: str, segment: Segment, recording: Optional[Recording],
             texts: Dict[str, str]) -> str:
    if recording is None:
        return f"its recording {segment.recording_id} is not in wav.scp"
    if utterance_id not in texts:
        return "no line in text"
    end = LONGEST if segment.end is None else segment.end
    if not 0 <= segment.start < end <= LONGEST:  # nan is neither
        return f"its segment runs from {segment.start:g} to {end:g} s"
    if segment.channel is not None and recording.num_samples and segment.channel not in recording.channel_ids:
        return f"its segment is of channel {segment.channel}, its recording has {recording.num_channels} (from 0)"
    return ""


def _open_recordings(folder: Path, wav_scp: Dict[str, str], audio_folder: Path, nj: int,
                     roots: Sequence[Path]) -> Tuple[Dict[str, Recording], Dict[str, str]]:
    """Id -> recording, and id -> what went wrong with the pipe of those that gave none."""
    work = partial(_open_recording, audio_folder=audio_folder.absolute(), roots=[r.resolve() for r in roots])
    durations = read_seconds(folder / "reco2dur")
    recordings, broken = {}, {}
    opened = ordered_map(work, list(wav_scp.items()), nj, folder.name, unit="file")
    for recording_id, (recording, problem) in zip(wav_scp, opened):
        if recording is None:
            broken[recording_id] = f"its recording {recording_id}: {problem}"
        else:
            recordings[recording_id] = _with_duration(recording, durations.get(recording_id, 0.0))
    return recordings, broken


def _with_duration(recording: Recording, seconds: float) -> Recording:
    """A file much shorter than reco2dur says was cut off: validation then sees what was announced."""
    if seconds - recording.duration < 0.1 or not recording.num_samples:
        return recording
    return fastcopy(recording, duration=seconds, num_samples=round(seconds * recording.sampling_rate))


def _open_recording(item: Tuple[str, str], audio_folder: Path, roots: List[Path]) -> Tuple[Optional[Recording], str]:
    """The recording of a line of wav.scp, or what went wrong with its pipe."""
    recording_id, source = item
    if source.endswith("|"):
        return _run_pipe(recording_id, source[:-1].strip(), audio_folder, roots[0])
    found = next((root / source for root in roots if os.path.exists(root / source)), roots[0] / source)
    return recording_of(found, recording_id), ""


def file_name(recording_id: str) -> str:
    """The id where it can name a file, else what is left of it and a digest, so that no two share a file."""
    raw = recording_id.encode("utf-8")
    if b"/" not in raw and len(raw) <= LONGEST_NAME:
        return recording_id
    start = raw.replace(b"/", b"_")[:LONGEST_NAME - 17].decode("utf-8", "ignore")
    return f"{start}-{hashlib.sha256(raw).hexdigest()[:16]}"


def _run_pipe(recording_id: str, command: str, audio_folder: Path, cwd: Path) -> Tuple[Optional[Recording], str]:
    done = subprocess.run(command, shell=True, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return None, f"`{command}` gave status {done.returncode}: {said[-1] if said else 'no output'}"
    path = audio_folder / (file_name(recording_id) + SUFFIX_OF.get(done.stdout[:4], ".wav"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(done.stdout)
    return recording_of(path, recording_id), ""
