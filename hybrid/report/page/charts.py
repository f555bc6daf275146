"""Charts of the page. Systems differ in colour, in marker and in line: none is told by its colour alone.

Colours stand out from white and from the dark page (3 to 1 or more against both).
"""

from typing import Dict, List, Optional, Sequence, Tuple

from hybrid.compare.comparison import AlignmentQuality, Breakdown, LearningCurve, Rate
from hybrid.report.figures import new_figure
from hybrid.report.page.tables import count

COLOURS = ("#2b7bba", "#c8641b", "#2e8b57", "#8d63b8", "#cf4a4a", "#1c8c96", "#9a6b3f", "#c2559b")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":")
MOST = len(COLOURS)  # systems in one chart
FEW = 10  # words or utterances of a class whose intervals may run out of the chart
WIDTH = 6.2  # inches: on a phone, letters are still read


def style(place: int) -> Dict[str, str]:
    return {"color": COLOURS[place % MOST], "marker": MARKERS[place % MOST]}


def spread(rates: Sequence[Rate]) -> List[List[float]]:
    """``[2, n]``: how far intervals reach below and above; 0 where there is none."""
    low = [0.0 if rate.low is None else max(0.0, rate.percent - rate.low) for rate in rates]
    high = [0.0 if rate.high is None else max(0.0, rate.high - rate.percent) for rate in rates]
    return [low, high]


def draw_curves(curves: Sequence[LearningCurve]):
    """matplotlib Figure: WER against the share of the training data."""
    figure = new_figure(WIDTH, 4.2 + 0.12 * len(curves))
    axes = figure.add_subplot()
    shares = sorted({point.share for curve in curves for point in curve.points})
    for place, curve in enumerate(curves):
        rates = [point.rate for point in curve.points]
        shift = 1 + 0.015 * (place - (len(curves) - 1) / 2)  # so that intervals do not lie on each other
        axes.errorbar([point.share * shift for point in curve.points], [rate.percent for rate in rates],
                      yerr=spread(rates), capsize=3, linestyle=LINES[place % len(LINES)], label=curve.name,
                      **style(place))
    axes.set_xscale("log")
    axes.set_xticks(shares, [f"{100 * share:g}" for share in shares])
    axes.minorticks_off()
    axes.set(xlabel="% of the training data", ylabel="WER %")
    axes.set_ylim(bottom=0)
    return _finished(figure, axes)


def draw_breakdown(breakdown: Breakdown, systems: Sequence[str], names: Sequence[str]):
    """matplotlib Figure: a line of dots for each class, with intervals.

    Args:
      systems: keys, at most MOST.
      names: what the legend calls them.
    """
    rows = breakdown.rows
    figure = new_figure(WIDTH, 1.5 + 0.16 * len(systems) + len(rows) * max(0.32, 0.13 * len(systems)))
    axes = figure.add_subplot()
    for place, (system, name) in enumerate(zip(systems, names)):
        shift = 0.7 * ((place + 0.5) / len(systems) - 0.5)
        found = [(number + shift, row.rates[system]) for number, row in enumerate(rows) if system in row.rates]
        if found:
            heights, rates = zip(*found)
            axes.errorbar([rate.percent for rate in rates], heights, xerr=spread(rates), capsize=2, linestyle="none",
                          markersize=5, label=name, **style(place))
    for number in range(1, len(rows)):
        axes.axhline(number - 0.5, color="#888888", linewidth=0.5)
    axes.set_yticks(range(len(rows)), [f"{row.label} ({row.count})" for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set(xlabel="% of the words not recognized" if breakdown.unit == "words" else "WER %")
    axes.set_xlim(left=0, right=_right_edge(breakdown, systems))
    return _finished(figure, axes)


def _right_edge(breakdown: Breakdown, systems: Sequence[str]) -> Optional[float]:
    """All rates fit, and the intervals of classes that are not small; None where that is no length."""
    rates = [(row.rates[system], row.count) for row in breakdown.rows for system in systems if system in row.rates]
    edge = max((rate.percent if rate.high is None or number < FEW else max(rate.high, rate.percent)
                for rate, number in rates), default=0.0)
    return 1.04 * edge or None


def draw_agreement(right: Sequence[int]):
    """matplotlib Figure: how many words so many systems have right."""
    figure = new_figure(WIDTH, 3.4)
    axes = figure.add_subplot()
    bars = axes.bar(range(len(right)), right, color=COLOURS[0])
    axes.bar_label(bars, padding=2, fontsize=9)
    axes.set_xticks(range(0, len(right), max(1, len(right) // 12)))
    axes.set(xlabel=f"systems, of {len(right) - 1}, that have the word right", ylabel="words of the reference")
    axes.margins(y=0.12)
    return _finished(figure, axes, legend=False)


def draw_alignment_quality(entries: Sequence[Tuple[str, AlignmentQuality]]):
    """matplotlib Figure: the share of word starts within so many milliseconds. entries: name, figures."""
    figure = new_figure(WIDTH, 3.6 + 0.16 * len(entries))
    axes = figure.add_subplot()
    for place, (name, quality) in enumerate(entries):
        starts = quality.starts
        shares = (starts.within_20_ms, starts.within_50_ms, starts.within_100_ms)
        axes.plot((20, 50, 100), [100 * share for share in shares], linestyle=LINES[place % len(LINES)], label=name,
                  **style(place))
    axes.set_xticks((20, 50, 100))
    axes.set(xlabel="distance from the true start of the word, ms", ylabel="% of the words within", ylim=(0, 102))
    return _finished(figure, axes)


def draw_cost(points: Sequence[Tuple[str, float, Rate]], label: str):
    """matplotlib Figure: WER against a cost above 0, on a logarithmic axis where costs differ much.

    points: name, cost, rate.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
    costs = [cost for _, cost, _ in points]
    figure = new_figure(WIDTH, 3.8 + 0.14 * len(points))
    axes = figure.add_subplot()
    for place, (name, cost, rate) in enumerate(points):
        axes.errorbar([cost], [rate.percent], yerr=spread([rate]), capsize=3, linestyle="none", label=name,
                      **style(place))
    if max(costs) > 4 * min(costs):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
    axes.set(xlabel=label, ylabel="WER %")
    axes.set_ylim(bottom=0)
    return _finished(figure, axes)


def draw_times(duration: float, rows: Sequence[Tuple[str, Sequence[Tuple[str, float, float]]]],
               features: Optional[object] = None):
    """matplotlib Figure: words over time, a row for each source, the first one the truth where it is known.

    Args:
      duration: seconds.
      rows: name -> (word, start, end), seconds.
      features: ``[T, F]``, drawn above, or None.
    """
    above = features is not None
    figure = new_figure(min(max(WIDTH, 2.4 * duration), 24.0), 0.8 + 0.42 * len(rows) + 1.6 * above)
    panels = list(figure.subplots(above + len(rows), 1, sharex=True, squeeze=False,
                                  gridspec_kw={"height_ratios": [4] * above + [1] * len(rows)}).flat)
    if above:
        panels[0].imshow(features.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
                         extent=(0.0, duration, 0, features.shape[1]))
        panels[0].set_yticks([])
    for axes, (name, words) in zip(panels[above:], rows):
        _draw_row(axes, name, words)
    for axes in panels[:-1]:
        axes.tick_params(bottom=False)
    panels[-1].set(xlim=(0.0, duration), xlabel="seconds")
    return figure


def _draw_row(axes, name: str, words: Sequence[Tuple[str, float, float]]) -> None:
    axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    axes.set_yticks([])
    for place, (word, start, end) in enumerate(words):
        axes.axvspan(start, max(end, start + 0.01), color=COLOURS[0], alpha=0.18 + 0.2 * (place % 2), linewidth=0)
        axes.axvline(start, color=COLOURS[0], linewidth=1)
        axes.text((start + end) / 2, 0.5, word, ha="center", va="center", fontsize=9, clip_on=True)


def _finished(figure, axes, legend: bool = True):
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", alpha=0.35)
    axes.set_axisbelow(True)
    if legend:
        figure.legend(loc="outside lower center", ncols=2, fontsize=10, frameon=False)
    return figure
