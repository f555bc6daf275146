"""Pictures of confidences: are they right, and what does a threshold keep?"""

from typing import Mapping, Sequence, Tuple

import numpy as np

from hybrid.lattices.calibration import calibration_error, normalized_cross_entropy, reliability
from hybrid.lattices.confident import Kept
from hybrid.report.figures import new_figure


def draw_reliability(title: str, series: Mapping[str, Tuple[Sequence[float], Sequence[bool]]]):
    """matplotlib Figure: the share of correct words at each confidence, above how many words have it.

    series: name -> (confidences, correct).
    """
    figure = new_figure(5.5, 6.5)
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1]})
    upper.plot([0, 1], [0, 1], color="grey", linestyle=":", label="as they should be")
    for number, (name, (confidences, correct)) in enumerate(series.items()):
        rows = reliability(confidences, correct)
        nce, error = normalized_cross_entropy(confidences, correct), calibration_error(confidences, correct)
        upper.plot([row.confidence for row in rows], [row.correct for row in rows], marker="o", color=f"C{number}",
                   label=f"{name}: NCE {nce:.3f}, calibration error {error:.3f}")
        shift = 0.04 * (number - (len(series) - 1) / 2)
        lower.bar([(row.low + row.high) / 2 + shift for row in rows], [row.words for row in rows], width=0.04,
                  color=f"C{number}")
    upper.set(title=f"Word confidences, {title}", ylabel="share of words that are correct", xlim=(0, 1.02),
              ylim=(0, 1.02))
    figure.legend(loc="outside lower center", fontsize=8)  # within, points would lie under it
    lower.set(xlabel="confidence", ylabel="words", yscale="log")
    return figure


def draw_thresholds(rows: Sequence[Kept]):
    """matplotlib Figure: what each threshold keeps against how wrong that is."""
    figure = new_figure(6, 4)
    axes = figure.add_subplot()
    most_utterances, most_words = max(row.utterances for row in rows), max(row.words for row in rows)
    kept = [row for row in rows if row.counts.words]
    axes.plot([100 * row.utterances / most_utterances for row in kept], [row.counts.wer for row in kept], marker="o",
              label="WER of the utterances kept")
    axes.plot([100 * row.words / max(1, most_words) for row in rows], [100 * (1 - row.correct) for row in rows],
              marker="s", label="share of the words kept that are wrong")
    for row in kept:
        axes.annotate(f"{row.threshold:g}", (100 * row.utterances / most_utterances, row.counts.wer), fontsize=7,
                      textcoords="offset points", xytext=(-4, 4), ha="right")
    axes.set(xlabel="% kept (numbers: confidence)", ylabel="% wrong", xlim=(0, 102))
    axes.set_ylim(0, None if np.isfinite(axes.get_ylim()[1]) else 100)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return figure
