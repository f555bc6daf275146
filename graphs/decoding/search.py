"""Search: a graph and acoustic scores in, a lattice out, for every utterance.

The search sees scores, not a model (Kaldi itf/decodable-itf.h). k2's pruned intersection can come back
without any path; an utterance is then searched again with wider beams, and at last in a graph in which
every state is final, which yields the best partial path, marked as such.
"""

from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple, Union

import numpy as np
import torch
from torch import Tensor

from graphs.checks import check_each_once, check_matrix
from graphs.decoding.decoding_graph import DecodingGraph
from graphs.decoding.decoding_options import SearchOptions
from graphs.decoding.intersect import RawLattice, SearchGraph, intersect_pruned
from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.word_sequences import WordSequences
from graphs.hmm.transitions import TransitionModel
from graphs.lattices.lattice import Lattice


LARGEST_TOTAL = 2.0 ** 24  # float32 counts whole units up to here; far beyond, rounding makes k2 end the process


@dataclass(frozen=True)
class Result:
    """outcome: done, retried, partial or failed; lattice is None only when failed."""

    outcome: str
    reason: str
    lattice: Lattice


class Searcher:
    """Searches utterances in a graph."""

    def __init__(self, graph: DecodingGraph, transitions: TransitionModel, options: SearchOptions,
                 device: torch.device = torch.device("cpu"), partial: bool = True, one_path: bool = False):
        """
        Args:
          partial: an utterance that reaches no final state gets its best partial path; else it fails.
          one_path: lattices hold the best path alone.
        Raises: InputError for a graph that was made with other transitions.
        """
        if graph.fingerprint not in (None, transitions.fingerprint()):
            raise InputError("graph to be searched", f"one made with the transitions {transitions.fingerprint()}",
                             f"one of {graph.fingerprint}")
        labels = graph.sequences.num_words + len(graph.sequences.sequences)
        if max(graph.arcs.olabel.max(initial=0), graph.arcs.final_olabel.max(initial=0)) >= labels:
            raise InputError("graph to be searched", f"output labels below {labels}", "one that is not")
        self.graph, self.transitions, self.options, self.device = graph, transitions, options, device
        self.partial, self.one_path = partial, one_path
        self._closed = self._prepared(graph.arcs)
        self._open = None

    def search(self, utterances: Sequence[Tuple[str, Tensor]]) -> Dict[str, Result]:
        """
        Args:
          utterances: (utterance_id, ``[num_frames, num_pdfs]`` log-likelihoods, unscaled, of any floating type;
            they are searched as float32), each utterance once.
        Returns:
          utterance_id -> Result, one for each utterance, whatever happened to it.
        Raises: InputError for what can be no log-likelihoods of this model, and for an id that comes twice.
        """
        check_each_once("utterances to be searched", (utterance_id for utterance_id, _ in utterances))
        results: Dict[str, Result] = {}
        waiting = []
        for utterance_id, scores in utterances:
            check_matrix(f"log-likelihoods of {utterance_id}", scores, self.transitions.num_pdfs, "pdf_id")
            problem = _problem(scores, self.options.acoustic_scale)
            if problem:
                results[utterance_id] = Result("failed", problem, None)
            else:
                waiting.append((utterance_id, scores.detach().to(torch.float32)))
        options = self.options
        for attempt in range(options.retries + 1):
            if attempt:
                options = options.wider()
            waiting = self._attempt(self._closed, waiting, options, results, "retried" if attempt else "done",
                                    f"beam {options.beam:g}, max_active {options.max_active}" if attempt else "")
        missed = f"no final state reached with beam {options.beam:g}, max_active {options.max_active}"
        if waiting and self.partial:
            if self._open is None:
                self._open = self._prepared(_all_final(self.graph.arcs))
            waiting = self._attempt(self._open, waiting, self.options, results, "partial", missed)
        for utterance_id, _ in waiting:
            results[utterance_id] = Result("failed", missed, None)
        return results

    def _prepared(self, arcs: Arcs):
        return SearchGraph(arcs, self.transitions, self.device)

    def _attempt(self, graph: SearchGraph, waiting, options, results, outcome, reason) -> List[Tuple[str, Tensor]]:
        """Searches what waits, files the results and returns what found no path."""
        empty = []
        for batch in self._batches(waiting, options):
            scaled = [(options.acoustic_scale * scores).to(self.device) for _, scores in batch]
            raws = intersect_pruned(graph.fsas, scaled, options.beam, options.lattice_beam, options.min_active,
                                    options.max_active, self.one_path)
            for (utterance_id, scores), raw in zip(batch, raws):
                if len(raw.src) == 0:
                    empty.append((utterance_id, scores))
                else:
                    lattice = make_lattice(utterance_id, raw, graph, self.graph.sequences, self.transitions,
                                           scores.cpu().numpy(), outcome == "partial")
                    results[utterance_id] = Result(outcome, reason, lattice)
        return empty

    def _batches(self, waiting, options: SearchOptions):
        """Longest first, as many together as fit the memory budget; on a CPU one by one, since k2 gains
        nothing from batches there."""
        ordered = sorted(waiting, key=lambda item: (-len(item[1]), item[0]))
        if self.device.type == "cpu":
            return [[item] for item in ordered]
        # a state costs about 4 arcs of 32 bytes before pruning, a score 4 bytes
        frame_bytes = 128 * options.max_active + 4 * self.transitions.num_pdfs
        batches: List[list] = []
        for item in ordered:
            if batches and (len(batches[-1]) + 1) * len(batches[-1][0][1]) * frame_bytes <= options.memory_mb * 2**20:
                batches[-1].append(item)
            else:
                batches.append([item])
        return batches


def _problem(scores: Tensor, acoustic_scale: float) -> str:
    if len(scores) == 0:
        return "no frames"
    if not bool(torch.isfinite(scores).all()):
        return "log-likelihoods that are not finite"
    total = acoustic_scale * float(scores.double().abs().amax(dim=1).sum())
    return "" if total <= LARGEST_TOTAL else f"scaled log-likelihoods of {total:g} in all, beyond {LARGEST_TOTAL:g}"


def _all_final(arcs: Arcs) -> Arcs:
    """The graph with every state final, at no cost."""
    states = np.arange(arcs.num_states)
    return Arcs(arcs.src, arcs.dst, arcs.ilabel, arcs.olabel, arcs.score, states, np.zeros(len(states)),
                arcs.num_states)


def make_lattice(utterance_id: str, raw: RawLattice, graph: SearchGraph, sequences: WordSequences,
                 transitions: TransitionModel, log_likelihoods: np.ndarray, partial: bool = False,
                 added: Union[float, np.ndarray] = 0.0) -> Lattice:
    """The Lattice of what the search kept.

    Args:
      graph: the graph that `raw` points into.
      log_likelihoods: ``[num_frames, num_pdfs]``, unscaled.
      added: to the graph scores, ``[num_arcs]`` or a number.
    """
    olabel, transition_id = graph.olabel[raw.arc_id], graph.transition_id[raw.arc_id]
    frame = np.minimum(raw.frame, len(log_likelihoods) - 1)
    acoustic = np.where(transition_id > 0, log_likelihoods[frame, transitions.pdf_id[transition_id]], 0.0)
    columns = [raw.src, raw.dst, transition_id, olabel, acoustic, graph.score[raw.arc_id] + added]
    if (olabel >= sequences.num_words).any():
        columns = _one_word_an_arc(columns, sequences)
    src, dst, transition_id, word_id, acoustic, graph_score = columns
    return Lattice(utterance_id, len(log_likelihoods), src.astype(np.int32), dst.astype(np.int32),
                   transition_id.astype(np.int32), word_id.astype(np.int32), acoustic.astype(np.float32),
                   graph_score.astype(np.float32), partial)


def _one_word_an_arc(columns: List[np.ndarray], sequences: WordSequences) -> List[np.ndarray]:
    """Spells arcs with several words out as chains: the first arc has the frame, the others a word each."""
    src, dst, transition_id, olabel, acoustic, graph = columns
    many = np.flatnonzero(olabel >= sequences.num_words)
    word_id = olabel.copy()
    last = int(dst.max())
    place = np.arange(last + 1, dtype=np.float64)  # new states stand between old ones
    chains = []
    new_dst = dst.copy()
    for arc in many:
        words = sequences.words(int(olabel[arc]))
        word_id[arc] = words[0]
        states = last + 1 + np.arange(len(words) - 1)
        last = int(states[-1])
        place = np.append(place, src[arc] + np.arange(1, len(words)) / len(words))
        new_dst[arc] = states[0]
        ends = np.append(states[1:], dst[arc])
        chains += [(s, d, 0, w, 0.0, 0.0) for s, d, w in zip(states, ends, words[1:])]
    extra = [np.array(column) for column in zip(*chains)]
    columns = [np.concatenate(pair) for pair in zip(
        (src, new_dst, transition_id, word_id, acoustic, graph), extra)]
    number = np.empty(len(place), np.int64)
    number[np.argsort(place, kind="stable")] = np.arange(len(place))
    columns[0], columns[1] = number[columns[0]], number[columns[1]]
    return columns
