"""Choosing the language model scale and the word insertion penalty, on a development set only.

A path of a lattice scores

    acoustic_scale * acoustic + lm_scale * graph - word_insertion_penalty * words

(acoustic: the sum of unscaled log-likelihoods; graph holds language model, lexicon and HMM transitions).
Only ratios matter for the best path, so acoustic_scale stays fixed and two numbers are swept. Kaldi's LMWT is
lm_scale at acoustic_scale 1.
"""

import itertools
import math
from dataclasses import dataclass
from functools import partial
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from graphs.checks import check_each_once
from hybrid.data.parallel import ordered_map
from hybrid.recognize.edit_distance import Costs, align
from hybrid.recognize.wer import Counts, Reference, check_same_set, error_rate
from hybrid.report.tables import tsv

# Errors of a small development set are noisy, their mean over neighbouring points is less so. On the lattices of 20
# held-out AN4 speakers, choosing by 7 of them and scoring the others, this lost 0.43 % WER against the best point,
# without it 0.58.
NEIGHBOURS = np.array([1, 2, 3, 2, 1]) / 9
# So many steps of the grid from the usual scales cost as much as chance changes the errors, the square root of their
# number; the square of the steps counts. On lattices of 17 decodings of five corpora (egs/an4, synth's hard condition,
# stories, two of egs/custom), choosing by half of the speakers and scoring the others lost 0.74 % WER against the best
# point (3 steps: 0.70, 8: 0.80), without it 0.97, always with the usual scales 0.87.
FAR = 5

ToWords = Callable[[Sequence[int]], List[str]]  # word_ids of a path -> the words that are scored


class Scales(NamedTuple):
    """One point of the sweep."""

    lm_scale: float
    word_insertion_penalty: float


@dataclass(frozen=True)
class Grid:
    """Every lm_scale with every word_insertion_penalty; both sorted, without repetition.

    usual: what one would take without a development set, to which a small one must give reasons against.
    """

    lm_scales: Tuple[float, ...]
    word_insertion_penalties: Tuple[float, ...]
    acoustic_scale: float = 1.0
    usual: Optional[Scales] = None

    def __post_init__(self):
        for name in ("lm_scales", "word_insertion_penalties"):
            values = tuple(sorted(set(getattr(self, name))))
            if not values:
                raise ValueError(f"{name}: expected at least one value, found none")
            object.__setattr__(self, name, values)

    def place_of_usual(self, axis: int, otherwise: float) -> float:
        """Steps from the start of an axis to the usual value; `otherwise`, where there is none within its ends."""
        values = (self.lm_scales, self.word_insertion_penalties)[axis]
        if self.usual is None or not values[0] <= self.usual[axis] <= values[-1]:
            return otherwise
        return float(np.interp(self.usual[axis], values, range(len(values))))

    def points(self) -> List[Scales]:
        return [Scales(*point) for point in itertools.product(self.lm_scales, self.word_insertion_penalties)]


class Sweep:
    """The errors on the development set at each point of the grid.

    Attributes:
      counts: Scales -> Counts, in the order of ``grid.points()``.
    """

    def __init__(self, grid: Grid, counts: Mapping[Scales, Counts]):
        self.grid, self.counts = grid, dict(counts)

    def errors(self) -> np.ndarray:
        """``[num_lm_scales, num_penalties]`` int64."""
        flat = np.array([self.counts[point].errors for point in self.grid.points()], dtype=np.int64)
        return flat.reshape(len(self.grid.lm_scales), len(self.grid.word_insertion_penalties))

    def smoothed(self) -> np.ndarray:
        """``[num_lm_scales, num_penalties]`` float64: errors averaged over the points around, weighted by NEIGHBOURS in
        both directions; beyond the edges those of the edge count."""
        smooth = self.errors().astype(np.float64)
        reach = len(NEIGHBOURS) // 2
        for axis in (0, 1):
            places = np.arange(smooth.shape[axis])[:, None] + np.arange(-reach, reach + 1)
            around = np.take(smooth, places.clip(0, smooth.shape[axis] - 1), axis)  # a new axis after this one
            smooth = np.tensordot(around, NEIGHBOURS, (axis + 1, 0))
        return smooth

    def costs(self) -> np.ndarray:
        """``[num_lm_scales, num_penalties]`` float64: the errors around each point, and what its distance from the
        usual scales costs (FAR); on an axis where these are beyond the grid, nothing."""
        errors = self.errors()
        steps = [np.arange(size) for size in errors.shape]
        away = [(axis_steps - self.grid.place_of_usual(axis, np.nan)) ** 2 for axis, axis_steps in enumerate(steps)]
        squares = np.nan_to_num(away[0])[:, None] + np.nan_to_num(away[1])
        return self.smoothed() + math.sqrt(max(errors.min(), 1)) * squares / FAR ** 2

    def best(self) -> Scales:
        """The point of least cost: few errors around it, not far from the usual scales. Among equals the one with
        fewest errors of its own, then the one nearest to the usual scales, or where these are beyond the grid to the
        mean of the equals, in steps of the grid; then the smaller lm_scale, then the penalty nearer to 0."""
        errors, around = self.errors(), self.costs().round(9)
        equals = np.argwhere(around == around.min())  # [n, 2]
        aim = [self.grid.place_of_usual(axis, mean) for axis, mean in enumerate(equals.mean(axis=0))]
        distance = ((equals - aim) ** 2).sum(axis=1).round(9)
        candidates = [(errors[row, column], d, self.grid.lm_scales[row],
                       abs(self.grid.word_insertion_penalties[column]), column)
                      for d, (row, column) in zip(distance, equals)]
        *_, lm_scale, _, column = min(candidates)
        return Scales(lm_scale, self.grid.word_insertion_penalties[column])

    def at_edge(self) -> List[str]:
        """Names of the options whose best value is the first or last of several: a wider grid may be better.
        Not when all values do equally well at the best of the other, and not at an lm_scale of 0, below which there is
        none."""
        best, errors = self.best(), self.errors()
        row = self.grid.lm_scales.index(best.lm_scale)
        column = self.grid.word_insertion_penalties.index(best.word_insertion_penalty)
        at = [("lm_scales", row, errors[:, column]), ("word_insertion_penalties", column, errors[row])]
        return [name for name, place, line in at
                if len(line) > 1 and place in (0, len(line) - 1) and line.max() > line.min()
                and (name != "lm_scales" or place or best.lm_scale > 0)]

    def to_tsv(self) -> str:
        header = ("lm_scale", "word_insertion_penalty", "wer", "errors", "words", "ins", "del", "sub")
        return tsv(header, (
            (f"{lm_scale:g}", f"{penalty:g}", c.wer, c.errors, c.words, c.insertions, c.deletions,
             c.substitutions) for (lm_scale, penalty), c in self.counts.items()))

    def picture(self):
        """matplotlib Figure: the WER at each point; the best one is ringed."""
        from hybrid.report.figures import heat_map
        words = next(iter(self.counts.values())).words
        wer = np.vectorize(lambda errors: error_rate(int(errors), words))(self.errors())
        best = self.best()
        marked = (self.grid.lm_scales.index(best.lm_scale),
                  self.grid.word_insertion_penalties.index(best.word_insertion_penalty))
        return heat_map(wer, [f"{s:g}" for s in self.grid.lm_scales],
                        [f"{p:g}" for p in self.grid.word_insertion_penalties], "lm_scale",
                        "word_insertion_penalty", "WER in % on the development set", marked)


def sweep(lattices: Iterable, references: Mapping[str, Reference], to_words: ToWords, grid: Grid,
          costs: Costs, nj: int = 1) -> Sweep:
    """Scores every point of the grid.

    Args:
      lattices: graphs.lattices.lattice.Lattice of the development set. References without a lattice count as deleted.
      references: utterance_id -> Reference of the development set.
      to_words: must be picklable when nj > 1.
      nj: processes.
    Raises: InputError for a lattice without a reference.
    """
    points = grid.points()
    totals = {point: Counts() for point in points}
    seen = []
    work = partial(_count_errors, references=references, to_words=to_words, grid=grid, costs=costs)
    for utterance_id, counts in _in_parallel(work, lattices, nj, "sweep"):
        seen.append(utterance_id)
        for point, count in zip(points, counts):
            totals[point] += count
    check_same_set(references, seen)
    lost = set(references) - set(seen)
    deleted = sum(len(references[utterance_id].words) for utterance_id in lost)
    missing = Counts(words=deleted, deletions=deleted)
    return Sweep(grid, {point: total + missing for point, total in totals.items()})


def _count_errors(lattice, references, to_words, grid, costs) -> Tuple[str, List[Counts]]:
    if lattice.utterance_id not in references:
        return lattice.utterance_id, []
    said = references[lattice.utterance_id].words
    known: Dict[Tuple[int, ...], Counts] = {}  # most points agree on the words
    counts = []
    settings = [(lm_scale, grid.acoustic_scale, penalty) for lm_scale, penalty in grid.points()]
    for path in lattice.best_paths(settings):
        word_ids = tuple(path.word_ids)
        if word_ids not in known:
            known[word_ids] = Counts.of(align(said, to_words(word_ids), costs))
        counts.append(known[word_ids])
    return lattice.utterance_id, counts


class Hypothesis(NamedTuple):
    words: List[str]
    partial: bool  # the search did not reach the end of the graph


def best_hypotheses(lattices: Iterable, to_words: ToWords, scales: Scales, acoustic_scale: float,
                    nj: int = 1) -> Dict[str, Hypothesis]:
    """utterance_id -> the words of the best path at one point."""
    work = partial(_hypothesis, to_words=to_words, scales=scales, acoustic_scale=acoustic_scale)
    return dict(_in_parallel(work, lattices, nj, "best paths"))


def _hypothesis(lattice, to_words, scales, acoustic_scale) -> Tuple[str, Hypothesis]:
    path = lattice.best_path(scales.lm_scale, acoustic_scale, scales.word_insertion_penalty)
    return lattice.utterance_id, Hypothesis(to_words(path.word_ids), bool(lattice.partial))


def _in_parallel(work: Callable, lattices: Iterable, nj: int, title: str) -> Iterator:
    """work(lattice) for each, in order. A block of them is in memory at a time, not the whole set.

    Raises: InputError for an utterance with two lattices.
    """
    lattices, ids = iter(lattices), []
    while True:
        block = list(itertools.islice(lattices, 250))
        if not block:
            return
        ids += [lattice.utterance_id for lattice in block]
        check_each_once("lattices", ids)
        yield from ordered_map(work, block, nj, f"{title} {len(ids) - len(block) + 1} to {len(ids)}")
