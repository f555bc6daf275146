"""Where an attention decoder looked for each token: tokens above each other, first at the top, over time."""

from pathlib import Path
from typing import Mapping, Optional, Sequence

import numpy as np

from hybrid.report.figures import new_figure, save_figure

SECONDS_PER_INCH = 0.5
INCHES_PER_TOKEN = 0.17


def draw_attention(panels: Mapping[str, np.ndarray], symbols: Sequence[str], frame_shift: float, path: Path,
                   title: str = "", frames: Optional[Sequence[int]] = None) -> None:
    """Draws one utterance.

    Args:
      panels: name -> ``[U, T]``, at least 0: weights of attention, and what else tells of each token where it is, such
        as the posteriors of CTC; one below the other. White is 0, black the largest value, which is told.
      symbols: U of them.
      frame_shift: seconds from one of the T frames to the next.
      path: .png, .svg or .pdf.
      frames: where a search put the first of the tokens; they are ringed.
    """
    save_figure(attention_figure(panels, symbols, frame_shift, title, frames), path)


def attention_figure(panels: Mapping[str, np.ndarray], symbols: Sequence[str], frame_shift: float, title: str = "",
                     frames: Optional[Sequence[int]] = None):
    """matplotlib Figure; arguments as of draw_attention."""
    num_frames = next(iter(panels.values())).shape[1]
    width = min(max(5.0, 1.5 + num_frames * frame_shift / SECONDS_PER_INCH), 40.0)
    height = max(2.0, 0.6 + INCHES_PER_TOKEN * len(symbols))
    figure = new_figure(width, min(0.4 + height * len(panels), 60.0))
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for one, (name, values) in zip(axes, panels.items()):
        _draw_panel(one, np.asarray(values), symbols, frame_shift, frames or ())
        one.set_ylabel(f"{name}, black is {np.max(values):.2f}")
    axes[-1].set_xlabel("seconds")
    return figure


def _draw_panel(axes, values: np.ndarray, symbols: Sequence[str], frame_shift: float, frames: Sequence[int]) -> None:
    num_tokens, num_frames = values.shape
    axes.imshow(values, cmap="Greys", vmin=0.0, vmax=max(float(values.max()), 1e-6), aspect="auto",
                interpolation="nearest", extent=(0.0, num_frames * frame_shift, num_tokens - 0.5, -0.5))
    axes.set_yticks(range(num_tokens), symbols, fontsize=7)
    axes.plot([(frame + 0.5) * frame_shift for frame in frames], range(len(frames)), "o", markersize=5,
              markerfacecolor="none", markeredgecolor="tab:red", linestyle="none")
