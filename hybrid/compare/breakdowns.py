"""Errors by what words and utterances are like.

Of words: the share of reference words of a class that is not recognized (substituted or deleted). Insertions stand at
no reference word; they are told by utterances, whose classes have a WER. Intervals draw what the bench draws.
"""

from collections import Counter
from dataclasses import replace
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from hybrid.compare.bench import Bench
from hybrid.compare.comparison import Breakdown, BreakdownRow, Setting
from hybrid.compare.material import CutFacts, Material
from hybrid.compare.options import CompareOptions
from hybrid.recognize.wer import UtteranceScore

LENGTHS = ((1, 2), (3, 4), (5, 6), (7, 8), (9, None))  # letters
COUNTS = ((1, 1), (2, 4), (5, 16), (17, 64), (65, 256), (257, None))  # in training
WORDS = ((1, 2), (3, 5), (6, 10), (11, 20), (21, None))  # of an utterance
PLACES = ("first", "second", "middle", "last but one", "last")
LEVELS = ((None, 0), (0, 5), (5, 10), (10, 15), (15, 20), (20, None))  # dB, the upper one left out
RESAMPLES = 2000  # at most: there are many intervals
MOST_VALUES = 12  # classes of a condition; more are no classes


class _Item(NamedTuple):
    """A word, or an utterance. label: of its class; errors: of each system."""

    label: str
    utterance: int
    units: int
    errors: Tuple[int, ...]


def breakdowns(test: str, bench: Bench, material: Material, options: CompareOptions) -> List[Breakdown]:
    """Those that something is known for, with at least two classes."""
    options = replace(options, resamples=min(RESAMPLES, options.resamples))
    found = []
    for by, unit, order, items in _kinds(bench, material):
        labels = [label for label in order if any(item.label == label for item in items)]
        if len(labels) > 1:
            rows = tuple(_row(bench, label, unit, [item for item in items if item.label == label], options)
                         for label in labels)
            found.append(Breakdown(test, by, unit, rows))
    return found


def _kinds(bench: Bench, material: Material) -> Iterator[Tuple[str, str, Sequence[str], List[_Item]]]:
    """(by, unit, labels in their order, items)."""
    lengths, counts, words = (list(map(_span, spans)) for spans in (LENGTHS, COUNTS, WORDS))
    yield "letters in the word", "words", lengths, _words(bench, lambda said, place: _within(len(said[place]), LENGTHS))
    if material.counts:
        yield ("times the word is in the training text", "words", ["not in it", *counts], _words(
            bench, lambda said, place: _within(material.counts.get(said[place], 0), COUNTS) or "not in it"))
    yield "place in the utterance", "words", PLACES, _words(bench, lambda said, place: place_of(place, len(said)))
    yield "words in the utterance", "utterances", words, _utterances(bench, lambda u: _within(u.counts.words, WORDS))
    speakers = sorted({u.speaker for u in bench.first.utterances})
    yield "speaker", "utterances", speakers, _utterances(bench, lambda u: u.speaker)
    facts = [material.cuts.get(u.utterance_id, CutFacts()) for u in bench.first.utterances]
    for name in dict.fromkeys(name for one in facts for name in one.conditions):
        labels = [condition_class(name, one.conditions.get(name)) for one in facts]
        if len(set(labels)) <= MOST_VALUES:
            own = dict(zip((u.utterance_id for u in bench.first.utterances), labels))
            yield name, "utterances", _order(labels), _utterances(bench, lambda u: own[u.utterance_id])


def condition_class(name: str, value: Setting) -> str:
    """A level in dB falls into a span; what is not there is `none`."""
    if value is None:
        return "none"
    if type(value) in (int, float) and name == "snr":
        return next(_level(low, high) for low, high in LEVELS if (low is None or value >= low)
                    and (high is None or value < high))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _level(low: Optional[int], high: Optional[int]) -> str:
    return f"below {high} dB" if low is None else f"{low} dB and more" if high is None else f"{low} to {high} dB"


def _order(labels) -> List[str]:
    """Spans of levels as they rise, others by name; `none` last."""
    levels = [_level(*span) for span in LEVELS]
    place = {label: number for number, label in enumerate(levels)}
    return sorted(set(labels), key=lambda label: (label == "none", place.get(label, 0), label))


def place_of(place: int, words: int) -> str:
    """Of a word, counted from 0. Of one or two words: first, last."""
    from_end = words - 1 - place
    if place == 0:
        return "first"
    if from_end == 0:
        return "last"
    return "second" if place == 1 else "last but one" if from_end == 1 else "middle"


def _span(span: Tuple[int, Optional[int]]) -> str:
    low, high = span
    return f"{low} and more" if high is None else str(low) if low == high else f"{low} to {high}"


def _within(value: int, spans: Sequence[Tuple[int, Optional[int]]]) -> str:
    """Label of the span; "" for none."""
    return next((_span((low, high)) for low, high in spans if low <= value and (high is None or value <= high)), "")


def _words(bench: Bench, label: Callable[[Sequence[str], int], str]) -> List[_Item]:
    wrong = {key: [wrong_words(u) for u in score.utterances] for key, score in bench.scores.items()}
    items = []
    for number, utterance in enumerate(bench.first.utterances):
        said = [word for word, _ in utterance.pairs if word is not None]
        items += [_Item(label(said, place), number, 1, tuple(int(own[number][place]) for own in wrong.values()))
                  for place in range(len(said))]
    return items


def wrong_words(utterance: UtteranceScore) -> List[bool]:
    """Of each reference word: is it substituted or deleted?"""
    return [said != found for said, found in utterance.pairs if said is not None]


def _utterances(bench: Bench, label: Callable[[UtteranceScore], str]) -> List[_Item]:
    return [_Item(label(utterance), number, int(bench.words[number]), tuple(map(int, bench.errors[number])))
            for number, utterance in enumerate(bench.first.utterances)]


def _row(bench: Bench, label: str, unit: str, items: List[_Item], options: CompareOptions) -> BreakdownRow:
    size = len(bench.words)
    units, errors = np.zeros(size), np.zeros((size, len(bench.keys)))
    for item in items:
        units[item.utterance] += item.units
        errors[item.utterance] += item.errors
    count = len(items) if unit == "utterances" else int(units.sum())
    return BreakdownRow(label, count, bench.rates_of(errors, units, options))


def training_counts(transcripts: Iterable[Sequence[str]]) -> Dict[str, int]:
    """Word -> how often."""
    return Counter(word for words in transcripts for word in words)
