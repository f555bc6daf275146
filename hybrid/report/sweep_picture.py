"""Picture of a sweep over options: how it went, which options mattered, each of them against the figure, and all of
them together."""

from typing import List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from hybrid.report.figures import new_figure

COLUMNS = 3
COLOURS = "viridis"  # low is dark, and good


class Point(NamedTuple):
    """A trial that came to its figure. params: option -> number or text."""

    number: int
    params: Mapping[str, object]
    value: float


def draw_sweep(points: Sequence[Point], logarithmic: Mapping[str, bool], importances: Mapping[str, float],
               figure_name: str, baseline: Optional[float] = None):
    """matplotlib Figure.

    Args:
      logarithmic: option -> is it spread by its logarithm? Names all options, in the order in which they are drawn.
      importances: option -> share; {} where too few trials tell.
      baseline: the figure without any of the options.
    Raises: ValueError without points.
    """
    if not points:
        raise ValueError("a sweep without a finished trial has no picture")
    keys = list(logarithmic)
    rows = -(-len(keys) // COLUMNS)
    figure = new_figure(4.2 * COLUMNS, 3.2 * (rows + 2))
    grid = figure.add_gridspec(rows + 2, COLUMNS)
    _draw_history(figure.add_subplot(grid[0, :2]), points, figure_name, baseline)
    _draw_importances(figure.add_subplot(grid[0, 2]), importances)
    for number, key in enumerate(keys):
        _draw_slice(figure.add_subplot(grid[1 + number // COLUMNS, number % COLUMNS]), points, key, logarithmic[key],
                    figure_name)
    image = _draw_parallel(figure.add_subplot(grid[rows + 1, :]), points, logarithmic)
    figure.colorbar(image, ax=figure.axes[-1], label=figure_name)
    return figure


def _draw_history(axes, points: Sequence[Point], figure_name: str, baseline: Optional[float]) -> None:
    numbers, values = [point.number for point in points], [point.value for point in points]
    axes.plot(numbers, values, ".", color="tab:blue", label="trial")
    axes.step(numbers, np.minimum.accumulate(values), where="post", color="tab:orange", label="best so far")
    if baseline is not None:
        axes.axhline(baseline, color="grey", linestyle="--", label="baseline")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("trial")
    axes.set_ylabel(figure_name)
    axes.legend()


def _draw_importances(axes, importances: Mapping[str, float]) -> None:
    axes.set_title("what mattered", fontsize=10)
    if not importances:
        axes.text(0.5, 0.5, "too few trials tell", ha="center", va="center")
        axes.set_axis_off()
        return
    keys = list(importances)[::-1]
    axes.barh(keys, [importances[key] for key in keys], color="tab:blue")
    axes.set_xlabel("share of importance")


def _draw_slice(axes, points: Sequence[Point], key: str, logarithmic: bool, figure_name: str) -> None:
    """The figure over one option; later trials are darker."""
    places, labels = _places([point.params[key] for point in points])
    axes.scatter(places, [point.value for point in points], c=[point.number for point in points], cmap="Blues",
                 edgecolor="grey", vmin=-len(points) / 2)
    if labels:
        axes.set_xticks(range(len(labels)), labels)
    elif logarithmic:
        axes.set_xscale("log")
    axes.set_xlabel(key)
    axes.set_ylabel(figure_name)


def _draw_parallel(axes, points: Sequence[Point], logarithmic: Mapping[str, bool]):
    """A line for each trial over all options, the best ones on top."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    values = [point.value for point in points]
    image = ScalarMappable(Normalize(min(values), max(values)), COLOURS)
    scaled = [unit_heights([point.params[key] for point in points], log) for key, log in logarithmic.items()]
    for index in sorted(range(len(points)), key=lambda index: -values[index]):
        axes.plot(range(len(scaled)), [heights[index] for heights, _, _ in scaled], color=image.to_rgba(values[index]))
    for place, (_, bottom, top) in enumerate(scaled):
        axes.axvline(place, color="black", linewidth=0.8)
        axes.annotate(bottom, (place, 0), (3, -2), textcoords="offset points", va="top", fontsize=8)
        axes.annotate(top, (place, 1), (3, 2), textcoords="offset points", va="bottom", fontsize=8)
    axes.set_xticks(range(len(scaled)), list(logarithmic))
    axes.set_yticks([])
    axes.set_ylim(-0.15, 1.15)
    axes.margins(x=0.1)
    return image


def unit_heights(values: Sequence[object], logarithmic: bool) -> Tuple[List[float], str, str]:
    """Heights between 0 and 1, and what the lowest and the highest stand for; a half where all are the same."""
    places, labels = _places(values)
    low, high = min(places), max(places)
    ends = (labels[int(low)], labels[int(high)]) if labels else (f"{low:.3g}", f"{high:.3g}")
    scale = np.log if logarithmic and not labels else np.asarray
    heights, bottom, top = scale(places), float(scale(low)), float(scale(high))
    if bottom == top:
        return [0.5] * len(places), "", ends[1]
    return list((heights - bottom) / (top - bottom)), *ends


def _places(values: Sequence[object]) -> Tuple[List[float], List[str]]:
    """Numbers as they are; texts by their rank, with the texts."""
    if all(isinstance(value, (int, float)) for value in values):
        return [float(value) for value in values], []
    labels = sorted(set(map(str, values)), key=_rank)
    return [float(labels.index(str(value))) for value in values], labels


def _rank(text: str) -> Tuple:
    """Texts that are numbers by their size."""
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text
