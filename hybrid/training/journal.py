"""What a training says of itself: log lines, train.jsonl, TensorBoard, a progress bar, learning curves."""

import json
import logging
from pathlib import Path
from typing import Dict, List, Mapping, Optional

import torch

from graphs.errors import InputError
from hybrid.nn.tensor_file import write_atomically
from hybrid.progress import Progress

HISTORY = "train.jsonl"


class Sums:
    """Sums and weights by name: a figure is its sum divided by its weight.

    A sum may be a number or a tensor; values are kept as Python floats or float64 CPU tensors, in the order
    of addition, so that the same additions give the same bits.
    """

    def __init__(self):
        self.of: Dict[str, list] = {}

    def add(self, figures: dict) -> None:
        """figures: name -> (sum, weight)."""
        for name, (total, weight) in figures.items():
            if isinstance(total, torch.Tensor):
                total = total.detach().double().cpu() if total.ndim else total.item()
            before, weight_before = self.of.get(name, (0.0, 0.0))
            self.of[name] = [before + total, weight_before + float(weight)]

    def mean(self, name: str):
        total, weight = self.of[name]
        return total / weight

    def figures(self) -> Dict[str, float]:
        """Name -> mean, of those that are single numbers."""
        return {name: total / weight for name, (total, weight) in self.of.items()
                if isinstance(total, float) and weight > 0}


class Journal:
    """Keeps the history of epochs in train.jsonl and on TensorBoard, and draws it."""

    def __init__(self, out: Path, log: Optional[logging.Logger] = None, tensorboard: bool = True,
                 options: Optional[Mapping[str, object]] = None):
        """options: of the training, by name, for TensorBoard's table of hyper-parameters."""
        self.out, self.log = out, log or logging.getLogger(__name__)
        self._writer = _tensorboard_run(out, options or {}, self.log) if tensorboard else None
        self._progress: Optional[Progress] = None

    def progress(self, done: float, epochs: int) -> Progress:
        """Of the whole training, in epochs; `done` counts when it is first called."""
        if self._progress is None:
            self._progress = Progress(epochs, "training", "epoch", done)
        return self._progress

    def step(self, step: int, loss: float, learning_rate: float) -> None:
        if self._writer is not None and step % 10 == 0:
            self._writer.scalar("step/loss", loss, step)
            self._writer.scalar("step/learning_rate", learning_rate, step)

    def epoch(self, history: List[dict]) -> None:
        """Records the last epoch. The whole file is written anew, so that it always fits the checkpoint."""
        entry = history[-1]
        self.write(history)
        if self._progress is not None:
            self._progress.hide()
        train, dev = (" ".join(f"{name} {value:.4f}" for name, value in entry[part].items())
                      for part in ("train", "dev"))
        self.log.info("epoch %d: train %s | dev %s | lr %.2g | %.1f s", entry["epoch"], train, dev,
                      entry["learning_rate"], entry["seconds"])
        if self._writer is not None:
            for part in ("train", "dev"):
                for name, value in entry[part].items():
                    self._writer.scalar(f"{part}/{name}", value, entry["epoch"])
            self._writer.flush()

    def write(self, history: List[dict]) -> None:
        write_atomically(self.out / HISTORY, "".join(json.dumps(entry) + "\n" for entry in history).encode("utf-8"))

    def close(self, history: List[dict]) -> None:
        """Draws the learning curves, if matplotlib is there."""
        if self._progress is not None:
            self._progress.close()
        if self._writer is not None:
            self._writer.close()
        try:
            from hybrid.report.curves import draw_curves
            draw_curves(history, self.out / "curves.png")
        except ImportError as error:
            self.log.info("no picture of the learning curves: %s", error)


def read_history(folder: Path) -> List[dict]:
    """The entries of train.jsonl: epoch, train and dev (name -> value), learning_rate, seconds.

    Raises: InputError that names the line that is no such entry.
    """
    path = Path(folder) / HISTORY
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(str(path), "the figures of each epoch", error.strerror or "none") from None
    if lines.pop():
        raise InputError(str(path), "a line end after the last entry", "none: the file is cut off")
    history = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            entry = None
        if not _is_entry(entry) or entry["epoch"] != number:
            raise InputError(f"{path}:{number}", f"the figures of epoch {number}", repr(line[:80]))
        history.append(entry)
    return history


def _is_entry(entry) -> bool:
    def is_number(value) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    numbers, tables = ("epoch", "learning_rate", "seconds"), ("train", "dev")
    return (isinstance(entry, dict) and all(is_number(entry.get(name)) for name in numbers) and all(
        isinstance(entry.get(part), dict) and all(map(is_number, entry[part].values())) for part in tables))


def _tensorboard_run(folder: Path, options: Mapping[str, object], log: logging.Logger):
    from hybrid.report.tensorboard import TensorboardRun, group_of
    try:
        run = TensorboardRun(folder)
    except ImportError as error:
        log.info("no TensorBoard log: %s", error)
        return None
    if options:
        run.hparams(options, group_of(folder))
    return run
