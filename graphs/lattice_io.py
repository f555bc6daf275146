"""Lattices on disk: numbered .npz parts of many lattices each, arrays laid end to end."""

import os
from pathlib import Path
from typing import Dict, Iterator, List, Optional

import numpy as np

from graphs.errors import InputError
from graphs.lattice import Lattice

_ARRAYS = ("src", "dst", "transition_id", "word_id", "acoustic", "graph")
_PATTERN = "lattices.*.npz"


class LatticeWriter:
    """Writes lattices into `folder`, a part whenever `part_arcs` arcs have come together.

    A part appears whole or not at all, so what a killed run left can be gone on from.
    """

    def __init__(self, folder: Path, part_arcs: int = 2_000_000):
        self._folder, self._part_arcs = Path(folder), part_arcs
        self._folder.mkdir(parents=True, exist_ok=True)
        self._pending: List[Lattice] = []
        self._next = 1 + max((int(p.name.split(".")[1]) for p in self._folder.glob(_PATTERN)), default=-1)

    def __enter__(self) -> "LatticeWriter":
        return self

    def __exit__(self, kind, *rest) -> None:
        if kind is None:
            self.flush()

    def write(self, lattice: Lattice) -> None:
        self._pending.append(lattice)
        if sum(item.num_arcs for item in self._pending) >= self._part_arcs:
            self.flush()

    def flush(self) -> None:
        if not self._pending:
            return
        arrays = {name: np.concatenate([getattr(item, name) for item in self._pending]) for name in _ARRAYS}
        arrays.update(
            utterance_id=np.array([item.utterance_id for item in self._pending]),
            num_arcs=np.array([item.num_arcs for item in self._pending]),
            num_frames=np.array([item.num_frames for item in self._pending]),
            partial=np.array([item.partial for item in self._pending]))
        path = self._folder / f"lattices.{self._next:05d}.npz"
        temporary = path.with_suffix(".tmp")
        with open(temporary, "wb") as stream:
            np.savez(stream, **arrays)
        os.replace(temporary, path)
        self._next += 1
        self._pending = []


def read_lattices(folder, utterance_id: Optional[str] = None) -> Iterator[Lattice]:
    """The lattices of a folder, or the one of an utterance, in the order in which they were written."""
    parts = sorted(Path(folder).glob(_PATTERN))
    if not parts:
        raise InputError(str(folder), f"a folder of lattices ({_PATTERN})", "none")
    for path in parts:
        with np.load(path) as part:
            names = part["utterance_id"].tolist()
            if utterance_id is not None and utterance_id not in names:
                continue
            arrays: Dict[str, np.ndarray] = {name: part[name] for name in _ARRAYS}
            num_arcs, num_frames, partial = part["num_arcs"], part["num_frames"], part["partial"]
        ends = np.cumsum(num_arcs)
        for i, name in enumerate(names):
            if utterance_id in (None, name):
                piece = slice(ends[i] - num_arcs[i], ends[i])
                yield Lattice(name, int(num_frames[i]), partial=bool(partial[i]),
                              **{key: array[piece] for key, array in arrays.items()})
