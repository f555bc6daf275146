"""Pictures of consensus networks, confidences and oracle errors: what stands in them."""

import pytest

from hybrid.lattices.confident import Kept
from hybrid.lattices.oracle import Depth
from hybrid.lattices.sausages import Sausage, Slot
from hybrid.recognize.wer import Counts
from hybrid.report.oracle_picture import draw_oracle
from hybrid.report.reliability_picture import draw_reliability, draw_thresholds
from hybrid.report.sausage_picture import PER_ROW, sausage_figure


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_consensus_network_shows_its_words_probabilities_and_times():
    many = {f"w{n}": 0.1 for n in range(8)}
    slots = [Slot({"no": 0.2, "yes": 0.7, "<eps>": 0.096, "rare": 0.004}, 0.1, 0.4), Slot(many, 0.4, 0.5)]
    (axes,) = sausage_figure(Sausage("u1", slots, 0.42)).axes
    assert texts(axes) == ["0.10–0.40 s", "yes\n0.70", "no\n0.20", "–\n0.10", "0.40–0.50 s",
                           *(f"w{n}\n0.10" for n in range(6)), "+2"]
    assert [text.get_position()[1] for text in axes.texts[1:4]] == [0, 1, 2]


def test_likely_words_are_dark_and_those_that_have_no_room_are_counted():
    slots = [Slot({"a": 0.9, "b": 0.1}, 0.0, 1.0), Slot({f"w{n}": 1 / 6 for n in range(6)}, 1.0, 2.0),
             Slot({"rare": 0.004}, 2.0, 3.0)]
    (axes,) = sausage_figure(Sausage("u1", slots, 0.0)).axes
    words = {text.get_text().split("\n")[0]: text for text in axes.texts if text.get_bbox_patch()}
    assert list(words) == ["a", "b", *(f"w{n}" for n in range(6)), "rare"]  # one word always, and no count of none
    assert [words[name].get_position() for name in ("a", "b", "w0", "w5", "rare")] == [
        (0, 0), (0, 1), (1, 0), (1, 5), (2, 0)]
    shades = [words[name].get_bbox_patch().get_facecolor()[0] for name in ("rare", "b", "w0", "a")]
    assert shades == sorted(shades, reverse=True) and shades[0] > 0.9 and shades[-1] < 0.4
    assert (words["a"].get_color(), words["b"].get_color()) == ("white", "black")
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert left < 0 and 2 < right < 3 and top < -0.75 and 5 < bottom < 6
    titles = sausage_figure(Sausage("u1", slots, 0.42))._suptitle.get_text()
    assert titles == "u1: 0.42 errors expected"


@pytest.mark.parametrize("places, rows", [(0, 1), (PER_ROW, 1), (PER_ROW + 1, 2)])
def test_long_networks_go_on_below(places, rows):
    figure = sausage_figure(Sausage("u1", [Slot({"a": 1.0}, n, n + 1) for n in range(places)], 0.0))
    assert len(figure.axes) == rows and sum(len(axes.texts) for axes in figure.axes) == 2 * places


def test_reliability_has_a_line_for_each_series():
    upper, lower = draw_reliability("dev", {"before": ([0.9, 0.8, 0.1], [True, False, False]),
                                            "after": ([0.5, 0.5, 0.1], [True, False, False])}).axes
    assert [list(line.get_xdata()) for line in upper.lines][1:] == [pytest.approx([0.1, 0.8, 0.9]),
                                                                    pytest.approx([0.1, 0.5])]
    assert [list(line.get_ydata()) for line in upper.lines][1:] == [[0.0, 0.0, 1.0], [0.0, 0.5]]
    assert len(lower.patches) == 5
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in lower.patches]
    assert bars == [pytest.approx(bar) for bar in (
        (0.13, 1), (0.83, 1), (0.93, 1), (0.17, 1), (0.57, 2))]  # side by side about the middle of the bin
    assert lower.get_yscale() == "log" and len({line.get_color() for line in upper.lines}) == 3
    assert [list(line) for line in upper.lines[0].get_xydata()] == [[0, 0], [1, 1]]
    names = [line.get_label().split(":")[0] for line in upper.lines]
    assert names == ["as they should be", "before", "after"] and upper.lines[2].get_label().endswith("error 0.033")


def test_thresholds_and_oracle_errors():
    rows = [Kept(0.0, 4, 10, Counts(10, 2), 0.8), Kept(0.5, 2, 5, Counts(5, 0), 1.0), Kept(0.9, 0, 0, Counts(), 1.0)]
    (axes,) = draw_thresholds(rows).axes
    assert list(axes.lines[0].get_xdata()) == [100.0, 50.0] and list(axes.lines[0].get_ydata()) == [20.0, 0.0]
    assert list(axes.lines[1].get_xdata()) == [100.0, 50.0, 0.0]
    assert list(axes.lines[1].get_ydata()) == pytest.approx([20.0, 0.0, 0.0])
    assert [(text.get_text(), text.xy) for text in axes.texts] == [("0", (100.0, 20.0)), ("0.5", (50.0, 0.0))]
    (axes,) = draw_oracle([Depth(1.0, Counts(10, 2), 5, 10), Depth(4.0, Counts(10, 1), 5, 40)]).axes
    assert list(axes.lines[0].get_xdata()) == [2.0, 8.0] and list(axes.lines[0].get_ydata()) == [20.0, 10.0]
    assert [(text.get_text(), text.xy) for text in axes.texts] == [("1", (2.0, 20.0)), ("4", (8.0, 10.0))]
    assert axes.get_ylim()[0] == 0 and axes.get_xscale() == "log"
