"""What the arrays and numbers that users hand to our functions must be: said once, and as InputError."""

import math
from numbers import Integral, Real
from typing import Iterable, List, Sequence

import numpy as np
from torch import Tensor

from graphs.errors import InputError

LARGEST_INT32 = 2 ** 31 - 1
LARGEST_SCALE = 1e30


def ids_array(item: str, values, end: int = LARGEST_INT32 + 1) -> np.ndarray:
    """The values as ``[N]`` int32; InputError unless they are whole numbers from 0 to below `end`."""
    array = _one_dimension(item, values)
    whole = array.dtype.kind in "iub" or (
        array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.floor(array)).all())
    if not whole:
        raise InputError(item, "whole numbers", f"{array.dtype} {array[:3].tolist()}")
    check_range(item, array, 0, end)
    return np.ascontiguousarray(array, dtype=np.int32)


def check_range(item: str, array: np.ndarray, low: int, end: int) -> None:
    """InputError unless all numbers are from `low` to below `end`."""
    if len(array) and not low <= np.min(array) <= np.max(array) < end:
        raise InputError(item, f"numbers from {low} to below {end}", f"{np.min(array)} to {np.max(array)}"[:80])


def scores_array(item: str, values) -> np.ndarray:
    """The values as ``[N]`` float32; InputError unless they are numbers that it can hold."""
    array = _one_dimension(item, values)
    if array.dtype.kind not in "iuf":
        raise InputError(item, "numbers", f"{array.dtype}")
    with np.errstate(over="raise"):
        try:
            return np.ascontiguousarray(array, dtype=np.float32)
        except FloatingPointError:
            raise InputError(item, f"numbers up to {np.finfo(np.float32).max:.2g}", "a larger one") from None


def _one_dimension(item: str, values) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise InputError(item, "an array of one dimension", str(error)) from None
    if array.ndim != 1:
        raise InputError(item, "an array of one dimension", f"shape {array.shape}")
    return array


def check_finite(item: str, array: np.ndarray) -> None:
    """InputError that names the first number that is not finite."""
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise InputError(f"{item} {bad[0]}", "a finite number", str(array[bad[0]]))


def check_one_length(item: str, **arrays) -> None:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(item, "arrays of one length",
                         ", ".join(f"{name} of {length}" for name, length in lengths.items()))


def check_scale(item: str, value: float) -> None:
    """InputError for a factor on scores that is below 0, no number, or so large that their sums would be none."""
    if not (isinstance(value, Real) and 0.0 <= value <= LARGEST_SCALE):
        raise InputError(item, f"a number from 0 to {LARGEST_SCALE:g}", str(value))


def check_size(item: str, value: float) -> None:
    """As check_scale, for a factor that may be below 0."""
    check_scale(f"size of {item}", abs(value) if isinstance(value, Real) else value)


def check_count(item: str, value: int) -> None:
    """InputError for a number of things that is not whole, or below 1."""
    if not (isinstance(value, Integral) and value >= 1):
        raise InputError(item, "at least 1", str(value))


def weights_of(item: str, weights: Sequence[float], count: int) -> List[float]:
    """Weights of so many things: those given, equal ones where none are.

    Raises: InputError for no things, for another number of weights, for one below 0, and for a sum of 0 or one that is
      not finite.
    """
    if not count:
        raise InputError(item, "at least one thing to weigh", "none")
    weights = list(weights) or [1.0] * count
    if len(weights) != count or not all(isinstance(weight, Real) and weight >= 0 for weight in weights) or not (
            0 < sum(weights) < math.inf):
        raise InputError(item, f"{count} numbers from 0 up, one above", str(weights))
    return weights


def shares_of(item: str, weights: Sequence[float], count: int) -> np.ndarray:
    """``[count]`` float64: as weights_of, with sum 1."""
    weights = np.array(weights_of(item, weights, count), np.float64)
    return weights / weights.sum()


def check_each_once(item: str, ids: Iterable[str]) -> None:
    """item: what the ids are of, e.g. ``utterances``."""
    seen = set()
    for name in ids:
        if name in seen:
            raise InputError(f"{item}: {name}", "each id once", "it again")
        seen.add(name)


def check_matrix(item: str, matrix: Tensor, num_columns: int, column: str) -> None:
    """InputError unless it is a ``[T, num_columns]`` tensor of a floating type; column: what a column stands for."""
    if not isinstance(matrix, Tensor):
        raise InputError(item, "a torch tensor", type(matrix).__name__)
    if matrix.dim() != 2 or matrix.shape[1] != num_columns:
        raise InputError(item, f"[num_frames, {num_columns}], a column for each {column}", str(tuple(matrix.shape)))
    if not matrix.is_floating_point():
        raise InputError(item, "a floating type", str(matrix.dtype))
