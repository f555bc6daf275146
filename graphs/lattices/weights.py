"""Scores of lattices changed: scaled, pushed towards the start, and paths drawn by them."""

from typing import List

import numpy as np

from graphs.checks import check_count
from graphs.errors import InputError
from graphs.lattices.base import AnyLattice, BaseLattice, Path


def scale(lattice: AnyLattice, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
          word_insertion_penalty: float = 0.0) -> AnyLattice:
    """Scores multiplied for good; the penalty is subtracted from the graph score of each word.

    Raises: InputError as `BaseLattice.scores`.
    """
    lattice.scores(graph_scale, acoustic_scale, word_insertion_penalty)  # which checks them
    graph = graph_scale * lattice.graph.astype(np.float64) - word_insertion_penalty * (lattice.word_id > 0)
    return lattice.with_arcs(np.arange(lattice.num_arcs), lattice.src, lattice.dst, graph=graph,
                             acoustic=acoustic_scale * lattice.acoustic.astype(np.float64))


def push(lattice: AnyLattice, graph_scale: float = 1.0, acoustic_scale: float = 1.0) -> AnyLattice:
    """The same paths and scores, given out as early as can be: from each state but the start the best way to the end
    has both scores 0.

        score'(a) = score(a) + rest(dst(a)) - rest(src(a)),   rest(s): of the best way from s to the end, 0 at the start

    where best means the scaled sum of both scores, each of which is pushed.

    Raises: InputError for a state that does not lead to the end.
    """
    scores = lattice.scores(graph_scale, acoustic_scale)
    total = np.full(lattice.num_states, -np.inf)
    rest = np.zeros((2, lattice.num_states))
    parts = np.stack([lattice.acoustic, lattice.graph]).astype(np.float64)
    total[-1] = 0.0
    for arcs, states, starts in reversed(lattice.levels.out_of):
        ways = scores[arcs] + total[lattice.dst[arcs]]
        total[states] = best = np.maximum.reduceat(ways, starts)
        rows = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(arcs))))
        place = np.where(ways >= best[rows], np.arange(len(arcs)), len(arcs) - 1)
        taken = arcs[np.minimum.reduceat(place, starts)]  # of equals the first
        rest[:, states] = parts[:, taken] + rest[:, lattice.dst[taken]]
    if not np.isfinite(total).all():
        raise InputError(f"lattice {lattice.utterance_id}", "that every state leads to the end", "one that does not")
    rest[:, 0] = 0.0
    acoustic, graph = parts + rest[:, lattice.dst] - rest[:, lattice.src]
    return lattice.with_arcs(np.arange(lattice.num_arcs), lattice.src, lattice.dst, acoustic=acoustic, graph=graph)


def sample_paths(lattice: BaseLattice, number: int, seed: int, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
                 word_insertion_penalty: float = 0.0) -> List[Path]:
    """Paths drawn with replacement, each with its posterior probability.

    Raises: InputError as `BaseLattice.arc_posteriors`, and for a number that is not whole or below 1.
    """
    check_count("number of paths", number)
    scores = lattice.scores(graph_scale, acoustic_scale, word_insertion_penalty)
    totals, whole = lattice.arc_totals(scores)
    order = np.argsort(lattice.src, kind="stable")
    share = np.exp(totals[order] - whole)
    bounds = np.append(0.0, np.cumsum(share))
    first = np.searchsorted(lattice.src[order], np.arange(lattice.num_states + 1))
    generator = np.random.default_rng(seed)
    state, steps = np.zeros(number, np.int64), []
    while (state < lattice.num_states - 1).any():
        open_paths = state < lattice.num_states - 1
        low, high = first[state], first[state + 1]
        place = bounds[low] + generator.random(number) * (bounds[high] - bounds[low])
        drawn = np.searchsorted(bounds, place, side="right") - 1
        arcs = order[np.clip(drawn, low, high - 1)]  # of the end the last, which is not taken
        steps.append(np.where(open_paths, arcs, -1))
        state = np.where(open_paths, lattice.dst[arcs], state)
    taken = np.stack(steps, axis=1)
    rows = [row[row >= 0] for row in taken]
    return [lattice.path(row, float(scores[row].sum())) for row in rows]
