"""The histories of a back-off n-gram model that a path has to tell apart, as states.

A state is a history with a continuation, the empty one or <s>. What the back-off weight of any other history would
cost is paid on the way into the state that stands for it: the longest end of the history that is a state.
"""

from typing import List, Sequence

import numpy as np

from graphs.grammar.ngram import NgramIndex, NgramModel, NgramTable
from graphs.lang.lexicon import SENTENCE_END, SENTENCE_START


class Histories:
    """States, order by order. A row is one of an n-gram table.

    Attributes:
      start, end: places of ``<s>`` and ``</s>`` in the model's words, -1 for none.
      has_start: state 0 is ``<s>``.
      empty: the state of the empty history.
      state_of: ``[order - 1][row]`` the state of an n-gram, -1 if it has none.
      node, paid: ``[order - 1][row]`` where a path stands after an n-gram (the longest end of it that is a state), and
        what it pays for histories that are no states; log10 weights.
      below, below_paid: the same for the n-gram without its first word, to which its state backs off.
    """

    def __init__(self, tables: Sequence[NgramTable], model: NgramModel):
        """tables: those of the model, or parts of them; an n-gram's history is among them, too."""
        self.tables = tables
        self.start = model.index_of.get(SENTENCE_START, -1)
        self.end = model.index_of.get(SENTENCE_END, -1)
        self.index = NgramIndex(tables, len(model.words))
        self._number_states()
        self._find_nodes()

    def is_used(self, table: NgramTable) -> np.ndarray:
        """n-grams that lead somewhere: not the unigram <s>, which is never predicted."""
        return table.word_ids[:, -1] != self.start

    def _number_states(self) -> None:
        self.state_of: List[np.ndarray] = []
        unigrams = self.tables[0].word_ids[:, 0]
        self.has_start = bool((unigrams == self.start).any())
        self.empty = 1 if self.has_start else 0
        next_state = self.empty + 1
        for n, table in enumerate(self.tables):
            is_state = np.zeros(len(table), bool)
            if n + 1 < len(self.tables):
                is_state[self.index.prefix_rows[n + 1][self.is_used(self.tables[n + 1])]] = True
            if n == 0:
                is_state &= unigrams != self.start
            state = np.where(is_state, next_state - 1 + np.cumsum(is_state), -1)
            next_state += int(is_state.sum())
            if n == 0:
                state[unigrams == self.start] = 0
            self.state_of.append(state)
        self.num_states = next_state

    def _find_nodes(self) -> None:
        self.node, self.paid, self.below, self.below_paid = [], [], [], []
        for n, table in enumerate(self.tables):
            below = np.full(len(table), self.empty)
            below_paid = np.zeros(len(table))
            pending = np.arange(len(table))
            for length in range(n, 0, -1):  # ends of n words, n - 1 words, ...
                rows = self.index.rows(table.word_ids[pending, -length:])
                found = rows >= 0
                below[pending[found]] = self.node[length - 1][rows[found]]
                below_paid[pending[found]] = self.paid[length - 1][rows[found]]
                pending = pending[~found]
            is_state = self.state_of[n] >= 0
            self.below.append(below)
            self.below_paid.append(below_paid)
            self.node.append(np.where(is_state, self.state_of[n], below))
            self.paid.append(np.where(is_state, 0.0, table.log10_backoff + below_paid))

    def sources(self, n: int) -> np.ndarray:
        """State of the history of each n-gram of order n + 1."""
        if n == 0:
            return np.full(len(self.tables[0]), self.empty)
        return self.state_of[n - 1][self.index.prefix_rows[n]]
