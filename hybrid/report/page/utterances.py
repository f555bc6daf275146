"""Utterances with all hypotheses, small enough for thousands of them by dozens of systems.

Most systems say the same, and most words are right. So each different hypothesis of an utterance is kept once, as its
errors alone, a flat list of pairs:

    p, w   (p >= 0, w >= 0)   reference word p was taken for word w
    p, -1  (p >= 0)           reference word p is lacking
    -p - 1, w                 word w was inserted before reference word p

Words are numbers of a list of their own. `page.js` has the other half.
"""

import math
import unicodedata
from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from hybrid.compare.comparison import Comparison, Hypothesis, Utterance
from hybrid.report.page.embedded import json_in_html

LACKING = -1  # instead of a hypothesis: the system has no output
ABSENT = -2  # it was not asked
MILLION = 1_000_000


class Packed(NamedTuple):
    """data: what the page holds as JSON. left_out: ids without a place in it."""

    data: dict
    left_out: List[str]


def pack(comparison: Comparison, max_megabytes: float) -> Packed:
    """All utterances, or those with the most errors and disagreement where the limit does not hold all.

    The ones kept stay in their order.
    """
    systems = [system.key for system in comparison.systems]
    words, speakers, tests = _Numbers(), _Numbers(), _Numbers()
    entries = [_entry(utterance, systems, words, speakers, tests) for utterance in comparison.utterances]
    sizes = [len(json_in_html(entry).encode("utf-8")) + 1 for entry in entries]
    rest = max_megabytes * MILLION - len(json_in_html([words.names, speakers.names, systems]).encode("utf-8"))
    kept = set()
    for place in sorted(range(len(entries)), key=lambda place: interest(comparison.utterances[place]), reverse=True):
        if sizes[place] <= rest:
            kept.add(place)
            rest -= sizes[place]
    data = {"systems": systems, "words": words.names, "speakers": speakers.names, "tests": tests.names,
            "utterances": [entry for place, entry in enumerate(entries) if place in kept]}
    left_out = [one.utterance_id for place, one in enumerate(comparison.utterances) if place not in kept]
    return Packed(data, left_out)


def interest(utterance: Utterance) -> Tuple[int, int]:
    """How many different hypotheses there are, then how many errors."""
    different = {tuple(hypothesis.words) for hypothesis in utterance.hypotheses}
    return len(different), sum(hypothesis.errors for hypothesis in utterance.hypotheses)


class _Numbers:
    def __init__(self):
        self.names: List[str] = []
        self._numbers: Dict[str, int] = {}

    def of(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]


def _entry(utterance: Utterance, systems: Sequence[str], words: _Numbers, speakers: _Numbers, tests: _Numbers) -> list:
    """[id, test, speaker, seconds, reference, different hypotheses, which of them each system has, conditions]"""
    found = {hypothesis.system: hypothesis for hypothesis in utterance.hypotheses}
    different: List[List[int]] = []
    which = []
    for system in systems:
        hypothesis = found.get(system)
        if hypothesis is None or hypothesis.missing:
            which.append(ABSENT if hypothesis is None else LACKING)
            continue
        errors = encode_errors(hypothesis, words)
        if errors not in different:
            different.append(errors)
        which.append(different.index(errors))
    conditions = " ".join(f"{name} {value}" for name, value in utterance.conditions.items() if value is not None)
    return [utterance.utterance_id, tests.of(utterance.test), speakers.of(utterance.speaker),
            round(utterance.seconds, 2), [words.of(word) for word in utterance.reference], different, which,
            conditions]


def encode_errors(hypothesis: Hypothesis, words: "_Numbers") -> List[int]:
    """The flat list of pairs above."""
    place, errors = 0, []
    for said, found in hypothesis.pairs:
        if said is None:
            errors += [-place - 1, words.of(found)]
        elif said != found:
            errors += [place, LACKING if found is None else words.of(found)]
        place += said is not None
    return errors


@dataclass(frozen=True)
class Word:
    """kind: same, substitution, deletion, insertion, or empty (another hypothesis has an insertion there)."""

    kind: str
    text: str


@dataclass(frozen=True)
class Row:
    systems: Tuple[str, ...]
    errors: int
    words: Tuple[Word, ...]
    missing: bool


@dataclass(frozen=True)
class Aligned:
    """An utterance as a table: columns are words of the reference and places of insertions."""

    utterance: Utterance
    reference: Tuple[str, ...]
    rows: Tuple[Row, ...]
    right_to_left: bool


def aligned(utterance: Utterance) -> Aligned:
    """Systems with the same hypothesis share a row; rows are in the order of their errors."""
    groups: Dict[tuple, List[Hypothesis]] = {}
    for hypothesis in utterance.hypotheses:
        groups.setdefault((hypothesis.pairs, hypothesis.missing), []).append(hypothesis)
    parted = [(_parted(pairs, len(utterance.reference)), own) for (pairs, _), own in groups.items()]
    slots = [max((len(inserted[place]) for (inserted, _), _ in parted), default=0)
             for place in range(len(utterance.reference) + 1)]
    rows = [Row(tuple(one.system for one in own), own[0].errors, tuple(_words(parts, slots, utterance.reference)),
                own[0].missing) for parts, own in parted]
    reference: List[str] = []
    for place, wide in enumerate(slots):
        reference += [""] * wide + list(utterance.reference[place:place + 1])
    return Aligned(utterance, tuple(reference), tuple(sorted(rows, key=lambda row: row.errors)),
                   is_right_to_left(utterance.reference))


def _parted(pairs, length: int) -> Tuple[List[List[str]], List[Optional[str]]]:
    """Words inserted before each reference word (and at the end), and what each was taken for."""
    inserted: List[List[str]] = [[] for _ in range(length + 1)]
    taken: List[Optional[str]] = []
    for said, found in pairs:
        if said is None:
            inserted[len(taken)].append(found)
        else:
            taken.append(found)
    return inserted, taken


def _words(parts, slots: Sequence[int], reference: Sequence[str]):
    inserted, taken = parts
    for place, wide in enumerate(slots):
        own = inserted[place]
        yield from (Word("insertion", word) for word in own)
        yield from (Word("empty", "") for _ in range(wide - len(own)))
        if place < len(taken):
            said, found = reference[place], taken[place]
            kind = "same" if said == found else "deletion" if found is None else "substitution"
            yield Word(kind, said if found is None else found)


def is_right_to_left(words: Sequence[str]) -> bool:
    """By the first letter that has a direction."""
    for letter in "".join(words):
        direction = unicodedata.bidirectional(letter)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def most_different(comparison: Comparison, number: int, longest: float = math.inf) -> List[Utterance]:
    """The utterances that say most about the systems: see `interest`. longest: seconds; longer ones are passed over."""
    return sorted((one for one in comparison.utterances if one.seconds <= longest), key=interest, reverse=True)[:number]


def examples(comparison: Comparison, number: int) -> List[Aligned]:
    """The utterances on which systems differ most."""
    return [aligned(one) for one in most_different(comparison, number)]
