"""What all lattices have in common: scored arcs with words, acoustic and graph scores apart
(Kaldi fstext/lattice-weight.h).

A lattice has one start state (0) and one final state (the last), and its states stand in topological order. Its
classes say how many frames an arc consumes: lattice.py, one or none; compact_lattice.py, any number. Acoustic scores
are log-likelihoods without the scale that the search used, so that any scale can be tried later.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import List, NamedTuple, Optional, Sequence, Tuple, TypeVar

import numpy as np

from graphs.checks import check_one_length, check_range, check_scale, check_size, ids_array, scores_array
from graphs.errors import InputError
from graphs.ids import LARGEST_ID
from graphs.lattices.levels import Levels

AnyLattice = TypeVar("AnyLattice", bound="BaseLattice")


@dataclass(frozen=True)
class Path:
    """One way through a lattice. score = the scaled sum; acoustic and graph are unscaled."""

    word_ids: List[int]
    transition_ids: np.ndarray  # [num_frames] int32
    word_frames: List[int]  # the frame on which each word's label stands
    acoustic: float
    graph: float
    score: float


class FrameEntries(NamedTuple):
    """What arcs consume, frame by frame, the arcs in turn. Each ``[n]``, for n frames in all.

    rows: place of the arc among those asked for; places: frames that the same arc has consumed before; transition_ids.
    """

    rows: np.ndarray
    places: np.ndarray
    transition_ids: np.ndarray


class BaseLattice:
    """A class of lattices is a dataclass with these attributes, `arc_frames`, `frame_entries` and `with_arcs`.

    Attributes:
      utterance_id: str.
      num_frames: frames that every path consumes.
      partial: no path reached a final state of the graph; the paths end where the search stood.
      src, dst: ``[num_arcs]`` int32 states.
      word_id: ``[num_arcs]`` int32, 0 for none.
      acoustic: ``[num_arcs]`` float32 log-likelihood, unscaled.
      graph: ``[num_arcs]`` float32 log probability of grammar, pronunciation and transitions.
    """

    utterance_id: str
    num_frames: int
    src: np.ndarray
    dst: np.ndarray
    word_id: np.ndarray
    acoustic: np.ndarray
    graph: np.ndarray
    partial: bool

    @property
    def arc_frames(self) -> np.ndarray:
        """``[num_arcs]`` int64: frames that each arc consumes."""
        raise NotImplementedError

    def frame_entries(self, arcs: Optional[np.ndarray] = None) -> FrameEntries:
        """arcs: rows of arcs; None for all of them."""
        raise NotImplementedError

    def with_arcs(self: AnyLattice, arcs: np.ndarray, src: np.ndarray, dst: np.ndarray, **columns) -> AnyLattice:
        """A lattice of the same utterance of these arcs (rows, any number of times each) between other states.

        Args:
          src, dst: ``[len(arcs)]``.
          columns: ``[len(arcs)]`` word_id, acoustic, graph in place of the arcs' own.
        """
        raise NotImplementedError

    def _check_arrays(self, *more: str) -> None:
        """Raises InputError for arrays that cannot be those of a lattice; `check` asks what takes longer.

        more: names of further ids of arcs.
        """
        ids_array(f"{self._item}, num_frames", [self.num_frames])
        for name in ("src", "dst", "word_id", *more):
            setattr(self, name, ids_array(f"{self._item}, {name}", getattr(self, name)))
        for name in ("acoustic", "graph"):
            setattr(self, name, scores_array(f"{self._item}, {name}", getattr(self, name)))
        check_one_length(f"arcs of {self._item}", **{name: getattr(self, name) for name in (
            "src", "dst", *more, "word_id", "acoustic", "graph")})
        if self.num_arcs == 0:
            raise InputError(self._item, "at least one arc", "none")
        for name in ("src", "dst"):  # more states than arcs can have, and gaps between them
            check_range(f"{self._item}, {name}", getattr(self, name), 0, 2 * self.num_arcs + LARGEST_ID)

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
    def levels(self) -> Levels:
        return Levels(self.src, self.dst, self.num_states, self._item)

    def scores(self, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
               word_insertion_penalty: float = 0.0) -> np.ndarray:
        """``[num_arcs]`` float64: acoustic_scale * acoustic + graph_scale * graph - penalty on words.

        Raises: InputError for scales that are negative or not finite, or both 0, and for a score that is no number.
        """
        check_scale("graph_scale", graph_scale)
        check_scale("acoustic_scale", acoustic_scale)
        check_size("word_insertion_penalty", word_insertion_penalty)
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
            arcs, totals = np.argsort(self.src), [float(column.sum()) for column in scores.T]
            self._check_ends(np.array(totals))
            return [self.path(arcs, total) for total in totals]
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
        return (self.dst == self.src + 1).all() and np.array_equal(np.sort(self.src), np.arange(self.num_arcs))

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
        consumed, words = self.arc_frames[arcs], self.word_id[arcs]
        if consumed.sum() != self.num_frames:
            raise InputError(self._item, f"paths of {self.num_frames} frames", str(consumed.sum()))
        frames = np.cumsum(consumed) - consumed
        spoken = words > 0
        return Path(words[spoken].tolist(), self.frame_entries(arcs).transition_ids, frames[spoken].tolist(),
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

    def arc_totals(self, scores: np.ndarray, best: bool = False) -> Tuple[np.ndarray, float]:
        """``[num_arcs]`` float64: the score of all paths through each arc, and that of all paths.

        Args: as for `forward_backward`.
        Raises: InputError when no path leads from start to end with a finite score.
        """
        forward, backward = self.forward_backward(scores, best)
        self._check_ends(forward[-1:])
        return forward[self.src] + scores + backward[self.dst], float(forward[-1])

    def arc_posteriors(self, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
                       word_insertion_penalty: float = 0.0) -> np.ndarray:
        """``[num_arcs]`` float64 in [0, 1]: probability that a path takes the arc."""
        totals, whole = self.arc_totals(self.scores(graph_scale, acoustic_scale, word_insertion_penalty))
        return np.exp(np.minimum(totals - whole, 0.0))

    def prune(self: AnyLattice, lattice_beam: float, graph_scale: float = 1.0,
              acoustic_scale: float = 1.0) -> AnyLattice:
        """Without the arcs that are on no path within the beam of the best one (in scaled score)."""
        scores = self.scores(graph_scale, acoustic_scale)
        check_scale("lattice_beam", lattice_beam)
        totals, best = self.arc_totals(scores, best=True)
        return self.select(totals >= best - lattice_beam - 1e-6)

    def select(self: AnyLattice, kept: np.ndarray) -> AnyLattice:
        """The arcs where `kept` is True; states renumbered, their order unchanged."""
        used = np.zeros(self.num_states, bool)
        used[0] = used[self.src[kept]] = used[self.dst[kept]] = True
        number = (np.cumsum(used) - 1).astype(np.int32)
        return self.with_arcs(np.flatnonzero(kept), number[self.src[kept]], number[self.dst[kept]])

    def state_frames(self) -> np.ndarray:
        """``[num_states]`` int: frames consumed on the way to each state."""
        frames = np.zeros(self.num_states, np.int64)
        for arcs, states, starts in self.levels.into:
            frames[states] = (frames[self.src[arcs]] + self.arc_frames[arcs])[starts]
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
        if (frames[self.dst] != frames[self.src] + self.arc_frames).any():
            raise InputError(item, "all paths into a state of one length", "different lengths")
        if frames[-1] != self.num_frames:
            raise InputError(item, f"paths of {self.num_frames} frames", str(frames[-1]))

    def check_words(self, num_words: int) -> None:
        """InputError for word_ids that a table of so many words lacks."""
        check_range(f"{self._item}, word_ids", self.word_id, 0, num_words)

    def _text(self, words: Optional[Sequence[str]], consumed: Sequence[object]) -> str:
        """consumed: what stands in each arc's line for the frames that it consumes."""
        if words is not None:
            self.check_words(len(words))
        lines = [f"{self.utterance_id}{' (partial)' if self.partial else ''}"]
        for i in np.argsort(self.src, kind="stable"):
            word = self.word_id[i] if words is None else words[self.word_id[i]]
            lines.append(f"{self.src[i]} {self.dst[i]} {consumed[i]} {word} "
                         f"{self.acoustic[i]:.4f} {self.graph[i]:.4f}")
        return "\n".join(lines) + "\n\n"
