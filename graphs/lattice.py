"""Lattices: what the search kept, acoustic and graph scores apart (Kaldi fstext/lattice-weight.h).

A lattice is acyclic, has one start state (0) and one final state (the last). An arc consumes a frame
(transition_id > 0) or none (transition_id 0: final arcs, and arcs that carry the second word of an output
label). Acoustic scores are log-likelihoods without the scale that the search used, so that any scale can
be tried later.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import List, Optional, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.ragged import ragged_ranges


@dataclass(frozen=True)
class Path:
    """One way through a lattice. score = the scaled sum; acoustic and graph are unscaled."""

    word_ids: List[int]
    transition_ids: np.ndarray  # [num_frames] int32
    word_frames: List[int]  # the frame on which each word's label stands
    acoustic: float
    graph: float
    score: float


class _Levels:
    """States by depth: every arc into a state leaves a state of lesser depth.

    Attributes:
      into: for each depth, (arcs, states, starts): the arcs into the states of that depth, sorted by state, and
        where each state's arcs start.
      out_of: the same for the arcs out of the states.
      first_into, arcs_into: the arcs into state s are ``arcs_into[first_into[s]:first_into[s + 1]]``.
    """

    def __init__(self, src: np.ndarray, dst: np.ndarray, num_states: int):
        self.arcs_into, self.first_into = _by_state(dst, num_states)
        depth = _depths(src, dst, num_states)
        self.into, self.out_of = _groups(dst, depth), _groups(src, depth)


def _by_state(state: np.ndarray, num_states: int) -> Tuple[np.ndarray, np.ndarray]:
    order = np.argsort(state, kind="stable")
    return order, np.searchsorted(state[order], np.arange(num_states + 1))


def _depths(src: np.ndarray, dst: np.ndarray, num_states: int) -> np.ndarray:
    """Most arcs on the way to each state. Raises InputError for a cycle."""
    order, first = _by_state(src, num_states)
    waiting = np.bincount(dst, minlength=num_states)
    frontier = np.flatnonzero(waiting == 0)
    depths = np.full(num_states, -1, np.int64)
    depth = 0
    while len(frontier):
        depths[frontier] = depth
        _, at = ragged_ranges(first[frontier], first[frontier + 1] - first[frontier])
        reached, times = np.unique(dst[order[at]], return_counts=True)
        waiting[reached] -= times
        frontier = reached[waiting[reached] == 0]
        depth += 1
    if (depths < 0).any():
        raise InputError("lattice", "no cycle", "one")
    return depths


def _groups(state: np.ndarray, depth: np.ndarray) -> list:
    order = np.lexsort((state, depth[state]))
    states = state[order]
    new = np.flatnonzero(np.append(True, states[1:] != states[:-1])) if len(states) else np.zeros(0, np.int64)
    num_levels = int(depth.max(initial=-1)) + 1
    bounds = np.searchsorted(depth[states], np.arange(num_levels + 1))
    new_bounds = np.searchsorted(new, bounds)
    return [(order[bounds[i]:bounds[i + 1]], states[new[new_bounds[i]:new_bounds[i + 1]]],
             new[new_bounds[i]:new_bounds[i + 1]] - bounds[i])
            for i in range(num_levels) if bounds[i] < bounds[i + 1]]


@dataclass
class Lattice:
    """
    Attributes:
      utterance_id: str.
      num_frames: frames that every path consumes.
      partial: no path reached a final state of the graph; the paths end where the search stood.
      src, dst: ``[num_arcs]`` int32 states.
      transition_id, word_id: ``[num_arcs]`` int32, 0 for none.
      acoustic: ``[num_arcs]`` float32 log-likelihood, unscaled.
      graph: ``[num_arcs]`` float32 log probability of grammar, pronunciation and transitions.
    """

    utterance_id: str
    num_frames: int
    src: np.ndarray
    dst: np.ndarray
    transition_id: np.ndarray
    word_id: np.ndarray
    acoustic: np.ndarray
    graph: np.ndarray
    partial: bool = False

    @property
    def num_arcs(self) -> int:
        return len(self.src)

    @cached_property
    def num_states(self) -> int:
        return int(max(self.src.max(initial=-1), self.dst.max(initial=-1))) + 1

    @cached_property
    def levels(self) -> _Levels:
        return _Levels(self.src, self.dst, self.num_states)

    def scores(self, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
               word_insertion_penalty: float = 0.0) -> np.ndarray:
        """``[num_arcs]`` float64: acoustic_scale * acoustic + graph_scale * graph - penalty on words."""
        return (acoustic_scale * self.acoustic.astype(np.float64) + graph_scale * self.graph.astype(np.float64)
                - word_insertion_penalty * (self.word_id > 0))

    def best_path(self, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
                  word_insertion_penalty: float = 0.0) -> Path:
        return self.best_paths([(graph_scale, acoustic_scale, word_insertion_penalty)])[0]

    def best_paths(self, settings: Sequence[Tuple[float, float, float]]) -> List[Path]:
        """The best path under each (graph_scale, acoustic_scale, word_insertion_penalty), all in one pass."""
        scores = np.stack([self.scores(*setting) for setting in settings], axis=1)
        if self.num_arcs == self.num_states - 1:  # a single path, as alignments have
            arcs = np.argsort(self.src)
            return [self.path(arcs, float(scores[:, i].sum())) for i in range(len(settings))]
        total = np.full((self.num_states, len(settings)), -np.inf)
        total[0] = 0.0
        for arcs, states, starts in self.levels.into:
            total[states] = np.maximum.reduceat(total[self.src[arcs]] + scores[arcs], starts)
        return [self.path(arcs, float(total[-1, i])) for i, arcs in enumerate(self._trace(total, scores))]

    def _trace(self, total: np.ndarray, scores: np.ndarray) -> List[np.ndarray]:
        """The arcs of the best path under each setting; of equally good arcs the first, so that ties are broken
        in the same way everywhere."""
        first, arcs_into = self.levels.first_into, self.levels.arcs_into
        state = np.full(total.shape[1], self.num_states - 1)
        taken: List[List[int]] = [[] for _ in state]
        while True:
            settings = np.flatnonzero(state != 0)
            if not len(settings):
                return [np.array(arcs[::-1], dtype=np.int64) for arcs in taken]
            here = state[settings]
            rows, at = ragged_ranges(first[here], first[here + 1] - first[here])
            arcs = arcs_into[at]
            column = settings[rows]
            hits = np.flatnonzero(total[self.src[arcs], column] + scores[arcs, column] >= total[here, settings][rows])
            chosen = arcs[hits[np.searchsorted(rows[hits], np.arange(len(settings)))]]
            for setting, arc in zip(settings.tolist(), chosen.tolist()):
                taken[setting].append(arc)
            state[settings] = self.src[chosen]

    def path(self, arcs: np.ndarray, score: float) -> Path:
        """The Path of a sequence of arcs from start to end."""
        transition_ids, words = self.transition_id[arcs], self.word_id[arcs]
        frames = np.cumsum(transition_ids > 0) - (transition_ids > 0)
        spoken = words > 0
        return Path(words[spoken].tolist(), transition_ids[transition_ids > 0], frames[spoken].tolist(),
                    float(self.acoustic[arcs].sum(dtype=np.float64)),
                    float(self.graph[arcs].sum(dtype=np.float64)), score)

    def forward_backward(self, scores: np.ndarray, best: bool = False) -> Tuple[np.ndarray, np.ndarray]:
        """Forward and backward scores of the states, ``[num_states]`` float64 each.

        Args:
          scores: ``[num_arcs]``.
          best: maximum instead of log-sum over paths.
        """
        combine = np.maximum if best else np.logaddexp
        forward = np.full(self.num_states, -np.inf)
        backward = np.full(self.num_states, -np.inf)
        forward[0] = backward[-1] = 0.0
        for arcs, states, starts in self.levels.into:
            forward[states] = combine.reduceat(forward[self.src[arcs]] + scores[arcs], starts)
        for arcs, states, starts in reversed(self.levels.out_of):
            backward[states] = combine.reduceat(backward[self.dst[arcs]] + scores[arcs], starts)
        return forward, backward

    def arc_posteriors(self, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
                       word_insertion_penalty: float = 0.0) -> np.ndarray:
        """``[num_arcs]`` float64 in [0, 1]: probability that a path takes the arc."""
        scores = self.scores(graph_scale, acoustic_scale, word_insertion_penalty)
        forward, backward = self.forward_backward(scores)
        return np.exp(np.minimum(forward[self.src] + scores + backward[self.dst] - forward[-1], 0.0))

    def prune(self, lattice_beam: float, graph_scale: float = 1.0, acoustic_scale: float = 1.0) -> "Lattice":
        """Without the arcs that are on no path within the beam of the best one (in scaled score)."""
        scores = self.scores(graph_scale, acoustic_scale)
        forward, backward = self.forward_backward(scores, best=True)
        kept = forward[self.src] + scores + backward[self.dst] >= forward[-1] - lattice_beam - 1e-6
        return self.select(kept)

    def select(self, kept: np.ndarray) -> "Lattice":
        """The arcs where `kept` is True; states renumbered, their order unchanged."""
        used = np.zeros(self.num_states, bool)
        used[[0, -1]] = True
        used[self.src[kept]] = used[self.dst[kept]] = True
        number = (np.cumsum(used) - 1).astype(np.int32)
        return Lattice(self.utterance_id, self.num_frames, number[self.src[kept]], number[self.dst[kept]],
                       self.transition_id[kept], self.word_id[kept], self.acoustic[kept], self.graph[kept],
                       self.partial)

    def state_frames(self) -> np.ndarray:
        """``[num_states]`` int: frames consumed on the way to each state."""
        frames = np.zeros(self.num_states, np.int64)
        for arcs, states, starts in self.levels.into:
            frames[states] = (frames[self.src[arcs]] + (self.transition_id[arcs] > 0))[starts]
        return frames

    def check(self) -> None:
        """Raises InputError when the lattice breaks its own rules."""
        item = f"lattice {self.utterance_id}"
        if self.num_arcs == 0:
            raise InputError(item, "at least one arc", "none")
        for name in ("acoustic", "graph"):
            bad = np.flatnonzero(~np.isfinite(getattr(self, name)))
            if len(bad):
                raise InputError(f"{item}, arc {bad[0]}", f"a finite {name} score", str(getattr(self, name)[bad[0]]))
        forward, backward = self.forward_backward(np.zeros(self.num_arcs), best=True)
        if not (np.isfinite(forward).all() and np.isfinite(backward).all()):
            raise InputError(item, "every state on a path from start to end", "a state that is not")
        frames = self.state_frames()
        if (frames[self.dst] != frames[self.src] + (self.transition_id > 0)).any():
            raise InputError(item, "all paths into a state of one length", "different lengths")
        if frames[-1] != self.num_frames:
            raise InputError(item, f"paths of {self.num_frames} frames", str(frames[-1]))

    def to_text(self, words: Optional[Sequence[str]] = None) -> str:
        """One arc a line: src dst transition_id word acoustic graph; ended by an empty line."""
        lines = [f"{self.utterance_id}{' (partial)' if self.partial else ''}"]
        for i in np.argsort(self.src, kind="stable"):
            word = self.word_id[i] if words is None else words[self.word_id[i]]
            lines.append(f"{self.src[i]} {self.dst[i]} {self.transition_id[i]} {word} "
                         f"{self.acoustic[i]:.4f} {self.graph[i]:.4f}")
        return "\n".join(lines) + "\n\n"
