"""The path of a lattice that is nearest to what was said: how good any rescoring can become.

With D[n, r] the least errors of a path from the start to state n against the first r reference words,

    D[n, r] = min over arcs a into n of min(D[src, r-1] + [w(a) != ref_r], D[src, r] + [w(a) is a word]),
              D[n, r-1] + 1

exactly (Kaldi's lattice-oracle composes with an edit-distance transducer and prunes). Of paths with equally few errors
the one of the best score is taken: D counts errors in steps that no difference of scores can make up for.
"""

from typing import NamedTuple, Sequence

import numpy as np

from graphs.checks import ids_array
from graphs.errors import InputError
from graphs.lattices.base import BaseLattice, Path


class Oracle(NamedTuple):
    errors: int
    path: Path
    arcs: np.ndarray  # of the path


def oracle_path(lattice: BaseLattice, reference: Sequence[int], graph_scale: float = 1.0, acoustic_scale: float = 1.0,
                word_insertion_penalty: float = 0.0) -> Oracle:
    """The path of fewest insertions, deletions and substitutions.

    Args:
      reference: word_ids that were said; a word that the lattice does not know has an id of its own, above 0.
      graph_scale, acoustic_scale, word_insertion_penalty: decide between paths with equally many errors.
    Raises: InputError when no path leads to the end.
    """
    scores = lattice.scores(graph_scale, acoustic_scale, word_insertion_penalty)
    step, costs = _costs_of(lattice, scores)
    said = ids_array(f"reference of {lattice.utterance_id}", reference)
    if (said <= 0).any():
        raise InputError(f"reference of {lattice.utterance_id}", "word_ids above 0", str(said.min()))
    missed = step * np.arange(len(said) + 1)
    least = np.full((lattice.num_states, len(said) + 1), np.inf)
    least[0] = missed
    for arcs, states, starts in lattice.levels.into:
        words = lattice.word_id[arcs, None]
        before = least[lattice.src[arcs]] + costs[arcs, None]
        ways = before + step * (words > 0)
        np.minimum(ways[:, 1:], before[:, :-1] + step * (words != said), out=ways[:, 1:])
        best = np.minimum.reduceat(ways, starts, axis=0)
        least[states] = np.minimum.accumulate(best - missed, axis=1) + missed
    arcs = _trace(lattice, least, said, step, costs)
    path = lattice.path(arcs, float(scores[arcs].sum()))
    return Oracle(round((least[-1, -1] - costs[arcs].sum()) / step), path, arcs)


def _costs_of(lattice: BaseLattice, scores: np.ndarray):
    """The cost of an error, above any difference of scores of two paths, and ``[num_arcs]`` costs of arcs."""
    best, _ = lattice.forward_backward(scores, best=True)
    worst = -lattice.forward_backward(-scores, best=True)[0]
    if not np.isfinite([best[-1], worst[-1]]).all():
        raise InputError(f"lattice {lattice.utterance_id}", "paths from start to end with finite scores", "none")
    return 1.0 + 2.0 * float(best[-1] - worst[-1]), -scores


def _trace(lattice: BaseLattice, least: np.ndarray, said: np.ndarray, step: float, costs: np.ndarray) -> np.ndarray:
    """The arcs of the path of least cost. Of equal ways an arc in the place of a reference word comes first, then one
    beside them, then a missed word; of such arcs the first."""
    order = np.argsort(lattice.dst, kind="stable")
    first = np.searchsorted(lattice.dst[order], np.arange(lattice.num_states + 1))
    state, place, taken = lattice.num_states - 1, len(said), []
    while state:
        into = order[first[state]:first[state + 1]]
        words, sources = lattice.word_id[into], lattice.src[into]
        inside = np.full(len(into), np.inf)
        if place:
            inside = least[sources, place - 1] + step * (words != said[place - 1])
        ways = costs[into] + np.stack([inside, least[sources, place] + step * (words > 0)])
        way, row = np.unravel_index(np.argmin(ways), ways.shape)
        if place and least[state, place - 1] + step < ways[way, row]:
            place -= 1
            continue
        taken.append(into[row])
        state, place = int(sources[row]), place - int(way == 0)
    return np.array(taken[::-1], np.int64)
