"""Is one family of systems better than another? All pairs of a test set, by the paired bootstrap.

M. Bisani and H. Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004. A
family is a system trained with several seeds: its WER m is the mean over them. Of two families with n_a and n_b seeds,
the difference of the means has two sources of chance: who was recorded, which the bootstrap over speakers (or
utterances) tells, and the seeds. Three seeds tell little of their spread, so all families of the test set tell it
together: its variance is taken to be proportional to the WER, as that of counts is (McCullagh and Nelder, "Generalized
linear models", 1989, 6.2.3), with one factor

    phi = sum over families and seeds of (WER - m)^2 / m, by the sum of n - 1
    seed_error^2 = phi (m_a / n_a + m_b / n_b)

Each resampled difference gets a draw from Student's t times seed_error, with as many degrees of freedom as the sum of
n - 1; so the interval says what new speakers and new trainings would give. Where no family has two seeds it is that of
these trainings alone.

p = 2 min(P(difference <= 0), P(difference >= 0)) over the resamples, counted with one more on either side. S. Holm, "A
simple sequentially rejective multiple test procedure", 1979: of m pairs, the i-th smallest p times m - i + 1, never
falling, so that the chance of even one false verdict among them stays below the level. Pairs of systems with one share
of the training data are such a set each, all others are one: a learning curve more is no reason to doubt the rest.
"""

import math
from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from hybrid.compare.bench import Bench
from hybrid.compare.comparison import PairedTest
from hybrid.compare.matched_pairs import matched_pairs
from hybrid.compare.options import CompareOptions
from hybrid.recognize.confidence import improvement, percentiles

Families = Mapping[str, Sequence[str]]  # family -> keys of its systems


def paired_tests(test: str, families: Families, found: Sequence[Bench], options: CompareOptions,
                 shares: Mapping[str, float] = {}) -> List[PairedTest]:
    """All pairs, in the families' order.

    Args:
      families: each within one bench.
      found: of the test set.
      shares: family -> share of the training data that it saw; default: all of it.
    """
    home = {key: bench for bench in found for key in bench.keys}
    spread = seed_spread([[home[key].percent([key]) for key in keys] for keys in families.values()])
    tests = []
    for a, b in combinations(families, 2):
        bench = home[families[a][0]]
        if home[families[b][0]] is bench:
            tests.append(compared(PairedTest(test, a, b, "not sure"), families, bench, spread, options))
        else:
            tests.append(PairedTest(test, a, b, "other references"))
    return with_verdicts(tests, options.level, shares)


class SeedSpread(NamedTuple):
    """factor: phi of this file's head, percentage points; freedom: degrees of freedom, 0 where nothing tells it."""

    factor: float
    freedom: int

    def error(self, *families: Tuple[float, int]) -> Optional[float]:
        """Standard error of the difference of families of (mean WER, number of seeds)."""
        if not self.freedom:
            return None
        return math.sqrt(self.factor * sum(mean / seeds for mean, seeds in families))


def seed_spread(rates: Iterable[Sequence[float]]) -> SeedSpread:
    """rates: WERs of the seeds of each family."""
    squares, freedom = 0.0, 0
    for own in (np.asarray(seeds) for seeds in rates):
        freedom += len(own) - 1
        if own.any():
            squares += float(((own - own.mean()) ** 2).sum() / own.mean())
    return SeedSpread(squares / freedom if freedom else 0.0, freedom)


def compared(pair: PairedTest, families: Families, bench: Bench, spread: SeedSpread,
             options: CompareOptions) -> PairedTest:
    """The pair with all but its verdict."""
    keys = [families[pair.a], families[pair.b]]
    left, right = (bench.columns(own) for own in keys)
    means = [bench.percent(own) for own in keys]
    rates = bench.rates[:, right].mean(axis=1) - bench.rates[:, left].mean(axis=1)
    error = spread.error(*zip(means, map(len, keys)))
    if error:
        rates = rates + error * _student(spread.freedom, len(rates), options.seed)
    low, high = percentiles(rates)
    alignments = [[u.pairs for u in bench.scores[own[0]].utterances] for own in keys]
    return replace(pair, difference=means[1] - means[0], low=low, high=high, seed_error=error,
                   probability_of_improvement=improvement(rates), p_value=p_value(rates),
                   matched_pairs=matched_pairs(*alignments))


@lru_cache(maxsize=1)
def _student(freedom: int, size: int, seed: int) -> np.ndarray:
    """Draws, the same for all pairs of a test set."""
    return np.random.default_rng([seed, 1]).standard_t(freedom, size=size)  # another generator than the bootstrap's


def p_value(rates: np.ndarray) -> float:
    """Two-sided, of resampled differences."""
    fewer = min(np.sum(rates <= 0), np.sum(rates >= 0))
    return float(min(1.0, 2.0 * (fewer + 1) / (len(rates) + 1)))


def holm(p_values: Sequence[float]) -> List[float]:
    """Corrected for as many tests as there are."""
    corrected, most = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        most = max(most, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = float(most)
    return corrected


def with_verdicts(tests: Sequence[PairedTest], level: float, shares: Mapping[str, float] = {}) -> List[PairedTest]:
    """The tests of one test set, corrected for the number of those that belong together, with what can be said of b."""
    together: Dict[Optional[float], List[int]] = {}
    for number, test in enumerate(tests):
        if test.p_value is not None:
            a, b = shares.get(test.a, 1.0), shares.get(test.b, 1.0)
            together.setdefault(a if a == b else None, []).append(number)
    judged = list(tests)
    for numbers in together.values():
        for number, p_holm in zip(numbers, holm([tests[number].p_value for number in numbers])):
            judged[number] = _judged(tests[number], p_holm, level)
    return judged


def _judged(test: PairedTest, p_holm: float, level: float) -> PairedTest:
    verdict = "not sure" if p_holm >= level else "better" if test.difference < 0 else "worse"
    return replace(test, p_holm=p_holm, verdict=verdict)
