"""Several output frames at a step: a network of a third of the steps, and of the cost, with all outputs.

A step takes the input frames of `stack` output frames together and gives all those outputs: what thinning is to
convolutions in training (hybrid/nn/convolution.py), for recurrent networks and attention, which need every step.
"""

from typing import Tuple

from torch import Tensor, nn

HELP = "output frames that a step of the network gives at once: 3 makes it three times as fast"


class StackedOutput(nn.Module):
    """A linear map from a step to its output frames."""

    def __init__(self, width: int, out_dim: int, stack: int):
        super().__init__()
        self.stack, self.linear = stack, nn.Linear(width, out_dim * stack)

    def forward(self, x: Tensor, num_frames: int) -> Tensor:
        """x: ``[B, steps, width]``. Returns the first num_frames outputs, ``[B, num_frames, out_dim]``."""
        x = self.linear(x)
        return x.reshape(x.shape[0], x.shape[1] * self.stack, -1)[:, :num_frames]


def context_of_outputs(left: float, right: float, subsampling: int, stack: int) -> Tuple[float, float]:
    """Input frames seen beyond an output frame's centre, at most.

    Args:
      left, right: beyond the centre of a step, which stands for ``stack * subsampling`` input frames.
    """
    between = (stack * subsampling - 1) // 2 - (subsampling - 1) // 2  # centre of the first output to that of the step
    return left + (stack - 1) * subsampling - between, right + between


def divided(lengths, factor: int):
    """Rounded up; lengths: a number or a tensor."""
    return (lengths + factor - 1) // factor
