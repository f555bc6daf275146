"""Phones in context: the transducer C composed with a graph over phones (Kaldi fstext/context-fst.h).

The window of a phone is known when the last phone of its right context is. A state of the result is therefore a state
of the graph that phones have led to, a state of graphs/hmm/context_machine.py, and the outputs of the phones whose
windows are open yet: an output stands on the arc of its own phone's window, however late that is. (Kaldi's C gives
outputs early, so that a word starts with the phone before.) Scores come as the graph gives them, which is early.

At the end of a sentence the open windows are closed by NO_PHONE, Kaldi's subsequential symbol, for which `_with_ends`
adds arcs to the graph. The first phones answer nothing; what stands before the first answer is taken into the arcs of
the start, so that every arc has a window and consumes frames. Each path of the graph is one path of the result, with
the same outputs and the same score.
"""

from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.word_sequences import WordSequences
from graphs.fst.ragged import ragged_ranges
from graphs.hmm.context_machine import ContextMachine, machine_of
from graphs.hmm.context_tree import NO_PHONE, ContextTree
from graphs.hmm.hmm_fst import Window
from graphs.hmm.numbering import Numbering


def compose_context(graph: Arcs, tree: ContextTree,
                    sequences: Optional[WordSequences] = None) -> Tuple[Arcs, List[Window]]:
    """C o graph: phones on the input side become windows of phones.

    Args:
      graph: ilabel is a phone_id, or 0 for epsilon.
      sequences: of the graph's output labels, where it has epsilons; it may gain some.
    Returns:
      the graph with window numbers as input labels, and the windows (number 0 is unused). Windows that the tree
      cannot tell apart are one. A window holds NO_PHONE where it sticks out of the sentence. Epsilons stay, and
      where there are any, the first phones, which answer nothing, are epsilons too.
    Raises: InputError for epsilons without `sequences`, and for phones that the tree does not know.
    """
    if tree.context_width == 1:
        windows: List[Window] = [()] + [(phone_id,) for phone_id in range(1, 1 + max(graph.ilabel.tolist(), default=0))]
        result = graph
    else:
        if sequences is None and (graph.ilabel == 0).any():
            raise InputError("graph to be put into context", "no input epsilons", f"{(graph.ilabel == 0).sum()}")
        machine = machine_of(tree)
        result, windows = _compose(graph, machine, sequences), machine.windows
    used, number = np.unique(np.append(result.ilabel, 0), return_inverse=True)
    return (Arcs(result.src, result.dst, number[:-1], result.olabel, result.score, result.final_state,
                 result.final_score, result.num_states, result.final_olabel), [windows[w] for w in used])


class _Front(NamedTuple):
    """Places that paths have got to, one a row.

    Attributes:
      state: of the graph; memory: of the machine. ``[rows]``.
      outputs: ``[rows, right]``: those of the phones whose windows are open, the oldest first.
    """

    state: np.ndarray
    memory: np.ndarray
    outputs: np.ndarray


class _Composition:
    """The graph with its ends, and the numbers of the places met so far."""

    def __init__(self, graph: Arcs, machine: ContextMachine, sequences: Optional[WordSequences]):
        self.machine, self.sequences = machine, sequences
        self.graph = _with_ends(graph, machine.right).sorted_by_source()
        # NO_PHONE, the other label 0, leads to states of its own
        self._is_epsilon = (self.graph.ilabel == 0) & (self.graph.dst < graph.num_states)
        self.has_epsilons = bool(self._is_epsilon.any())
        self._first = np.searchsorted(self.graph.src, np.arange(self.graph.num_states + 1))
        self._ahead = np.ones(self.graph.num_states, bool)  # phones may follow, or a window is open
        self._ahead[self.graph.final_state] = machine.right == 0
        self._folds = [Numbering() for _ in range(machine.right)]
        self.numbers = Numbering()

    def follow(self, front: _Front):
        """Rows and arcs that go on from there, where they lead to, and their windows and outputs."""
        rows, arcs = ragged_ranges(self._first[front.state], np.diff(self._first)[front.state])
        memory, window, outputs = self._read(front.memory[rows], front.outputs[rows], arcs)
        state = self.graph.dst[arcs]
        ahead = self._ahead[state]  # where it has ended a sentence is like any other
        return rows, arcs, _Front(state, memory * ahead, outputs[:, 1:] * ahead[:, None]), window, outputs[:, 0]

    def _read(self, memory: np.ndarray, pending: np.ndarray, arcs: np.ndarray):
        """What taking each arc leads to: the memory, the window answered, and the outputs before and after it."""
        outputs = np.concatenate([pending, self.graph.olabel[arcs, None]], axis=1)
        if not self.has_epsilons:
            return (*self.machine.step(memory, self.graph.ilabel[arcs]), outputs)
        epsilon = self._is_epsilon[arcs]
        window, memory = np.zeros(len(arcs), np.int64), memory.copy()
        memory[~epsilon], window[~epsilon] = self.machine.step(memory[~epsilon], self.graph.ilabel[arcs[~epsilon]])
        if self.machine.right:  # an epsilon's output joins that of the phone before it
            outputs[epsilon, -1] = self.sequences.join(pending[epsilon, -1], outputs[epsilon, -1])
            outputs[epsilon, 1:-1], outputs[epsilon, 0] = pending[epsilon, :-1], 0
        return memory, window, outputs

    def number(self, front: _Front) -> np.ndarray:
        key = front.memory
        for fold, output in zip(self._folds, front.outputs.T):
            key = fold.of(key << 31 | output)
        return self.numbers.of(front.state.astype(np.int64) << 31 | key)

    def starts(self) -> Tuple[_Front, np.ndarray]:
        """What the first phones lead to without an answer, and the scores on the way."""
        front = _Front(np.zeros(1, np.int64), np.array([self.machine.start]),
                       np.zeros((1, self.machine.right), np.int64))
        scores = np.zeros(1)
        if self.has_epsilons or not self.machine.right:
            self.number(front)  # 0, and paths may come back to it
            return front, scores
        self.numbers.of(np.array([-1]))  # 0, and they do not
        for _ in range(self.machine.right):
            rows, arcs, front, _, _ = self.follow(front)
            scores = scores[rows] + self.graph.score[arcs]
        return front, scores


def _compose(graph: Arcs, machine: ContextMachine, sequences: Optional[WordSequences]) -> Arcs:
    """The product, breadth first."""
    product = _Composition(graph, machine, sequences)
    front, before = product.starts()
    numbers = np.zeros(len(before), np.int64)
    arcs, places = [], []
    while not places or len(numbers):
        places.append((numbers, front.state, before))
        known = len(product.numbers)
        rows, at, reached, window, output = product.follow(front)
        dst = product.number(reached)
        arcs.append(tuple(column.astype(kind) for column, kind in (
            (numbers[rows], np.int32), (dst, np.int32), (window, np.int32), (output, np.int32),
            (before[rows] + product.graph.score[at], np.float32))))
        new, first = np.unique(dst, return_index=True)
        first = first[new >= known]
        numbers, front, before = dst[first], _Front(*(column[first] for column in reached)), np.zeros(len(first))
    numbers, state, before = map(np.concatenate, zip(*places))
    order = np.argsort(product.graph.final_state, kind="stable")
    first = np.searchsorted(product.graph.final_state[order], np.arange(product.graph.num_states + 1))
    rows, at = ragged_ranges(first[state], np.diff(first)[state])
    at = order[at]
    return Arcs(*map(np.concatenate, zip(*arcs)), numbers[rows], before[rows] + product.graph.final_score[at],
                len(product.numbers), product.graph.final_olabel[at])


def _with_ends(graph: Arcs, right: int) -> Arcs:
    """The graph with `right` arcs of NO_PHONE behind its finals, those with one output together."""
    if not right:
        return graph
    outputs, which = np.unique(graph.final_olabel, return_inverse=True)
    chains = graph.num_states + np.arange(len(outputs) * right).reshape(-1, right)
    src = np.concatenate([graph.src, graph.final_state, chains[:, :-1].ravel()])
    dst = np.concatenate([graph.dst, chains[which, 0], chains[:, 1:].ravel()])
    nothing = np.zeros(len(src) - graph.num_arcs, np.int32)
    score = np.concatenate([graph.score, graph.final_score, np.zeros(len(src) - graph.num_arcs - len(which))])
    return Arcs(src, dst, np.append(graph.ilabel, nothing + NO_PHONE), np.append(graph.olabel, nothing), score,
                chains[:, -1], np.zeros(len(outputs)), int(graph.num_states + chains.size), outputs)
