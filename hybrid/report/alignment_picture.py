"""An alignment over the features it was made from: words above, phones below, the truth where it is known."""

from pathlib import Path
from typing import Optional, Sequence

import numpy as np

from hybrid.align.times.ctm import TimedSymbol
from hybrid.report.figures import new_figure, save_figure

SECONDS_PER_INCH = 0.25


def draw_alignment(features: np.ndarray, frame_shift: float, words: Sequence[TimedSymbol],
                   phones: Sequence[TimedSymbol], path: Path, title: str = "",
                   truth: Optional[Sequence[TimedSymbol]] = None) -> None:
    """Draws one utterance.

    Args:
      features: ``[T, F]``, e.g. log mel energies (a spectrogram) or cepstra.
      frame_shift: seconds.
      words, phones: in the order of time; gaps stay empty.
      truth: true phones, drawn in a row of their own.
      path: .png, .svg or .pdf.
    """
    duration = len(features) * frame_shift
    rows = [("words", words), ("phones", phones)] + ([("truth", truth)] if truth is not None else [])
    figure = new_figure(min(max(6.0, duration / SECONDS_PER_INCH), 60.0), 3.0 + 0.35 * len(rows))
    spectrum, *tiers = figure.subplots(
        1 + len(rows), 1, sharex=True, gridspec_kw={"height_ratios": [8] + [1] * len(rows)})
    spectrum.imshow(np.asarray(features).T, origin="lower", aspect="auto", cmap="magma",
                    extent=(0.0, duration, 0, np.shape(features)[1]), interpolation="nearest")
    spectrum.set_ylabel("feature")
    spectrum.set_title(title, fontsize=10)
    for symbol in phones:
        spectrum.axvline(symbol.start, color="white", linewidth=0.6, alpha=0.8)
    for axes, (name, symbols) in zip(tiers, rows):
        _draw_tier(axes, name, symbols)
    tiers[-1].set_xlabel("seconds")
    tiers[-1].set_xlim(0.0, duration)
    save_figure(figure, path)


def _draw_tier(axes, name: str, symbols: Sequence[TimedSymbol]) -> None:
    axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    for number, (symbol, start, end) in enumerate(symbols):
        axes.axvspan(start, end, color="tab:blue", alpha=0.15 + 0.15 * (number % 2), linewidth=0)
        axes.text((start + end) / 2, 0.5, symbol, ha="center", va="center", fontsize=7, clip_on=True)
