"""Determinization at the word level, after Kaldi's lattice-determinize-pruned: of each word sequence the best path.

The result holds each word sequence that has a path within the beam of the best one once, with its best path: alignment,
and acoustic and graph score apart. Best means the sum of both, scaled.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from graphs.checks import check_scale
from graphs.errors import InputError
from graphs.lattices.base import BaseLattice
from graphs.lattices.compact_lattice import CompactLattice
from graphs.lattices.subsets import SubsetArcs, Subsets, TooMany
from graphs.options import check_at_least, check_positive

NARROWER = 0.75  # factor on a beam of which the result is too large
MAX_ARCS = 500_000


@dataclass(frozen=True)
class DeterminizeOptions:
    """The section [determinize]."""

    beam: float = field(default=8.0, metadata={"help": "paths this much worse than the best are left out"})
    max_arcs: int = field(default=MAX_ARCS, metadata={
        "help": "arcs of a lattice at most; where more would be needed the beam is narrower, and the outcome says so"})

    def __post_init__(self):
        check_positive(self, "beam")
        check_at_least(1, self, "max_arcs")


class Determinized(NamedTuple):
    """beam: the one asked for, or a narrower one where the result would have been too large."""

    lattice: CompactLattice
    beam: float


def determinize(lattice: BaseLattice, beam: float, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
                max_arcs: int = MAX_ARCS) -> Determinized:
    """
    Args:
      beam: paths this much worse than the best, in scaled scores, are left out.
      max_arcs: of the result; where there would be more the beam is made narrower until there are not.
    Raises: InputError when no path leads from start to end, and when the best path alone has more arcs.
    """
    check_scale("beam", beam)
    scales, asked = (graph_scale, acoustic_scale), beam
    while True:
        lattice = lattice.prune(beam, *scales)
        try:
            found = Subsets(lattice, *scales, beam, max_arcs).run()
        except TooMany:
            if beam == 0.0:
                raise InputError(f"lattice {lattice.utterance_id}", f"at most {max_arcs} arcs",
                                 "more on its best path alone") from None
            beam = NARROWER * beam if beam > 0.01 * asked else 0.0
            continue
        return Determinized(_lattice_of(found, lattice).prune(beam, *scales), beam)


def _lattice_of(found: SubsetArcs, lattice: BaseLattice) -> CompactLattice:
    order = np.argsort(found.level, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return CompactLattice(lattice.utterance_id, lattice.num_frames, number[found.src], number[found.dst], found.word_id,
                          found.acoustic, found.graph, found.transition_ids, found.ends, lattice.partial)
