"""The best token sequences of what k2's search of a transducer kept (hybrid/e2e/search/rnnt_streams.py)."""

import math
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from graphs.fst.arcs import Arcs
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.search.prefixes import frames_of


class _Prefix(NamedTuple):
    """The paths of some tokens to a state.

    score: log of the sum of all; best: that of the best one. Of the best one: added, what graph and bonuses add to it
    (what other ways through the graph add to the sum counts as the transducer's); graph, the graph's score, unscaled;
    frames of the tokens, as (last frame, those before likewise) or None.
    """

    score: float
    best: float
    added: float
    graph: float
    frames: Optional[tuple]


_Prefixes = Dict[Tuple[int, ...], _Prefix]


class StreamNbest:
    """
    Attributes:
      scores, final_scores: of arcs and of ends of the graph, in the search.
    """

    def __init__(self, graph: Arcs, scores: np.ndarray, final_scores: np.ndarray, number: int, has_lm: bool):
        """
        Args:
          number: of sequences that each state of a lattice keeps, and that are given.
          has_lm: are the graph's scores a language model's?
        """
        self.graph, self.scores, self.final_scores = graph, scores, final_scores
        self.number, self.has_lm = number, has_lm
        self._ends: Dict[int, List[int]] = {}
        for row, state in enumerate(graph.final_state.tolist()):
            self._ends.setdefault(state, []).append(row)

    def hypotheses(self, lattice) -> List[Hypothesis]:
        """The best first; those that do not end in the graph only where no other does. lattice: StreamLattice."""
        state_of, kept = {0: 0}, {0: {(): _Prefix(0.0, 0.0, 0.0, 0.0, None)}}  # of the graph; by state of the lattice
        columns = [column.tolist() for column in lattice]
        bounds = np.searchsorted(lattice.frame, np.arange(lattice.frame[-1] + 2))
        for begin, end in zip(bounds, bounds[1:]):
            grown: Dict[int, _Prefixes] = {}
            for src, dst, arc, frame, score in zip(*(column[begin:end] for column in columns)):
                state_of[dst] = state_of[src] if arc < 0 else int(self.graph.dst[arc])
                self._extend(kept[src], arc, frame, score, grown.setdefault(dst, {}))
            kept = {state: self._best(prefixes) for state, prefixes in grown.items()}
        ended: _Prefixes = {}
        for state, prefixes in kept.items():
            for row in self._ends.get(state_of[state], []):
                self._end(prefixes, row, ended)
        finished = bool(ended)
        for prefixes in [] if finished else kept.values():
            for tokens, prefix in prefixes.items():
                _add(ended, tokens, prefix)
        return [self._hypothesis(tokens, prefix, finished) for tokens, prefix in self._best(ended).items()]

    def _extend(self, prefixes: _Prefixes, arc: int, frame: int, score: float, into: _Prefixes) -> None:
        """By an arc of a lattice: a row of the graph's, or -1 for a blank."""
        added = graph = 0.0
        if arc >= 0:
            added, graph, token = float(self.scores[arc]), float(self.graph.score[arc]), int(self.graph.ilabel[arc])
        for tokens, prefix in prefixes.items():
            frames = prefix.frames
            if arc >= 0:
                tokens, frames = (*tokens, token), (frame, frames)
            _add(into, tokens, _Prefix(prefix.score + score + added, prefix.best + score + added, prefix.added + added,
                                       prefix.graph + graph, frames))

    def _end(self, prefixes: _Prefixes, row: int, into: _Prefixes) -> None:
        added, graph = float(self.final_scores[row]), float(self.graph.final_score[row])
        for tokens, prefix in prefixes.items():
            _add(into, tokens, _Prefix(prefix.score + added, prefix.best + added, prefix.added + added,
                                       prefix.graph + graph, prefix.frames))

    def _best(self, prefixes: _Prefixes) -> _Prefixes:
        return dict(sorted(prefixes.items(), key=lambda item: (-item[1].score, item[0]))[:self.number])

    def _hypothesis(self, tokens: Tuple[int, ...], prefix: _Prefix, finished: bool) -> Hypothesis:
        parts = {"transducer": prefix.score - prefix.added}
        if self.has_lm:
            parts["lm"] = prefix.graph
        return Hypothesis(tokens, frames_of(prefix.frames), prefix.score, parts, finished)


def _add(prefixes: _Prefixes, tokens: Tuple[int, ...], new: _Prefix) -> None:
    known = prefixes.get(tokens)
    if known is not None:
        high, low = max(known.score, new.score), min(known.score, new.score)
        new = max(known, new, key=lambda prefix: prefix.best)._replace(score=high + math.log1p(math.exp(low - high)))
    prefixes[tokens] = new
