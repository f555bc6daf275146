"""G as a language model with states: what decoding with G gives a sentence, word by word.

G's back-off arcs are epsilons, so a path may back off although the longer n-gram is there, and the search takes the
best of these paths. That score, at least the model's own probability, is what lattices hold and what rescoring has to
take out of them. Here all paths go on at once, as in determinization: a state is the set of G's states that paths
with the same words have reached, each with what it is behind the best; at most one for each length of history.
"""

from typing import Dict, Optional, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.grammar.grammar_fst import make_grammar_fst
from graphs.grammar.ngram import NgramModel
from graphs.growing import GrowingArray
from graphs.lang.lexicon import BACKOFF
from graphs.lang.symbols import SymbolTable

_DECIMALS = 9  # what is behind is rounded to, so that paths with the same history are not told apart by float noise
_NONE = -1


class GrammarLm:
    """A graphs.grammar.language_model.LanguageModel."""

    start = 0

    def __init__(self, grammar: Arcs, backoff_label: int):
        """
        Args:
          grammar: G; its arcs carry words, or the back-off label and no word.
        Raises: InputError for a state with two back-off arcs, and for back-off arcs in a circle.
        """
        back = grammar.ilabel == backoff_label
        words = np.flatnonzero(~back)
        self._num_labels = int(grammar.ilabel.max(initial=0)) + 1
        keys = grammar.src[words].astype(np.int64) * self._num_labels + grammar.ilabel[words]
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self._dst, self._score = grammar.dst[words][order], grammar.score[words][order]
        self._below = np.full(grammar.num_states, _NONE, np.int64)
        self._below[grammar.src[back]] = grammar.dst[back]
        self._below_score = np.zeros(grammar.num_states)
        self._below_score[grammar.src[back]] = grammar.score[back]
        if len(np.unique(grammar.src[back])) < np.count_nonzero(back):
            raise InputError("G", "at most one back-off arc out of a state", "two")
        self._depth = self._longest_backoff()
        self._final = np.full(grammar.num_states, -np.inf)
        np.maximum.at(self._final, grammar.final_state, grammar.final_score.astype(np.float64))
        self.reset()

    @classmethod
    def of(cls, model: NgramModel, words: SymbolTable, oov_word: Optional[str] = None) -> "GrammarLm":
        """See grammar_fst.make_grammar."""
        return cls(make_grammar_fst(model, words, oov_word), words.id_of(BACKOFF))

    def reset(self) -> None:
        self._at = GrowingArray((1,), np.int64)  # [num_states, width] states of G, _NONE where there are fewer
        self._behind = GrowingArray((1,), np.float64)  # [num_states, width], 0 for the best
        self._number: Dict[bytes, int] = {}
        self._numbered(*self._with_backoff(np.zeros((1, 1), np.int64), np.zeros((1, 1))))

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        at, behind = self._at.rows[states], self._behind.rows[states]
        known = (np.asarray(word_ids) < self._num_labels)[:, None] & (at != _NONE)
        keys = np.where(known, at * self._num_labels + np.asarray(word_ids)[:, None], -1)
        first, end = np.searchsorted(self._keys, keys), np.searchsorted(self._keys, keys, side="right")
        reached, scores = [], []
        for parallel in range(int((end - first).max(initial=1)) or 1):  # two where <unk> and the oov word are one
            arc = np.minimum(first + parallel, len(self._keys) - 1)
            found = first + parallel < end
            reached.append(np.where(found, self._dst[arc], _NONE))
            scores.append(np.where(found, behind + self._score[arc], -np.inf))
        return self._numbered(*self._with_backoff(np.concatenate(reached, axis=1), np.concatenate(scores, axis=1)))

    def final(self, states: np.ndarray) -> np.ndarray:
        at = self._at.rows[states]
        return np.where(at == _NONE, -np.inf, self._behind.rows[states] + self._final[at]).max(axis=1, initial=-np.inf)

    def _longest_backoff(self) -> int:
        """Back-off arcs in a row."""
        state, depth = self._below, 0
        while (state != _NONE).any():
            state = np.where(state == _NONE, _NONE, self._below[state])
            depth += 1
            if depth > len(self._below):
                raise InputError("G", "no back-off arcs in a circle", "one")
        return depth

    def _with_backoff(self, at: np.ndarray, scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """States and scores ``[N, K]``, and those that back-off arcs lead to from there: each state once a row with the
        best of its scores, sorted, _NONE and -inf behind them."""
        all_at, all_scores = [at], [scores]
        for _ in range(self._depth):
            scores = np.where(at == _NONE, -np.inf, scores + self._below_score[at])
            at = np.where(at == _NONE, _NONE, self._below[at])
            all_at.append(at)
            all_scores.append(scores)
        at, scores = np.concatenate(all_at, axis=1), np.concatenate(all_scores, axis=1)
        scores = np.where(at == _NONE, -np.inf, scores)
        order = np.lexsort((-scores, at), axis=1)
        at, scores = np.take_along_axis(at, order, 1), np.take_along_axis(scores, order, 1)
        again = np.zeros(at.shape, bool)
        again[:, 1:] = at[:, 1:] == at[:, :-1]
        at = np.where(again | np.isneginf(scores), _NONE, at)
        order = np.argsort(at == _NONE, axis=1, kind="stable")
        width = max(1, int((at != _NONE).sum(axis=1).max(initial=0)))
        at, order = np.take_along_axis(at, order, 1)[:, :width], order[:, :width]
        return at, np.where(at == _NONE, -np.inf, np.take_along_axis(scores, order, 1))

    def _numbered(self, at: np.ndarray, scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """The best score of each row, and the number of the state that the row is (all that is impossible is one)."""
        best = scores.max(axis=1)
        with np.errstate(invalid="ignore"):
            behind = np.round(scores - best[:, None], _DECIMALS) + 0.0
        behind[at == _NONE] = -np.inf
        rows = np.stack([at, behind.view(np.int64)], axis=2).reshape(len(at), 2 * at.shape[1])
        rows, place, inverse = _distinct_rows(rows)
        counts = 16 * (at[place] != _NONE).sum(axis=1)
        numbers = np.empty(len(rows), np.int64)
        new = []
        for i, (row, count) in enumerate(zip(rows, counts.tolist())):
            key = row.tobytes()[:count]
            numbers[i] = self._number.setdefault(key, len(self._number))
            if numbers[i] >= len(self._at) + len(new):
                new.append(place[i])
        if new:
            self._add(at[new], behind[new])
        return best, numbers[inverse]

    def _add(self, at: np.ndarray, behind: np.ndarray) -> None:
        width = max(at.shape[1], self._at.rows.shape[1])
        if width > self._at.rows.shape[1]:
            old_at, old_behind = self._at.rows, self._behind.rows
            self._at, self._behind = GrowingArray((width,), np.int64), GrowingArray((width,), np.float64)
            self._add(old_at, old_behind)
        missing = ((0, 0), (0, width - at.shape[1]))
        self._at.add(np.pad(at, missing, constant_values=_NONE) if missing[1][1] else at)
        self._behind.add(np.pad(behind, missing, constant_values=-np.inf) if missing[1][1] else behind)


def _distinct_rows(rows: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different rows of int64, the place of each, and for each row which of them it is (np.unique, but by sums)."""
    factors = np.random.default_rng(0).integers(1, 2 ** 63, rows.shape[1], dtype=np.uint64)
    sums = (rows.view(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
    _, place, inverse = np.unique(sums, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    if not np.array_equal(rows[place[inverse]], rows):  # two rows of one sum
        distinct, place, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        return distinct, place, inverse.reshape(-1)
    return rows[place], place, inverse
