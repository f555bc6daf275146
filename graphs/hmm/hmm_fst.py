"""From context-dependent phones to transition_ids: H composed with a graph, and self-loops.

`compose_hmm` is the composition H o X for the transducer H that Kaldi builds without self-loops
(hmm/hmm-utils.cc, GetHTransducer): a single loop state, and for each window of phones its HMM's forward
arcs, the window on the first of them. A pair (state inside the HMM of a window, state of X) is one state
of the result, so arcs of X that enter one state with one window share their inner states. Every arc
consumes a frame: H has no epsilon on its input side.

`add_self_loops` is Kaldi's AddSelfLoops with reorder=true: the self-loop of an HMM state stands on the
state that follows its forward arc. Kaldi first makes the transition state of all arcs into a state the
same, by epsilon arcs; here the state is split and its outgoing arcs copied, so no epsilon appears.
"""

from typing import List, Sequence, Tuple

import numpy as np

from graphs.fst.arcs import Arcs
from graphs.fst.ragged import ragged_ranges
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.transitions import TransitionModel, TransitionState

Window = Tuple[int, ...]  # phone_ids around (and with) the phone


def hmm_arcs(window: Window, tree: ContextTree, transitions: TransitionModel) -> List[Tuple[int, int, int]]:
    """Forward arcs of a window's HMM: (HMM state, next HMM state, transition_id)."""
    phone_id = window[tree.central_position]
    arcs = []
    for hmm_state, entry in enumerate(transitions.topology.entry(phone_id)):
        state = TransitionState(phone_id, hmm_state, tree.pdf_id(window, entry.forward_pdf_class),
                                tree.pdf_id(window, entry.self_loop_pdf_class))
        for transition_id in transitions.transition_ids_of(transitions.state_number(state)):
            if not transitions.is_self_loop[transition_id]:
                arcs.append((hmm_state, int(transitions.next_state[transition_id]), transition_id))
    return arcs


class _Patterns:
    """The HMM arcs of all windows in flat arrays; row w belongs to window w, row 0 to epsilon."""

    def __init__(self, windows: Sequence[Window], tree: ContextTree, transitions: TransitionModel):
        entry, inner, sizes = [[]], [[]], [0]
        for window in windows[1:]:
            final = len(transitions.topology.entry(window[tree.central_position]))
            arcs = [(s - 1, -1 if t == final else t - 1, i) for s, t, i in hmm_arcs(window, tree, transitions)]
            entry.append([arc for arc in arcs if arc[0] < 0])
            inner.append([arc for arc in arcs if arc[0] >= 0])
            sizes.append(final - 1)
        self.num_inner_states = np.array(sizes)
        self.entry, self.entry_start, self.entry_count = self._flat(entry)
        self.inner, self.inner_start, self.inner_count = self._flat(inner)

    @staticmethod
    def _flat(rows):
        counts = np.array([len(row) for row in rows])
        flat = np.array([arc for row in rows for arc in row], dtype=np.int64).reshape(-1, 3)
        return flat, np.cumsum(counts) - counts, counts


def compose_hmm(graph: Arcs, windows: Sequence[Window], tree: ContextTree, transitions: TransitionModel,
                transition_scale: float = 1.0) -> Arcs:
    """H o graph, without self-loops.

    Args:
      graph: ilabel w >= 1 stands for windows[w]; ilabel 0 is epsilon and stays as it is.
      windows: windows[0] is unused.
      transition_scale: factor on the log probabilities of the transitions.
    Returns:
      a transducer from transition_ids to the graph's output labels. Scores gain the transition
      probabilities, self-loops taken out (see `add_self_loops`).
    """
    patterns = _Patterns(windows, tree, transitions)
    log_prob = transition_scale * transitions.forward_log_prob()
    label, dst = graph.ilabel.astype(np.int64), graph.dst.astype(np.int64)
    keys, pair_of = np.unique(label * graph.num_states + dst, return_inverse=True)
    pair_label, pair_dst = keys // graph.num_states, keys % graph.num_states
    sizes = patterns.num_inner_states[pair_label]
    base = graph.num_states + np.cumsum(sizes) - sizes

    def target(pairs, hmm_target):
        return np.where(hmm_target < 0, pair_dst[pairs], base[pairs] + hmm_target)

    rows, at = ragged_ranges(patterns.entry_start[label], patterns.entry_count[label])
    entry = patterns.entry[at]
    parts = [(graph.src[rows], target(pair_of[rows], entry[:, 1]), entry[:, 2], graph.olabel[rows],
              graph.score[rows] + log_prob[entry[:, 2]])]
    pairs, at = ragged_ranges(patterns.inner_start[pair_label], patterns.inner_count[pair_label])
    inner = patterns.inner[at]
    parts.append((base[pairs] + inner[:, 0], target(pairs, inner[:, 1]), inner[:, 2],
                  np.zeros(len(pairs), np.int32), log_prob[inner[:, 2]]))
    epsilon = np.flatnonzero(label == 0)
    parts.append((graph.src[epsilon], dst[epsilon], label[epsilon], graph.olabel[epsilon], graph.score[epsilon]))
    columns = [np.concatenate(column) for column in zip(*parts)]
    return Arcs(*columns, graph.final_state, graph.final_score, int(graph.num_states + sizes.sum()),
                graph.final_olabel)


def add_self_loops(graph: Arcs, transitions: TransitionModel, self_loop_scale: float = 1.0) -> Arcs:
    """Adds the self-loops to a graph of forward transition_ids.

    Every state but the start must have an incoming arc; states are split by the transition state of the
    arcs that enter them. Arcs out of a state gain the log probability of not looping there.

    Args:
      self_loop_scale: factor on the log probabilities of looping and not looping. Kaldi's mkgraph.sh takes 0.1:
        loops come with every frame, so they want the scale of the acoustic scores, not that of the words.
    """
    state_class = np.where(graph.ilabel > 0, transitions.transition_state[graph.ilabel], 0).astype(np.int64)
    num_classes = len(transitions.states) + 1
    keys, node_of_arc = np.unique(
        np.concatenate([[0], graph.dst.astype(np.int64) * num_classes + state_class]), return_inverse=True)
    node_of_arc = node_of_arc[1:]
    node_state, node_class = keys // num_classes, keys % num_classes
    first = np.searchsorted(node_state, np.arange(graph.num_states + 1))
    loops, leave = transitions.self_loops(), self_loop_scale * transitions.leave_log_prob()
    leave[loops == 0] = 0.0

    rows, src = ragged_ranges(first[graph.src], np.diff(first)[graph.src])
    looping = np.flatnonzero(loops[node_class])
    loop_ids = loops[node_class[looping]]
    parts = [(src, node_of_arc[rows], graph.ilabel[rows], graph.olabel[rows],
              graph.score[rows] + leave[node_class[src]]),
             (looping, looping, loop_ids, np.zeros_like(loop_ids),
              self_loop_scale * transitions.log_prob[loop_ids])]
    columns = [np.concatenate(column) for column in zip(*parts)]
    rows, final = ragged_ranges(first[graph.final_state], np.diff(first)[graph.final_state])
    return Arcs(*columns, final, graph.final_score[rows] + leave[node_class[final]], len(keys),
                graph.final_olabel[rows])
