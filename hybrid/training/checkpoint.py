"""Checkpoints: written whole or not at all; averages of several."""

import os
import pickle
from pathlib import Path
from typing import Optional, Sequence

import torch

from graphs.errors import InputError


def save_atomically(state: dict, path: Path) -> None:
    """torch.save to a temporary name, flushed to the disk, then renamed."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def load_checkpoint(path: Path) -> Optional[dict]:
    """The state on the CPU, or None when there is no such file. Raises InputError for a damaged file."""
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location="cpu")
    except (RuntimeError, EOFError, pickle.UnpicklingError, OSError) as error:
        raise InputError(str(path), "a checkpoint", f"a file that does not load ({error})") from None


def average_weights(paths: Sequence[Path]) -> dict:
    """Mean of the weights of several checkpoints (Polyak averaging).

    Sums are in float64. Running statistics of batch normalization are averaged like weights; integers are
    taken from the last checkpoint.
    """
    total: dict = {}
    for path in paths:
        weights = torch.load(path, map_location="cpu")["model"]
        for name, value in weights.items():
            if not value.is_floating_point():
                total[name] = value
            else:
                total[name] = total.get(name, 0) + value.double()
    return {name: (value / len(paths)).to(weights[name].dtype) if value.is_floating_point() else value
            for name, value in total.items()}
