"""Consensus networks with words and seconds, and the file that holds them: one JSON object a line.

    {"utterance": "u1", "risk": 0.4, "bins": [{"start": 0.1, "end": 0.4, "words": {"yes": 0.9, "<eps>": 0.1}}]}
"""

import json
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple, Set

from graphs.errors import InputError
from graphs.lattices.mbr import Consensus
from graphs.text_file import read_lines

SAUSAGES = "sausages.jsonl"


class Slot(NamedTuple):
    """One place: word -> probability, likeliest first, `<eps>` for none. start, end: seconds."""

    words: Dict[str, float]
    start: float
    end: float

    @property
    def best(self) -> str:
        return max(self.words, key=self.words.get)


class Sausage(NamedTuple):
    """risk: expected number of word errors."""

    utterance_id: str
    slots: List[Slot]
    risk: float


def sausage_of(utterance_id: str, consensus: Consensus, words, least: float = 1e-3) -> Sausage:
    """
    Args:
      consensus: times are seconds.
      words: SymbolTable of the consensus's word_ids.
      least: words less probable are left out, but for each place's likeliest; and places where nothing is left.
    """
    slots = []
    for one in consensus.bins:
        kept = [word for i, word in enumerate(one.words) if i == 0 or word.probability >= least]
        if any(word.word_id for word in kept):
            slots.append(Slot({words.symbol_of(word.word_id): word.probability for word in kept},
                              one.start, one.end))
    return Sausage(utterance_id, slots, consensus.risk)


def write_sausages(path: Path, sausages: Iterable[Sausage]) -> None:
    """The file appears only when it is whole."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="utf-8") as stream:
        for one in sausages:
            slots = [{"start": round(slot.start, 4), "end": round(slot.end, 4),
                      "words": {word: round(p, 6) for word, p in slot.words.items()}} for slot in one.slots]
            stream.write(json.dumps({"utterance": one.utterance_id, "risk": round(one.risk, 6), "bins": slots},
                                    ensure_ascii=False) + "\n")
    temporary.replace(path)


def read_sausages(path: Path) -> Iterator[Sausage]:
    """Raises: InputError that names the line; or for an utterance that comes twice, and where there is none."""
    seen: Set[str] = set()
    for number, line in read_lines(path)[0]:
        try:
            sausage = _sausage(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise InputError(f"{path}:{number}", "utterance, risk and bins of start, end and words with probabilities",
                             repr(line[:80])) from None
        if sausage.utterance_id in seen:
            raise InputError(f"{path}:{number}", "each utterance once", f"{sausage.utterance_id} again")
        seen.add(sausage.utterance_id)
        yield sausage
    if not seen:
        raise InputError(str(path), "at least one consensus network", "none")


def _sausage(row: dict) -> Sausage:
    slots = [Slot({word: _number(p, 1.0) for word, p in slot["words"].items()}, _number(slot["start"]),
                  _number(slot["end"])) for slot in row["bins"]]
    if not isinstance(row["utterance"], str) or not all(slot.words for slot in slots):
        raise ValueError
    return Sausage(row["utterance"], slots, _number(row["risk"]))


def _number(value, most: float = 1e9) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise ValueError
    return float(value)
