"""Determinization at the word level, after Kaldi's lattice-determinize-pruned: of each word sequence the best path.

The result holds each word sequence that has a path within the beam of the best one once, with its best path: alignment,
and acoustic and graph score apart. Best means the sum of both, scaled.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from graphs.errors import InputError
from graphs.lattices.base import BaseLattice
from graphs.lattices.compact_lattice import CompactLattice
from graphs.lattices.subsets import Subsets, TooMany
from graphs.options import check_at_least, check_positive

NARROWER = 0.75  # factor on the beam of which the result is too large


@dataclass(frozen=True)
class DeterminizeOptions:
    """The section [determinize]."""

    beam: float = field(default=8.0, metadata={"help": "paths this much worse than the best are left out"})
    graph_scale: float = field(default=1.0, metadata={"help": "factor on graph scores, where paths are compared"})
    acoustic_scale: float = field(default=0.1, metadata={
        "help": "factor on log-likelihoods, where paths are compared; that of the search"})
    max_arcs: int = field(default=500_000, metadata={
        "help": "arcs of a lattice; where there were more the beam is made narrower, and the outcome says so"})

    def __post_init__(self):
        check_positive(self, "beam", "acoustic_scale")
        check_at_least(0, self, "graph_scale")
        check_at_least(1, self, "max_arcs")
        if math.isinf(self.graph_scale):
            raise ValueError("graph_scale: expected a finite number, found inf")


class Determinized(NamedTuple):
    """beam: that of the options, or a narrower one where the result would have been too large."""

    lattice: CompactLattice
    beam: float


def determinize(lattice: BaseLattice, options: DeterminizeOptions = DeterminizeOptions()) -> Determinized:
    """
    Raises: InputError when no path leads from start to end, and when not even the best path has few enough arcs.
    """
    beam, scales = options.beam, (options.graph_scale, options.acoustic_scale)
    while True:
        lattice = lattice.prune(beam, *scales)
        try:
            found = Subsets(lattice, *scales, beam, options.max_arcs).run()
        except TooMany as error:
            if beam == 0.0:
                raise InputError(f"lattice {lattice.utterance_id}", f"at most {options.max_arcs} arcs",
                                 "more on its best path alone") from error
            beam = NARROWER * beam if beam > 0.01 * options.beam else 0.0
            continue
        return Determinized(_lattice_of(found, lattice).prune(beam, *scales), beam)


def _lattice_of(found, lattice: BaseLattice) -> CompactLattice:
    """found: graphs.lattices.subsets.SubsetArcs."""
    order = np.argsort(found.level, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return CompactLattice(lattice.utterance_id, lattice.num_frames, number[found.src], number[found.dst], found.word_id,
                          found.acoustic, found.graph, found.transition_ids, found.ends, lattice.partial)
