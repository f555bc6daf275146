"""Figures without a display: matplotlib's Figure, never pyplot's global state."""

import os
from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np


FORMATS = ("png", "svg", "pdf")


def new_figure(width: float, height: float):
    """matplotlib Figure of that size in inches."""
    from matplotlib.figure import Figure
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure, path: Path) -> None:
    """Writes the figure in the format of the path's suffix (png, svg, pdf), whole or not at all."""
    path = Path(path)
    temporary = path.with_name(f"{path.name}.tmp")
    figure.savefig(temporary, format=path.suffix.lstrip(".") or "png", dpi=120)
    os.replace(temporary, path)


def heat_map(values: np.ndarray, row_labels: Sequence[str], column_labels: Sequence[str], row_name: str,
             column_name: str, title: str, marked: Optional[Tuple[int, int]] = None):
    """Figure of a matrix ``[rows, columns]``, each cell with its number; low is good (dark).

    marked: (row, column) of a cell to be ringed.
    """
    figure = new_figure(2.0 + 0.7 * len(column_labels), 1.6 + 0.4 * len(row_labels))
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap="viridis", aspect="auto")
    axes.set_xticks(range(len(column_labels)), column_labels)
    axes.set_yticks(range(len(row_labels)), row_labels)
    axes.set_xlabel(column_name)
    axes.set_ylabel(row_name)
    axes.set_title(title, fontsize=10)
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    for (row, column), value in np.ndenumerate(values):
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8,
                  color="white" if value <= middle else "black")
    if marked is not None:
        from matplotlib.patches import Rectangle
        corner = (marked[1] - 0.5, marked[0] - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="red", linewidth=2.5))
    figure.colorbar(image)
    return figure
