"""What lattices are made of, without regard to scores: paths that lead to the end, order of states, direction, size."""

from typing import NamedTuple

import numpy as np

from graphs.errors import InputError
from graphs.fst.ragged import ragged_ranges
from graphs.lattices.base import AnyLattice, BaseLattice
from graphs.lattices.compact_lattice import CompactLattice


def connect(lattice: AnyLattice) -> AnyLattice:
    """Without the arcs and states that are on no path from start to end.

    Raises: InputError when there is no such path.
    """
    totals, _ = lattice.arc_totals(np.zeros(lattice.num_arcs), best=True)
    return lattice.select(np.isfinite(totals))


def topological_sort(lattice: AnyLattice) -> AnyLattice:
    """The lattice with its states numbered in topological order, those at the same distance from the start in the order
    in which they stood; start and end are the first and the last as before. States that the start does not lead to, and
    their arcs, are gone.

    Raises: InputError for a cycle, for arcs into the start or out of the end, and when the start leads to no end.
    """
    last = lattice.num_states - 1
    if (lattice.dst == 0).any() or (lattice.src == last).any():
        raise InputError(f"lattice {lattice.utterance_id}", "no arc into the start or out of the end", "one")
    distance = _distances(lattice)
    if distance[last] < 0:
        raise InputError(f"lattice {lattice.utterance_id}", "a path from start to end", "none")
    distance[last] = distance.max()  # of equals the last comes last
    kept = np.flatnonzero(distance[lattice.src] >= 0)
    states = np.flatnonzero(distance >= 0)
    number = np.zeros(lattice.num_states, np.int64)
    number[states[np.argsort(distance[states], kind="stable")]] = np.arange(len(states))
    src, dst = number[lattice.src[kept]], number[lattice.dst[kept]]
    order = np.argsort(src, kind="stable")
    return lattice.with_arcs(kept[order], src[order], dst[order])


def _distances(lattice: BaseLattice) -> np.ndarray:
    """``[num_states]`` arcs of the longest way from the start; -1 where there is none."""
    order = np.argsort(lattice.src, kind="stable")
    first = np.searchsorted(lattice.src[order], np.arange(lattice.num_states + 1))
    reached = _reached(lattice.dst[order], first)
    waiting = np.bincount(lattice.dst[reached[lattice.src]], minlength=lattice.num_states)
    distance = np.full(lattice.num_states, -1, np.int64)
    front, step, seen = np.zeros(1, np.int64), 0, 0
    while len(front):
        distance[front], seen = step, seen + len(front)
        _, at = ragged_ranges(first[front], first[front + 1] - first[front])
        ends = lattice.dst[order[at]]
        np.subtract.at(waiting, ends, 1)
        ends = np.unique(ends)
        front, step = ends[waiting[ends] == 0], step + 1
    if seen < reached.sum():
        raise InputError(f"lattice {lattice.utterance_id}", "no cycle", "one")
    return distance


def _reached(dst: np.ndarray, first: np.ndarray) -> np.ndarray:
    """``[num_states]`` bool: the start leads there. dst: of arcs by their source; first: where each source's begin."""
    reached = np.zeros(len(first) - 1, bool)
    front = np.zeros(1, np.int64)
    while len(front):
        reached[front] = True
        _, at = ragged_ranges(first[front], first[front + 1] - first[front])
        ends = np.unique(dst[at])
        front = ends[~reached[ends]]
    return reached


def reverse(lattice: AnyLattice) -> AnyLattice:
    """Every path backwards: words, and transition_ids frame by frame."""
    last = lattice.num_states - 1
    arcs = np.arange(lattice.num_arcs)[::-1]
    turned = lattice.with_arcs(arcs, last - lattice.dst[arcs], last - lattice.src[arcs])
    if isinstance(turned, CompactLattice):
        starts = np.append(0, turned.ends[:-1])
        rows, letters = ragged_ranges(starts, turned.arc_frames)
        turned.transition_ids = turned.transition_ids[starts[rows] + turned.ends[rows] - 1 - letters]
    return turned


class Statistics(NamedTuple):
    """Of one lattice. depth: arcs that cross a frame, on average (Kaldi's lattice-depth); log10_paths: logarithm of the
    number of paths; words: different ones."""

    states: int
    arcs: int
    word_arcs: int
    words: int
    depth: float
    log10_paths: float


def statistics(lattice: BaseLattice) -> Statistics:
    """Raises: InputError when no path leads to the end."""
    _, paths = lattice.arc_totals(np.zeros(lattice.num_arcs))
    spoken = lattice.word_id[lattice.word_id > 0]
    return Statistics(lattice.num_states, lattice.num_arcs, len(spoken), len(np.unique(spoken)),
                      float(lattice.arc_frames.sum() / max(1, lattice.num_frames)), paths / np.log(10.0))


def depths(lattice: BaseLattice) -> np.ndarray:
    """``[num_frames]`` int64: arcs that cross each frame."""
    begins = lattice.state_frames()[lattice.src]
    steps = np.zeros(lattice.num_frames + 1, np.int64)
    np.add.at(steps, begins, 1)
    np.add.at(steps, begins + lattice.arc_frames, -1)
    return np.cumsum(steps)[:-1]
