"""Figures as files, and maps of numbers."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from hybrid.report.figures import FORMATS, heat_map, new_figure, save_figure


@pytest.mark.parametrize("form, start", list(zip(FORMATS, (b"\x89PNG", b"<?xml", b"%PDF"))))
def test_a_file_is_written_whole_in_the_format_of_its_name(tmp_path, form, start):
    save_figure(new_figure(2, 3), tmp_path / f"a.{form}")
    assert (tmp_path / f"a.{form}").read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{form}"]


def test_a_file_without_suffix_is_a_png_of_the_asked_size(tmp_path):
    save_figure(new_figure(2, 3), tmp_path / "a")
    head = (tmp_path / "a").read_bytes()[:24]
    assert (int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")) == (240, 360)  # 120 an inch


def test_each_cell_of_a_map_has_its_number_and_the_marked_one_a_ring():
    values = np.array([[1.0, 2.0, 3.0], [4.0, 6.0, 5.0]])
    axes, bar = heat_map(values, ["7", "8"], ["-1", "0", "1"], "scale", "penalty", "WER", (1, 0)).axes
    cells = {tuple(reversed(text.get_position())): (text.get_text(), to_rgb(text.get_color())) for text in axes.texts}
    assert {place: text for place, (text, _) in cells.items()} == {
        place: f"{value:.2f}" for place, value in np.ndenumerate(values)}
    white = [place for place, (_, colour) in cells.items() if colour == (1, 1, 1)]
    assert sorted(white) == [(0, 0), (0, 1), (0, 2)]  # low is dark: up to the middle, 3.5
    assert [label.get_text() for label in axes.get_xticklabels()] == ["-1", "0", "1"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["7", "8"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("penalty", "scale", "WER")
    (ring,) = axes.patches
    assert (ring.get_xy(), ring.get_width(), ring.get_height(), ring.get_fill()) == ((-0.5, 0.5), 1, 1, False)
    assert not heat_map(values, ["7", "8"], ["-1", "0", "1"], "scale", "penalty", "WER").axes[0].patches
    middle = heat_map(np.array([[1.0, 2.0, 3.0]]), ["7"], ["-1", "0", "1"], "", "", "").axes[0].texts
    assert [to_rgb(text.get_color())[0] for text in middle] == [1, 1, 0]
