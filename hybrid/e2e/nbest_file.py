"""N-best lists on disk, with all that a search tells: one JSON object an utterance and line.

    {"utterance": "u1", "frames": 52, "hypotheses": [{"tokens": [3, 1], "frames": [7, 20], "score": -2.5,
     "parts": {"ctc": -2.0, "lm": -1.0}, "finished": true}]}

Such files laid end to end are one.
"""

import json
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple

from graphs.checks import LARGEST_INT32
from graphs.errors import InputError
from graphs.text_file import read_lines
from hybrid.e2e.hypothesis import Hypothesis

NBEST = "nbest.jsonl"


class Nbest(NamedTuple):
    """num_frames: output frames of the encoder; hypotheses: best first."""

    utterance_id: str
    num_frames: int
    hypotheses: List[Hypothesis]


def write_nbest(path: Path, lists: Iterable[Nbest]) -> None:
    """The file appears only when it is whole."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="utf-8") as stream:
        for one in lists:
            hypotheses = [{"tokens": list(found.tokens), "frames": list(found.frames), "score": found.score,
                           "parts": found.parts, "finished": found.finished} for found in one.hypotheses]
            stream.write(json.dumps({"utterance": one.utterance_id, "frames": one.num_frames,
                                     "hypotheses": hypotheses}, ensure_ascii=False) + "\n")
    temporary.replace(path)


def read_nbest(path: Path) -> Iterator[Nbest]:
    """path: of the file. Raises: InputError that names the line."""
    for number, line in read_lines(path)[0]:
        try:
            yield _nbest(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            raise InputError(f"{path}:{number}", "utterance, frames and hypotheses of tokens, frames, score and parts",
                             repr(line[:80])) from None


def _nbest(row: dict) -> Nbest:
    name, hypotheses = row["utterance"], [_hypothesis(one) for one in row["hypotheses"]]
    name.encode("utf-8")  # fails for half a character, and for what is no text
    if not name or not isinstance(row["hypotheses"], list):
        raise ValueError
    return Nbest(name, _whole(row["frames"]), hypotheses)


def _hypothesis(row: dict) -> Hypothesis:
    tokens, frames = (tuple(map(_whole, row[name])) for name in ("tokens", "frames"))
    parts: Dict[str, float] = {name: _score(value) for name, value in row["parts"].items()}
    if len(tokens) != len(frames) or not isinstance(row["finished"], bool):
        raise ValueError
    return Hypothesis(tokens, frames, _score(row["score"]), parts, row["finished"])


def _whole(value) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST_INT32:
        raise ValueError
    return value


def _score(value) -> float:
    """-inf, which JSON writes as -Infinity, is one; nan is none."""
    if type(value) not in (int, float) or not value < float("inf"):
        raise ValueError
    return float(value)
