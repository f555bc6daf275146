"""The matched pairs test of segments with word errors (MAPSSWE), the usual one of NIST's evaluations.

L. Gillick and S. J. Cox, "Some statistical issues in the comparison of speech recognition algorithms", ICASSP 1989;
D. S. Pallett, W. M. Fisher, J. G. Fiscus, "Tools for the analysis of benchmark speech recognition tests", ICASSP 1990.

The test set is cut where both systems have at least two words running right: errors of one piece do not depend on those
of another. A segment is a piece in which either made an error; utterances end segments, too. With d_i errors of b minus
errors of a in the i-th of n segments,

    Z = mean(d) / (deviation(d) / sqrt(n)),   deviation with n - 1,

is standard normal for large n when the systems are equally good. It is NIST's sc_stats that says "at least two", and it
finds the same segments (tests/hybrid/compare/test_matched_pairs.py).
"""

import math
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from hybrid.compare.comparison import MatchedPairs
from hybrid.recognize.edit_distance import Pair

BETWEEN = 2  # words running that both have right, between two segments


def matched_pairs(a: Sequence[Sequence[Pair]], b: Sequence[Sequence[Pair]]) -> Optional[MatchedPairs]:
    """
    Args:
      a, b: alignments of two systems with the reference, of the same utterances in one order.
    Returns: None where nothing tells the deviation: fewer than two segments, or one difference in all of them.
    Raises: InputError for utterances of other words.
    """
    if len(a) != len(b):
        raise InputError("matched pairs", f"{len(a)} utterances of both systems", str(len(b)))
    found = [segment for pairs in zip(a, b) for segment in segments(*pairs)]
    differences = np.array([right - left for left, right in found], np.float64)
    if len(differences) < 2:
        return None
    deviation = differences.std(ddof=1)
    if deviation == 0.0:
        return MatchedPairs(len(found), 0.0, 1.0) if not differences.any() else None
    statistic = float(differences.mean() / (deviation / math.sqrt(len(found))))
    return MatchedPairs(len(found), statistic, math.erfc(abs(statistic) / math.sqrt(2)))


def segments(a: Sequence[Pair], b: Sequence[Pair]) -> List[Tuple[int, int]]:
    """(errors of a, errors of b) of each segment of one utterance."""
    found: List[Tuple[int, int]] = []
    errors, right = (0, 0), 0  # of the open segment; words running that both have right
    for of_a, of_b in zip(_slots(a), _slots(b)):
        if of_a.said != of_b.said:
            raise InputError("matched pairs", f"the reference of both systems, {of_a.said!r}", repr(of_b.said))
        wrong = (of_a.inserted + of_a.wrong, of_b.inserted + of_b.wrong)
        if any(wrong):
            # insertions stand before the word: it may be right, and the first of a run
            errors = (errors[0] + wrong[0], errors[1] + wrong[1])
            right = 0 if of_a.wrong or of_b.wrong else 1
        else:
            right += 1
        if right >= BETWEEN and any(errors):
            found.append(errors)
            errors = (0, 0)
    return found + [errors] if any(errors) else found


class _Slot(NamedTuple):
    """A word of the reference, None for the end; insertions before it; wrong: 0 or 1."""

    said: Optional[str]
    inserted: int
    wrong: int


def _slots(pairs: Sequence[Pair]) -> Iterator[_Slot]:
    inserted = 0
    for said, found in pairs:
        if said is None:
            inserted += 1
        else:
            yield _Slot(said, inserted, int(said != found))
            inserted = 0
    yield _Slot(None, inserted, 0)
