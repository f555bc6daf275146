"""Composition of lattices with automata over words, and with each other."""

from typing import Sequence, Tuple, Union

import numpy as np

from graphs.checks import check_size, weights_of
from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.grammar.language_model import LanguageModel
from graphs.fst.ragged import ragged_ranges
from graphs.lattices.acceptor import Acceptor, ArcAcceptor, Follow, ModelAcceptor, lattice_acceptor
from graphs.lattices.base import AnyLattice, BaseLattice
from graphs.lattices.compact_lattice import CompactLattice, compact
from graphs.lattices.lattice import Lattice
from graphs.lattices.rows import is_new
from graphs.lattices.structure import connect


def compose(lattice: AnyLattice, acceptor: Union[Arcs, LanguageModel], scale: float = 1.0,
            backoff: int = 0) -> AnyLattice:
    """The paths of the lattice whose words the acceptor accepts; its scores are added to the graph scores.

    Args:
      acceptor: over words (input labels), such as G, or a language model.
      scale: factor on its scores; -1.0 takes back what was added before.
      backoff: label of failure arcs (#0 of G): taken only where no arc has the word, so that scores are those of the
        model. 0 for none; epsilons are taken freely.
    Raises: InputError when no path is left.
    """
    made = ArcAcceptor(acceptor, backoff) if isinstance(acceptor, Arcs) else ModelAcceptor(acceptor)
    return _composed(lattice, made, scale)


def intersect(lattice: AnyLattice, other: BaseLattice, weight: float = 1.0) -> AnyLattice:
    """The word sequences of both, on the paths of the first, each with the best path of the other: both scores are
    sums, those of the other times `weight`. Determinize the other first: it is followed word by word.

    Raises: InputError when they have no word sequence in common.
    """
    return _composed(lattice, lattice_acceptor(other), weight)


def _composed(lattice: AnyLattice, acceptor: Acceptor, scale: float) -> AnyLattice:
    check_size("scale of the acceptor", scale)
    lattice.scores()  # which checks them
    product = _Product(lattice, acceptor)
    arcs, src, dst, acoustic, graph = product.arcs()
    acoustic = lattice.acoustic[arcs] + scale * acoustic
    graph = lattice.graph[arcs] + scale * graph
    return connect(lattice.with_arcs(arcs, src, dst, acoustic=acoustic, graph=graph))


class _Product:
    """Pairs of a state of the lattice and one of the acceptor; those of a state of the lattice are numbered together,
    level by level."""

    def __init__(self, lattice: BaseLattice, acceptor: Acceptor):
        self.lattice, self.acceptor = lattice, acceptor
        self._first, self._count = np.zeros((2, lattice.num_states), np.int64)
        self._count[0], self._size = 1, 1
        self._state = np.full(1 << 10, acceptor.start, np.int64)  # of the acceptor, by pair

    def arcs(self) -> Tuple[np.ndarray, ...]:
        """Arcs of the lattice, pairs that they leave and enter, scores of the acceptor. The pairs of the last state are
        one, the last; where the acceptor does not end they are none.

        Raises: InputError when no arc leads there.
        """
        found = [self._step(arcs) for arcs, _, _ in self.lattice.levels.into]
        arcs, src, dst, acoustic, graph = (np.concatenate(column) for column in zip(*found))
        end = self._first[-1] if self._count[-1] else self._size
        final = self.acceptor.final(self._state[end:self._size])
        bonus = np.zeros((2, self._size))  # of entering each pair
        bonus[:, end:] = -np.inf
        bonus[:, end + final.rows] = final.acoustic, final.graph
        kept = np.flatnonzero(bonus[1, dst] > -np.inf)
        if not (dst[kept] >= end).any():
            raise InputError(f"lattice {self.lattice.utterance_id}", "a path that is accepted", "none")
        acoustic, graph = np.stack([acoustic, graph])[:, kept] + bonus[:, dst[kept]]
        return arcs[kept], src[kept], np.minimum(dst[kept], end), acoustic, graph

    def _step(self, arcs: np.ndarray) -> Tuple[np.ndarray, ...]:
        """Of the arcs into one level."""
        sources = self.lattice.src[arcs]
        rows, pairs = ragged_ranges(self._first[sources], self._count[sources])
        arcs = arcs[rows]
        ways = self._follow(self._state[pairs], self.lattice.word_id[arcs].astype(np.int64))
        dst = self.lattice.dst[arcs[ways.rows]]
        order = np.lexsort((ways.states, dst))
        new = is_new(dst[order], ways.states[order])
        number = np.empty(len(order), np.int64)
        number[order] = self._size + np.cumsum(new) - 1
        self._number(dst[order][new], ways.states[order][new])
        return arcs[ways.rows], pairs[ways.rows], number, ways.acoustic, ways.graph

    def _follow(self, states: np.ndarray, word_ids: np.ndarray) -> Follow:
        """Each pair of state and word is asked for once; without a word the state stays."""
        silent, spoken = np.flatnonzero(word_ids == 0), np.flatnonzero(word_ids > 0)
        nothing = np.zeros(len(silent))
        ways = Follow(silent, states[silent], nothing, nothing)
        if not len(spoken):
            return ways
        order = spoken[np.lexsort((word_ids[spoken], states[spoken]))]
        new = is_new(states[order], word_ids[order])
        found = self.acceptor.follow(states[order[new]], word_ids[order[new]])
        by_row = np.argsort(found.rows, kind="stable")
        bounds = np.searchsorted(found.rows[by_row], np.arange(int(new.sum()) + 1))
        asked = np.cumsum(new) - 1
        rows, at = ragged_ranges(bounds[asked], bounds[asked + 1] - bounds[asked])
        found = Follow(order[rows], *(column[by_row[at]] for column in found[1:]))
        return Follow(*(np.concatenate(pair) for pair in zip(ways, found)))

    def _number(self, dst: np.ndarray, states: np.ndarray) -> None:
        """Files new pairs, sorted by the state of the lattice."""
        first, self._size = self._size, self._size + len(dst)
        while self._size > len(self._state):
            self._state = np.concatenate([self._state, self._state])
        self._state[first:self._size] = states
        begins = np.flatnonzero(is_new(dst))
        self._first[dst[begins]], self._count[dst[begins]] = first + begins, np.diff(begins, append=len(dst))


def union(lattices: Sequence[BaseLattice], weights: Sequence[float] = (), graph_scale: float = 1.0,
          acoustic_scale: float = 1.0) -> CompactLattice:
    """All paths of lattices of one utterance, by any models over the same words. The posterior of a path, at these
    scales, is the weighted mean of those that it has in each lattice: the logarithms of weight and of one over the sum
    over a lattice's paths are added to the graph scores of the arcs out of its start.

    Args:
      weights: one for each, at least 0; empty for equal ones. Lattices of weight 0 are left out.
    Raises: InputError for lattices of other utterances or lengths, weights that cannot be, and a graph_scale of 0.
    """
    weights = weights_of("weights of lattices", weights, len(lattices))
    if not graph_scale > 0:
        raise InputError("graph_scale", "a number above 0, since weights become graph scores", str(graph_scale))
    first, parts = lattices[0], []
    for weight, lattice in zip(weights, lattices):
        if (lattice.utterance_id, lattice.num_frames) != (first.utterance_id, first.num_frames):
            raise InputError(f"lattice {lattice.utterance_id} of {lattice.num_frames} frames",
                             f"{first.utterance_id} of {first.num_frames}, as the first", "another")
        if weight > 0:
            one = compact(lattice) if isinstance(lattice, Lattice) else lattice
            _, total = one.arc_totals(one.scores(graph_scale, acoustic_scale))
            parts.append((one, (np.log(weight / sum(weights)) - total) / graph_scale))
    # the starts are one state, and so are the ends
    before = np.cumsum([0, *(one.num_states - 2 for one, _ in parts)])
    last = int(before[-1]) + 1
    columns = []
    for (one, gain), offset in zip(parts, before.tolist()):
        dst = np.where(one.dst < one.num_states - 1, one.dst + offset, last)
        graph = one.graph + np.where(one.src > 0, 0.0, gain)
        columns.append((np.where(one.src > 0, one.src + offset, 0), dst, one.word_id, one.acoustic, graph,
                        one.transition_ids, one.arc_frames))
    *columns, lengths = (np.concatenate(column) for column in zip(*columns))
    return CompactLattice(first.utterance_id, first.num_frames, *columns, np.cumsum(lengths),
                          any(lattice.partial for lattice in lattices))
