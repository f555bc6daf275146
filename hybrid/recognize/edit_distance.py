"""Edit distance and alignment of two token sequences.

With C[r, h] the least cost of turning the first r reference tokens into the first h hypothesis tokens,

    C[r, h] = min(C[r-1, h-1] + substitution * (ref[r] != hyp[h]),
                  C[r-1, h] + deletion,
                  C[r, h-1] + insertion)

The distance alone is RapidFuzz's. An alignment goes back through the table C: the last term runs along a row; written
out, C[r, h] = min over k <= h of (best[k] + insertion * (h - k)) with `best` the minimum of the other two, so a row is
one running minimum over best[k] - insertion * k: numpy does it without a loop over h.
"""

from dataclasses import dataclass
from typing import Hashable, List, Optional, Sequence, Tuple

import numpy as np
from rapidfuzz.distance import Levenshtein

# one column of an alignment: (reference token, hypothesis token); None stands for the gap
Pair = Tuple[Optional[Hashable], Optional[Hashable]]


@dataclass(frozen=True)
class Costs:
    """Costs of the three errors (a match is free), and whether the diagonal wins a tie."""

    substitution: int
    deletion: int
    insertion: int
    diagonal_first: bool


KALDI = Costs(1, 1, 1, diagonal_first=False)  # the least number of errors: compute-wer, jiwer
SCLITE = Costs(4, 3, 3, diagonal_first=True)  # may take an error more where that keeps more words correct


def _ids(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> Tuple[List[int], List[int]]:
    id_of: dict = {}
    both = [id_of.setdefault(token, len(id_of)) for token in (*reference, *hypothesis)]
    return both[:len(reference)], both[len(reference):]


def _next_row(row: np.ndarray, token: int, hypothesis: np.ndarray, costs: Costs) -> np.ndarray:
    """C[r] from C[r - 1] (both ``[H + 1]``) and the r-th reference token."""
    best = row + costs.deletion
    np.minimum(best[1:], row[:-1] + costs.substitution * (hypothesis != token), out=best[1:])
    steps = costs.insertion * np.arange(len(row))
    return np.minimum.accumulate(best - steps) + steps


def edit_distance(reference: Sequence[Hashable], hypothesis: Sequence[Hashable], costs: Costs = KALDI) -> int:
    """Least cost; memory grows with one sequence only, so it takes long ones, too."""
    ref, hyp = _ids(reference, hypothesis)  # RapidFuzz compares hashes: of small numbers they are the numbers
    return Levenshtein.distance(ref, hyp, weights=(costs.insertion, costs.deletion, costs.substitution))


def align(reference: Sequence[Hashable], hypothesis: Sequence[Hashable], costs: Costs = KALDI) -> List[Pair]:
    """The alignment of least cost, in order.

    With KALDI the ties are broken as in its compute-wer (util/edit-distance-inl.h), with SCLITE as in NIST's
    sclite 2.4, so that the same insertions, deletions and substitutions come out. Both go backwards from the
    end; compute-wer takes the diagonal only when it is strictly best (of `ref a b, hyp b c` that keeps b
    correct), sclite whenever nothing is better; both take a deletion only when it beats the insertion.
    """
    ref, hyp = (np.array(ids, dtype=np.int64) for ids in _ids(reference, hypothesis))
    rows = np.empty((len(ref) + 1, len(hyp) + 1), dtype=np.int32)
    rows[0] = costs.insertion * np.arange(len(hyp) + 1)
    for r, token in enumerate(ref, 1):
        rows[r] = _next_row(rows[r - 1], token, hyp, costs)
    pairs: List[Pair] = []
    r, h = len(ref), len(hyp)
    while r or h:
        dr, dh = _step_back(rows, r, h, ref, hyp, costs)
        pairs.append((reference[r - 1] if dr else None, hypothesis[h - 1] if dh else None))
        r, h = r - dr, h - dh
    return pairs[::-1]


def _step_back(rows: np.ndarray, r: int, h: int, ref: np.ndarray, hyp: np.ndarray,
               costs: Costs) -> Tuple[int, int]:
    """Tokens of (reference, hypothesis) in the last column of the alignment of the first r and h tokens."""
    if not r:
        return 0, 1
    if not h:
        return 1, 0
    diagonal = rows[r - 1, h - 1] + costs.substitution * int(ref[r - 1] != hyp[h - 1])
    deletion = rows[r - 1, h] + costs.deletion
    insertion = rows[r, h - 1] + costs.insertion
    others = min(insertion, deletion)
    if diagonal < others or (costs.diagonal_first and diagonal == others):
        return 1, 1
    return (1, 0) if deletion < insertion else (0, 1)
