"""Sentences and language models: their scores, many at once, and the model that gives some sentences and no others."""

from typing import Dict, List, Sequence, Tuple

import numpy as np

from graphs.grammar.language_model import LanguageModel


def score_sentences(lm: LanguageModel, sentences: Sequence[Sequence[int]], ends: bool = True) -> np.ndarray:
    """``[len(sentences)]`` float64 natural log probabilities; beginnings that sentences share are scored once.

    Args:
      sentences: word_ids of each.
      ends: with the sentence's end; without, the probability that a sentence begins so.
    """
    total, state = np.zeros(len(sentences)), np.full(len(sentences), lm.start, np.int64)
    lengths = np.array([len(sentence) for sentence in sentences], np.int64)
    for place in range(int(lengths.max(initial=0))):
        rows = np.flatnonzero((lengths > place) & ~np.isneginf(total))
        if not len(rows):
            break
        words = np.array([sentences[row][place] for row in rows], np.int64)
        pairs, inverse = distinct_pairs(state[rows], words)
        scores, after = lm.advance(*pairs)
        total[rows] += scores[inverse]
        state[rows] = after[inverse]
    alive = np.flatnonzero(~np.isneginf(total))
    if ends and len(alive):
        total[alive] += lm.final(state[alive])
    return total


def distinct_pairs(first: np.ndarray, second: np.ndarray) -> Tuple[Tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The different pairs of numbers from 0 to below 2**31, sorted, and the place of each pair among them."""
    pairs, inverse = np.unique(first.astype(np.int64) << 32 | second, return_inverse=True)
    return (pairs >> 32, pairs & 0xFFFFFFFF), inverse.reshape(-1)


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
