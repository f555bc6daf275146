"""What a recognizer is sure of: words and utterances above a threshold, and how right those are."""

from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from graphs.options import check_between, check_choice
from hybrid.align.times.ctm import ScoredSymbol
from hybrid.recognize.edit_distance import KALDI, Costs, align
from hybrid.recognize.wer import Counts, Reference, check_same_set

MEASURES = ("mean", "least")
Words = Dict[str, List[ScoredSymbol]]


@dataclass(frozen=True)
class FilterOptions:
    """The section [filter]."""

    confidence: float = field(default=0.9, metadata={"help": "threshold; what has as much or more is kept"})
    unit: str = field(default="utterances", metadata={"help": "what is kept or left out: utterances or words"})
    measure: str = field(default="mean", metadata={
        "help": "confidence of an utterance: mean or least of its words'"})

    def __post_init__(self):
        check_between(0, 1, self, "confidence")
        check_choice(("utterances", "words"), self, "unit")
        check_choice(MEASURES, self, "measure")


def utterance_confidence(words: Sequence[ScoredSymbol], measure: str) -> float:
    """0 for an utterance without words: nothing says that nothing was said."""
    values = [word.confidence for word in words]
    if not values:
        return 0.0
    return round(float(np.mean(values)), 9) if measure == "mean" else min(values)


def confident(words: Words, options: FilterOptions) -> Words:
    """The utterances above the threshold, or all of them with their words above it."""
    if options.unit == "words":
        return {key: [word for word in said if word.confidence >= options.confidence] for key, said in words.items()}
    return {key: said for key, said in words.items()
            if utterance_confidence(said, options.measure) >= options.confidence}


def judged_words(words: Words, references: Mapping[str, Reference],
                 costs: Costs = KALDI) -> List[Tuple[ScoredSymbol, bool]]:
    """Each word, and whether the alignment of least errors has it against the same word.

    Raises: InputError for an utterance without a reference.
    """
    check_same_set(references, words)
    judged = []
    for key, said in words.items():
        pairs = align(references[key].words, [word.symbol for word in said], costs)
        judged += zip(said, (reference == heard for reference, heard in pairs if heard is not None))
    return judged


class Kept(NamedTuple):
    """What a threshold keeps. counts: errors of the kept utterances; correct: share of the kept words, or None."""

    threshold: float
    utterances: int
    words: int
    counts: Counts
    correct: float


def at_thresholds(words: Words, references: Mapping[str, Reference], thresholds: Iterable[float],
                  measure: str = "mean", costs: Costs = KALDI) -> List[Kept]:
    """For each threshold: the utterances that it keeps and their errors; the words that it keeps, and the share of
    them that is correct (1 for none).

    Raises: InputError for an utterance without a reference.
    """
    judged = judged_words(words, references, costs)
    confidences, correct = np.array([word.confidence for word, _ in judged]), np.array([good for _, good in judged])
    counts = {key: Counts.of(align(references[key].words, [word.symbol for word in said], costs))
              for key, said in words.items()}
    rows = []
    for threshold in thresholds:
        own = [key for key, said in words.items() if utterance_confidence(said, measure) >= threshold]
        kept = confidences >= threshold
        rows.append(Kept(threshold, len(own), int(kept.sum()), sum((counts[key] for key in own), Counts()),
                         float(correct[kept].mean()) if kept.any() else 1.0))
    return rows
