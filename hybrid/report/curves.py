"""Learning curves of a training."""

from pathlib import Path
from typing import List

from hybrid.report.figures import new_figure, save_figure


def draw_curves(history: List[dict], path: Path) -> None:
    """One panel for each figure that training or development has, and one for the learning rate.

    Args:
      history: entries of train.jsonl: epoch, train and dev (name -> value), learning_rate.
    """
    names = list(dict.fromkeys(
        name for entry in history for part in ("train", "dev") for name in entry[part]))
    figure = new_figure(4 * (len(names) + 1), 3)
    panels = figure.subplots(1, len(names) + 1, squeeze=False)[0]
    for axes, name in zip(panels, names):
        for part, colour in (("train", "tab:blue"), ("dev", "tab:orange")):
            points = [(entry["epoch"], entry[part][name]) for entry in history if name in entry[part]]
            if points:
                axes.plot(*zip(*points), color=colour, marker=".", label=part)
        axes.set_title(name.replace("_", " "))
        axes.legend()
    rates = [(entry["epoch"], entry["learning_rate"]) for entry in history]
    panels[-1].plot(*zip(*rates), color="grey", marker=".")
    panels[-1].set_title("learning rate")
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
    save_figure(figure, path)
