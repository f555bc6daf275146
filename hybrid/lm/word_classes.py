"""Classes of words found by exchange: Martin, Liermann and Ney, "Algorithms for bigram and trigram word clustering",
1998.

With N(g, g') the number of places where a word of class g' follows one of class g, and f(n) = n log n, the probability
of the text by its class bigrams grows with

    F = sum_{g,g'} f(N(g, g')) - sum_g f(N(g, .)) - sum_g f(N(., g))

Each word in turn, frequent ones first, is taken out of its class and put where F is then largest, until few words move.
To begin with they are dealt to the classes in turn. <unk>, <s> and </s> stay alone.
"""

import logging
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from graphs.options import check_at_least, check_positive
from hybrid.lm.ngram_counts import MARKS, Counts, NumberedText, count_ngrams

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClassOptions:
    number: int = field(default=200, metadata={"help": "classes to be found"})
    rounds: int = field(default=10, metadata={"help": "each word is exchanged so often at most"})
    moved: float = field(default=0.002, metadata={"help": "no further round when this share of the words moved"})
    add: float = field(default=0.1, metadata={
        "help": "added to the count of a word for its probability in its class, so that words not seen have some"})

    def __post_init__(self):
        check_at_least(1, self, "number", "rounds")
        check_at_least(0, self, "moved")
        check_positive(self, "add")


class _Neighbours(NamedTuple):
    """Of each word, in a row of a compressed table: other words beside it, and how often; and itself."""

    first: np.ndarray
    word: np.ndarray
    count: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, left: np.ndarray, right: np.ndarray, count: np.ndarray, num_words: int) -> "_Neighbours":
        """Words at the right of those at the left."""
        own = np.zeros(num_words, np.int64)
        own[left[left == right]] = count[left == right]
        order = np.argsort(left, kind="stable")
        order = order[left[order] != right[order]]
        return cls(np.searchsorted(left[order], np.arange(num_words + 1)), right[order], count[order], own)

    def by_class(self, word: int, class_of: np.ndarray, num_classes: int) -> np.ndarray:
        rows = slice(self.first[word], self.first[word + 1])
        return np.bincount(class_of[self.word[rows]], weights=self.count[rows], minlength=num_classes)


def find_classes(text: NumberedText, options: ClassOptions) -> np.ndarray:
    """``[words]`` int64 number of each word's class, from 0; <unk>, <s> and </s> have the first three."""
    unigrams, bigrams = count_ngrams(text, 2)
    return Exchange(unigrams.count, bigrams, options.number).run(options)


class Exchange:
    """One clustering. ``classes[g, g']`` is N(g, g'), as float64.

    Attributes:
      class_of: ``[words]``.
    """

    def __init__(self, unigrams: np.ndarray, bigrams: Counts, number: int):
        """
        Args:
          unigrams: ``[words]`` counts. number: of classes beside those of the marks.
        """
        num_words, marks = len(unigrams), len(MARKS)
        self.num_classes = marks + min(number, num_words - marks)
        self.by_frequency = marks + np.argsort(-unigrams[marks:], kind="stable")
        self.class_of = np.arange(num_words)
        self.class_of[self.by_frequency] = marks + np.arange(num_words - marks) % (self.num_classes - marks)
        left, right = bigrams.word_ids[:, 0], bigrams.word_ids[:, 1]
        self.after = _Neighbours.of(left, right, bigrams.count, num_words)
        self.before = _Neighbours.of(right, left, bigrams.count, num_words)
        pairs = self.class_of[left] * self.num_classes + self.class_of[right]
        self.classes = np.bincount(pairs, weights=bigrams.count, minlength=self.num_classes ** 2).reshape(
            self.num_classes, self.num_classes)
        self.f_classes = _f(self.classes)

    def run(self, options: ClassOptions) -> np.ndarray:
        for number in range(1, options.rounds + 1):
            moved = sum(self._exchange(int(word)) for word in self.by_frequency)
            _log.info("round %d of exchange: %d of %d words moved, F = %.6g", number, moved, len(self.by_frequency),
                      self.value())
            if moved <= options.moved * len(self.by_frequency):
                break
        _, numbers = np.unique(self.class_of, return_inverse=True)  # without empty classes
        return numbers

    def value(self) -> float:
        """F."""
        return float(self.f_classes.sum() - _f(self.classes.sum(axis=0)).sum() - _f(self.classes.sum(axis=1)).sum())

    def _exchange(self, word: int) -> bool:
        """Puts the word where it serves best. Returns whether that is another class."""
        after = self.after.by_class(word, self.class_of, self.num_classes)
        before = self.before.by_class(word, self.class_of, self.num_classes)
        old = self.class_of[word]
        self._add(old, -after, -before, -self.after.own[word])
        gains = self._gains(after, before, self.after.own[word])
        gains[:len(MARKS)] = -np.inf
        new = int(np.argmax(gains))
        if gains[old] >= gains[new] - 1e-9 * abs(gains[new]):
            new = old
        self._add(new, after, before, self.after.own[word])
        self.class_of[word] = new
        return new != old

    def _add(self, to: int, after: np.ndarray, before: np.ndarray, own: float) -> None:
        self.classes[to] += after
        self.classes[:, to] += before
        self.classes[to, to] += own
        self.f_classes[to] = _f(self.classes[to])
        self.f_classes[:, to] = _f(self.classes[:, to])

    def _gains(self, after: np.ndarray, before: np.ndarray, own: float) -> np.ndarray:
        """``[classes]`` by how much F grows when a word with these neighbours joins each class."""
        right, left = np.flatnonzero(after), np.flatnonzero(before)
        rows = _f(self.classes[:, right] + after[right]) - self.f_classes[:, right]
        columns = _f(self.classes[left] + before[left, None]) - self.f_classes[left]
        gains = rows.sum(axis=1) + columns.sum(axis=0)
        gains[right] -= rows[right, np.arange(len(right))]  # within the class both sides meet
        gains[left] -= columns[np.arange(len(left)), left]
        inside = np.diagonal(self.classes)
        gains += _f(inside + after + before + own) - np.diagonal(self.f_classes)
        for axis, others, more in ((1, before, after.sum() + own), (0, after, before.sum() + own)):
            total = self.classes.sum(axis=axis) + others  # whichever class the word joins
            gains -= _f(total + more) - _f(total)
        return gains


def _f(counts: np.ndarray) -> np.ndarray:
    """n log n, 0 for 0."""
    return counts * np.log(np.maximum(counts, 1.0))
