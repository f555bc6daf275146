"""What tools/lattices does with one lattice; functions that other processes can be given."""

from pathlib import Path
from typing import NamedTuple, Tuple

from graphs.errors import InputError
from graphs.lattices.base import BaseLattice
from graphs.lattices.compact_lattice import CompactLattice, compact
from graphs.lattices.compose import intersect, union
from graphs.lattices.determinize import determinize
from graphs.lattices.lattice_io import read_lattices
from graphs.lattices.minimize import minimize
from graphs.lattices.structure import connect, reverse, topological_sort
from graphs.lattices.weights import push, scale
from hybrid.loaded import kept_while_unchanged
from hybrid.recognize.lattice_folder import Changed


def determinized(lattice: BaseLattice, beam: float, graph_scale: float, acoustic_scale: float,
                 max_arcs: int) -> Changed:
    """retried, where a narrower beam was needed."""
    found = determinize(lattice, beam, graph_scale, acoustic_scale, max_arcs)
    if found.beam < beam:
        reason = f"determinized with beam {found.beam:.3g} instead of {beam:g}: more than {max_arcs} arcs"
        return Changed(found.lattice, "retried", reason)
    return Changed(found.lattice)


def pruned(lattice: BaseLattice, beam: float, graph_scale: float, acoustic_scale: float) -> BaseLattice:
    return lattice.prune(beam, graph_scale, acoustic_scale)


def reshaped(lattice: BaseLattice, steps: Tuple[str, ...], graph_scale: float, acoustic_scale: float) -> BaseLattice:
    """steps: of tools.lattices.reshape."""
    functions = {"connect": connect, "sort": topological_sort, "reverse": reverse,
                 "push": lambda one: push(one, graph_scale, acoustic_scale),
                 "minimize": lambda one: minimize(one, graph_scale, acoustic_scale),
                 "compact": lambda one: one if isinstance(one, CompactLattice) else compact(one),
                 "expand": lambda one: one.expand() if isinstance(one, CompactLattice) else one}
    for step in steps:
        lattice = functions[step](lattice)
    return lattice


class Joined(NamedTuple):
    """A lattice and those that other systems have of the same utterance. how: union or intersect."""

    others: Tuple[Path, ...]
    how: str
    weights: Tuple[float, ...]
    graph_scale: float
    acoustic_scale: float

    def __call__(self, lattice: BaseLattice) -> Changed:
        found, weights, lacking = [lattice], [self.weights[0]], []
        for folder, weight in zip(self.others, self.weights[1:]):
            if lattice.utterance_id in _folder(folder):
                found.append(_folder(folder)[lattice.utterance_id])
                weights.append(weight)
            else:
                lacking.append(str(folder))
        if lacking and self.how == "intersect":
            raise InputError(f"lattice {lattice.utterance_id}", f"one in {', '.join(lacking)}, too", "none")
        if self.how == "union":
            joined = union(found, weights, self.graph_scale, self.acoustic_scale)
        else:
            joined = scale(lattice, weights[0], weights[0])
            for other, weight in zip(found[1:], weights[1:]):
                joined = intersect(joined, other, weight)
        return Changed(joined, *(("partial", f"no lattice in {', '.join(lacking)}") if lacking else ()))


@kept_while_unchanged(16)
def _folder(folder: Path) -> dict:
    """utterance_id -> lattice."""
    return {lattice.utterance_id: lattice for lattice in read_lattices(folder)}
