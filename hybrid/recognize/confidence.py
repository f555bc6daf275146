"""How sure an error rate is, and whether one system beats another.

Bootstrap over utterances (Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance
evaluation", ICASSP 2004): a test set of N utterances is drawn N times with replacement, many times over, and

    WER_b = sum of errors drawn / sum of words drawn

spreads as the WER of new test sets would. Utterances are taken as independent; where one speaker says many,
draw whole speakers instead (`groups`), which gives the wider and honester interval.
"""

from dataclasses import dataclass
from numbers import Integral
from typing import Iterator, Optional, Sequence, Tuple

import numpy as np

from graphs.checks import check_one_length, ids_array
from graphs.errors import InputError


def group_sums(values: np.ndarray, groups: Optional[Sequence]) -> np.ndarray:
    """Sums over the utterances of each group, ``[N, ...] -> [groups, ...]``; the values themselves without groups."""
    if groups is None:
        return values
    names, group = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    sums = np.zeros((len(names), *values.shape[1:]))
    np.add.at(sums, group.ravel(), values)
    return sums


def _draws(size: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Arrays ``[b, size]``: how often each was drawn; `resamples` rows in all, a few million entries at a time."""
    generator = np.random.default_rng(seed)
    block = max(1, 4_000_000 // size)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = generator.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size)


def resampled_rates(errors: np.ndarray, words: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """WER in percent of each resample, ``[resamples]`` or ``[resamples, systems]``: all systems on the same draws.

    A draw with no reference word (every utterance drawn is empty) has no rate and is left out. Of a single utterance,
    which is always drawn, errors are taken as independent of each other and of other systems' (Poisson): rates
    then spread less than those of new speakers would, differences more than paired ones.

    Args:
      errors: ``[N]`` or ``[N, systems]``, none below 0.
      words: ``[N]``.
    """
    if len(words) == 1:
        return 100.0 * np.random.default_rng(seed).poisson(errors[0], (resamples, *errors.shape[1:])) / words[0]
    rates = []
    for drawn in _draws(len(words), resamples, seed):
        drawn_words = drawn @ words
        drawn_errors = (drawn @ errors)[drawn_words > 0]
        rates.append((100.0 * drawn_errors.T / drawn_words[drawn_words > 0]).T)
    return np.concatenate(rates)


def percentiles(rates: np.ndarray, level: float = 0.95) -> Tuple[float, float]:
    """The bootstrap's percentiles."""
    low, high = np.percentile(rates, [50.0 * (1.0 - level), 50.0 * (1.0 + level)])
    return float(low), float(high)


def _checked(groups: Optional[Sequence], level: float, resamples: int,
             **counts: Sequence[int]) -> Tuple[np.ndarray, ...]:
    """The counts as float64; `words` comes last. InputError for what has no interval."""
    checked = {name: ids_array(f"{name} of the utterances", values).astype(np.float64)
               for name, values in counts.items()}
    check_one_length("utterances", **checked, **({} if groups is None else {"groups": groups}))
    if not checked["words"].sum() > 0:
        raise InputError("test set", "a reference word", "none: it has no word error rate")
    if not (0.0 < level < 1.0 and isinstance(resamples, Integral) and resamples >= 1):
        raise InputError("level and resamples", "a level between 0 and 1, at least 1 resample",
                         f"{level} and {resamples}")
    return tuple(checked.values())


def wer_interval(errors: Sequence[int], words: Sequence[int], groups: Optional[Sequence] = None,
                 level: float = 0.95, resamples: int = 10_000, seed: int = 0) -> Tuple[float, float]:
    """Confidence interval of the WER, by the bootstrap's percentiles.

    Args:
      errors, words: ``[N]``, of each utterance.
      groups: ``[N]`` or None; utterances of one group (a speaker) are drawn together.
      level: between 0 and 1.
      resamples: 10,000 keeps the interval's own noise below a tenth of its width.
    Returns: (low, high) in percent. No errors at all leave a bootstrap nothing to draw; the interval then
      goes up to the rate at which that many words without an error would come up only once in
      1 / (1 - level) times ("rule of three", Hanley and Lippman-Hand, JAMA 1983).
    Raises: InputError for arrays of different length, for what can be no counts, and for a set without words.
    """
    errors, words = _checked(groups, level, resamples, errors=errors, words=words)
    if not errors.any():
        return no_error_interval(words.sum(), level)
    return percentiles(resampled_rates(group_sums(errors, groups), group_sums(words, groups), resamples, seed), level)


def no_error_interval(words: float, level: float = 0.95) -> Tuple[float, float]:
    """Percent, of a set in which nothing is wrong; see `wer_interval`."""
    return 0.0, float(100.0 * (1.0 - (1.0 - level) ** (1.0 / words)))


@dataclass(frozen=True)
class Comparison:
    """System B against system A on one test set."""

    difference: float  # WER of B minus WER of A, percent points; negative when B is better
    interval: Tuple[float, float]  # confidence interval of the difference
    probability_of_improvement: float  # share of resamples in which B is better

    @property
    def significant(self) -> bool:
        """The interval leaves out zero."""
        return self.interval[0] > 0.0 or self.interval[1] < 0.0


def compare_systems(errors_a: Sequence[int], errors_b: Sequence[int], words: Sequence[int],
                    groups: Optional[Sequence] = None, level: float = 0.95, resamples: int = 10_000,
                    seed: int = 0) -> Comparison:
    """Paired bootstrap: both systems are drawn on the same utterances, so what is hard for both cancels out.

    A resample in which both have the same WER counts half for the probability of improvement, which is
    0.5 for a system against itself.

    Args: errors_a, errors_b, words: ``[N]`` each, of the same utterances; the rest as in `wer_interval`.
    """
    errors_a, errors_b, words = _checked(groups, level, resamples, errors_a=errors_a, errors_b=errors_b, words=words)
    both = resampled_rates(group_sums(np.stack([errors_a, errors_b], axis=1), groups), group_sums(words, groups),
                           resamples, seed)
    rates = both[:, 1] - both[:, 0]
    return Comparison(100.0 * float((errors_b - errors_a).sum() / words.sum()), percentiles(rates, level),
                      improvement(rates))


def improvement(rates: np.ndarray) -> float:
    """Share of the resampled differences in which the second system is better; ties count half."""
    return float(np.mean(rates < 0) + 0.5 * np.mean(rates == 0))
