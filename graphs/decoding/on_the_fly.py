"""Search in a graph with other language models on the fly: HCLG of a small LM, and the difference to a large one.

Tokens stand at (state of the graph, state of the LM). Where a token passes words it gets what the LM adds; with the
terms -1 for the LM that the graph was made with and 1 for another, paths score as in a graph of the other LM, which is
never built (Hori et al. 2007; Kaldi decoder/biglm-faster-decoder.h). The small LM, pushed forward in the graph, looks
ahead for the large one.

Frame by frame, all tokens at once in numpy. A token is dropped that is worse than the best by the beam, before any LM
is asked, and again after; of the arcs into a token those go at once that are worse than its best by the lattice beam,
and every few frames those that no path within it goes through any more.
"""

from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np
from torch import Tensor

from graphs.decoding.decoding_graph import DecodingGraph
from graphs.decoding.decoding_options import SearchOptions
from graphs.decoding.intersect import RawLattice
from graphs.decoding.search import Result, Searcher, make_lattice
from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.ragged import ragged_ranges
from graphs.grammar.language_model import LanguageModel
from graphs.grammar.remembered import Remembered
from graphs.hmm.transitions import TransitionModel

PRUNE_EVERY = 25  # frames


class OnTheFlySearcher(Searcher):
    """Searches as Searcher does, on the CPU; the scores of an LM are added to those of the graph."""

    def __init__(self, graph: DecodingGraph, transitions: TransitionModel, lm: LanguageModel, options: SearchOptions,
                 partial: bool = True):
        """lm: what is added, such as a WeightedLm of the difference of two. A partial path ends without it."""
        super().__init__(graph, transitions, options, partial=partial)
        self._lm = Remembered(lm)
        lengths = [len(words) for words in graph.sequences.sequences]
        self._sequences = np.zeros((len(lengths), max(lengths, default=1)), np.int64)
        for row, words in zip(self._sequences, graph.sequences.sequences):
            row[:len(words)] = words

    def _prepared(self, arcs: Arcs) -> "ArcTable":
        return ArcTable(arcs, self.transitions)

    def _attempt(self, graph: "ArcTable", waiting, options: SearchOptions, results: Dict[str, Result], outcome: str,
                 reason: str) -> List[Tuple[str, Tensor]]:
        empty = []
        for utterance_id, scores in waiting:
            log_likelihoods = scores.cpu().numpy()
            self._lm.reset()
            found = _Tokens(self, graph, options).search(log_likelihoods, ends=outcome != "partial")
            if found is None:
                empty.append((utterance_id, scores))
                continue
            raw, added = found
            lattice = make_lattice(utterance_id, raw, graph, self.graph.sequences, self.transitions, log_likelihoods,
                                   outcome == "partial", added)
            results[utterance_id] = Result(outcome, reason, lattice)
        return empty

    def spoken(self, lm_state: np.ndarray, olabel: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """What the LM adds for the words of output labels, and its states after them."""
        added, lm_state, num_words = np.zeros(len(olabel)), lm_state.copy(), self.graph.sequences.num_words
        spoken = np.flatnonzero(olabel)
        words = np.zeros((len(spoken), self._sequences.shape[1]), np.int64)
        several = olabel[spoken] >= num_words
        words[:, 0] = olabel[spoken]
        words[several] = self._sequences[olabel[spoken[several]] - num_words]
        for word_id in words.T:
            rows = np.flatnonzero((word_id > 0) & ~np.isneginf(added[spoken]))
            scores, lm_state[spoken[rows]] = self._lm.advance(lm_state[spoken[rows]], word_id[rows])
            added[spoken[rows]] += scores
        return added, lm_state

    @property
    def lm(self) -> LanguageModel:
        return self._lm


class ArcTable:
    """A graph's arcs, sorted by source, and its finals, in one numbering (as SearchGraph's)."""

    def __init__(self, graph: Arcs, transitions: TransitionModel):
        """Raises InputError for a graph that cannot be searched with these transitions."""
        if not len(graph.final_state) or not graph.num_arcs:
            raise InputError("graph to be searched", "arcs and a final state", "none")
        if not 0 < graph.ilabel.min() <= graph.ilabel.max() <= transitions.num_transition_ids:
            raise InputError("graph to be searched", f"transition_ids from 1 to {transitions.num_transition_ids}",
                             f"{graph.ilabel.min()} to {graph.ilabel.max()}")
        order, ends = (np.argsort(column, kind="stable") for column in (graph.src, graph.final_state))
        states = np.arange(graph.num_states + 1)
        self.first = np.searchsorted(graph.src[order], states)
        self.first_final = graph.num_arcs + np.searchsorted(graph.final_state[ends], states)
        self.dst = graph.dst[order].astype(np.int64)
        self.transition_id = np.append(graph.ilabel[order], np.zeros(len(ends), np.int32))
        self.pdf_id = transitions.pdf_id[graph.ilabel[order]]
        self.olabel = np.append(graph.olabel[order], graph.final_olabel[ends])
        self.score = np.append(graph.score[order], graph.final_score[ends]).astype(np.float64)

    def out_of(self, states: np.ndarray, first: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """For each arc (or final, by `first`) out of the states: the place of its state, and its number."""
        return ragged_ranges(first[states], first[states + 1] - first[states])


class _Step(NamedTuple):
    """Arcs of a frame, as tokens before and after it, number in the ArcTable, score, and the LM's part of that."""

    src: np.ndarray
    dst: np.ndarray
    arc: np.ndarray
    score: np.ndarray
    added: np.ndarray

    def select(self, kept: np.ndarray) -> "_Step":
        return _Step(*(column[kept] for column in self))


class _Tokens:
    """One search of one utterance."""

    def __init__(self, searcher: OnTheFlySearcher, graph: ArcTable, options: SearchOptions):
        self._searcher, self._graph, self._options = searcher, graph, options
        self._state, self._lm_state = np.zeros((2, 1), np.int64)
        self._score = np.zeros(1)
        self._scores = [self._score]  # of the tokens of every frame
        self._steps: List[_Step] = []

    def search(self, log_likelihoods: np.ndarray, ends: bool) -> Optional[Tuple[RawLattice, np.ndarray]]:
        """The lattice and what the LM added to its arcs, or None when no token reaches a final state.

        ends: the LM has a say in whether the sentence ends.
        """
        for scores in log_likelihoods:
            self._advance(self._options.acoustic_scale * scores.astype(np.float64))
            if not len(self._score):
                return None
            if len(self._steps) % PRUNE_EVERY == 0:
                self._prune(np.zeros(len(self._score)), 2 * PRUNE_EVERY)
        if not self._finish(ends):
            return None
        self._prune(np.zeros(1), len(self._steps))
        return self._lattice()

    def _advance(self, scores: np.ndarray) -> None:
        """scores: ``[num_pdfs]`` of a frame, scaled."""
        graph = self._graph
        src, arc = graph.out_of(self._state, graph.first)
        score = graph.score[arc] + scores[graph.pdf_id[arc]]
        total = self._score[src] + score
        kept = np.flatnonzero(total >= self._threshold(total))
        src, arc, score, total = src[kept], arc[kept], score[kept], total[kept]
        added, lm_state = self._searcher.spoken(self._lm_state[src], graph.olabel[arc])
        total = total + added
        kept = np.flatnonzero((total >= self._threshold(total)) & ~np.isneginf(total))
        step, lm_state = _Step(src, src, arc, score + added, added).select(kept), lm_state[kept]
        total = self._score[step.src] + step.score
        tokens, dst = np.unique(graph.dst[step.arc] << 32 | lm_state, return_inverse=True)
        dst = dst.reshape(-1)
        best = np.full(len(tokens), -np.inf)
        np.maximum.at(best, dst, total)
        stays = np.ones(len(tokens), bool)
        if len(tokens) > self._options.max_active:
            stays[np.argsort(-best, kind="stable")[self._options.max_active:]] = False
        kept = stays[dst] & (total >= best[dst] - self._options.lattice_beam)
        self._steps.append(step._replace(dst=(np.cumsum(stays) - 1)[dst]).select(kept))
        self._state, self._lm_state, self._score = tokens[stays] >> 32, tokens[stays] & 0xFFFFFFFF, best[stays]
        self._scores.append(self._score)

    def _threshold(self, total: np.ndarray) -> float:
        """What is below goes: the beam's, but that of the best min_active if that is lower."""
        if not len(total):
            return 0.0
        within, least = total.max() - self._options.beam, self._options.min_active
        if len(total) <= least:
            return -np.inf
        return min(within, np.partition(total, -least)[-least]) if least else within

    def _finish(self, ends: bool) -> bool:
        """A last step, of finals, to the one token at the end; False if there are none."""
        graph, lm = self._graph, self._searcher.lm
        src, arc = graph.out_of(self._state, graph.first_final)
        added, lm_state = self._searcher.spoken(self._lm_state[src], graph.olabel[arc])
        if ends:
            alive = np.flatnonzero(~np.isneginf(added))
            added[alive] += lm.final(lm_state[alive])
        score = graph.score[arc] + added
        step = _Step(src, np.zeros(len(src), np.int64), arc, score, added).select(~np.isneginf(score))
        if not len(step.src):
            return False
        self._steps.append(step)
        self._scores.append(np.array([(self._score[step.src] + step.score).max()]))
        return True

    def _prune(self, behind: np.ndarray, frames: int) -> None:
        """Drops the arcs of the last frames that no path within the lattice beam goes through.

        behind: of each last token, what the best path through it is behind the best of all that go on.
        """
        for i in range(len(self._steps) - 1, max(-1, len(self._steps) - 1 - frames), -1):
            step = self._steps[i]
            # in this order, so that it is behind[step.dst] itself where the arc is the best into its token
            lost = behind[step.dst] + (self._scores[i + 1][step.dst] - (self._scores[i][step.src] + step.score))
            self._steps[i] = step = step.select(lost <= self._options.lattice_beam)
            behind = np.full(len(self._scores[i]), np.inf)
            np.minimum.at(behind, step.src, lost[lost <= self._options.lattice_beam])

    def _lattice(self) -> Tuple[RawLattice, np.ndarray]:
        """All arcs left, states numbered frame by frame."""
        number, count = np.zeros(1, np.int64), 1
        src, dst = [], []
        for step in self._steps:
            src.append(number[step.src])
            used, place = np.unique(step.dst, return_inverse=True)
            number = np.zeros(int(step.dst.max()) + 1, np.int64)
            number[used] = count + np.arange(len(used))
            dst.append(count + place.reshape(-1))
            count += len(used)
        frame = np.repeat(np.arange(len(self._steps)), [len(step.src) for step in self._steps])
        columns = [np.concatenate(column) for column in (src, dst, [step.arc for step in self._steps],
                                                         [step.added for step in self._steps])]
        return RawLattice(*columns[:3], frame), columns[3]
