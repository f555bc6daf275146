"""Is one family of systems better than another? All pairs of a test set, by the paired bootstrap.

M. Bisani and H. Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004. A
family is a system trained with several seeds: its WER is the mean over them. Of two families with n_a and n_b seeds,
the difference of the means has two sources of chance: who was recorded, which the bootstrap over speakers (or
utterances) tells, and the seeds, whose part is

    seed_error^2 = s_a^2 / n_a + s_b^2 / n_b,   s the deviation of the WERs over seeds (n - 1).

Each resampled difference gets a draw from Student's t times seed_error, with the degrees of freedom of Welch and
Satterthwaite; so the interval says what new speakers and new trainings would give. A family of one seed is taken to
spread as the other one does; where both have one, the interval is of these two trainings alone.

p = 2 min(P(difference <= 0), P(difference >= 0)) over the resamples, counted with one more on either side. S. Holm, "A
simple sequentially rejective multiple test procedure", 1979: of m pairs, the i-th smallest p times m - i + 1, never
falling, so that the chance of even one false verdict on a test set stays below the level.
"""

from dataclasses import replace
from itertools import combinations
from typing import List, Mapping, Optional, Sequence, Tuple

import numpy as np

from hybrid.compare.bench import Bench
from hybrid.compare.comparison import PairedTest
from hybrid.compare.matched_pairs import matched_pairs
from hybrid.compare.options import CompareOptions
from hybrid.recognize.confidence import improvement, percentiles

Families = Mapping[str, Sequence[str]]  # family -> keys of its systems


def paired_tests(test: str, families: Families, found: Sequence[Bench], options: CompareOptions) -> List[PairedTest]:
    """All pairs, in the families' order.

    Args:
      families: each within one bench.
      found: of the test set.
    """
    home = {key: bench for bench in found for key in bench.keys}
    tests = []
    for a, b in combinations(families, 2):
        bench = home[families[a][0]]
        if home[families[b][0]] is bench:
            tests.append(compared(test, (a, b), (families[a], families[b]), bench, options))
        else:
            tests.append(PairedTest(test, a, b, "other references"))
    return with_verdicts(tests, options.level)


def compared(test: str, names: Tuple[str, str], keys: Tuple[Sequence[str], Sequence[str]], bench: Bench,
             options: CompareOptions) -> PairedTest:
    """One pair, its verdict left open (`not sure`)."""
    left, right = (bench.columns(own) for own in keys)
    difference = bench.percent(keys[1]) - bench.percent(keys[0])
    rates = bench.rates[:, right].mean(axis=1) - bench.rates[:, left].mean(axis=1)
    error, freedom = seed_error(*(_seed_rates(bench, own) for own in keys))
    if error:
        generator = np.random.default_rng([options.seed, 1])  # another than the bootstrap's
        rates = rates + error * generator.standard_t(freedom, size=len(rates))
    alignments = [[u.pairs for u in bench.scores[own[0]].utterances] for own in keys]
    return PairedTest(
        test, *names, "not sure", difference, *percentiles(rates), improvement(rates), p_value(rates),
        seed_error=error, matched_pairs=matched_pairs(*alignments))


def _seed_rates(bench: Bench, keys: Sequence[str]) -> List[float]:
    return [bench.percent([key]) for key in keys]


def seed_error(a: Sequence[float], b: Sequence[float]) -> Tuple[Optional[float], float]:
    """(standard error of the difference of means, its degrees of freedom), of WERs of the seeds; (None, 0) for one seed
    of each."""
    known = [np.var(rates, ddof=1) for rates in (a, b) if len(rates) > 1]
    if not known:
        return None, 0.0
    variances = [np.var(rates, ddof=1) if len(rates) > 1 else known[0] for rates in (a, b)]
    parts = [variance / len(rates) for variance, rates in zip(variances, (a, b))]
    if len(known) < 2:
        return float(np.sqrt(sum(parts))), float(max(len(a), len(b)) - 1)
    below = sum(part ** 2 / (len(rates) - 1) for part, rates in zip(parts, (a, b)))
    return float(np.sqrt(sum(parts))), float(sum(parts) ** 2 / below) if below else 1.0


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


def with_verdicts(tests: Sequence[PairedTest], level: float) -> List[PairedTest]:
    """The tests of one test set, corrected for their number, with what can be said of b."""
    corrected = iter(holm([test.p_value for test in tests if test.p_value is not None]))
    return [test if test.p_value is None else _judged(test, next(corrected), level) for test in tests]


def _judged(test: PairedTest, p_holm: float, level: float) -> PairedTest:
    verdict = "not sure" if p_holm >= level else "better" if test.difference < 0 else "worse"
    return replace(test, p_holm=p_holm, verdict=verdict)
