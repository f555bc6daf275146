from dataclasses import replace

import numpy as np
import pytest

from hybrid.compare.comparison import Breakdown, BreakdownRow, Hypothesis, Rate, Utterance
from hybrid.report.page import charts, sections, times
from hybrid.report.page.errors import breakdown_table, systems_of
from hybrid.report.page.pictures import FoundLattice, picture_of_times, pictures_of_lattices
from tests.graphs.lattices.test_lattice import random_lattice
from tests.hybrid.report.page.material import comparison, rate


def points(axes):
    """The points of each series with error bars, by its label."""
    return {container.get_label(): container.lines[0].get_xydata().tolist() for container in axes.containers}


def whiskers(axes, label):
    (container,) = [one for one in axes.containers if one.get_label() == label]
    return [segment.tolist() for lines in container.lines[2] for segment in lines.get_segments()]


def test_intervals_reach_from_the_rate_to_their_ends():
    assert charts.spread([Rate(5.0, 4.0, 7.0), Rate(5.0), Rate(5.0, 6.0, 4.0)]) == [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]]


def legend(axes):
    return [text.get_text() for one in axes.figure.legends for text in one.get_texts()]


def test_what_all_charts_have_in_common():
    (axes,) = charts.draw_curves(comparison(3, 0).curves[:2]).axes
    assert [axes.spines[side].get_visible() for side in ("top", "right", "left", "bottom")] == [False] * 2 + [True] * 2
    assert axes.xaxis.get_gridlines()[0].get_visible() and axes.yaxis.get_gridlines()[0].get_visible()
    assert axes.get_axisbelow() is True
    (found,) = axes.figure.legends
    assert not found.get_frame_on()


def test_curves_lie_beside_each_other():
    curves = [replace(curve, name=name) for name, curve in zip("abc", comparison(3, 0).curves)]
    (axes,) = charts.draw_curves(curves).axes
    first, middle, last = ([x for x, _ in points(axes)[name]] for name in "abc")
    assert middle == [0.1, 0.25, 0.5, 1.0] and first[-1] < 1.0 < last[-1] < 1.02
    assert [(low + high) / 2 for low, high in zip(first, last)] == pytest.approx(middle)
    assert legend(axes) == ["a", "b", "c"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("% of the training data", "WER %")
    assert len(axes.xaxis.get_minorticklocs()) == 0


def test_curves_rise_over_their_shares():
    curves = comparison(3, 0).curves[:2]
    (axes,) = charts.draw_curves(curves).axes
    found = points(axes)[curves[1].name]
    assert [y for _, y in found] == [point.rate.percent for point in curves[1].points]
    assert [x for x, _ in found] == pytest.approx([0.1, 0.25, 0.5, 1.0], rel=0.02)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10", "25", "50", "100"]
    assert axes.get_ylim()[0] == 0 and axes.get_xscale() == "log"


def test_dots_of_a_breakdown_stand_in_the_row_of_their_class():
    rows = tuple(BreakdownRow(label, 10 * n, {"a": rate(5.0 + n), **({"b": rate(9.0)} if n else {})})
                 for n, label in enumerate(("short", "long")))
    breakdown = Breakdown("test", "letters", "words", rows)
    (axes,) = charts.draw_breakdown(breakdown, ("a", "b"), ("A", "B")).axes
    found = points(axes)
    assert [(x, round(y)) for x, y in found["A"]] == [(5.0, 0), (6.0, 1)] and [x for x, _ in found["B"]] == [9.0]
    assert found["A"][1][1] < found["B"][0][1]  # beside each other
    assert whiskers(axes, "B")[0][0][0] == 7.5 and whiskers(axes, "B")[0][1][0] == 10.5
    assert [label.get_text() for label in axes.get_yticklabels()] == ["short (0)", "long (10)"]
    assert axes.get_ylim() == (1.5, -0.5) and "not recognized" in axes.get_xlabel()
    (axes,) = charts.draw_breakdown(replace(breakdown, unit="utterances"), ("a",), ("A",)).axes
    assert axes.get_xlabel() == "WER %"


def test_systems_of_a_breakdown_lie_around_the_line_of_their_class():
    rows = tuple(BreakdownRow(str(n), 10, {name: rate(5.0) for name in "abc"}) for n in range(3))
    (axes,) = charts.draw_breakdown(Breakdown("test", "letters", "words", rows), "abc", "ABC").axes
    found = points(axes)
    assert [found[name][2][1] for name in "ABC"] == pytest.approx([2 - 0.7 / 3, 2.0, 2 + 0.7 / 3])
    across = [list(line.get_ydata()) for line in axes.lines if list(line.get_xdata()) == [0, 1]]
    assert across == [[0.5, 0.5], [1.5, 1.5]]
    assert axes.get_xlim()[0] == 0 and legend(axes) == ["A", "B", "C"]
    (axes,) = charts.draw_breakdown(Breakdown("test", "letters", "words", rows), ("x", "b"), ("X", "B")).axes
    assert legend(axes) == ["B"]
    assert charts._right_edge(Breakdown("test", "letters", "words", rows), ("x",)) is None


def test_intervals_of_small_classes_do_not_stretch_the_chart():
    def edge(*rows):
        rows = tuple(BreakdownRow(str(n), number, {"a": found}) for n, (number, found) in enumerate(rows))
        (axes,) = charts.draw_breakdown(Breakdown("test", "letters", "words", rows), ("a",), ("A",)).axes
        return axes.get_xlim()[1]
    assert edge((10, Rate(5.0, 4.0, 9.0)), (9, Rate(6.0, 0.0, 80.0))) == pytest.approx(9.36)
    assert edge((10, Rate(5.0)), (9, Rate(20.0, 0.0, 80.0))) == pytest.approx(20.8)
    assert edge((9, Rate(0.0, 0.0, 80.0))) > 0


def test_a_table_beside_it_has_all_systems():
    breakdown = comparison(4, 0).breakdowns[0]
    found = breakdown_table(breakdown, 1)
    assert [column.name for column in found.columns] == ["letters in the word", "words", *systems_of(breakdown)]
    assert [row[0].text for row in found.rows] == ["1 to 3", "4 to 6", "7 and more"] and found.rows[1][0].sort == 1
    assert found.rows[1][2].text == "6.67 (5.17 to 8.17)"


def test_bars_count_words():
    (axes,) = charts.draw_agreement((1, 5, 9)).axes
    assert [bar.get_height() for bar in axes.patches] == [1, 5, 9]
    assert axes.get_xlabel() == "systems, of 2, that have the word right"
    assert axes.get_ylabel() == "words of the reference" and axes.figure.legends == []
    assert [text.get_text() for text in axes.texts] == ["1", "5", "9"]
    assert axes.get_ylim() == pytest.approx((0, 9 + 0.12 * 9))  # room for the number


@pytest.mark.parametrize("number, step", [(3, 1), (23, 1), (24, 2)])
def test_twelve_bars_or_a_few_more_are_numbered(number, step):
    (axes,) = charts.draw_agreement(range(number)).axes
    assert axes.get_xticks().tolist() == list(range(0, number, step))


def test_shares_of_words_within_so_many_milliseconds():
    entries = [(name, quality) for name, quality in zip("ab", comparison(2, 0).alignments)]
    (axes,) = charts.draw_alignment_quality(entries).axes
    assert [line.get_xydata().tolist() for line in axes.lines] == [[[20, 50], [50, 80], [100, 95]]] * 2
    assert axes.get_xticks().tolist() == [20, 50, 100] and axes.get_ylim()[0] == 0 and legend(axes) == ["a", "b"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        "distance from the true start of the word, ms", "% of the words within")


def test_costs_with_their_rates():
    (axes,) = charts.draw_cost([("a", 1.0, Rate(5.0, 4.0, 7.0)), ("b", 100.0, Rate(6.0))], "cost").axes
    assert points(axes) == {"a": [[1.0, 5.0]], "b": [[100.0, 6.0]]}
    assert whiskers(axes, "a") == [[[1.0, 4.0], [1.0, 7.0]]]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_ylim()[0], legend(axes)) == ("cost", "WER %", 0, ["a", "b"])
    assert [x for x in axes.get_xticks() if 1 <= x <= 100] == pytest.approx([1, 2, 5, 10, 20, 50, 100])
    assert axes.xaxis.get_major_formatter()(1.25e6, 0) == "1.25 M" and axes.xaxis.get_minor_formatter()(3.0, 0) == ""


def test_costs_far_apart_are_on_a_logarithmic_axis():
    def scale(*costs):
        (axes,) = charts.draw_cost([(str(cost), cost, rate(5.0)) for cost in costs], "x").axes
        return axes.get_xscale()
    assert scale(1.0, 4.0) == "linear" and scale(1.0, 4.1) == "log"
    assert scale(10.0, 40.0) == "linear" and scale(10.0, 41.0) == "log"


def test_systems_are_told_by_more_than_colour():
    styles = [charts.style(place) for place in range(charts.MOST)]
    assert len({style["marker"] for style in styles}) == len({style["color"] for style in styles}) == charts.MOST


def test_costs_are_drawn_where_they_differ():
    made = comparison(3, 0)
    assert [chart.caption for chart in sections.costs(made)] == ["test: word error rate against parameters."]
    alike = replace(made, systems=tuple(replace(one, parameters=5) for one in made.systems))
    assert sections.costs(alike) == [] and sections.costs(replace(made, tests=())) == []


def test_curves_without_a_second_point_are_no_curves():
    made = comparison(2, 0)
    single = replace(made, curves=tuple(replace(curve, points=curve.points[:1]) for curve in made.curves))
    assert sections.curves(single) == []
    (chart,) = sections.curves(made)
    assert [column.name for column in chart.table.columns][2:] == [
        "10 % (4 min)", "25 % (10 min)", "50 % (21 min)", "100 % (42 min)"]
    assert chart.table.rows[0][5].text == "5.00 (3.50 to 6.50)"


# --- times

def test_alignments_nearest_to_the_truth_come_first():
    made = comparison(3, 0)
    (chart,) = sections.alignments(replace(made, alignments=made.alignments[::-1]))
    row = chart.table.rows[0]
    assert [cell.text for cell in row] == [
        "hybrid-0, seed 1", "20.0", "decoded", "700", "40", "13.3", "+6.7", "50.0", "80.0", "95.0", "–", "80.0",
        "exp/d_hybrid-0/words.ctm"]
    assert row[1].bar.value == pytest.approx(100 * 20 / 23, abs=0.1) and chart.table.rows[1][10].text == "25.0"


def timed(**more):
    return Utterance("u1", "test", "s", 1.0, ("a", "b"), (
        Hypothesis("one", (("a", "a"), ("b", None)), times=((0.1, 0.4),)), Hypothesis("two", (("a", "x"), ("b", "b")))),
        **more)


def test_rows_of_times_are_the_truth_and_those_who_know():
    assert times.time_rows(timed(), ("two", "one")) == [("one", [("a", 0.1, 0.4)])]
    rows = times.time_rows(timed(times=((0.0, 0.5), (0.5, 0.9))), ("one",))
    assert rows[0] == ("truth", [("a", 0.0, 0.5), ("b", 0.5, 0.9)]) and [name for name, _ in rows[1:]] == ["one"]
    assert times.time_rows(timed(), ()) == []


@pytest.mark.parametrize("features", [None, np.zeros((100, 3))])
def test_words_are_drawn_over_time(features):
    figure = charts.draw_times(1.0, [("truth", [("a", 0.0, 0.5)]), ("one", [("b", 0.25, 0.75)])], features)
    panels = figure.axes[-2:]
    assert [[text.get_text() for text in axes.texts] for axes in panels] == [["a"], ["b"]]
    assert panels[1].texts[0].get_position() == (0.5, 0.5) and panels[1].patches[0].get_x() == 0.25
    assert len(figure.axes) == (2 if features is None else 3)
    assert [axes.get_xlim() for axes in figure.axes] == [(0.0, 1.0)] * len(figure.axes)
    assert [len(axes.get_yticks()) for axes in figure.axes] == [0] * len(figure.axes)
    assert [axes.xaxis.get_major_ticks()[0].tick1line.get_visible() for axes in figure.axes] == [
        *[False] * (len(figure.axes) - 1), True]
    assert [axes.get_xlabel() for axes in panels] == ["", "seconds"]
    assert [axes.get_ylabel() for axes in panels] == ["truth", "one"]


def test_a_row_of_words():
    (axes,) = charts.draw_times(2.0, [("one", [("b", 0.25, 0.75), ("c", 0.875, 0.875)])]).axes
    assert [(patch.get_x(), pytest.approx(patch.get_width())) for patch in axes.patches] == [(0.25, 0.5), (0.875, 0.01)]
    assert [list(line.get_xdata()) for line in axes.lines] == [[0.25, 0.25], [0.875, 0.875]]
    assert axes.get_xlim() == (0.0, 2.0) and axes.get_ylim() == (0.0, 1.0)
    assert all(text.get_clip_on() for text in axes.texts)


def test_features_lie_above_the_words():
    features = np.arange(12.0).reshape(4, 3)
    picture = charts.draw_times(2.0, [("one", [])], features).axes[0].images[0]
    assert np.array_equal(picture.get_array(), features.T) and list(picture.get_extent()) == [0, 2.0, 0, 3]


def test_pictures_of_an_utterance():
    picture = picture_of_times(timed(), ("one",), "p")
    assert picture.title == "test: u1" and ">a</text>" in picture.svg and 'aria-label="test: u1: Words' in picture.svg
    assert picture_of_times(timed(), ("two",), "p") is None


def test_systems_with_the_same_lattice_share_a_picture():
    found = [FoundLattice(name, random_lattice(seed), 'w{} aria-label=""'.format, 1.0, 0.5)
             for name, seed in (("one", 1), ("two", 2), ("three", 1))]
    first, second = pictures_of_lattices(timed(), found, "l")
    assert first.caption == "Lattice of one, three; numbers on the arcs are probabilities."
    assert 'id="l-1-' in first.svg and 'id="l-2-' in second.svg and ">w" in first.svg
    assert first.svg.count('aria-label="test: u1"') == 1
