"""What a word LM says of the words of a vocabulary, and of all words of a range together, after each of its states."""

from typing import Dict, Optional, Tuple

import numpy as np

from graphs.fst.ragged import ragged_ranges
from graphs.grammar.language_model import LanguageModel

LOOK_AHEADS = ("history", "start", "none")
_MOST_NUMBERS = 1 << 23  # that are kept at once
_LEAST = -50.0


class WordScores:
    """Words are places in the vocabulary; the place behind the last one is that of the unknown word."""

    def __init__(self, lm: LanguageModel, word_ids: np.ndarray, oov_id: Optional[int], unknown_penalty: float,
                 look_ahead: str):
        """
        Args:
          word_ids: ``[V]`` int64 of the vocabulary.
          oov_id: word_id of the unknown word; None where there are no unknown words.
          unknown_penalty: natural log, added to the unknown word's.
          look_ahead: see WordFusionOptions.
        """
        self.lm, self._look_ahead, self.looks_ahead = lm, look_ahead, look_ahead != "none"
        self._has_unknown, self._penalty = oov_id is not None, unknown_penalty
        self.unknown = len(word_ids)
        self._word_ids = np.append(word_ids, oov_id if self._has_unknown else word_ids[0])
        self.reset()

    def reset(self) -> None:
        self.lm.reset()
        self._row: Dict[int, int] = {}
        self._table = np.zeros((0, len(self._word_ids)))

    def word(self, states: np.ndarray, places: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """``[N]`` log probability of a word after each state, penalty and all, and the state after it."""
        scores, after = self.lm.advance(states, self._word_ids[places])
        return self._with_penalty(scores, places), after

    def ahead(self, states: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
        """``[N]`` log of the sum over words first .. end - 1, of which there is one at least, where there is a
        look-ahead."""
        if not len(states):
            return np.zeros(0)
        table, rows = self._rows(states)
        counts = end - first
        of, place = ragged_ranges(first, counts)
        values, starts = table[rows[of], place], np.cumsum(counts) - counts
        highest = np.maximum(np.maximum.reduceat(values, starts), np.finfo(float).min)
        with np.errstate(divide="ignore"):
            return self._possible(highest + np.log(np.add.reduceat(np.exp(values - highest[of]), starts)))

    def unknown_ahead(self, states: np.ndarray) -> np.ndarray:
        """``[N]`` log probability of the unknown word, by the look-ahead."""
        if not self._has_unknown:
            return np.full(len(states), -np.inf)
        if not self.looks_ahead or not len(states):
            return np.zeros(len(states))
        table, rows = self._rows(states)
        return self._possible(table[rows, -1])

    def _possible(self, scores: np.ndarray) -> np.ndarray:
        """Of words that cannot start a sentence: they may come later."""
        return np.maximum(scores, _LEAST) if self._look_ahead == "start" else scores

    def _with_penalty(self, scores: np.ndarray, places: np.ndarray) -> np.ndarray:
        return scores + np.where(places == self.unknown, self._penalty if self._has_unknown else -np.inf, 0.0)

    def _rows(self, states: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Scores of all words after states, ``[R, V + 1]``, and the row of each state."""
        if self._look_ahead == "start":
            states = np.full(len(states), self.lm.start)
        distinct, inverse = np.unique(states, return_inverse=True)
        new = [state for state in distinct.tolist() if state not in self._row]
        if new:
            if (len(self._row) + len(new)) * len(self._word_ids) > _MOST_NUMBERS:
                new = distinct.tolist()
                self._row, self._table = {}, self._table[:0]
            places = np.tile(np.arange(len(self._word_ids)), len(new))
            scores, _ = self.lm.advance(np.repeat(new, len(self._word_ids)), self._word_ids[places])
            first = len(self._row)
            self._make_room(first + len(new))
            self._table[first:first + len(new)] = self._with_penalty(scores, places).reshape(len(new), -1)
            self._row.update(zip(new, range(first, first + len(new))))
        return self._table, np.array([self._row[state] for state in distinct.tolist()])[inverse.reshape(-1)]

    def _make_room(self, rows: int) -> None:
        if rows > len(self._table):
            larger = np.empty((max(rows, 2 * len(self._table)), len(self._word_ids)))
            larger[:len(self._table)] = self._table
            self._table = larger
