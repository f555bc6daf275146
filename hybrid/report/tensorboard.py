"""Runs for TensorBoard: curves, and hyper-parameters with what they led to.

`tensorboard --logdir WORK` shows a run for each folder below WORK that holds such a file, under the folder's name:
exp/tdnn of a training, exp/score_tdnn of its scores. Under HPARAMS it puts runs of one group into one row.
"""

import time
from pathlib import Path
from typing import Dict, Mapping

FILES = "events.out.tfevents.*"


class TensorboardRun:
    def __init__(self, folder: Path):
        """Writes into a new file of the folder. Raises ImportError where TensorBoard is not installed."""
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
        self._event, self._summary = event_pb2.Event, summary_pb2.Summary
        self._writer = EventFileWriter(str(folder))

    def scalar(self, tag: str, value: float, step: int = 0) -> None:
        self._add(self._summary(value=[self._summary.Value(tag=tag, simple_value=value)]), step)

    def hparams(self, values: Mapping[str, object], group: str) -> None:
        """
        Args:
          values: name -> value; what is no number, text or truth value is written as text.
          group: names the row; of the runs of one group the figures stand in one row.
        """
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb
        self._add(self._summary.FromString(hparams_pb(as_hparams(values), group).SerializeToString()), 0)

    def _add(self, summary, step: int) -> None:
        self._writer.add_event(self._event(wall_time=time.time(), step=step, summary=summary))

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def as_hparams(values: Mapping[str, object]) -> Dict[str, object]:
    """
    >>> as_hparams({"dilations": [1, 3], "dropout": 0.1, "tempo": None})
    {'dilations': '1, 3', 'dropout': 0.1, 'tempo': 'none'}
    """
    def simple(value):
        if isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (list, tuple)):
            return ", ".join(map(str, value))
        return "none" if value is None else str(value)
    return {name: simple(value) for name, value in values.items()}


def group_of(folder: Path) -> str:
    """The name of a model's row: its folder, from the current one on where it lies below that.

    (A stage works in NAME.unfinished, which becomes NAME.)
    """
    place = Path(folder).resolve()
    place = place.with_name(place.name.removesuffix(".unfinished"))
    try:
        return str(place.relative_to(Path.cwd()))
    except ValueError:
        return str(place)
