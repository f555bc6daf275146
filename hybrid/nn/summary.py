"""What a network costs and what it sees: parameters, multiply-adds, receptive field, can it stream?"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from hybrid.nn.model_folder import num_parameters

COUNTED_SECONDS = 10.0  # attention's work a second grows with the utterance


class Summary(NamedTuple):
    """
    Attributes:
      left_context, right_context: input frames that an output frame depends on before and after its centre
        (which of frames ``t * subsampling_factor ..`` that is: hybrid/nn/convolution.py); inf where there is no bound.
      look_ahead: seconds of right_context.
      parameters: numbers that are trained.
      multiply_adds: of matrix products and convolutions, for a second of speech (in an utterance of 10 s).
    """

    left_context: float
    right_context: float
    look_ahead: float
    parameters: int
    multiply_adds: float

    @property
    def streams(self) -> bool:
        """Can outputs be had before the utterance ends?"""
        return math.isfinite(self.right_context)


def summarize(model: nn.Module, in_dim: int, frame_shift: float = 0.01) -> Summary:
    """
    Args:
      model: of hybrid.nn.architectures, on the CPU; its mode is left as it is.
      in_dim: features a frame; frame_shift: seconds.
    """
    frames = max(1, round(COUNTED_SECONDS / frame_shift))
    training = model.training
    with torch.no_grad(), MultiplyAdds() as counter:
        model.eval()(torch.zeros(1, frames, in_dim), torch.tensor([frames]))
    model.train(training)
    return Summary(model.left_context, model.right_context, model.right_context * frame_shift,
                   num_parameters(model), counter.count / (frames * frame_shift))


class MultiplyAdds(TorchFunctionMode):
    """Counts the multiply-adds of convolutions, matrix products and recurrent layers that run within it."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        count = _COUNTS.get(getattr(function, "__name__", ""))
        if count is not None:
            self.count += count(result, *args)
        return result


def _of_recurrence(result, x: Tensor, state, weights, *rest) -> int:
    return x.shape[0] * x.shape[1] * sum(weight.numel() for weight in weights if weight.dim() == 2)


def _of_weights(result: Tensor, x: Tensor, weight: Tensor, *rest) -> int:
    """weight: ``[outputs, ...]``; each number of the result is a product with one output's weights."""
    return result.numel() * (weight.numel() // len(weight))


def _of_product(result: Tensor, a: Tensor, *rest) -> int:
    return result.numel() * a.shape[-1]


_COUNTS = {"conv1d": _of_weights, "conv2d": _of_weights, "linear": _of_weights, "matmul": _of_product,
           "bmm": _of_product, "lstm": _of_recurrence, "gru": _of_recurrence}
