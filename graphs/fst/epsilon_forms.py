"""Where epsilons stand: three changes that leave what a transducer says as it is, and make it smaller in the end.

An n-gram model falls back by epsilons, and each one costs arcs when it is removed: epsilons out of a state are repeated
behind every arc into it (graphs/fst/epsilon.py), or the arcs of their targets are repeated at every source. Which is
less depends on the state. What an epsilon leaves beside itself depends less on its history than the two together: of
two histories with the same words ahead, up to a factor, those words can be shared though their back-off scores differ.
"""

import numpy as np

from graphs.fst.arcs import Arcs
from graphs.fst.epsilon import best_of_equal
from graphs.fst.ragged import ragged_ranges
from graphs.fst.word_sequences import WordSequences

_COPIES = 3  # of an arc that is copied, as each label into a state comes to have a state of its own with a self-loop


def without_lone_epsilons(graph: Arcs, sequences: WordSequences) -> Arcs:
    """A state whose one way on is an epsilon becomes that epsilon's target.

    Args:
      graph: every state is on a path from start to end, and no epsilons go round in a cycle.
      sequences: gains labels for outputs of several words.
    """
    ways = np.bincount(graph.src, minlength=graph.num_states)
    ways[graph.final_state] += 1
    lone = (graph.ilabel == 0) & (ways[graph.src] == 1) & (graph.src != 0)
    target, output = np.arange(graph.num_states), np.zeros(graph.num_states, np.int64)
    score = np.zeros(graph.num_states)
    for column, values in ((target, graph.dst), (output, graph.olabel), (score, graph.score)):
        column[graph.src[lone]] = values[lone]
    while not np.array_equal(target[target], target):  # of chains, twice as much each time
        output, score = sequences.join(output, output[target]), score + score[target]
        target = target[target]
    kept = np.ones(graph.num_states, bool)
    kept[graph.src[lone]] = False
    number = np.cumsum(kept) - 1
    arcs = ~lone
    dst = graph.dst[arcs]
    return Arcs(number[graph.src[arcs]], number[target[dst]], graph.ilabel[arcs],
                sequences.join(graph.olabel[arcs], output[dst]), graph.score[arcs] + score[dst],
                number[graph.final_state], graph.final_score, int(kept.sum()), graph.final_olabel)


def with_copied_targets(graph: Arcs, sequences: WordSequences) -> Arcs:
    """Epsilons out of states with many arcs in, into states with few ways on, give way to copies of those ways.

    Args:
      graph: as above.
      sequences: gains labels for outputs of several words.
    """
    epsilon = graph.ilabel == 0
    ways = np.bincount(graph.src, minlength=graph.num_states) + np.bincount(graph.final_state,
                                                                            minlength=graph.num_states)
    leaves = np.zeros(graph.num_states, bool)
    leaves[graph.src[epsilon]] = True
    chosen = epsilon & ~leaves[graph.dst] & (_arcs_in(graph)[graph.src] > _COPIES * ways[graph.dst])
    rows, at = _ways_on(graph.src, graph.dst[chosen], graph.num_states)
    final_rows, final_at = _ways_on(graph.final_state, graph.dst[chosen], graph.num_states)
    taken, ending = np.flatnonzero(chosen)[rows], np.flatnonzero(chosen)[final_rows]
    kept = ~chosen
    return best_of_equal(Arcs(
        np.append(graph.src[kept], graph.src[taken]), np.append(graph.dst[kept], graph.dst[at]),
        np.append(graph.ilabel[kept], graph.ilabel[at]),
        np.append(graph.olabel[kept], sequences.join(graph.olabel[taken], graph.olabel[at])),
        np.append(graph.score[kept], graph.score[taken] + graph.score[at]),
        np.append(graph.final_state, graph.src[ending]),
        np.append(graph.final_score, graph.score[ending] + graph.final_score[final_at]), graph.num_states,
        np.append(graph.final_olabel, sequences.join(graph.olabel[ending], graph.final_olabel[final_at]))))


def _ways_on(src: np.ndarray, states: np.ndarray, num_states: int):
    """Rows of `states`, and the rows of `src` that hold each of them."""
    order = np.argsort(src, kind="stable")
    first = np.searchsorted(src[order], np.arange(num_states + 1))
    rows, at = ragged_ranges(first[states], np.diff(first)[states])
    return rows, order[at]


def _arcs_in(graph: Arcs) -> np.ndarray:
    """``[num_states]``: arcs that will lead into each state once epsilons have gone; those of one label from states
    that will share what lies inside a phone (graphs/hmm/hmm_fst.py) count once."""
    epsilon = graph.ilabel == 0
    pairs = np.unique(graph.dst[~epsilon].astype(np.int64) << 31 | graph.ilabel[~epsilon])
    own = np.bincount(pairs >> 31, minlength=graph.num_states).astype(np.float64)
    total, before = own, None
    while before is None or not np.array_equal(total, before):
        before = total
        total = own + np.bincount(graph.dst[epsilon], before[graph.src[epsilon]], minlength=graph.num_states)
    return total


def with_epsilons_apart(graph: Arcs) -> Arcs:
    """A state with epsilons and other ways on keeps the epsilons, and one more, to a state that has the others."""
    epsilon = graph.ilabel == 0
    leaves, has_others = np.zeros((2, graph.num_states), bool)
    leaves[graph.src[epsilon]] = True
    has_others[graph.src[~epsilon]] = has_others[graph.final_state] = True
    both = np.flatnonzero(leaves & has_others)
    number = np.arange(graph.num_states)
    number[both] = graph.num_states + np.arange(len(both))
    nothing = np.zeros(len(both), np.int32)
    return Arcs(np.append(np.where(epsilon, graph.src, number[graph.src]), both), np.append(graph.dst, number[both]),
                np.append(graph.ilabel, nothing), np.append(graph.olabel, nothing), np.append(graph.score, nothing),
                number[graph.final_state], graph.final_score, graph.num_states + len(both), graph.final_olabel)
