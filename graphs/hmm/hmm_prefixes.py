"""Windows that begin alike share their first HMM states.

A phone at the end of a word has a window for each phone that may come next, and those windows often have the pdfs of
their first states in common; those of silence have all. Where a state of a graph has several arcs with one
transition_id, to inner states that nothing else enters, those become one state: what their arcs differ in, scores and
outputs, moves to the arcs behind them. So a search has one path to follow until the windows really part.
"""

from typing import Tuple

import numpy as np

from graphs.fst.arcs import Arcs
from graphs.fst.epsilon import best_of_equal


def share_prefixes(graph: Arcs, rounds: int) -> Arcs:
    """An equivalent transducer.

    Args:
      rounds: how many arcs in a row may become shared: one fewer than the longest HMM has states.
    """
    for _ in range(rounds):
        arcs, group = _alike(graph)
        if not len(arcs):
            break
        graph = _share(graph, arcs, group)
    return graph


def _alike(graph: Arcs) -> Tuple[np.ndarray, np.ndarray]:
    """Arcs that can become one with others, and the number of the group of each."""
    movable = np.bincount(graph.dst, minlength=graph.num_states) == 1
    movable[0] = movable[graph.final_state] = False
    movable[graph.src[(graph.olabel > 0) | (graph.ilabel == 0)]] = False  # no room for another output
    arcs = np.flatnonzero(movable[graph.dst] & (graph.ilabel > 0))
    _, group, count = np.unique(graph.src[arcs].astype(np.int64) << 31 | graph.ilabel[arcs], return_inverse=True,
                                return_counts=True)
    several = count[group] > 1
    return arcs[several], np.unique(group[several], return_inverse=True)[1]


def _share(graph: Arcs, arcs: np.ndarray, group: np.ndarray) -> Arcs:
    _, first, count = np.unique(group, return_index=True, return_counts=True)
    best = np.full(len(first), -np.inf)
    np.maximum.at(best, group, graph.score[arcs].astype(np.float64))
    common = graph.olabel[arcs[first]]  # the output of all, or the first one's
    common = np.where(np.bincount(group, graph.olabel[arcs] == common[group]) == count, common, 0)
    state, output = np.arange(graph.num_states), np.zeros(graph.num_states, np.int32)
    behind = np.zeros(graph.num_states)
    inner = graph.dst[arcs]
    state[inner] = inner[first][group]
    output[inner] = np.where(common[group] > 0, 0, graph.olabel[arcs])
    behind[inner] = graph.score[arcs] - best[group]
    score, olabel = graph.score.astype(np.float64), graph.olabel.copy()
    score[arcs], olabel[arcs] = best[group], common[group]
    score, olabel = score + behind[graph.src], np.maximum(olabel, output[graph.src])  # one of the two outputs is 0
    kept = state == np.arange(graph.num_states)
    number = (np.cumsum(kept) - 1)[state]
    return best_of_equal(Arcs(number[graph.src], number[graph.dst], graph.ilabel, olabel, score,
                              number[graph.final_state], graph.final_score, int(kept.sum()), graph.final_olabel))
