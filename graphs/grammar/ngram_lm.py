"""A back-off n-gram model as a LanguageModel: many words scored at once.

States are those of graphs/grammar/histories.py, so that paths whose further scores agree meet in one state. The
n-grams lie in one sorted array, keyed by (state of the history, last word): a word is found by one binary search for
each order that it backs off through, and the unigram, at last, by its place.
"""

import math
from typing import List, Tuple

import numpy as np

from graphs.checks import check_range, check_size
from graphs.grammar.histories import Histories
from graphs.grammar.ngram import UNKNOWN, NgramModel, find_sorted
from graphs.lang.lexicon import RESERVED_WORDS
from graphs.lang.symbols import SymbolTable

_NO_WORD = -1
_LOG_10 = math.log(10.0)


class NgramLm:
    """See LanguageModel. States need no `reset`: there are as many as the model has histories.

    Attributes:
      missing: words of words.txt that the model lacks: scored as its ``<unk>``, or -inf if it has none.
      num_states: states are 0 to num_states - 1.
    """

    start = 0

    def __init__(self, model: NgramModel, words: SymbolTable, unknown_penalty: float = 0.0):
        """
        Args:
          words: of words.txt; its ids are those that `advance` takes.
          unknown_penalty: natural log, added to the score of a word that is taken as ``<unk>``, whose probability
            is that of all unknown words together.
        Raises: InputError for a penalty that is no number.
        """
        check_size("unknown_penalty", unknown_penalty)
        self._num_words = len(model.words)
        self._place_words(model, words, unknown_penalty)
        histories = Histories(model.tables, model)
        self.num_states = histories.num_states
        self._empty = histories.empty
        self._place_unigrams(histories)
        self._place_ngrams(histories)
        self._final = np.zeros(self.num_states)
        if histories.end >= 0:
            states = np.arange(self.num_states)
            self._final = self._follow(states, np.full(self.num_states, histories.end))[0]

    def lines(self) -> List[str]:
        """For the log."""
        if not self.missing:
            return []
        taken = f"scored as {UNKNOWN}" if self._has_unknown else f"impossible, since it has no {UNKNOWN}"
        some = ", ".join(self.missing[:8]) + (", ..." if len(self.missing) > 8 else "")
        return [f"{len(self.missing)} words are not in the LM and are {taken}: {some}"]

    def _place_words(self, model: NgramModel, words: SymbolTable, unknown_penalty: float) -> None:
        """word_id -> the model's word, and what is added to its score."""
        unknown = model.index_of.get(UNKNOWN, _NO_WORD)
        self._has_unknown = unknown != _NO_WORD
        own = [_NO_WORD if word in RESERVED_WORDS else model.index_of.get(word, unknown) for word in words]
        self._own = np.array(own, dtype=np.int64)
        self._added = np.where(self._own == unknown, unknown_penalty, 0.0)
        self._added[self._own == _NO_WORD] = -np.inf
        self.missing = [word for word in words if word not in model.index_of and word not in RESERVED_WORDS
                        and word.lower() != UNKNOWN]

    def _place_unigrams(self, histories: Histories) -> None:
        unigrams, used = histories.tables[0], histories.is_used(histories.tables[0])
        words = unigrams.word_ids[used, 0]
        self._unigram_score = np.full(self._num_words, -np.inf)
        self._unigram_score[words] = (unigrams.log10_prob + histories.paid[0])[used] * _LOG_10
        self._unigram_after = np.full(self._num_words, self._empty)
        self._unigram_after[words] = histories.node[0][used]

    def _place_ngrams(self, histories: Histories) -> None:
        keys, scores, after = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0, np.int32)]
        self._backoff = np.zeros(self.num_states)
        self._below = np.full(self.num_states, self._empty, dtype=np.int32)
        for n, table in enumerate(histories.tables):
            if n > 0:
                keys.append(histories.sources(n) * self._num_words + table.word_ids[:, -1])
                scores.append((table.log10_prob + histories.paid[n]) * _LOG_10)
                after.append(histories.node[n].astype(np.int32))
            rows = np.flatnonzero(histories.state_of[n] >= 0)
            states = histories.state_of[n][rows]
            self._backoff[states] = (table.log10_backoff + histories.below_paid[n])[rows] * _LOG_10
            self._below[states] = histories.below[n][rows]
        order = np.argsort(np.concatenate(keys), kind="stable")
        self._keys, self._scores, self._after = (np.concatenate(column)[order] for column in (keys, scores, after))

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Raises InputError for word_ids that words.txt had not when the model was opened."""
        check_range("word_ids that a language model is asked about", word_ids, 0, len(self._own))
        own = self._own[word_ids]
        scores, after = self._follow(states, np.maximum(own, 0))
        return scores + self._added[word_ids], np.where(own == _NO_WORD, self._empty, after)

    def final(self, states: np.ndarray) -> np.ndarray:
        return self._final[states]

    def reset(self) -> None:
        """Nothing to forget."""

    def _follow(self, states: np.ndarray, words: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Scores of the model's words after states, and the states after them."""
        at = np.array(states, dtype=np.int64)
        scores, after = np.zeros(len(at)), np.full(len(at), self._empty, dtype=np.int64)
        pending = np.flatnonzero(at != self._empty)
        while len(pending):
            found, rows = find_sorted(self._keys, at[pending] * self._num_words + words[pending])
            done = pending[found]
            scores[done] += self._scores[rows[found]]
            after[done] = self._after[rows[found]]
            pending = pending[~found]
            scores[pending] += self._backoff[at[pending]]
            at[pending] = self._below[at[pending]]
            pending = pending[at[pending] != self._empty]
        lowest = np.flatnonzero(at == self._empty)
        scores[lowest] += self._unigram_score[words[lowest]]
        after[lowest] = self._unigram_after[words[lowest]]
        return scores, after
