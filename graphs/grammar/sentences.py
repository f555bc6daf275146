"""Sentences and language models: scores of many at once, the model that gives some sentences and no others, and the one
that remembers the last words alone."""

from typing import Dict, List, Sequence, Tuple

import numpy as np

from graphs.checks import ids_array
from graphs.grammar.language_model import LanguageModel
from graphs.grammar.remembered import Remembered
from graphs.growing import GrowingArray


def score_sentences(lm: LanguageModel, sentences: Sequence[Sequence[int]], ends: bool = True) -> np.ndarray:
    """``[len(sentences)]`` float64 natural log probabilities; beginnings that sentences share are scored once.

    Args:
      sentences: word_ids of each.
      ends: with the sentence's end; without, the probability that a sentence begins so.
    Raises: InputError for what is no word_id.
    """
    lm, sentences = Remembered(lm), [ids_array("word_ids of a sentence", sentence) for sentence in sentences]
    total, state = np.zeros(len(sentences)), np.full(len(sentences), lm.start, np.int64)
    lengths = np.array([len(sentence) for sentence in sentences], np.int64)
    for place in range(int(lengths.max(initial=0))):
        rows = np.flatnonzero((lengths > place) & ~np.isneginf(total))
        if not len(rows):
            break
        words = np.array([sentences[row][place] for row in rows], np.int64)
        scores, state[rows] = lm.advance(state[rows], words)
        total[rows] += scores
    alive = np.flatnonzero(~np.isneginf(total))
    if ends and len(alive):
        total[alive] += lm.final(state[alive])
    return total


class SentenceSet:
    """A LanguageModel of log score 0 for some sentences and -inf for all others: a lattice rescored with it as a term
    keeps their paths alone."""

    start = 0

    def __init__(self, sentences: Sequence[Sequence[int]]):
        """sentences: word_ids of each."""
        self._after: List[Dict[int, int]] = [{}]
        self._final = {self._add(sentence) for sentence in sentences}

    def _add(self, sentence: Sequence[int]) -> int:
        state = 0
        for word_id in sentence:
            if word_id not in self._after[state]:
                self._after[state][word_id] = len(self._after)
                self._after.append({})
            state = self._after[state][word_id]
        return state

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        after = np.array([self._after[state].get(word_id, -1)
                          for state, word_id in zip(states.tolist(), word_ids.tolist())], np.int64)
        return np.where(after < 0, -np.inf, 0.0), np.maximum(after, 0)

    def final(self, states: np.ndarray) -> np.ndarray:
        return np.array([0.0 if state in self._final else -np.inf for state in states.tolist()])

    def reset(self) -> None:
        """Nothing to forget."""


class WordHistories:
    """A LanguageModel of log score 0 for everything, whose states are the last `length` words."""

    start = 0

    def __init__(self, length: int):
        self._length = length
        self.reset()

    def reset(self) -> None:
        self._words = GrowingArray((self._length,), np.int64)
        self._words.add(np.zeros((1, self._length), np.int64))
        self._number: Dict[bytes, int] = {self._words.rows[0].tobytes(): 0}

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        words = np.concatenate([self._words.rows[states], word_ids[:, None]], axis=1)[:, 1:]
        after = np.empty(len(words), np.int64)
        for i, row in enumerate(words):
            after[i] = self._number.setdefault(row.tobytes(), len(self._number))
            if after[i] == len(self._words):
                self._words.add(row[None])
        return np.zeros(len(words)), after

    def final(self, states: np.ndarray) -> np.ndarray:
        return np.zeros(len(states))
