"""Sums of weighted log probabilities: the difference of two language models, and log-linear mixtures."""

from typing import Dict, NamedTuple, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.grammar.language_model import LanguageModel
from graphs.grammar.remembered import Remembered
from graphs.grammar.sentences import WordHistories
from graphs.growing import GrowingArray


class Term(NamedTuple):
    """weight * log P of an LM; merged: histories of the same last words may be taken as one."""

    lm: LanguageModel
    weight: float
    merged: bool = False


class WeightedLm:
    """A LanguageModel whose log score is the sum over terms of weight * log P; -inf where any of them is.

    A merged term stands in the state of the first history of the same last max_order - 1 words that it was asked about.
    """

    start = 0

    def __init__(self, terms: Sequence[Term], max_order: int = 0):
        """max_order: 0 merges nothing."""
        self._terms = [term._replace(lm=Remembered(term.lm)) for term in terms]
        self._histories = {i: Remembered(WordHistories(max_order - 1)) for i, term in enumerate(terms)
                           if term.merged and max_order}
        self.reset()

    def reset(self) -> None:
        for lm in (*(term.lm for term in self._terms), *self._histories.values()):
            lm.reset()
        self._state = GrowingArray((len(self._terms),), np.int64)
        self._key = GrowingArray((len(self._terms),), np.int64)
        start = np.array([[term.lm.start for term in self._terms]], np.int64)
        self._number: Dict[bytes, int] = {}
        self._numbers(np.where([[i in self._histories for i in range(len(self._terms))]], 0, start), start)

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Raises: InputError for a word that a term of negative weight cannot give."""
        state, key = self._state.rows[states], self._key.rows[states]
        total = np.zeros(len(state))
        for i, term in enumerate(self._terms):
            alive = np.flatnonzero(~np.isneginf(total))
            scores, state[alive, i] = term.lm.advance(state[alive, i], word_ids[alive])
            _add(total, alive, scores, term.weight)
            key[alive, i] = state[alive, i]
            if i in self._histories:
                key[alive, i] = self._histories[i].advance(self._key.rows[states[alive], i], word_ids[alive])[1]
        return total, self._numbers(key, state)

    def final(self, states: np.ndarray) -> np.ndarray:
        state, total = self._state.rows[states], np.zeros(len(states))
        for i, term in enumerate(self._terms):
            _add(total, np.arange(len(total)), term.lm.final(state[:, i]), term.weight)
        return total

    def _numbers(self, key: np.ndarray, state: np.ndarray) -> np.ndarray:
        """Of each row of keys; a new one keeps its state."""
        numbers = np.empty(len(key), np.int64)
        for i, row in enumerate(np.ascontiguousarray(key)):
            numbers[i] = self._number.setdefault(row.tobytes(), len(self._number))
            if numbers[i] == len(self._state):
                self._key.add(key[i:i + 1])
                self._state.add(state[i:i + 1])
        return numbers


def _add(total: np.ndarray, rows: np.ndarray, scores: np.ndarray, weight: float) -> None:
    impossible = np.isneginf(scores)
    if weight < 0 and impossible.any():
        raise InputError("language model of the graph", "one that can give what the graph does",
                         "a word or a sentence's end that it cannot give")
    total[rows] += np.where(impossible, -np.inf, weight * np.where(impossible, 0.0, scores))
