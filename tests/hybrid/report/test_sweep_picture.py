"""The picture of a sweep: what stands where."""

import pytest
from matplotlib.colors import to_rgba

from hybrid.report.sweep_picture import Point, draw_sweep, unit_heights

POINTS = [Point(number, {"am.x": x, "am.kind": kind}, value) for number, (x, kind, value) in
          enumerate([(0.1, "a", 3.0), (0.2, "b", 2.0), (0.4, "a", 2.5)])]


def test_heights_of_a_parallel_plot():
    assert unit_heights([1.0, 3.0, 2.0], False) == ([0.0, 1.0, 0.5], "1", "3")
    heights, low, high = unit_heights([1e-4, 1e-2, 1e-3], True)
    assert heights == pytest.approx([0, 1, 0.5]) and (low, high) == ("0.0001", "0.01")
    assert unit_heights(["10", "9", "10"], False) == ([1.0, 0.0, 1.0], "9", "10")
    assert unit_heights(["a", "a"], True) == ([0.5, 0.5], "", "a")
    assert unit_heights(["b", "10", "a", "9"], True) == (pytest.approx([1, 1 / 3, 2 / 3, 0]), "9", "b")


def test_the_picture_of_a_sweep():
    figure = draw_sweep(POINTS, {"am.x": True, "am.kind": False}, {"am.x": 0.75, "am.kind": 0.25}, "dev.wer", 2.75)
    history, importances, slice_of_x, slice_of_kind, parallel, bar = figure.axes
    assert [list(line.get_ydata()) for line in history.lines] == [[3, 2, 2.5], [3, 2, 2], [2.75, 2.75]]
    assert [list(line.get_xdata()) for line in history.lines[:2]] == [[0, 1, 2]] * 2
    assert [bar.get_width() for bar in importances.patches] == [0.25, 0.75]
    assert slice_of_x.get_xscale() == "log" and slice_of_kind.get_xscale() == "linear"
    assert slice_of_x.collections[0].get_offsets().tolist() == [[0.1, 3], [0.2, 2], [0.4, 2.5]]
    assert slice_of_kind.collections[0].get_offsets().tolist() == [[0, 3], [1, 2], [0, 2.5]]
    assert [label.get_text() for label in slice_of_kind.get_xticklabels()] == ["a", "b"]
    lines = [line for line in parallel.lines if len(line.get_xdata()) == 2 and list(line.get_xdata()) == [0, 1]]
    assert [line.get_ydata()[1] for line in lines] == [0, 0, 1]  # the best is drawn last
    shades = [sum(to_rgba(line.get_color())[:3]) for line in lines]
    assert shades == sorted(shades, reverse=True)  # low is dark
    assert sorted((text.get_text(), text.xy) for text in parallel.texts) == [
        ("0.1", (0, 0)), ("0.4", (0, 1)), ("a", (1, 0)), ("b", (1, 1))]
    assert [label.get_text() for label in parallel.get_xticklabels()] == ["am.x", "am.kind"]
    assert (history.get_ylabel(), slice_of_x.get_ylabel(), bar.get_ylabel()) == ("dev.wer",) * 3


def test_later_trials_are_darker():
    dots = draw_sweep(POINTS, {"am.x": True}, {}, "dev.wer").axes[2].collections[0]
    shades = [sum(colour[:3]) for colour in dots.to_rgba(dots.get_array())]
    assert shades[0] > shades[1] > shades[2] and shades[0] < 2.9


def test_without_importances_or_baseline():
    history, importances, *_ = draw_sweep(POINTS, {"am.x": False}, {}, "dev.wer").axes
    assert len(history.lines) == 2 and [text.get_text() for text in importances.texts] == ["too few trials tell"]
    assert not importances.axison and not importances.patches
    with pytest.raises(ValueError, match="without a finished trial"):
        draw_sweep([], {"am.x": False}, {}, "dev.wer")


@pytest.mark.parametrize("options, axes", [(1, 5), (3, 7), (4, 8)])
def test_each_option_has_its_slice(options, axes):
    points = [Point(n, {f"am.x{k}": float(n + k) for k in range(options)}, float(n)) for n in range(2)]
    figure = draw_sweep(points, {f"am.x{k}": False for k in range(options)}, {}, "dev.wer")
    assert [one.get_xlabel() for one in figure.axes[2:2 + options]] == [f"am.x{k}" for k in range(options)]
    assert len(figure.axes) == axes
