"""Lattices as acceptors, for whatever works on those."""

import numpy as np

from graphs.fst.arcs import Arcs
from graphs.lattices.base import BaseLattice
from graphs.lattices.compact_lattice import CompactLattice


def to_words(lattice: BaseLattice, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
             word_insertion_penalty: float = 0.0) -> Arcs:
    """An acceptor of its words, with epsilons; the scores are scaled sums."""
    return _acceptor(lattice, lattice.word_id, lattice.scores(graph_scale, acoustic_scale, word_insertion_penalty))


def to_transition_ids(lattice: BaseLattice, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
                      word_insertion_penalty: float = 0.0) -> Arcs:
    """An acceptor of its transition_ids, with epsilons where an arc consumes no frame; the scores are scaled sums."""
    frames = lattice.expand() if isinstance(lattice, CompactLattice) else lattice
    return _acceptor(frames, frames.transition_id, frames.scores(graph_scale, acoustic_scale, word_insertion_penalty))


def _acceptor(lattice: BaseLattice, label: np.ndarray, scores: np.ndarray) -> Arcs:
    return Arcs(lattice.src, lattice.dst, label, label, scores, [lattice.num_states - 1], [0.0], lattice.num_states)
