"""Outputs of a CTC network as searches take them."""

import numpy as np
from torch import Tensor

from graphs.errors import InputError

LEAST = -1e4  # a probability of 0 is taken as e^-10000, so that sums of logarithms stay numbers


def ctc_outputs(log_probs) -> np.ndarray:
    """``[T, num_tokens]`` float64 natural log probabilities, none below LEAST.

    Raises: InputError for another shape, and for what is not a number.
    """
    array = log_probs.detach().cpu().numpy() if isinstance(log_probs, Tensor) else np.asarray(log_probs)
    if array.ndim != 2 or not len(array) or array.shape[1] < 2:
        raise InputError("CTC outputs", "[T, num_tokens] log probabilities", f"shape {array.shape}")
    if np.isnan(array).any() or array.max() > 1e-3:
        raise InputError("CTC outputs", "log probabilities", f"{array.max():g}")
    return np.maximum(array.astype(np.float64), LEAST)
