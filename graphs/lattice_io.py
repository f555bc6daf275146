"""Lattices on disk: numbered .npz parts of many lattices each, arrays laid end to end."""

import os
from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence

import numpy as np

from graphs.errors import InputError
from graphs.lattice import Lattice

_ARRAYS = {"src": np.int32, "dst": np.int32, "transition_id": np.int32, "word_id": np.int32,
           "acoustic": np.float32, "graph": np.float32}
_PATTERN = "lattices.*.npz"


def write_lattices(folder, part: int, lattices: Sequence[Lattice]) -> None:
    """Writes part number `part` of a folder of lattices; it appears whole or not at all."""
    arrays = {name: np.concatenate([np.zeros(0, kind), *(getattr(item, name) for item in lattices)])
              for name, kind in _ARRAYS.items()}
    arrays.update(
        utterance_id=np.array([item.utterance_id for item in lattices], dtype=np.str_),
        num_arcs=np.array([item.num_arcs for item in lattices], dtype=np.int64),
        num_frames=np.array([item.num_frames for item in lattices], dtype=np.int64),
        partial=np.array([item.partial for item in lattices], dtype=bool))
    path = lattice_part(folder, part)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as stream:
        np.savez(stream, **arrays)
    os.replace(temporary, path)


def lattice_part(folder, part: int) -> Path:
    """The file of a part."""
    return Path(folder) / f"lattices.{part:05d}.npz"


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
