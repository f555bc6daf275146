"""k2's search of transducers in graphs, frame by frame for many utterances at once (Kang et al., "Fast and parallel
decoding for transducer", 2023): the one call of k2 that hybrid/e2e/search/transducer_graph.py stands on."""

from typing import Callable, List, NamedTuple, Sequence

import k2
import numpy as np
import torch
from torch import Tensor

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.ids import FINAL_LABEL

# (frame, utterances [N], contexts [N, context]) -> [N, num_tokens] float32 log probabilities
FrameScores = Callable[[int, Tensor, Tensor], Tensor]


class StreamLattice(NamedTuple):
    """What k2 kept of one utterance. Each arc takes a frame; they stand frame by frame.

    Attributes:
      src, dst: ``[num_arcs]`` int32 states, by k2's numbers; 0 is the start.
      arc: ``[num_arcs]`` int64 row in the graph's arcs, -1 for a blank.
      frame: ``[num_arcs]`` int64.
      score: ``[num_arcs]`` float64 log probability, without the graph's.
    """

    src: np.ndarray
    dst: np.ndarray
    arc: np.ndarray
    frame: np.ndarray
    score: np.ndarray


def search_streams(graph: Arcs, scores: np.ndarray, frame_scores: FrameScores, lengths: Sequence[int], num_tokens: int,
                   context: int, beam: float, max_states: int, max_contexts: int,
                   device: torch.device = torch.device("cpu")) -> List[StreamLattice]:
    """
    Args:
      graph: a token on every arc.
      scores: ``[num_arcs]`` float of the graph's arcs in the search.
      frame_scores: see above; of the utterances that are not over yet, and of the others as well.
      lengths: frames of each utterance, at least 1.
      context: tokens that the scores depend on.
    Returns: for each utterance all that reached its last frame, wherever in the graph.
    Raises: InputError for a graph with epsilons, and for more contexts and states than k2 can number.
    """
    if not graph.ilabel.all() or graph.ilabel.max() >= num_tokens:
        raise InputError("graph of a transducer", f"tokens from 1 to {num_tokens - 1} on all arcs", "others")
    if num_tokens ** context * (graph.num_states + 2) >= 2 ** 63:
        raise InputError("search transducer_graph", "fewer tokens, a shorter context or a smaller graph",
                         f"{num_tokens} tokens, {context} of them seen, {graph.num_states} states")
    scores = scores.astype(np.float32)
    fsa = _fsa(graph, scores).to(device)
    config = k2.RnntDecodingConfig(vocab_size=num_tokens, decoder_history_len=context, beam=beam,
                                   max_contexts=max_contexts, max_states=max_states)
    streams = k2.RnntDecodingStreams([k2.RnntDecodingStream(fsa) for _ in lengths], config)
    for frame in range(max(lengths)):
        shape, contexts = streams.get_contexts()
        streams.advance(frame_scores(frame, shape.row_ids(1).long(), contexts.long()).contiguous())
    # k2 1.23.4 gives no arcs of the last frame: here that is one more
    streams.advance(torch.zeros(len(streams.get_contexts()[1]), num_tokens, device=device))
    streams.terminate_and_flush_to_streams()
    found = streams.format_output([length + 1 for length in lengths], allow_partial=True)
    return [_lattice(found[row], scores, length) for row, length in enumerate(lengths)]


def _fsa(graph: Arcs, scores: np.ndarray) -> k2.Fsa:
    """k2 wants a final state, and its search would go there before the end: none of ours leads to it. What the end
    costs is added afterwards. `number` is the row of an arc and 1."""
    order = np.lexsort((graph.dst, graph.ilabel, graph.src))
    table = np.stack([graph.src, graph.dst, graph.ilabel, scores.view(np.int32)], axis=1)[order]
    last = [[graph.num_states, graph.num_states + 1, FINAL_LABEL, 0]]
    fsa = k2.Fsa(torch.from_numpy(np.concatenate([table, last]).astype(np.int32)))
    fsa.number = torch.from_numpy(np.append(order + 1, 0).astype(np.int32))
    return fsa


def _lattice(found: k2.Fsa, scores: np.ndarray, length: int) -> StreamLattice:
    """The arcs on paths of `length` frames."""
    src, dst = found.arcs.values()[:, :2].cpu().numpy().T
    level = np.zeros(found.shape[0], np.int64)
    bounds = np.flatnonzero(np.diff(src, prepend=-1, append=-1))
    for begin, end in zip(bounds, bounds[1:]):
        level[dst[begin:end]] = level[src[begin]] + 1
    frame = level[src]
    useful = level == length
    for number in reversed(range(length)):
        arcs = slice(*np.searchsorted(frame, [number, number + 1]))
        useful[src[arcs][useful[dst[arcs]]]] = True
    kept = np.flatnonzero(useful[dst])
    arc = found.number.cpu().numpy().astype(np.int64)[kept] - 1
    score = found.scores.detach().cpu().numpy().astype(np.float64)[kept]
    return StreamLattice(src[kept], dst[kept], arc, frame[kept], score - np.where(arc >= 0, scores[arc], 0.0))
