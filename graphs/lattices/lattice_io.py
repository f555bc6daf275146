"""Lattices on disk: numbered .npz parts of many lattices each, arrays laid end to end."""

from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence

import numpy as np

from graphs.archive import Array, check_ends, read_archive, write_archive
from graphs.checks import LARGEST_INT32, check_range
from graphs.errors import InputError, naming
from graphs.lattices.lattice import Lattice

_OF_ARCS = {"src": np.int32, "dst": np.int32, "transition_id": np.int32, "word_id": np.int32,
            "acoustic": np.float32, "graph": np.float32}
_LAYOUT = {
    **{name: Array(dtype, ("arcs",)) for name, dtype in _OF_ARCS.items()},
    "utterance_id": Array(np.str_, ("lattices",)), "num_arcs": Array(np.int64, ("lattices",)),
    "num_frames": Array(np.int64, ("lattices",)), "partial": Array(np.bool_, ("lattices",)),
}
_PATTERN = "lattices.*.npz"


def write_lattices(folder, part: int, lattices: Sequence[Lattice]) -> None:
    """Writes part number `part` of a folder of lattices; it appears whole or not at all."""
    arrays = {name: np.concatenate([np.zeros(0, dtype), *(getattr(item, name) for item in lattices)])
              for name, dtype in _OF_ARCS.items()}
    arrays.update({name: [getattr(item, name) for item in lattices]
                   for name in ("utterance_id", "num_arcs", "num_frames", "partial")})
    write_archive(lattice_part(folder, part), _LAYOUT, arrays)


def lattice_part(folder, part: int) -> Path:
    """The file of a part."""
    return Path(folder) / f"lattices.{part:05d}.npz"


def read_lattices(folder, utterance_id: Optional[str] = None) -> Iterator[Lattice]:
    """The lattices of a folder, or the one of an utterance, in the order in which they were written.

    Raises: InputError when there are none, when a part is damaged, or when a lattice's arcs are not its own.
    """
    parts = sorted(Path(folder).glob(_PATTERN))
    if not parts:
        raise InputError(str(folder), f"a folder of lattices ({_PATTERN})", "none")
    for path in parts:
        arrays = read_archive(path, _LAYOUT)
        ends = _ends(path, arrays)
        names, num_frames, partial = (arrays[name].tolist() for name in ("utterance_id", "num_frames", "partial"))
        for i, name in enumerate(names):
            if utterance_id in (None, name):
                piece = slice(ends[i - 1] if i else 0, ends[i])
                with naming(str(path)):
                    lattice = Lattice(name, num_frames[i], partial=partial[i],
                                      **{key: arrays[key][piece] for key in _OF_ARCS})
                    # every state but the first is entered by an arc
                    check_range(f"lattice {name}, dst", lattice.dst, 1, lattice.num_arcs + 1)
                yield lattice


def _ends(path: Path, arrays: Dict[str, np.ndarray]) -> np.ndarray:
    """Where the arcs of each lattice end, when all is in order."""
    for name in ("num_arcs", "num_frames"):
        check_range(f"{path}, {name}", arrays[name], 0, LARGEST_INT32)
    if not (arrays["src"] < arrays["dst"]).all():
        raise InputError(f"{path}, dst", "states after those that the arcs leave", "one that is not")
    ends = np.cumsum(arrays["num_arcs"])
    check_ends(f"{path}, num_arcs", ends, len(arrays["src"]))
    return ends
