"""Minimization: states from which the same paths lead to the end become one."""

import numpy as np

from graphs.lattices.base import AnyLattice
from graphs.lattices.rows import mix, rounded, string_hashes
from graphs.lattices.weights import push

QUANTUM = 2.0 ** -10  # scores that round to the same multiple are equal (Kaldi's delta)


def minimize(lattice: AnyLattice, graph_scale: float = 1.0, acoustic_scale: float = 1.0) -> AnyLattice:
    """The same paths, with scores pushed towards the start. Of a determinized lattice it is the smallest that leaves
    the transition_ids where they are.

    Two states are the same when their arcs are: in words, strings, pushed scores and the states that they enter. They
    are compared by hashes of 64 bits, from the end to the start. The scales say which path scores are pushed along.
    """
    lattice = push(lattice, graph_scale, acoustic_scale)
    entries = lattice.frame_entries()
    of_arc = string_hashes(entries.transition_ids, np.cumsum(lattice.arc_frames)) + lattice.word_id.astype(np.uint64)
    for score in (lattice.acoustic, lattice.graph):
        of_arc = mix(of_arc) + rounded(score.astype(np.float64), QUANTUM)
    name = np.zeros(lattice.num_states, np.uint64)
    name[-1] = 1
    for arcs, states, starts in reversed(lattice.levels.out_of):
        name[states] = mix(np.add.reduceat(mix(mix(of_arc[arcs]) + name[lattice.dst[arcs]]), starts))
    name[0] = 0  # the start stays alone
    _, first, place = np.unique(name, return_index=True, return_inverse=True)
    # the last of each class comes after all states that lead to it
    last = np.zeros(len(first), np.int64)
    np.maximum.at(last, place.ravel(), np.arange(lattice.num_states))
    stands_for = last[place.ravel()]
    kept = np.flatnonzero(stands_for[lattice.src] == lattice.src)
    used = np.flatnonzero(stands_for == np.arange(lattice.num_states))
    number = np.zeros(lattice.num_states, np.int64)
    number[used] = np.arange(len(used))
    return lattice.with_arcs(kept, number[lattice.src[kept]], number[stands_for[lattice.dst[kept]]])
