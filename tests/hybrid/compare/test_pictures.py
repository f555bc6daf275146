"""Pictures of a comparison: what stands where in them."""

from dataclasses import replace

import pytest

from hybrid.compare.comparison import CurvePoint, LearningCurve, Rate
from hybrid.compare.pictures import draw_curves, draw_differences, draw_rates, draw_times, pictures
from hybrid.report.figures import save_figure
from tests.hybrid.compare.material import FULL

FAMILY, PAIR, TIMES = FULL.families[0], FULL.pairs[0], FULL.alignments[0]


def lines(axes):
    """(x, y) of each line, and its colour."""
    return [(list(line.get_xdata()), list(line.get_ydata()), line.get_color()) for line in axes.lines]


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_pictures_are_drawn_of_what_there_is(tmp_path):
    found = pictures(FULL)
    assert list(found) == ["wer_test", "differences_test", "learning_test", "times_test"]
    for name, figure in found.items():
        save_figure(figure, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    assert list(pictures(replace(FULL, pairs=(), curves=(), alignments=()))) == ["wer_test"]
    assert "differences_test" not in pictures(replace(FULL, pairs=(replace(PAIR, difference=None),)))


def test_each_test_set_has_its_own():
    second = {"families": (FAMILY, replace(FAMILY, test="dev", rate=Rate(20.0))), "curves": (), "alignments": (),
              "pairs": (PAIR, replace(PAIR, test="dev", difference=2.0)),
              "tests": (*FULL.tests, replace(FULL.tests[0], name="dev"))}
    found = pictures(replace(FULL, **second))
    assert list(found) == ["wer_test", "differences_test", "wer_dev", "differences_dev"]
    assert lines(found["wer_dev"].axes[0]) == [([20.0], [0], "tab:blue")]
    assert lines(found["differences_dev"].axes[0])[1][0] == [2.0]


def test_rates_have_intervals_and_deviations_one_below_the_other():
    families = [FAMILY, replace(FAMILY, family="b", rate=Rate(20.0, 15.0, 26.0), deviation=1.5),
                replace(FAMILY, family="c", rate=Rate(30.0))]
    (axes,) = draw_rates(families).axes
    assert lines(axes) == [
        ([5.0, 15.5], [0, 0], "tab:blue"), ([10.0], [0], "tab:blue"),
        ([15.0, 26.0], [1, 1], "tab:blue"), ([20.0], [1], "tab:blue"), ([18.5, 21.5], [1, 1], "tab:blue"),
        ([30.0], [2], "tab:blue")]
    assert labels(axes.yaxis) == ["a", "b", "c"] and axes.get_xlim()[0] == 0 and axes.get_xlabel() == "WER %"
    top, bottom = axes.get_ylim()[::-1]
    assert top < 0 and bottom > 2  # the first on top


def test_differences_that_are_not_sure_are_grey():
    unsure = replace(PAIR, b="c", verdict="not sure", difference=-0.5, low=-1.0, high=0.25)
    (axes,) = draw_differences([PAIR, unsure]).axes
    assert lines(axes) == [
        ([0.5, 1.5], [0, 0], "tab:blue"), ([1.0], [0], "tab:blue"),
        ([-1.0, 0.25], [1, 1], "tab:grey"), ([-0.5], [1], "tab:grey"), ([0, 0], [0, 1], "black")]
    assert labels(axes.yaxis) == ["b (25 %) against a", "c against a"]


@pytest.mark.parametrize("number, drawn", [(30, 30), (31, 11)])
def test_of_many_pairs_those_with_the_best_are_drawn(number, drawn):
    pairs = [replace(PAIR, b="best" if place % 3 == (number - 1) % 3 else "other") for place in range(number)]
    assert len(draw_differences(pairs).axes[0].get_yticks()) == drawn


def curve(name, *points):
    return LearningCurve("test", name, "ctc", tuple(CurvePoint(share, hours, name, rate)
                                                    for share, hours, rate in points))


def test_learning_curves_stand_over_hours_where_all_are_known():
    curves = [curve("a", (0.25, 1.0, Rate(20.0, 15.0, 30.0)), (1.0, 4.0, Rate(10.0))),
              curve("b", (0.25, 1.0, Rate(40.0)), (0.5, 2.0, Rate(30.0, 0.0, 45.0)))]
    (axes,) = draw_curves(curves).axes
    a, whisker, b = lines(axes)
    assert (a[:2], b[:2]) == (([1.0, 4.0], [20.0, 10.0]), ([1.0, 2.0], [40.0, 30.0])) and a[2] != b[2]
    assert whisker == ([1.0, 1.0], [15.0, 30.0], a[2])  # one that reaches 0 has no place on the axis
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlabel() == "hours of training audio" and labels(axes.xaxis) == ["1", "2", "4"]
    low, high = axes.get_ylim()
    assert [text for text in labels(axes.yaxis) if low <= float(text) <= high] == ["10", "20", "30"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    assert len({line.get_marker() for line in (axes.lines[0], axes.lines[2])}) == 2
    assert len(draw_curves([curve(str(n), (0.5, 1.0, Rate(1.0))) for n in range(9)]).axes[0].lines) == 9


def test_learning_curves_stand_over_shares_where_hours_are_not_known():
    curves = [curve("a", (0.125, 1.0, Rate(20.0)), (1.0, None, Rate(10.0)))]
    (axes,) = draw_curves(curves).axes
    assert lines(axes)[0][:2] == ([12.5, 100.0], [20.0, 10.0])
    assert axes.get_xlabel() == "% of the training data" and labels(axes.xaxis) == ["12.5", "100"]


def test_times_are_bars_of_shares_the_strictest_in_front():
    second = replace(TIMES, system="b", how="forced", starts=replace(
        TIMES.starts, shift_ms=20.0, within_20_ms=0.1, within_50_ms=0.2, within_100_ms=0.3))
    (axes,) = draw_times([TIMES, second]).axes
    assert [(bar.get_width(), bar.get_y() + bar.get_height() / 2) for bar in axes.patches] == [
        pytest.approx(bar) for bar in ((100.0, 0), (30.0, 1), (75.0, 0), (20.0, 1), (50.0, 0), (10.0, 1))]
    assert labels(axes.yaxis) == ["a (decoded)", "b (forced)"]
    assert [text.get_text() for text in axes.texts] == ["shift -4 ms", "shift +20 ms"]
    assert [text.get_position()[1] for text in axes.texts] == [0, 1]
    assert all(text.get_position()[0] > 100 for text in axes.texts) and axes.get_xlim()[1] > 120  # room beside the bars
    assert labels(axes.xaxis) == ["0", "20", "40", "60", "80", "100"]
    (legend,) = axes.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["within 100 ms", "50 ms", "20 ms"]
