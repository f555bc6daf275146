"""Lattices on disk: numbered .npz parts of many lattices each, arrays laid end to end, of one class."""

from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence, Set, Union

import numpy as np

from graphs.archive import Array, check_ends, read_archive, write_archive
from graphs.checks import LARGEST_INT32, check_range
from graphs.errors import InputError, naming
from graphs.lattices.compact_lattice import CompactLattice
from graphs.lattices.lattice import Lattice

_OF_ARCS = {"src": np.int32, "dst": np.int32, "word_id": np.int32, "acoustic": np.float32, "graph": np.float32}
_OF_BOTH = {
    **{name: Array(dtype, ("arcs",)) for name, dtype in _OF_ARCS.items()},
    "utterance_id": Array(np.str_, ("lattices",)), "num_arcs": Array(np.int64, ("lattices",)),
    "num_frames": Array(np.int64, ("lattices",)), "partial": Array(np.bool_, ("lattices",)),
}
_FRAMEWISE = {**_OF_BOTH, "transition_id": Array(np.int32, ("arcs",))}
_COMPACT = {**_OF_BOTH, "arc_frames": Array(np.int64, ("arcs",)),
            "transition_ids": Array(np.int32, ("frames of arcs",))}
_PATTERN = "lattices.*.npz"


def write_lattices(folder, part: int, lattices: Sequence[Union[Lattice, CompactLattice]]) -> None:
    """Writes part number `part` of a folder of lattices; it appears whole or not at all.

    Raises: InputError for lattices of both classes.
    """
    kinds = {type(lattice) for lattice in lattices}
    if len(kinds) > 1:
        raise InputError(str(lattice_part(folder, part)), "lattices of one class", "Lattice and CompactLattice")
    layout = _COMPACT if kinds == {CompactLattice} else _FRAMEWISE
    arrays = {name: np.concatenate([np.zeros(0, kind.dtype), *(getattr(item, name) for item in lattices)])
              for name, kind in layout.items() if kind.shape != ("lattices",)}
    arrays.update({name: [getattr(item, name) for item in lattices]
                   for name in ("utterance_id", "num_arcs", "num_frames", "partial")})
    write_archive(lattice_part(folder, part), layout, arrays)


def lattice_part(folder, part: int) -> Path:
    """The file of a part."""
    return Path(folder) / f"lattices.{part:05d}.npz"


def read_lattices(folder, utterance_id: Optional[str] = None) -> Iterator[Union[Lattice, CompactLattice]]:
    """The lattices of a folder, or the one of an utterance, in the order in which they were written.

    Raises: InputError when there are none, when a part is damaged, when a lattice's arcs are not its own, or when an
      utterance has two lattices.
    """
    parts = sorted(Path(folder).glob(_PATTERN))
    if not parts:
        raise InputError(str(folder), f"a folder of lattices ({_PATTERN})", "none")
    seen: Set[str] = set()
    for path in parts:
        for lattice in _read_part(path, utterance_id):
            if lattice.utterance_id in seen:
                raise InputError(f"{folder}: {lattice.utterance_id}", "each id once", "it again")
            seen.add(lattice.utterance_id)
            yield lattice


def _read_part(path: Path, utterance_id: Optional[str]) -> Iterator[Union[Lattice, CompactLattice]]:
    arrays = read_archive(path, _FRAMEWISE, _COMPACT)
    ends, strings = _ends(path, arrays), _strings(path, arrays)
    names, num_frames, partial = (arrays[name].tolist() for name in ("utterance_id", "num_frames", "partial"))
    for i, name in enumerate(names):
        if utterance_id not in (None, name):
            continue
        piece = slice(ends[i - 1] if i else 0, ends[i])
        columns = {key: arrays[key][piece] for key in _OF_ARCS}
        with naming(str(path)):
            if strings is None:
                lattice = Lattice(name, num_frames[i], transition_id=arrays["transition_id"][piece],
                                  partial=partial[i], **columns)
            else:
                first, last = strings[piece.start], strings[piece.stop]
                lattice = CompactLattice(name, num_frames[i], transition_ids=arrays["transition_ids"][first:last],
                                         ends=strings[piece.start + 1:piece.stop + 1] - first, partial=partial[i],
                                         **columns)
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


def _strings(path: Path, arrays: Dict[str, np.ndarray]) -> Optional[np.ndarray]:
    """0, and where the string of each arc ends; None where arcs have none."""
    if "arc_frames" not in arrays:
        return None
    check_range(f"{path}, arc_frames", arrays["arc_frames"], 0, LARGEST_INT32)
    ends = np.cumsum(arrays["arc_frames"])
    check_ends(f"{path}, arc_frames", ends, len(arrays["transition_ids"]))
    return np.append(0, ends)
