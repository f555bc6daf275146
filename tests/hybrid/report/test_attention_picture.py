"""The picture of attention: what stands where."""

import numpy as np
import pytest

from hybrid.report.attention_picture import attention_figure, draw_attention

WEIGHTS = np.array([[0.9, 0.1, 0.0, 0.0], [0.0, 0.2, 0.8, 0.0], [0.1, 0.1, 0.1, 0.7]])


def test_tokens_stand_below_each_other_over_time():
    panels = {"attention": WEIGHTS, "CTC": WEIGHTS[::-1] / 2}
    upper, lower = attention_figure(panels, ["n", "o", "end"], 0.03, "u1: no", [0, 2]).axes
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("attention, black is 0.90", "CTC, black is 0.45")
    assert lower.get_xlabel() == "seconds"
    for axes, values in ((upper, WEIGHTS), (lower, WEIGHTS[::-1] / 2)):
        (image,) = axes.images
        assert np.array_equal(image.get_array(), values) and image.get_clim() == (0.0, values.max())
        assert image.get_extent() == pytest.approx([0.0, 0.12, 2.5, -0.5])
        assert [label.get_text() for label in axes.get_yticklabels()] == ["n", "o", "end"]
        (rings,) = axes.lines
        assert list(rings.get_xdata()) == pytest.approx([0.015, 0.075]) and list(rings.get_ydata()) == [0, 1]


@pytest.mark.parametrize("suffix, start", [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_it_is_written_whole(tmp_path, suffix, start):
    draw_attention({"attention": WEIGHTS}, ["\u2581n", "o", "end"], 0.03, tmp_path / f"a.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes().startswith(start) and not list(tmp_path.glob("*.tmp"))


def test_long_sentences_make_large_pictures():
    sizes = [attention_figure({"attention": np.zeros((tokens, frames))}, ["a"] * tokens, 0.04).get_size_inches()
             for tokens, frames in ((3, 10), (60, 10), (3, 400), (3, 9000))]
    assert sizes[1][1] > 2 * sizes[0][1] and sizes[2][0] > 2 * sizes[0][0] and sizes[3][0] == 40.0
