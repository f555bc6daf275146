"""Lattices as the search leaves them: an arc consumes a frame or none."""

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from graphs.lattices.base import BaseLattice, FrameEntries, Path

__all__ = ["Lattice", "Path"]


@dataclass
class Lattice(BaseLattice):
    """An arc consumes a frame (transition_id > 0) or none (transition_id 0: final arcs, and arcs that carry the second
    word of an output label).

    Attributes: those of BaseLattice, and
      transition_id: ``[num_arcs]`` int32, 0 for none.
    """

    utterance_id: str
    num_frames: int
    src: np.ndarray
    dst: np.ndarray
    transition_id: np.ndarray
    word_id: np.ndarray
    acoustic: np.ndarray
    graph: np.ndarray
    partial: bool = False

    def __post_init__(self):
        self._check_arrays("transition_id")

    @property
    def arc_frames(self) -> np.ndarray:
        return (self.transition_id > 0).astype(np.int64)

    def frame_entries(self, arcs: Optional[np.ndarray] = None) -> FrameEntries:
        transition_id = self.transition_id if arcs is None else self.transition_id[arcs]
        rows = np.flatnonzero(transition_id > 0)
        return FrameEntries(rows, np.zeros(len(rows), np.int64), transition_id[rows])

    def with_arcs(self, arcs: np.ndarray, src: np.ndarray, dst: np.ndarray, **columns) -> "Lattice":
        own = {name: getattr(self, name)[arcs] for name in ("word_id", "acoustic", "graph") if name not in columns}
        return Lattice(self.utterance_id, self.num_frames, src, dst, self.transition_id[arcs], partial=self.partial,
                       **own, **columns)

    def to_text(self, words: Optional[Sequence[str]] = None) -> str:
        """One arc a line: src dst transition_id word acoustic graph; ended by an empty line."""
        return self._text(words, self.transition_id.tolist())
