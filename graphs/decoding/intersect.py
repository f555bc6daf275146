"""k2's pruned intersection of graphs with acoustic scores: the one call that the search stands on."""

from typing import List, Sequence

import k2
import numpy as np
import torch
from k2.fsa_properties import ARC_SORTED, EPSILON_FREE, NONEMPTY, VALID
from torch import Tensor

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.hmm.transitions import TransitionModel
from graphs.ids import FINAL_LABEL, pdf_label, scores_for_graph

_BLOCK = 1 << 15  # arcs


class RawLattice:
    """What k2 kept of one utterance: arcs of its lattice as rows of the searched graph.

    Attributes:
      src, dst: ``[num_arcs]`` int32 states, topologically ordered, the last one final.
      arc_id: ``[num_arcs]`` int64 row in the graph's arcs; from graph.num_arcs on, finals.
      frame: ``[num_arcs]`` int64.
    """

    def __init__(self, src: np.ndarray, dst: np.ndarray, arc_id: np.ndarray, frame: np.ndarray):
        self.src, self.dst, self.arc_id, self.frame = src, dst, arc_id, frame


class SearchGraph:
    """A graph made ready to be searched, and its arcs and finals in one numbering.

    Attributes:
      fsas: FsaVec of one acceptor whose labels are pdf labels; the attribute `arc_id` counts the graph's
        arcs, then its finals.
      transition_id, olabel, score: by arc_id; a final has transition_id 0.
    """

    def __init__(self, graph: Arcs, transitions: TransitionModel, device: torch.device = torch.device("cpu")):
        """Raises InputError for a graph that cannot be searched with these transitions."""
        item = "graph to be searched"
        if not len(graph.final_state):  # k2 would abort
            raise InputError(item, "a final state", "none")
        if graph.ilabel.max(initial=0) > transitions.num_transition_ids:
            raise InputError(item, f"transition_ids up to {transitions.num_transition_ids}, as in the transition model",
                             str(graph.ilabel.max()))
        if not graph.ilabel.all():
            raise InputError(item, "a transition_id on every arc", "an epsilon")
        self.transition_id = np.concatenate([graph.ilabel, np.zeros(len(graph.final_state), np.int32)])
        self.olabel = np.concatenate([graph.olabel, graph.final_olabel])
        self.score = np.concatenate([graph.score, graph.final_score])
        labels = search_label(np.arange(transitions.num_transition_ids + 1), transitions)
        self.fsas = _acceptor(graph, labels, self.transition_id, self.score).to(device)


def search_label(transition_id: np.ndarray, transitions: TransitionModel) -> np.ndarray:
    """``[n]`` int32: the graph labels of their pdfs; FINAL_LABEL for 0."""
    label = pdf_label(transitions.pdf_id)
    label[0] = FINAL_LABEL
    return label[transition_id]


def search_order(graph: Arcs, labels: np.ndarray) -> np.ndarray:
    """``[num_arcs]``: k2's order of arcs, by source, label and target."""
    return np.lexsort((graph.dst, labels, graph.src))


def _acceptor(graph: Arcs, labels: np.ndarray, transition_id: np.ndarray, scores: np.ndarray) -> k2.Fsa:
    """FsaVec of one, arc-sorted, with `arc_id`.

    Arcs in `search_order` (as `compile_hclg` leaves them) are spared the sorting, which takes longer than all else.

    Args:
      labels: of transition_ids.
      transition_id, scores: by arc_id.
    """
    arc_id = _with_finals(graph, np.arange(graph.num_arcs, dtype=np.int32))
    dst = np.concatenate([graph.dst, np.full(len(graph.final_state), graph.num_states, np.int32)])
    columns = [np.concatenate([graph.src, graph.final_state]), dst, transition_id, scores.view(np.int32)]
    table = np.empty((len(arc_id), 4), np.int32)
    if not _fill(table, columns, labels, arc_id):
        order = search_order(graph, labels[graph.ilabel]).astype(np.int32)
        arc_id = _with_finals(graph, order)
        _fill(table, columns, labels, arc_id)
    leaving = np.bincount(columns[0], minlength=graph.num_states + 1)
    splits = np.append(0, np.cumsum(leaving)).astype(np.int32)
    states_of_fsa = k2.ragged.create_ragged_shape2(torch.tensor([0, graph.num_states + 1], dtype=torch.int32))
    arcs_of_state = k2.ragged.create_ragged_shape2(torch.from_numpy(splits), cached_tot_size=len(arc_id))
    # what k2 would look for, and what is so
    known = VALID | NONEMPTY | ARC_SORTED | EPSILON_FREE
    fsas = k2.Fsa(k2.fsa.RaggedArc(states_of_fsa.compose(arcs_of_state), torch.from_numpy(table)), properties=known)
    fsas.arc_id = torch.from_numpy(arc_id)
    return fsas


def _with_finals(graph: Arcs, order: np.ndarray) -> np.ndarray:
    """``[num_arcs + num_finals]`` int32 arc_ids: the arcs in the order, finals after the arcs of their state. (k2
    compares labels as unsigned: the final label -1 comes last.)"""
    finals = np.argsort(graph.final_state, kind="stable")
    return np.insert(order, np.searchsorted(graph.src, graph.final_state[finals], "right", sorter=order),
                     graph.num_arcs + finals)


def _fill(table: np.ndarray, columns: Sequence[np.ndarray], labels: np.ndarray, arc_id: np.ndarray) -> bool:
    """Writes k2's table of arcs; whether they are in k2's order. columns: by arc_id, the third one of transition_ids.

    Block by block, so that all is done while a block is near: memory takes more time than computing.
    """
    in_order, before = True, np.zeros(2, np.int64)
    for start in range(0, len(arc_id), _BLOCK):
        rows, block = arc_id[start:start + _BLOCK], table[start:start + _BLOCK]
        src, dst, transition_id, score = (column.take(rows, mode="clip") for column in columns)
        label = labels.take(transition_id)
        block[:, 0], block[:, 1], block[:, 2], block[:, 3] = src, dst, label, score
        key = np.left_shift(src, 32, dtype=np.int64)
        key |= label.view(np.uint32)
        same = np.flatnonzero(key[1:] == key[:-1])
        in_order &= (key[1:] >= key[:-1]).all() and (dst[same + 1] >= dst[same]).all() and (
            before.tolist() <= [key[0], dst[0]])
        before = np.array([key[-1], dst[-1]])
    return in_order


def intersect_pruned(fsas: k2.Fsa, log_likelihoods: Sequence[Tensor], beam: float, lattice_beam: float,
                     min_active: int, max_active: int, one_path: bool = False) -> List[RawLattice]:
    """Searches each utterance in its graph.

    Args:
      fsas: FsaVec of one graph for all, or one graph each; with the attribute `arc_id`.
      log_likelihoods: ``[num_frames, num_pdfs]`` float32 each, scaled, on the device of `fsas`;
        longest first.
      one_path: only the best path of each lattice is returned.
    Returns:
      one RawLattice each; without arcs where the search reached no final state.
    """
    lengths = [len(x) for x in log_likelihoods]
    padded = torch.nn.utils.rnn.pad_sequence(list(log_likelihoods), batch_first=True)
    segments = torch.tensor([[i, 0, length] for i, length in enumerate(lengths)], dtype=torch.int32)
    dense = k2.DenseFsaVec(scores_for_graph(padded), segments)
    found = k2.intersect_dense_pruned(fsas, dense, search_beam=beam, output_beam=lattice_beam,
                                      min_active_states=min_active, max_active_states=max_active,
                                      frame_idx_name="frame")
    if one_path:
        return _split(k2.shortest_path(found, use_double_scores=True), len(lengths))
    states = found.arcs.shape().row_splits(1).cpu().numpy()
    # it can hold arcs that lead nowhere
    return [connected(raw, number) for raw, number in zip(_split(found, len(lengths)), np.diff(states))]


def connected(raw: RawLattice, num_states: int) -> RawLattice:
    """The arcs on paths from the first state to the last, states renumbered in their order.

    Arcs stand frame by frame, and each leads from its frame to the next, so one step a frame sees every path;
    k2.connect, which knows of no frames, takes longer than the search.
    """
    if not len(raw.src):
        return raw
    bounds = np.searchsorted(raw.frame, np.arange(raw.frame[-1] + 2))
    frames = [slice(start, end) for start, end in zip(bounds, bounds[1:])]
    entered, useful = np.zeros((2, num_states), bool)
    entered[0] = entered[raw.dst] = useful[-1] = True
    for arcs in reversed(frames):
        useful[raw.src[arcs][useful[raw.dst[arcs]]]] = True
    if not entered.all():  # else a way back from any state ends in the first one
        reached = np.zeros(num_states, bool)
        reached[0] = True
        for arcs in frames:
            reached[raw.dst[arcs][reached[raw.src[arcs]]]] = True
        useful &= reached
    kept = useful[raw.src] & useful[raw.dst]
    number = (np.cumsum(useful) - 1).astype(np.int32)
    return RawLattice(number[raw.src[kept]], number[raw.dst[kept]], raw.arc_id[kept], raw.frame[kept])


def _split(found: k2.Fsa, count: int) -> List[RawLattice]:
    row_splits = found.arcs.shape().row_splits(1).cpu().numpy()
    bounds = found.arcs.shape().row_splits(2).cpu().numpy()[row_splits]
    table = found.arcs.values()[:, :2].cpu().numpy()
    arc_id, frame = found.arc_id.cpu().numpy().astype(np.int64), found.frame.cpu().numpy().astype(np.int64)
    pieces = [slice(bounds[i], bounds[i + 1]) for i in range(count)]
    return [RawLattice(table[p, 0], table[p, 1], arc_id[p], frame[p]) for p in pieces]
