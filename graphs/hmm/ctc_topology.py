"""The topology of CTC (Graves et al., 2006) as HMMs: units and blank are phones of one state, and the graph has blanks
between units.

phone_id p is token_id p, and blank, token_id 0, is the phone behind the last unit. pdf_ids are token_ids. A unit lasts
one frame or more, and so does a blank; between any two units, before the first and behind the last there may be a
blank, and between two equal ones there must be. Each alignment of a sequence of units is then one path.

The compact form is for networks whose units are spikes: a unit lasts one frame, and blank is a loop on every state. Its
graphs have hardly more arcs than L o G, but two equal units need no blank between them, and a unit on two frames is two
(after Laptev et al., "CTC variations through new WFST topologies", 2022).
"""

from typing import List, Tuple

import numpy as np

from graphs.fst.arcs import Arcs
from graphs.fst.ragged import ragged_ranges
from graphs.hmm.context_tree import ContextTree, Leaf, Table
from graphs.hmm.hmm_folder import Hmm
from graphs.hmm.numbering import Numbering
from graphs.hmm.topology import Topology, left_to_right
from graphs.hmm.transitions import TransitionModel
from graphs.ids import BLANK


def blank_phone(num_tokens: int) -> int:
    """phone_id of blank, for so many tokens, blank among them."""
    return num_tokens


def ctc_hmm(num_tokens: int) -> Hmm:
    """The tree and the transitions of so many tokens, blank among them."""
    topology = Topology({phone_id: left_to_right(1, 0.5) for phone_id in range(1, blank_phone(num_tokens) + 1)})
    tree = ContextTree(1, 0, Table(0, (None, *map(Leaf, range(1, num_tokens)), Leaf(BLANK))))
    return tree, TransitionModel.from_tree(tree, topology)


def with_blanks(graph: Arcs, blank: int) -> Arcs:
    """A graph over units with blanks where they may and must be.

    A state of the result is a state of the graph, the unit before it (0 at the start) or blank, and whether an epsilon
    has led there: blanks stand before epsilons, so that there is one path for each alignment.

    Args:
      graph: ilabel is a phone_id below `blank`, or 0 for epsilon.
      blank: phone_id.
    """
    graph = graph.sorted_by_source()
    first = np.searchsorted(graph.src, np.arange(graph.num_states + 1))
    numbers, width = Numbering(), 2 * (blank + 1)
    columns: List[Tuple[np.ndarray, ...]] = []
    front, ends = np.zeros(1, np.int64), []
    numbers.of(front)
    while len(front):
        state, last, moved = front // width, front % width // 2, front % 2
        here = numbers.of(front)
        ends.append((here, state))
        rows, arcs = ragged_ranges(first[state], first[state + 1] - first[state])
        label = graph.ilabel[arcs].astype(np.int64)
        rows, arcs, label = (column[(label == 0) | (label != last[rows])] for column in (rows, arcs, label))
        after = graph.dst[arcs].astype(np.int64) * width + np.where(
            label == 0, 2 * last[rows] + (last[rows] != blank), 2 * label)
        open_rows = np.flatnonzero((last != blank) & (moved == 0))
        after = np.append(after, state[open_rows] * width + 2 * blank)
        known = len(numbers)
        target = numbers.of(after)
        nothing = np.zeros(len(open_rows))
        columns.append((np.append(here[rows], here[open_rows]), target, np.append(label, nothing + blank),
                        np.append(graph.olabel[arcs], nothing), np.append(graph.score[arcs], nothing)))
        front = np.unique(after[target >= known])
    here, state = (np.concatenate(column) for column in zip(*ends))
    order = np.argsort(state, kind="stable")
    start = np.searchsorted(state[order], np.arange(graph.num_states + 1))
    rows, at = ragged_ranges(start[graph.final_state], start[graph.final_state + 1] - start[graph.final_state])
    return Arcs(*(np.concatenate(column) for column in zip(*columns)), here[order][at], graph.final_score[rows],
                len(numbers), graph.final_olabel[rows])


def with_blank_loops(graph: Arcs, blank: int) -> Arcs:
    """The compact form: a loop of `blank` on the start and on every state that a unit leads to."""
    states = np.unique(np.append(graph.dst[graph.ilabel > 0], 0))
    nothing = np.zeros(len(states))
    return Arcs(np.append(graph.src, states), np.append(graph.dst, states), np.append(graph.ilabel, nothing + blank),
                np.append(graph.olabel, nothing), np.append(graph.score, nothing), graph.final_state,
                graph.final_score, graph.num_states, graph.final_olabel)
