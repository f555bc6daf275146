"""The picture of the kinds of errors: what stands where."""

import pytest

from hybrid.report.error_breakdown import draw_errors
from hybrid.report.figures import save_figure


def entry(system, test="test", sub=6, deleted=3, ins=1, seed=1, **more):
    errors = sub + deleted + ins
    return {"system": system, "test": test, "sub": sub, "del": deleted, "ins": ins, "words": 50, "seed": seed,
            "wer": 2.0 * errors, "ci95": [2.0 * errors - 4, 2.0 * errors + 5], **more}


def bars(axes, number):
    """(from, to, place) of each bar, of each kind of errors in turn."""
    found = [(bar.get_x(), bar.get_x() + bar.get_width(), bar.get_y() + bar.get_height() / 2) for bar in axes.patches]
    return [found[n:n + number] for n in range(0, len(found), number)]


def test_kinds_of_errors_stand_one_behind_the_other():
    (axes,) = draw_errors([entry("a"), entry("b", sub=2, deleted=0, ins=5)]).axes
    assert bars(axes, 2) == [
        [pytest.approx((0, 12, 0)), pytest.approx((0, 4, 1))], [pytest.approx((12, 18, 0)), pytest.approx((4, 4, 1))],
        [pytest.approx((18, 20, 0)), pytest.approx((4, 14, 1))]]
    assert [line.get_xydata().tolist() for line in axes.lines] == [[[16, 0], [25, 0]], [[10, 1], [19, 1]]]
    assert [(text.get_text(), *text.get_position()) for text in axes.texts] == [("  20.00", 25, 0), ("  14.00", 19, 1)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert axes.yaxis_inverted() and axes.get_xlim()[0] == 0 and axes.get_xlim()[1] > 30  # room for the numbers
    (legend,) = axes.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["substituted", "deleted", "inserted"]
    assert len({bar.get_facecolor() for bar in axes.patches}) == 3


def test_each_test_set_has_a_panel_and_seeds_are_told_where_there_are_several():
    entries = [entry("a", seed=1), entry("a", seed=2), entry("b"), entry("a", "dev", tuned_on=True)]
    test, dev = draw_errors(entries).axes
    assert (test.get_title(), dev.get_title()) == ("test", "dev (tuned on)")
    assert [label.get_text() for label in test.get_yticklabels()] == ["a (1)", "a (2)", "b"]
    assert [label.get_text() for label in dev.get_yticklabels()] == ["a"]


def test_without_errors_and_with_more_errors_than_the_interval(tmp_path):
    none = entry("a", sub=0, deleted=0, ins=0, ci95=[0.0, 0.0])
    figure = draw_errors([none, entry("b", ci95=[1.0, 2.0])])
    assert [text.get_position() for text in figure.axes[0].texts] == [(0.0, 0), (20.0, 1)]
    assert figure.axes[0].get_xlim()[1] > 20 and draw_errors([none]).axes[0].get_xlim()[1] > 0
    save_figure(figure, tmp_path / "errors.png")
    assert (tmp_path / "errors.png").read_bytes()[:4] == b"\x89PNG"
