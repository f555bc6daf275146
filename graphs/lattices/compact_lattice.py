"""Lattices of words: an arc consumes any number of frames (Kaldi's CompactLattice)."""

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from graphs.archive import check_ends
from graphs.checks import LARGEST_INT32, check_one_length, check_range, ids_array
from graphs.fst.ragged import ragged_ranges
from graphs.lattices.base import BaseLattice, FrameEntries
from graphs.lattices.lattice import Lattice
from graphs.lattices.levels import check_order
from graphs.lattices.rows import is_new


@dataclass
class CompactLattice(BaseLattice):
    """An arc has a word or none, and a string of transition_ids, one for each frame.

    Attributes: those of BaseLattice, and
      transition_ids: ``[frames of all arcs]`` int32 above 0, the arcs' strings end to end.
      ends: ``[num_arcs]`` int64, where each arc's string ends.
    """

    utterance_id: str
    num_frames: int
    src: np.ndarray
    dst: np.ndarray
    word_id: np.ndarray
    acoustic: np.ndarray
    graph: np.ndarray
    transition_ids: np.ndarray
    ends: np.ndarray
    partial: bool = False

    def __post_init__(self):
        self._check_arrays()
        self.transition_ids = ids_array(f"{self._item}, transition_ids", self.transition_ids)
        check_range(f"{self._item}, transition_ids", self.transition_ids, 1, LARGEST_INT32 + 1)
        self.ends = ids_array(f"{self._item}, ends", self.ends).astype(np.int64)
        check_one_length(f"arcs of {self._item}", src=self.src, ends=self.ends)
        check_ends(f"{self._item}, ends", self.ends, len(self.transition_ids))

    @property
    def arc_frames(self) -> np.ndarray:
        return np.diff(self.ends, prepend=0)

    def frame_entries(self, arcs: Optional[np.ndarray] = None) -> FrameEntries:
        counts, starts = self.arc_frames, np.append(0, self.ends[:-1])
        if arcs is not None:
            counts, starts = counts[arcs], starts[arcs]
        rows, at = ragged_ranges(starts, counts)
        return FrameEntries(rows, at - starts[rows], self.transition_ids[at])

    def with_arcs(self, arcs: np.ndarray, src: np.ndarray, dst: np.ndarray, **columns) -> "CompactLattice":
        own = {name: getattr(self, name)[arcs] for name in ("word_id", "acoustic", "graph") if name not in columns}
        return CompactLattice(
            self.utterance_id, self.num_frames, src, dst, transition_ids=self.frame_entries(arcs).transition_ids,
            ends=np.cumsum(self.arc_frames[arcs]), partial=self.partial, **own, **columns)

    def expand(self) -> Lattice:
        """The same paths with an arc for each frame; words and scores stand on the first arc of each string."""
        pieces = np.maximum(self.arc_frames, 1)
        rows, places = ragged_ranges(np.zeros_like(pieces), pieces)
        first, last = places == 0, places == pieces[rows] - 1
        transition_id = np.zeros(len(rows), np.int32)
        transition_id[self.arc_frames[rows] > 0] = self.transition_ids
        # the states inside an arc stand between the one that it leaves and the next
        inner = np.flatnonzero(~last)
        order = inner[np.argsort(self.src[rows[inner]], kind="stable")]
        before = np.cumsum(np.bincount(self.src, weights=pieces - 1, minlength=self.num_states)).astype(np.int64)
        number = np.arange(self.num_states) + np.append(0, before[:-1])
        new = np.zeros(len(rows), np.int64)
        new[order] = np.arange(len(order)) + self.src[rows[order]] + 1
        src = np.where(first, number[self.src[rows]], np.append(0, new[:-1]))
        dst = np.where(last, number[self.dst[rows]], new)
        return Lattice(self.utterance_id, self.num_frames, src, dst, transition_id,
                       np.where(first, self.word_id[rows], 0), np.where(first, self.acoustic[rows], 0.0),
                       np.where(first, self.graph[rows], 0.0), self.partial)

    def to_text(self, words: Optional[Sequence[str]] = None) -> str:
        """One arc a line: src dst transition_ids word acoustic graph, transition_ids joined by `_`, `-` for none; ended
        by an empty line."""
        texts = [str(i) for i in self.transition_ids.tolist()]
        starts = np.append(0, self.ends[:-1]).tolist()
        return self._text(words, ["_".join(texts[i:j]) or "-" for i, j in zip(starts, self.ends.tolist())])


def compact(lattice: Lattice) -> CompactLattice:
    """The same paths, states with one way in and one way out gone where the arc after them has no word.

    Words stay on the frames where they are; `expand` gives back as many arcs, their scores summed up on the first of
    each stretch.

    Raises: InputError for states that are not in topological order.
    """
    check_order(lattice.src, lattice.dst, f"lattice {lattice.utterance_id}")
    ways_in = np.bincount(lattice.dst, minlength=lattice.num_states)
    ways_out = np.bincount(lattice.src, minlength=lattice.num_states)
    into = np.zeros(lattice.num_states, np.int64)
    into[lattice.dst] = np.arange(lattice.num_arcs)
    inner = (ways_in == 1) & (ways_out == 1)
    inner[lattice.src[lattice.word_id > 0]] = False
    root, place = _follow(np.where(inner[lattice.src], into[lattice.src], np.arange(lattice.num_arcs)))
    order = np.lexsort((place, root))
    heads = np.flatnonzero(is_new(root[order]))
    first, last = order[heads], order[np.append(heads[1:], len(order)) - 1]
    frames = lattice.transition_id[order] > 0
    dst = lattice.dst[last]
    used = ~inner
    number = np.cumsum(used) - 1
    return CompactLattice(
        lattice.utterance_id, lattice.num_frames, number[lattice.src[first]], number[dst], lattice.word_id[first],
        np.add.reduceat(lattice.acoustic[order].astype(np.float64), heads),
        np.add.reduceat(lattice.graph[order].astype(np.float64), heads),
        lattice.transition_id[order][frames], np.cumsum(np.add.reduceat(frames.astype(np.int64), heads)),
        lattice.partial)


def _follow(before: np.ndarray):
    """Where each chain begins, and how many steps lie before each place. before: the place before, or itself."""
    place = (before != np.arange(len(before))).astype(np.int64)
    while True:
        further = before[before]
        if np.array_equal(further, before):
            return before, place
        place = place + place[before]
        before = further
