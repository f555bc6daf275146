"""Cuts, recordings and supervisions out of JSON; Lhotse itself takes values of any type and fails much later."""

import json
import re
from pathlib import Path
from typing import Callable, Iterator, Tuple

from lhotse import Recording, SupervisionSegment
from lhotse.cut import Cut
from lhotse.cut.set import deserialize_cut

from graphs.errors import InputError, first_line
from graphs.text_file import decode, read_bytes

SUFFIXES = (".jsonl.gz", ".jsonl", ".json.gz", ".json", ".yaml")
_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def is_number(value, least: float = -1e7, most: float = 1e7) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most


def _is_count(value, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= 10 ** 12


def _is_alignment(value) -> bool:
    return isinstance(value, dict) and all(isinstance(items, list) and all(
        isinstance(one, list) and len(one) in (3, 4) and isinstance(one[0], str) and all(map(is_number, one[1:3]))
        for one in items) for items in value.values())


# What is expected, in words, and a test of it. An object is a dict of these (`NAME?` may be absent or null), a
# list a list of one.
NAME = "a name", lambda value: isinstance(value, str) and value != "" and not _UNSTORABLE.search(value)
TEXT = "a text", lambda value: isinstance(value, str) and (value.isascii() or not re.search("[\ud800-\udfff]", value))
SECONDS = "a number of seconds", is_number
LENGTH = "seconds of at least 0", lambda value: is_number(value, 0)
STEP = "seconds above 0", lambda value: is_number(value, 1e-6)
COUNT = "a whole number of at least 0", _is_count
POSITIVE = "a whole number of at least 1", lambda value: _is_count(value, 1)
CHANNELS = "a channel or a list of channels", lambda value: _is_count(value) or (
    isinstance(value, list) and len(value) > 0 and all(map(_is_count, value)))
OBJECT = "an object", lambda value: isinstance(value, dict)
RECORDING = {
    "id": NAME, "sampling_rate": POSITIVE, "num_samples": COUNT, "duration": LENGTH, "channel_ids?": [COUNT],
    "sources": [{"type": NAME, "channels": [COUNT], "source": NAME}], "transforms?": [OBJECT]}
SUPERVISION = {
    "id": NAME, "recording_id": NAME, "start": SECONDS, "duration": LENGTH, "channel?": CHANNELS, "text?": TEXT,
    "speaker?": TEXT, "gender?": TEXT, "language?": TEXT, "custom?": OBJECT,
    "alignment?": ("lists of [symbol, start, duration]", _is_alignment)}
FEATURES = {
    "type": TEXT, "num_frames": COUNT, "num_features": COUNT, "sampling_rate": POSITIVE, "start": SECONDS,
    "frame_shift": STEP, "duration": LENGTH,
    "storage_type": NAME, "storage_path": NAME, "storage_key": NAME, "recording_id?": NAME, "channels?": CHANNELS}
PLAIN_CUT = {
    "id": NAME, "start": SECONDS, "duration": LENGTH, "channel": CHANNELS, "supervisions?": [SUPERVISION],
    "recording?": RECORDING, "features?": FEATURES, "custom?": OBJECT}
CUTS = {
    "MonoCut": {**PLAIN_CUT, "channel": COUNT}, "Cut": {**PLAIN_CUT, "channel": COUNT}, "MultiCut": PLAIN_CUT,
    "PaddingCut": {"id": NAME, "duration": LENGTH, "sampling_rate": POSITIVE, "feat_value": SECONDS},
    "MixedCut": {"id": NAME, "tracks": [{"cut": OBJECT, "offset": LENGTH}]}}


def read_entries(path: Path) -> Iterator[Tuple[str, object]]:
    """(FILE:LINE or FILE, entry N; value) of a .jsonl, .json or .yaml file, which may be compressed by gzip.

    Raises: InputError that names the file or the line.
    """
    text = decode(str(path), read_bytes(path))
    if ".jsonl" in path.name:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield f"{path}:{number}", _parsed(f"{path}:{number}", json.loads, line)
        return
    if ".yaml" in path.name:
        from yaml import safe_load
        content = _parsed(str(path), safe_load, text)
    else:
        content = _parsed(str(path), json.loads, text)
    if not isinstance(content, list):
        raise InputError(str(path), "a list", type(content).__name__)
    yield from ((f"{path}, entry {number}", value) for number, value in enumerate(content, 1))


def _parsed(item: str, parse: Callable, text: str):
    try:
        return parse(text)
    except Exception as error:  # json and yaml each have their own, and too deep ones end in RecursionError
        raise InputError(item, "JSON" if parse is json.loads else "YAML", first_line(error)) from None


def to_cut(item: str, value) -> Cut:
    """Raises InputError that names the item and the value in it that is none of a Lhotse cut."""
    check_cut(item, value)
    return _made(item, "cut", deserialize_cut, value)


def to_recording(item: str, value) -> Recording:
    check(item, value, RECORDING)
    return _made(item, "recording", Recording.from_dict, value)


def to_supervision(item: str, value) -> SupervisionSegment:
    check(item, value, SUPERVISION)
    return _made(item, "supervision", SupervisionSegment.from_dict, value)


def _made(item: str, what: str, make: Callable, value):
    try:
        return make(value)
    except Exception as error:  # lhotse raises whatever the rest of the fields leads to
        raise InputError(item, f"a Lhotse {what}", first_line(error)) from error


def check_cut(item: str, value) -> None:
    check(item, value, {"type": ("a kind of cut: " + ", ".join(CUTS), lambda name: name in tuple(CUTS))})
    check(item, value, CUTS[value["type"]])
    for track in value.get("tracks", ()) if value["type"] == "MixedCut" else ():
        check_cut(f"{item}, a track", track["cut"])


def check(item: str, value, kind, *place) -> None:
    """Raises InputError where the value is not of the kind (see NAME and so on); place: where in the item."""
    if isinstance(kind, dict):
        if not isinstance(value, dict):
            raise _wrong(item, place, "an object", value)
        for name, inner in kind.items():
            field = name.rstrip("?")
            if value.get(field) is not None:
                check(item, value[field], inner, *place, field)
            elif field is name:
                raise _wrong(item, (*place, field), _words(inner), None)
    elif isinstance(kind, list):
        if not isinstance(value, list):
            raise _wrong(item, place, "a list", value)
        for number, one in enumerate(value):
            check(item, one, kind[0], *place, number)
    elif not kind[1](value):
        raise _wrong(item, place, kind[0], value)


def _words(kind) -> str:
    return "an object" if isinstance(kind, dict) else "a list" if isinstance(kind, list) else kind[0]


def _wrong(item: str, place: tuple, words: str, value) -> InputError:
    found = "none" if value is None else ascii(value)[:60] if not isinstance(value, (dict, list)) else \
        "an object" if isinstance(value, dict) else "a list"
    return InputError(f"{item}{', ' if place else ''}{'.'.join(map(str, place))}", words, found)
