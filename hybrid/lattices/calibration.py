"""Are confidences right? Measures of calibration, and maps that mend it, fitted on a development set.

For N words with confidences c_n, of which the share p is correct, NIST's normalized cross entropy (sclite) is

    NCE = 1 - H(c) / H(p),   H(c) = -sum log2(c_n if word n is correct else 1 - c_n),   H(p) = H of c_n = p for all

1 for confidences that know, 0 for those that know no more than the share of correct words, below 0 for misleading ones.
The expected calibration error is the mean of |share correct - mean confidence| over bins of confidence.

Maps: logistic (Platt: sigmoid(a logit(c) + b)) and piecewise linear through the isotonic regression's steps. Which
one, or none, is chosen by the NCE on held-out fifths of the development set.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from graphs.checks import check_count, check_one_length
from graphs.errors import InputError
from graphs.text_file import read_json_object
from hybrid.align.times.ctm import ScoredSymbol

LEAST = 1e-7  # no confidence counts as nearer to 0 or 1: one wrong word that was certain would cost infinitely much
LEAST_LOGIT = 1e-4  # nor as input of the logistic map
KINDS = ("none", "logistic", "piecewise")
FILE = "calibration.json"
FOLDS = 5
MOST_KNOTS = 20


class Bin(NamedTuple):
    """Of a reliability diagram."""

    low: float
    high: float
    words: int
    confidence: float  # mean
    correct: float  # share


def normalized_cross_entropy(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """NaN where all words are correct, or none: there is nothing to know.

    Raises: InputError for no words, for different lengths, and for confidences that are none.
    """
    c, y = _checked(confidences, correct)
    share = y.mean()
    if share in (0.0, 1.0):
        return float("nan")
    return float(1.0 - _entropy(c, y) / _entropy(np.full(len(c), share), y))


def _entropy(c: np.ndarray, y: np.ndarray) -> float:
    c = c.clip(LEAST, 1 - LEAST)
    return float(-np.log2(np.where(y, c, 1 - c)).sum())


def _checked(confidences: Sequence[float], correct: Sequence[bool]) -> Tuple[np.ndarray, np.ndarray]:
    c, y = np.asarray(confidences, np.float64), np.asarray(correct, bool)
    check_one_length("words", confidences=c, correct=y)
    if not len(c):
        raise InputError("confidences", "at least one word", "none")
    if not ((c >= 0) & (c <= 1)).all():
        raise InputError("confidences", "numbers from 0 to 1", str(c[~((c >= 0) & (c <= 1))][0]))
    return c, y


def reliability(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> List[Bin]:
    """Bins of equal width that hold any words. Raises InputError for a number of bins that is none."""
    check_count("number of bins", bins)
    c, y = _checked(confidences, correct)
    place = np.minimum((c * bins).astype(int), bins - 1)
    rows = []
    for i in np.unique(place):
        own = place == i
        rows.append(Bin(i / bins, (i + 1) / bins, int(own.sum()), float(c[own].mean()), float(y[own].mean())))
    return rows


def calibration_error(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> float:
    """The expected calibration error, 0 to 1."""
    rows = reliability(confidences, correct, bins)
    return sum(row.words * abs(row.correct - row.confidence) for row in rows) / sum(row.words for row in rows)


@dataclass(frozen=True)
class Calibration:
    """A map of confidences, linear between its knots in the scale of `logit` or of `none`.

    Attributes:
      kind: of KINDS.
      slope, offset: of the logistic map.
      knots: (confidence, calibrated confidence), both rising, of the piecewise one.
    """

    kind: str = "none"
    slope: float = 1.0
    offset: float = 0.0
    knots: Tuple[Tuple[float, float], ...] = ()

    def __call__(self, confidences: Sequence[float]) -> np.ndarray:
        """``[N]`` float64."""
        c = np.asarray(confidences, np.float64)
        if self.kind == "logistic":
            return 1.0 / (1.0 + np.exp(-(self.slope * _logit(c) + self.offset)))
        if self.kind == "piecewise":
            return np.interp(c, *zip(*self.knots))
        return c

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps({"kind": self.kind, "slope": self.slope, "offset": self.offset,
                                               "knots": self.knots}, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Calibration":
        """Raises: InputError for a file that is none."""
        path = Path(folder) / FILE
        row = read_json_object(path)
        try:
            knots = tuple((float(x), float(y)) for x, y in row["knots"])
            made = cls(row["kind"], float(row["slope"]), float(row["offset"]), knots)
            rising = all(np.diff(column).min(initial=0) >= 0 for column in zip(*knots))
            good = (made.kind in KINDS and np.isfinite([made.slope, made.offset]).all() and made.slope >= 0 and rising
                    and (made.kind != "piecewise" or len(knots) > 0)
                    and all(0 <= value <= 1 for knot in knots for value in knot))
        except (KeyError, TypeError, ValueError, OverflowError):
            good = False
        if not good:
            raise InputError(str(path), "kind, slope, offset and knots of a calibration", "something else")
        return made


def _logit(c: np.ndarray) -> np.ndarray:
    c = c.clip(LEAST_LOGIT, 1 - LEAST_LOGIT)
    return np.log(c / (1 - c))


def fit(kind: str, confidences: Sequence[float], correct: Sequence[bool]) -> Calibration:
    """The map of that kind. Raises: InputError for what are no confidences; ValueError for an unknown kind."""
    c, y = _checked(confidences, correct)
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, found {kind!r}")
    if kind == "logistic":
        return Calibration(kind, *_logistic(_logit(c), y))
    return Calibration(kind, knots=_steps(c, y)) if kind == "piecewise" else Calibration()


def _logistic(x: np.ndarray, y: np.ndarray) -> Tuple[float, float]:
    """Slope and offset of greatest likelihood, by Newton's method. Targets are those of Platt (1999), a little off 0
    and 1, so that words that are all correct do not ask for an infinite slope."""
    target = np.where(y, (y.sum() + 1) / (y.sum() + 2), 1 / ((~y).sum() + 2))
    inputs, weights = np.stack([x, np.ones_like(x)]), np.array([1.0, 0.0])
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-weights @ inputs))
        curve = (inputs * (p * (1 - p))) @ inputs.T + 1e-6 * np.eye(2)
        step = np.linalg.solve(curve, inputs @ (target - p) + 1e-6 * (np.array([1.0, 0.0]) - weights))
        weights = weights + step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    if weights[0] < 0.0:  # the best that does not fall
        return 0.0, float(np.log(target.mean() / (1 - target.mean())))
    return float(weights[0]), float(weights[1])


def _steps(c: np.ndarray, y: np.ndarray) -> Tuple[Tuple[float, float], ...]:
    """Knots in the middle of groups of words with shares correct that do not fall (pool adjacent violators), each group
    with one word more of either kind, half and half, so that none is certain."""
    order = np.argsort(c, kind="stable")
    groups = [(len(part), float(c[part].sum()), float(y[part].sum()))
              for part in np.array_split(order, min(MOST_KNOTS, len(order)))]
    pools: List[Tuple[int, float, float]] = []
    for group in groups:
        pools.append(group)
        while len(pools) > 1 and pools[-2][2] / pools[-2][0] >= pools[-1][2] / pools[-1][0]:
            last = pools.pop()
            pools[-1] = tuple(one + other for one, other in zip(pools[-1], last))
    knots = [(total / number, (right + 0.5) / (number + 1)) for number, total, right in pools]
    values = np.maximum.accumulate([value for _, value in knots]).tolist()
    return tuple((place, value) for (place, _), value in zip(knots, values))


def choose(confidences: Sequence[float], correct: Sequence[bool],
           seed: int = 0) -> Tuple[Calibration, Dict[str, float]]:
    """The map of the best NCE on fifths that it was not fitted on, fitted on all; and the NCE of each kind there."""
    c, y = _checked(confidences, correct)
    fold = np.random.default_rng(seed).permutation(len(c)) % FOLDS
    found = {}
    for kind in KINDS:
        mapped = np.empty_like(c)
        for i in range(FOLDS):
            held = fold == i
            if held.any():
                rest = ~held if not held.all() else held
                mapped[held] = fit(kind, c[rest], y[rest])(c[held])
        found[kind] = normalized_cross_entropy(mapped, y)
    best = max(KINDS, key=lambda kind: -np.inf if np.isnan(found[kind]) else found[kind])
    return fit(best, c, y), found


def recalibrated(words: Dict[str, List[ScoredSymbol]], folder: Path) -> Dict[str, List[ScoredSymbol]]:
    """Words with the confidences that the calibration in the folder makes of theirs."""
    calibration = Calibration.read(folder)
    return {key: [word._replace(confidence=float(c)) for word, c in zip(said, calibration(
        [word.confidence for word in said]))] for key, said in words.items()}
