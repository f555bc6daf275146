"""What a lattice can be composed with: automata over words that follow many words from many states at once."""

from typing import NamedTuple, Protocol

import numpy as np

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.ragged import ragged_ranges
from graphs.grammar.language_model import LanguageModel
from graphs.lattices.base import BaseLattice
from graphs.lattices.rows import is_new

_FINAL = -1  # the label of ending there


class Follow(NamedTuple):
    """Ways on. Each ``[n]``: the row that was asked for; the state after it; the scores."""

    rows: np.ndarray
    states: np.ndarray
    acoustic: np.ndarray
    graph: np.ndarray


class Acceptor(Protocol):
    """Attributes: start: state."""

    start: int

    def follow(self, states: np.ndarray, word_ids: np.ndarray) -> Follow:
        """All ways from each state with its word. states, word_ids: ``[N]`` int64."""

    def final(self, states: np.ndarray) -> Follow:
        """Ways to end after each state, at most one for each; a graph score of -inf is none, too."""


class ModelAcceptor:
    """A language model."""

    def __init__(self, model: LanguageModel):
        self._model, self.start = model, model.start

    def follow(self, states: np.ndarray, word_ids: np.ndarray) -> Follow:
        score, after = self._model.advance(states, word_ids)
        rows = np.flatnonzero(score > -np.inf)
        return Follow(rows, after[rows], np.zeros(len(rows)), score[rows])

    def final(self, states: np.ndarray) -> Follow:
        return Follow(np.arange(len(states)), states, np.zeros(len(states)), self._model.final(states))


class ArcAcceptor:
    """Arcs with labels. Of several ways with one word between two states the best counts, in the sum of both scores."""

    def __init__(self, arcs: Arcs, backoff: int = 0, acoustic: np.ndarray = None):
        """
        Args:
          arcs: input labels are words, 0 is epsilon; output labels are not looked at.
          backoff: label of failure arcs, which are taken only from states without an arc for the word (or the end);
            0 for none. They may also be the plain epsilons of a grammar whose backoff label has been replaced by 0.
          acoustic: ``[num_arcs]`` scores beside those of the arcs.
        Raises: InputError for a state with two failure arcs.
        """
        finals = len(arcs.final_state)
        label = np.append(arcs.ilabel.astype(np.int64), np.full(finals, _FINAL))
        src = np.append(arcs.src, arcs.final_state).astype(np.int64)
        order = np.lexsort((label, src))
        self.start, self._backoff, self._num_states = 0, backoff, arcs.num_states
        self._dst = np.append(arcs.dst, arcs.final_state).astype(np.int64)[order]
        self._graph = np.append(arcs.score, arcs.final_score).astype(np.float64)[order]
        own = np.zeros(arcs.num_arcs) if acoustic is None else acoustic
        self._acoustic = np.append(own, np.zeros(finals))[order]
        self._base = int(label.max(initial=0)) + 2
        self._key = src[order] * self._base + label[order] + 1
        if backoff:
            twice = np.flatnonzero((label[order][1:] == backoff) & (np.diff(self._key) == 0))
            if len(twice):
                raise InputError(f"acceptor, state {src[order][twice[0]]}", "one failure arc", "two")

    def follow(self, states: np.ndarray, word_ids: np.ndarray) -> Follow:
        if self._backoff and (word_ids == self._backoff).any():
            raise InputError("words to be accepted", f"no {self._backoff}, the label of failure arcs", "it")
        return self._matches(states, word_ids)

    def final(self, states: np.ndarray) -> Follow:
        found = self._matches(states, np.full(len(states), _FINAL))
        score = found.acoustic + found.graph
        order = np.lexsort((-score, found.rows))
        best = order[is_new(found.rows[order])]
        return Follow(*(column[best] for column in found))

    def _matches(self, states: np.ndarray, labels: np.ndarray) -> Follow:
        front = Follow(np.arange(len(states)), states, np.zeros(len(states)), np.zeros(len(states)))
        found = []
        for _ in range(self._num_states):
            matched = self._step(front, labels[front.rows])
            found.append(matched)
            epsilon = self._step(front, np.zeros(len(front.rows), np.int64))
            if self._backoff:
                failed = ~np.isin(front.rows, matched.rows)
                failing = Follow(*(column[failed] for column in front))
                back = self._step(failing, np.full(len(failing.rows), self._backoff))
                epsilon = Follow(*(np.concatenate(pair) for pair in zip(epsilon, back)))
            front = _best(epsilon)
            if not len(front.rows):
                return _best(Follow(*(np.concatenate(column) for column in zip(*found))))
        raise InputError("acceptor", "no cycle of epsilons", "one")

    def _step(self, front: Follow, labels: np.ndarray) -> Follow:
        """By the arcs of those labels."""
        known = labels + 1 < self._base
        key = np.where(known, front.states * self._base + labels + 1, -1)
        first, end = np.searchsorted(self._key, key), np.searchsorted(self._key, key, side="right")
        rows, at = ragged_ranges(first, end - first)
        return Follow(front.rows[rows], self._dst[at], front.acoustic[rows] + self._acoustic[at],
                      front.graph[rows] + self._graph[at])


def _best(ways: Follow) -> Follow:
    order = np.lexsort((-(ways.acoustic + ways.graph), ways.states, ways.rows))
    best = order[is_new(ways.rows[order], ways.states[order])]
    return Follow(*(column[best] for column in ways))


def lattice_acceptor(lattice: BaseLattice, graph_scale: float = 1.0, acoustic_scale: float = 1.0) -> ArcAcceptor:
    """The word sequences of a lattice. Scores are scaled."""
    arcs = Arcs(lattice.src, lattice.dst, lattice.word_id, lattice.word_id, graph_scale * lattice.graph,
                [lattice.num_states - 1], [0.0], lattice.num_states)
    return ArcAcceptor(arcs, acoustic=acoustic_scale * lattice.acoustic.astype(np.float64))
