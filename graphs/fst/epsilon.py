"""Removal of input epsilons that keeps every output.

k2's remove_epsilon keeps the best of several epsilon paths between two states, whatever words they carry, so
that of two homophones only the likelier one would stay in the graph and no lattice could ever hold the other.
Here epsilon paths that differ in words stay apart, and each arc that consumes an input is followed by the
epsilon paths out of its target. In a grammar with back-off that is far smaller than epsilon paths followed by
arcs: a history has one or two arcs into it, but as many out of it as there are first phones.
"""

from typing import Tuple

import numpy as np

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.ragged import ragged_ranges
from graphs.fst.word_sequences import WordSequences

_MAX_DEPTH = 1000  # epsilon arcs in a row; more are a cycle

# columns of a set of epsilon paths: origin state, end state, output label, score
_Paths = Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def remove_input_epsilons(graph: Arcs, sequences: WordSequences) -> Arcs:
    """An equivalent transducer (in the tropical semiring) without input epsilons.

    Args:
      graph: every state is on a path from start to end.
      sequences: gains labels for outputs of several words.
    Raises: InputError for a cycle of epsilons.
    """
    epsilon = graph.ilabel == 0
    useful = np.zeros(graph.num_states, bool)
    useful[graph.src[~epsilon]] = True
    useful[graph.final_state] = True
    origins = np.unique(np.append(graph.dst[~epsilon], 0))
    origin, state, label, score = _closure(graph, epsilon, origins, sequences)
    kept = useful[state]
    origin, state, label, score = origin[kept], state[kept], label[kept], score[kept]

    def follow(arcs: np.ndarray, src: np.ndarray, before: np.ndarray, base: np.ndarray):
        """The arcs, each followed by the epsilon paths of its target; `before`: output that comes first."""
        first = np.searchsorted(origin, np.arange(graph.num_states + 1))
        rows, paths = ragged_ranges(first[graph.dst[arcs]], np.diff(first)[graph.dst[arcs]])
        outputs = sequences.join(sequences.join(before[rows], graph.olabel[arcs][rows]), label[paths])
        return (src[rows], state[paths], graph.ilabel[arcs][rows], outputs,
                base[rows] + graph.score[arcs][rows] + score[paths])

    consuming = np.flatnonzero(~epsilon)
    nothing = np.zeros(len(consuming), np.int64)
    parts = [follow(consuming, graph.src[consuming], nothing, np.zeros(len(consuming)))]
    # what leaves the start by epsilons has no arc before it
    begins = np.flatnonzero((origin == 0) & ((state != 0) | (label != 0)))
    by_src = consuming[np.argsort(graph.src[consuming], kind="stable")]
    first = np.searchsorted(graph.src[by_src], np.arange(graph.num_states + 1))
    rows, at = ragged_ranges(first[state[begins]], np.diff(first)[state[begins]])
    parts.append(follow(by_src[at], np.zeros(len(at), np.int64), label[begins][rows], score[begins][rows]))
    columns = [np.concatenate(column) for column in zip(*parts)]
    finals = _start_finals(graph, state[begins], label[begins], score[begins], sequences)
    return _renumber(best_of_equal(Arcs(*columns, *finals[:2], graph.num_states, finals[2])))


def _closure(graph: Arcs, epsilon: np.ndarray, origins: np.ndarray, sequences: WordSequences) -> _Paths:
    """Epsilon paths out of each origin, the empty one too: the best for each end and output, sorted by origin."""
    arcs = np.flatnonzero(epsilon)
    arcs = arcs[np.argsort(graph.src[arcs], kind="stable")]
    first = np.searchsorted(graph.src[arcs], np.arange(graph.num_states + 1))
    frontier = (origins.astype(np.int64), origins.astype(np.int64), np.zeros(len(origins), np.int64),
                np.zeros(len(origins)))
    levels = [frontier]
    for _ in range(_MAX_DEPTH):
        origin, state, label, score = frontier
        rows, at = ragged_ranges(first[state], np.diff(first)[state])
        if not len(rows):
            return _best_paths(tuple(np.concatenate(column) for column in zip(*levels)))
        step = arcs[at]
        frontier = _best_paths((origin[rows], graph.dst[step].astype(np.int64),
                                sequences.join(label[rows], graph.olabel[step]), score[rows] + graph.score[step]))
        levels.append(frontier)
    raise InputError("graph", f"at most {_MAX_DEPTH} epsilons in a row", "more: a cycle of epsilons")


def _best_paths(paths: _Paths) -> _Paths:
    origin, state, label, score = paths
    order = np.lexsort((-score, label, state, origin))
    origin, state, label, score = (column[order] for column in paths)
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(origin) != 0) | (np.diff(state) != 0) | (np.diff(label) != 0)
    return origin[new], state[new], label[new], score[new]


def _start_finals(graph: Arcs, state: np.ndarray, label: np.ndarray, score: np.ndarray, sequences: WordSequences):
    """The finals, and those that the start reaches by epsilons."""
    order = np.argsort(graph.final_state, kind="stable")
    first = np.searchsorted(graph.final_state[order], np.arange(graph.num_states + 1))
    rows, at = ragged_ranges(first[state], np.diff(first)[state])
    more = order[at]
    return (np.append(graph.final_state, np.zeros(len(more), np.int32)),
            np.append(graph.final_score, score[rows] + graph.final_score[more]),
            np.append(graph.final_olabel, sequences.join(label[rows], graph.final_olabel[more])))


def best_of_equal(graph: Arcs) -> Arcs:
    """Of arcs that differ in their score only, the best."""
    order = np.lexsort((-graph.score, graph.olabel, graph.dst, graph.ilabel, graph.src))
    columns = [column[order] for column in (graph.src, graph.dst, graph.ilabel, graph.olabel, graph.score)]
    new = np.ones(len(order), bool)
    new[1:] = np.any([np.diff(column) != 0 for column in columns[:4]], axis=0)
    return Arcs(*(column[new] for column in columns), graph.final_state, graph.final_score, graph.num_states,
                graph.final_olabel)


def _renumber(graph: Arcs) -> Arcs:
    """Without the states that no path from the start enters. The arcs are sorted by source."""
    first = np.searchsorted(graph.src, np.arange(graph.num_states + 1))
    count, used = np.diff(first), np.zeros(graph.num_states, bool)
    frontier = np.zeros(1, np.int64)
    while len(frontier):
        used[frontier] = True
        _, arcs = ragged_ranges(first[frontier], count[frontier])
        frontier = np.unique(graph.dst[arcs][~used[graph.dst[arcs]]])
    number = np.cumsum(used) - 1
    arcs, finals = used[graph.src], used[graph.final_state]
    return Arcs(number[graph.src[arcs]], number[graph.dst[arcs]], graph.ilabel[arcs], graph.olabel[arcs],
                graph.score[arcs], number[graph.final_state[finals]], graph.final_score[finals], int(used.sum()),
                graph.final_olabel[finals])
