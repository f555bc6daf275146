"""Curves of a training: a panel a figure, and what stands in it."""

from hybrid.report import curves

HISTORY = [{"epoch": 1, "train": {"loss": 3.0, "frames_kept": 0.5}, "dev": {"loss": 4.0}, "learning_rate": 0.1},
           {"epoch": 2, "train": {"loss": 2.0, "frames_kept": 0.75}, "dev": {"loss": 3.5, "per": 20.0},
            "learning_rate": 0.05}]


def test_each_figure_of_training_and_development_has_a_panel(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(curves, "save_figure", lambda figure, path: drawn.append(figure))
    curves.draw_curves(HISTORY, tmp_path / "curves.png")
    panels = {axes.get_title(): [(line.get_label(), list(line.get_xdata()), list(line.get_ydata()))
                                 for line in axes.lines] for axes in drawn[0].axes}
    rates = panels.pop("learning rate")
    assert panels == {"loss": [("train", [1, 2], [3.0, 2.0]), ("dev", [1, 2], [4.0, 3.5])],
                      "frames kept": [("train", [1, 2], [0.5, 0.75])], "per": [("dev", [2], [20.0])]}
    assert [line[1:] for line in rates] == [([1, 2], [0.1, 0.05])]
    assert [axes.get_xlabel() for axes in drawn[0].axes] == ["epoch"] * 4
    assert [len(axes.get_legend().get_texts()) for axes in drawn[0].axes[:3]] == [2, 1, 1]
    loss = drawn[0].axes[0]
    assert len({line.get_color() for line in loss.lines}) == 2


def test_they_are_written(tmp_path):
    curves.draw_curves(HISTORY[:1], tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
