"""How far the phone boundaries of an alignment are from the true ones.

Aligned and true phones are matched by edit distance, silence left out, since the two may differ in variants
of pronunciation and in pauses. A boundary counts when the phones on both its sides are matched:

- between two phones that follow each other without a pause in both, one boundary;
- where either has a pause, two: the end of the first phone and the start of the second;
- the start of the first phone and the end of the last one, but for those at an end of the utterance in both,
  which nothing can get wrong.

The class of a boundary is that of the phone that begins there.
"""

from dataclasses import dataclass
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from hybrid.align.times.ctm import TimedSymbol
from hybrid.align.times.phone_classes import CLASSES, SILENCE, phone_class
from hybrid.recognize.edit_distance import align
from hybrid.report.tables import text_table

EDGE = 0.0051  # seconds: nearer to an end of the utterance than half a frame is at the end
TOLERANCES = (0.010, 0.020, 0.050)  # seconds


class Boundary(NamedTuple):
    """error: seconds, aligned minus true; phone: the phone that begins, None where silence does."""

    error: float
    phone: Optional[str]


@dataclass(frozen=True)
class Comparison:
    """boundaries: those that count. missed: true boundaries beside a phone without a match."""

    boundaries: List[Boundary]
    missed: int


def compare(aligned: Sequence[TimedSymbol], truth: Sequence[TimedSymbol], silences: Iterable[str],
            duration: float) -> Comparison:
    """Boundary errors of one utterance.

    Args:
      aligned, truth: phones in the order of time, silence among them or left out.
      silences: symbols of silence.
      duration: of the utterance, seconds.
    """
    silent = set(silences)
    aligned, truth = ([p for p in phones if p.symbol not in silent] for phones in (aligned, truth))
    match = _matches([p.symbol for p in truth], [p.symbol for p in aligned])
    boundaries: List[Boundary] = []
    missed = 0
    for right in range(len(truth) + 1):
        left = right - 1
        sides = [match.get(i) if 0 <= i < len(truth) else edge
                 for i, edge in ((left, -1), (right, len(aligned)))]
        if None in sides or sides[1] != sides[0] + 1:
            missed += 1
            continue
        ends = [(phones[i].end if i >= 0 else 0.0, phones[i + 1].start if i + 1 < len(phones) else duration)
                for phones, i in ((aligned, sides[0]), (truth, left))]
        boundaries += _errors(ends, truth[right].symbol if right < len(truth) else None, left < 0, duration)
    return Comparison(boundaries, missed)


def _matches(truth: List[str], aligned: List[str]) -> Dict[int, int]:
    """Number of a true phone -> number of its aligned phone, the same or another one."""
    match, r, h = {}, 0, 0
    for reference, hypothesis in align(truth, aligned):
        if reference is not None and hypothesis is not None:
            match[r] = h
        r, h = r + (reference is not None), h + (hypothesis is not None)
    return match


def _errors(ends: List[Tuple[float, float]], phone: Optional[str], first: bool, duration: float,
            ) -> List[Boundary]:
    """ends: for the aligned and the true phones, end of the left phone and start of the right one."""
    (aligned_end, aligned_start), (true_end, true_start) = ends
    if first or phone is None:  # an edge of the utterance: one boundary, if anything is there to be found
        edge = 0.0 if first else duration
        one, two = (aligned_start, true_start) if first else (aligned_end, true_end)
        if abs(one - edge) < EDGE and abs(two - edge) < EDGE:
            return []
        return [Boundary(one - two, phone)]
    if aligned_start - aligned_end < EDGE / 10 and true_start - true_end < EDGE / 10:
        return [Boundary(aligned_start - true_start, phone)]
    return [Boundary(aligned_end - true_end, None), Boundary(aligned_start - true_start, phone)]


def statistics(errors: Sequence[float], tolerances: Sequence[float] = TOLERANCES) -> Dict[str, float]:
    """Of errors in seconds: count, mean and median of their size, mean with sign, shares within the tolerances.

    Times in milliseconds, shares from 0 to 1.
    """
    signed = np.asarray(errors, dtype=np.float64)
    size = np.abs(signed)
    figures: Dict[str, float] = {"count": len(size)}
    if len(size):
        figures.update(mean_ms=float(1000 * size.mean()), median_ms=float(1000 * np.median(size)),
                       shift_ms=float(1000 * signed.mean()))
        figures.update({f"within_{1000 * t:.0f}_ms": float((size <= t + 1e-9).mean()) for t in tolerances})
    return figures


def by_class(boundaries: Sequence[Boundary]) -> Dict[str, Dict[str, float]]:
    """`all` and each class of phones that occurs -> statistics."""
    errors: Dict[str, List[float]] = {}
    for boundary in boundaries:
        name = SILENCE if boundary.phone is None else phone_class(boundary.phone)
        errors.setdefault(name, []).append(boundary.error)
    classes = {name: statistics(errors[name]) for name in CLASSES if name in errors}
    return {"all": statistics([b.error for b in boundaries]), **classes}


def true_symbols(cut, kind: str = "phone") -> Optional[List[TimedSymbol]]:
    """Ground truth of a Lhotse cut with one supervision, seconds from its start; None when it has none.

    kind: as the alignment in the cut is called, `phone` or `word`.
    """
    alignment = cut.supervisions[0].alignment if cut.supervisions else None
    if not alignment or kind not in alignment:
        return None
    start = cut.supervisions[0].start
    return [TimedSymbol(item.symbol, item.start - start, item.end - start) for item in alignment[kind]]


def compare_folder(aligned: Dict[str, List[TimedSymbol]], cuts: Iterable, silences: Sequence[str],
                   base_phone=lambda phone: phone) -> dict:
    """Boundary errors of many utterances.

    Args:
      aligned: utterance_id -> phones (read_ctm of phones.ctm).
      cuts: Lhotse cuts with ground truth, one supervision each.
      base_phone: takes position markers off an aligned phone.
    Returns: JSON-able: classes (statistics by class), utterances, without_truth and without_alignment (ids),
      missed (true boundaries beside a phone without a match).
    """
    boundaries: List[Boundary] = []
    missed, utterances = 0, 0
    lacking: Dict[str, List[str]] = {"without_truth": [], "without_alignment": []}
    for cut in cuts:
        truth = true_symbols(cut)
        if truth is None or cut.id not in aligned:
            lacking["without_truth" if truth is None else "without_alignment"].append(cut.id)
            continue
        phones = [TimedSymbol(base_phone(p.symbol), p.start, p.end) for p in aligned[cut.id]]
        comparison = compare(phones, truth, silences, cut.duration)
        boundaries += comparison.boundaries
        missed, utterances = missed + comparison.missed, utterances + 1
    return {"utterances": utterances, "classes": by_class(boundaries), "missed": missed, **lacking}


def table(result: dict) -> str:
    """What `compare_folder` found as text."""
    rows = [[name, f["count"], f["mean_ms"], f["median_ms"], f["shift_ms"],
             *(100 * f[f"within_{1000 * t:.0f}_ms"] for t in TOLERANCES)]
            for name, f in result["classes"].items() if f["count"]]
    header = ["begins", "boundaries", "mean ms", "median ms", "shift ms",
              *(f"% in {1000 * t:.0f} ms" for t in TOLERANCES)]
    notes = (f"{result['utterances']} utterances; {result['missed']} boundaries beside a phone without a "
             f"match; {len(result['without_truth'])} utterances without truth, "
             f"{len(result['without_alignment'])} not aligned\n")
    return text_table(header, rows) + notes
