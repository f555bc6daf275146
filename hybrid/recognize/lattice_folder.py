"""Folders of lattices changed into other ones, lattice by lattice."""

import itertools
import shutil
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, NamedTuple, Optional, Tuple

from graphs.errors import InputError
from graphs.lattices.base import BaseLattice
from graphs.lattices.lattice_io import read_lattices, write_lattices
from hybrid.data.parallel import ordered_map
from hybrid.lattices.frames import FRAMES
from hybrid.outcomes import GOOD, Outcomes

BLOCK = 100  # lattices in memory at a time
BESIDE = ("words.txt", "transitions", FRAMES)  # what the ids of the lattices stand for


class Changed(NamedTuple):
    """outcome, reason: as for hybrid.outcomes.Outcomes; without a lattice it failed."""

    lattice: Optional[BaseLattice]
    outcome: str = "done"
    reason: str = ""


class Change(NamedTuple):
    """`function` of a lattice, with the arguments. It gives a lattice or a Changed; InputError means that it failed."""

    function: Callable
    arguments: Tuple = ()

    def __call__(self, lattice: BaseLattice) -> Tuple[str, Changed]:
        try:
            found = self.function(lattice, *self.arguments)
        except InputError as error:
            found = Changed(None, "failed", str(error))
        return lattice.utterance_id, found if isinstance(found, Changed) else Changed(found)


def copy_beside(source: Path, out: Path) -> None:
    """The files of BESIDE that are there."""
    for name in BESIDE:
        if (source / name).exists():
            shutil.copy(source / name, out / name)


def change_folder(source: Path, out: Path, change: Change, nj: int, log) -> Tuple[Outcomes, Dict[str, int]]:
    """Writes the lattices of a folder, changed. Partial ones stay marked.

    Returns: what became of each, and {"frames", "arcs"} of all that came out.
    """
    return write_changed(out, (item for block in _blocks(source, change, nj) for item in block), BLOCK, log)


def write_changed(out: Path, found: Iterable[Tuple[str, Changed]], part_size: int,
                  log) -> Tuple[Outcomes, Dict[str, int]]:
    """Writes what came of each utterance, so many in a part. Returns: as change_folder."""
    if part_size < 1:
        raise InputError("part_size", "at least 1", str(part_size))
    outcomes, totals, part, found = Outcomes(log), {"frames": 0, "arcs": 0}, 0, iter(found)
    for block in iter(lambda: list(itertools.islice(found, part_size)), []):
        for utterance_id, one in block:
            outcome = "partial" if one.outcome in GOOD and one.lattice.partial else one.outcome
            outcomes.add(utterance_id, outcome, one.reason or "the search did not reach the end of the graph"
                         if outcome != "done" else "")
        lattices = [one.lattice for _, one in block if one.lattice is not None]
        for _, of_one_class in itertools.groupby(lattices, type):
            write_lattices(out, part, list(of_one_class))
            part += 1
        totals["frames"] += sum(lattice.num_frames for lattice in lattices)
        totals["arcs"] += sum(lattice.num_arcs for lattice in lattices)
    if not part:
        write_lattices(out, 0, [])
    return outcomes, totals


def _blocks(source: Path, change: Change, nj: int) -> Iterator[list]:
    lattices, done = read_lattices(source), 0
    while True:
        block = list(itertools.islice(lattices, BLOCK))
        if not block:
            return
        yield list(ordered_map(change, block, nj, f"lattices {done + 1} to {done + len(block)}"))
        done += len(block)
