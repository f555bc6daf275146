"""Checkpoints: nested state in a tensor file; averages of weights."""

from pathlib import Path
from typing import Dict, Sequence

from torch import Tensor

from hybrid.nn.tensor_file import read_tensors, write_tensors

_TENSOR = "<tensor>"  # the only key of what stands in place of a tensor


def save_state(state: dict, path: Path) -> None:
    """Writes whole or not at all. state: tensors, numbers, texts and None in dicts with text keys and lists."""
    tensors: Dict[str, Tensor] = {}

    def plain(value, name: str):
        if isinstance(value, Tensor):
            name = f"{len(tensors)}.{name}"  # of its own, as keys may have points
            tensors[name] = value
            return {_TENSOR: name}
        if isinstance(value, dict):
            return {key: plain(part, f"{name}.{key}") for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(part, f"{name}.{i}") for i, part in enumerate(value)]
        return value

    facts = plain(state, "state")
    write_tensors(path, tensors, facts)


def load_state(path: Path) -> dict:
    """The state, on the CPU; numbers to the bit, tuples as lists. Raises InputError for a damaged or missing file."""
    tensors, facts = read_tensors(path)

    def whole(value):
        if isinstance(value, dict):
            return tensors[value[_TENSOR]] if _TENSOR in value else {key: whole(part) for key, part in value.items()}
        return [whole(part) for part in value] if isinstance(value, list) else value

    return whole(facts)


def average_weights(paths: Sequence[Path]) -> Dict[str, Tensor]:
    """Mean of the weights of several checkpoints (Polyak averaging).

    Sums are in float64. Running statistics of batch normalization are averaged like weights; integers are
    taken from the last checkpoint.
    """
    total: Dict[str, Tensor] = {}
    for path in paths:
        weights, _ = read_tensors(path)
        for name, value in weights.items():
            if not value.is_floating_point():
                total[name] = value
            else:
                total[name] = total.get(name, 0) + value.double()
    return {name: (value / len(paths)).to(weights[name].dtype) if value.is_floating_point() else value
            for name, value in total.items()}
