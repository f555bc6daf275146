"""A comparison as pictures: error rates with intervals, differences, learning curves, times of words."""

from typing import Dict, List, Sequence

from hybrid.compare.comparison import Comparison, FamilyResult, LearningCurve, PairedTest, Rate
from hybrid.report.figures import new_figure

MARKS = "osD^vP*X"
MOST_PAIRS = 30  # in a picture; of more only those with the best system


def pictures(c: Comparison) -> Dict[str, object]:
    """Name of a file without its suffix -> matplotlib Figure, of all that there is something to draw for."""
    found = {}
    for test in (test.name for test in c.tests):
        parts = {"wer": ([one for one in c.families if one.test == test], draw_rates),
                 "differences": ([one for one in c.pairs if one.test == test and one.difference is not None],
                                 draw_differences),
                 "learning": ([one for one in c.curves if one.test == test], draw_curves),
                 "times": ([one for one in c.alignments if one.test == test], draw_times)}
        found.update({f"{name}_{test}": draw(own) for name, (own, draw) in parts.items() if own})
    return found


def draw_rates(families: Sequence[FamilyResult]):
    """WER of each family with its interval, and its deviation over seeds as a thick line."""
    figure, axes = _rows([one.family for one in families], "WER %")
    for place, one in enumerate(families):
        _whisker(axes, place, one.rate)
        if one.deviation is not None:
            axes.plot([one.rate.percent - one.deviation, one.rate.percent + one.deviation], [place, place],
                      color="tab:blue", alpha=0.4, linewidth=7, solid_capstyle="butt")
    axes.set_xlim(left=0)
    return figure


def draw_differences(pairs: Sequence[PairedTest]):
    """Of each pair the difference with its interval; grey where it is not sure.

    pairs: the best system last, as `b` of those with it.
    """
    if len(pairs) > MOST_PAIRS:
        pairs = [pair for pair in pairs if pair.b == pairs[-1].b]
    figure, axes = _rows([f"{pair.b} against {pair.a}" for pair in pairs], "difference of WER, percentage points")
    for place, pair in enumerate(pairs):
        _whisker(axes, place, Rate(pair.difference, pair.low, pair.high),
                 "tab:grey" if pair.verdict == "not sure" else "tab:blue")
    axes.axvline(0, color="black", linewidth=0.8)
    return figure


def _rows(labels: List[str], name: str):
    figure = new_figure(7, 1.2 + 0.32 * len(labels))
    axes = figure.add_subplot()
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlabel(name)
    axes.grid(axis="x", alpha=0.3)
    return figure, axes


def _whisker(axes, place: int, rate: Rate, colour: str = "tab:blue") -> None:
    if rate.low is not None and rate.high is not None:
        axes.plot([rate.low, rate.high], [place, place], color=colour, linewidth=1.5, marker="|")
    axes.plot([rate.percent], [place], color=colour, marker="o")


def draw_curves(curves: Sequence[LearningCurve]):
    """WER against hours (percent of the data where hours are not known), both on logarithmic axes."""
    from matplotlib.ticker import LogLocator
    in_hours = all(point.hours for curve in curves for point in curve.points)
    figure = new_figure(6.5, 4.5)
    axes = figure.add_subplot()
    for number, curve in enumerate(curves):
        places = [point.hours if in_hours else 100 * point.share for point in curve.points]
        rates = [point.rate.percent for point in curve.points]
        line, = axes.plot(places, rates, marker=MARKS[number % len(MARKS)], label=curve.name)
        for place, point in zip(places, curve.points):
            if point.rate.low and point.rate.high:
                axes.plot([place, place], [point.rate.low, point.rate.high], color=line.get_color(), linewidth=1,
                          marker="_")
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = sorted({point.hours if in_hours else 100 * point.share for curve in curves for point in curve.points})
    axes.set_xticks(ticks, [f"{tick:.2g}" if in_hours else f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))  # a decade has few points
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("hours of training audio" if in_hours else "% of the training data")
    axes.set_ylabel("WER %")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    return figure


def draw_times(alignments):
    """Shares of word starts within 20, 50 and 100 ms of the truth."""
    figure, axes = _rows([f"{one.system} ({one.how})" for one in alignments], "% of word starts near the true ones")
    for name, label, colour in (("within_100_ms", "within 100 ms", "0.85"), ("within_50_ms", "50 ms", "0.6"),
                                ("within_20_ms", "20 ms", "tab:blue")):
        axes.barh(range(len(alignments)), [100 * getattr(one.starts, name) for one in alignments], color=colour,
                  label=label, height=0.6)
    for place, one in enumerate(alignments):
        axes.text(101, place, f"shift {one.starts.shift_ms:+.0f} ms", va="center", fontsize=8)
    axes.set_xlim(0, 125)
    axes.set_xticks(range(0, 101, 20))
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure
