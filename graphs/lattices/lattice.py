"""Lattices: what the search kept, acoustic and graph scores apart (Kaldi fstext/lattice-weight.h).

A lattice has one start state (0) and one final state (the last), and its states stand in topological order. An
arc consumes a frame (transition_id > 0) or none (transition_id 0: final arcs, and arcs that carry the second
word of an output label). Acoustic scores are log-likelihoods without the scale that the search used, so that
any scale can be tried later.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import List, Optional, Sequence, Tuple

import numpy as np

from graphs.checks import check_one_length, check_scale, ids_array, scores_array
from graphs.errors import InputError


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
    """Runs of states, in their order, between which alone arcs go.

    Attributes:
      into: for each run, (arcs, states, starts): the arcs into its states, sorted by state, and where each
        state's arcs start.
      out_of: the same for the arcs out of its states.
    """

    def __init__(self, src: np.ndarray, dst: np.ndarray, num_states: int):
        if (dst <= src).any():
            raise InputError("lattice", "no cycle, and states in topological order",
                             f"an arc from state {src[dst <= src][0]} to {dst[dst <= src][0]}")
        latest = np.full(num_states, -1, np.int64)
        np.maximum.at(latest, dst, src)
        level = np.zeros(num_states, np.int64)
        start = number = 0
        for state, source in enumerate(latest.tolist()):
            if source >= start:  # an arc from within the run: the next run begins
                start, number = state, number + 1
            level[state] = number
        self.into, self.out_of = _groups(dst, level), _groups(src, level)


def _groups(state: np.ndarray, level: np.ndarray) -> list:
    order = np.lexsort((state, level[state]))
    states = state[order]
    new = np.flatnonzero(np.append(True, states[1:] != states[:-1])) if len(states) else np.zeros(0, np.int64)
    num_levels = int(level.max()) + 1
    bounds = np.searchsorted(level[states], np.arange(num_levels + 1))
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

    def __post_init__(self):
        """Raises InputError for arrays that cannot be those of a lattice; `check` asks what takes longer."""
        for name in ("src", "dst", "transition_id", "word_id"):
            setattr(self, name, ids_array(f"{self._item}, {name}", getattr(self, name)))
        for name in ("acoustic", "graph"):
            setattr(self, name, scores_array(f"{self._item}, {name}", getattr(self, name)))
        check_one_length(f"arcs of {self._item}", src=self.src, dst=self.dst, transition_id=self.transition_id,
                         word_id=self.word_id, acoustic=self.acoustic, graph=self.graph)
        if self.num_arcs == 0:
            raise InputError(self._item, "at least one arc", "none")

    @property
    def _item(self) -> str:
        return f"lattice {self.utterance_id}"

    @property
    def num_arcs(self) -> int:
        return len(self.src)

    @cached_property
    def num_states(self) -> int:
        return int(max(self.src.max(), self.dst.max())) + 1

    @cached_property
    def levels(self) -> _Levels:
        return _Levels(self.src, self.dst, self.num_states)

    def scores(self, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
               word_insertion_penalty: float = 0.0) -> np.ndarray:
        """``[num_arcs]`` float64: acoustic_scale * acoustic + graph_scale * graph - penalty on words.

        Raises: InputError for scales that are negative or not finite, or both 0, and for a score that is no number.
        """
        check_scale("graph_scale", graph_scale)
        check_scale("acoustic_scale", acoustic_scale)
        check_scale("size of word_insertion_penalty", abs(word_insertion_penalty))
        if not (graph_scale or acoustic_scale):
            raise InputError("graph_scale and acoustic_scale", "one above 0", "0 and 0")
        scores = (acoustic_scale * self.acoustic.astype(np.float64) + graph_scale * self.graph.astype(np.float64)
                  - word_insertion_penalty * (self.word_id > 0))
        if np.isnan(scores).any():
            raise InputError(f"{self._item}, arc {np.flatnonzero(np.isnan(scores))[0]}", "a score", "nan")
        return scores

    def best_path(self, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
                  word_insertion_penalty: float = 0.0) -> Path:
        return self.best_paths([(graph_scale, acoustic_scale, word_insertion_penalty)])[0]

    def best_paths(self, settings: Sequence[Tuple[float, float, float]]) -> List[Path]:
        """The best path under each (graph_scale, acoustic_scale, word_insertion_penalty), all in one pass.

        Raises: InputError when no path of num_frames frames leads to the end, or when its score is not finite.
        """
        scores = np.stack([self.scores(*setting) for setting in settings], axis=1)
        if self._is_one_path():
            arcs = np.argsort(self.src)
            self._check_ends(scores.sum(axis=0))
            return [self.path(arcs, float(scores[:, i].sum())) for i in range(len(settings))]
        total = np.full((self.num_states, len(settings)), -np.inf)
        total[0] = 0.0
        back = np.zeros((self.num_states, len(settings)), np.int64)
        for arcs, states, starts in self.levels.into:
            into = total[self.src[arcs]] + scores[arcs]
            best = np.maximum.reduceat(into, starts)
            total[states] = best
            # of equally good arcs the first, so that ties are broken in the same way everywhere
            rows = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(arcs))))
            place = np.where(into >= best[rows], np.arange(len(arcs))[:, None], len(arcs))
            back[states] = arcs[np.minimum.reduceat(place, starts)]
        self._check_ends(total[-1])
        return [self.path(arcs, float(total[-1, i])) for i, arcs in enumerate(self._trace(back))]

    def _is_one_path(self) -> bool:
        """As alignments are."""
        return (self.num_arcs == self.num_states - 1 and np.array_equal(np.sort(self.src), np.arange(self.num_arcs))
                and (self.dst == self.src + 1).all())

    def _check_ends(self, totals: np.ndarray) -> None:
        """totals: of paths from start to end."""
        if not np.isfinite(totals).all():
            raise InputError(self._item, "a path from start to end with a finite score",
                             "none")

    def _trace(self, back: np.ndarray) -> List[np.ndarray]:
        """The arcs of the best path under each setting; back: ``[num_states, num_settings]`` last arc."""
        columns = np.arange(back.shape[1])
        state = np.full(back.shape[1], self.num_states - 1)
        steps = []
        while state.any():
            steps.append(np.where(state > 0, back[state, columns], -1))
            state = np.where(state > 0, self.src[steps[-1]], 0)
        taken = np.array(steps[::-1], dtype=np.int64).reshape(len(steps), len(columns)).T
        return [row[row >= 0] for row in taken]

    def path(self, arcs: np.ndarray, score: float) -> Path:
        """The Path of a sequence of arcs from start to end."""
        transition_ids, words = self.transition_id[arcs], self.word_id[arcs]
        if np.count_nonzero(transition_ids) != self.num_frames:
            raise InputError(self._item, f"paths of {self.num_frames} frames", str(np.count_nonzero(transition_ids)))
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
        self._check_ends(forward[-1:])
        return np.exp(np.minimum(forward[self.src] + scores + backward[self.dst] - forward[-1], 0.0))

    def prune(self, lattice_beam: float, graph_scale: float = 1.0, acoustic_scale: float = 1.0) -> "Lattice":
        """Without the arcs that are on no path within the beam of the best one (in scaled score)."""
        scores = self.scores(graph_scale, acoustic_scale)
        check_scale("lattice_beam", lattice_beam)
        forward, backward = self.forward_backward(scores, best=True)
        self._check_ends(forward[-1:])
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
        item = self._item
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
