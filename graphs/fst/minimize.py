"""Minimization: states from which the same can be said at the same scores become one.

Partition refinement (Moore 1956; Hopcroft's algorithm takes fewer steps, this one takes them in arrays): states begin
in classes by their ends, and a round splits the classes by the (input, output, score, class of the target) of each
state's arcs, until a round splits none. What a state's arcs are is told by a sum of hashes of 64 bits: of a million
states, two are taken for one wrongly with a probability of one in ten million.

For a deterministic acceptor that has been pushed (graphs/fst/push.py) this is the one minimal acceptor. A transducer is
taken as an acceptor of its label pairs, where epsilon is a label like others; there, and where arcs of a state share a
label, the result is smaller or equal, and equivalent, but need not be minimal.
"""

import numpy as np

from graphs.fst.arcs import Arcs

QUANTUM = 2.0 ** -16  # scores are told apart in steps of it; float32 has no finer ones from 128 on


def minimize(graph: Arcs, quantum: float = QUANTUM) -> Arcs:
    """An equivalent transducer; the first state of each class is kept, with its scores.

    Args:
      graph: its scores have been pushed, or states will differ by scores.
      quantum: scores are told apart in steps of it.
    """
    scores = [np.rint(values.astype(np.float64) / quantum).astype(np.int64)
              for values in (graph.score, graph.final_score)]
    order = np.argsort(graph.src, kind="stable")
    own = _hashes(graph.ilabel[order], graph.olabel[order], scores[0][order])
    sources, starts = np.unique(graph.src[order], return_index=True)
    dst = graph.dst[order]
    ends = np.zeros(graph.num_states, np.uint64)
    np.add.at(ends, graph.final_state, _hashes(graph.final_olabel, scores[1]))
    states, before, count = ends, 0, len(np.unique(ends))
    while count > before:
        before, ahead = count, ends.copy()
        if len(sources):
            ahead[sources] += np.add.reduceat(_mix(own + _mix(states[dst])), starts)
        states, count = ahead, len(np.unique(ahead))
    return merge_states(graph, np.unique(states, return_inverse=True)[1])


def merge_states(graph: Arcs, classes: np.ndarray) -> Arcs:
    """One state for each class, with the arcs and ends of the first state of the class.

    Args:
      classes: ``[num_states]`` 0, 1, ...
    """
    _, kept = np.unique(classes, return_index=True)
    number = np.empty(len(kept), np.int64)  # in the order of the states kept, so that the start stays 0
    number[np.argsort(kept, kind="stable")] = np.arange(len(kept))
    is_kept = np.zeros(graph.num_states, bool)
    is_kept[kept] = True
    arcs, finals = is_kept[graph.src], is_kept[graph.final_state]
    number = number[classes]
    return Arcs(number[graph.src[arcs]], number[graph.dst[arcs]], graph.ilabel[arcs], graph.olabel[arcs],
                graph.score[arcs], number[graph.final_state[finals]], graph.final_score[finals], len(kept),
                graph.final_olabel[finals])


def _hashes(*columns: np.ndarray) -> np.ndarray:
    """``[rows]`` uint64: one for each row of whole numbers."""
    total = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        total = _mix(total + column.astype(np.int64).view(np.uint64))
    return total


def _mix(values: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64 (Steele et al. 2014): each bit of the result depends on all bits."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
