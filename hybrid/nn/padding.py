"""What padded batches need so that padding never reaches a result."""

import torch
from torch import Tensor, nn


def frame_mask(lengths: Tensor, num_frames: int) -> Tensor:
    """``[B, num_frames]`` bool, true on real frames; lengths: ``[B]`` int64."""
    return torch.arange(num_frames, device=lengths.device)[None, :] < lengths[:, None]


def extend_edges(features: Tensor, lengths: Tensor, left: int, right: int) -> Tensor:
    """Repeats the first and the last real frame of each utterance, as Kaldi does at its edges.

    Args:
      features: ``[B, T, F]``, padded at the end.
      lengths: ``[B]`` int64, at least 1.
      left, right: frames to add; a negative left drops frames.
    Returns: ``[B, left + T + right, F]``; row t is frame ``clamp(t - left, 0, length - 1)``.
    """
    num_frames = features.shape[1]
    frames = torch.arange(-left, num_frames + right, device=features.device)[None, :]
    frames = torch.minimum(frames.clamp(min=0), lengths[:, None] - 1)
    return torch.gather(features, 1, frames[:, :, None].expand(-1, -1, features.shape[2]))


def reverse_frames(values: Tensor, lengths: Tensor) -> Tensor:
    """Reverses the real frames of each utterance and leaves padding where it is; its own inverse.

    Args:
      values: ``[B, T, F]``; lengths: ``[B]`` int64.
    """
    frames = torch.arange(values.shape[1], device=values.device)[None, :]
    backwards = lengths[:, None] - 1 - frames
    backwards = torch.where(backwards >= 0, backwards, frames)
    return torch.gather(values, 1, backwards[:, :, None].expand(-1, -1, values.shape[2]))


class MaskedBatchNorm(nn.Module):
    """Batch normalization over real frames only.

    As torch.nn.BatchNorm1d on the concatenation of all real frames (tested so): the amount of padding changes
    neither the output nor the running statistics. Works on any ``[B, C, ...]``; statistics are per channel.
    """

    def __init__(self, num_channels: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))
        self.register_buffer("running_mean", torch.zeros(num_channels))
        self.register_buffer("running_var", torch.ones(num_channels))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """
        Args:
          x: ``[B, C, T]`` or ``[B, C, T, D]``.
          mask: ``[B, T]`` bool, true on real frames.
        """
        per_channel = [1, -1] + [1] * (x.dim() - 2)
        if self.training:
            with torch.autocast(x.device.type, enabled=False):
                mean, variance, count = _moments(x.float(), mask)
            with torch.no_grad():
                unbiased = variance * (count / (count - 1).clamp(min=1))
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (unbiased - self.running_var)
        else:
            mean, variance = self.running_mean, self.running_var
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return x * scale.view(per_channel) + (self.bias - mean * scale).view(per_channel)


def _moments(x: Tensor, mask: Tensor):
    """Mean and variance of each channel ``[C]`` over real frames, and the number of values.

    E x^2 - (E x)^2 by matrix products takes half the time of the centred sum; what comes out of a ReLU has a
    mean of the size of its deviation, so that nothing cancels.
    """
    squares = x.square()
    count = mask.sum()
    if x.dim() == 4:
        count = count * x.shape[3]
        x, squares = x.sum(dim=3), squares.sum(dim=3)
    count = count.clamp(min=1).float()
    share = (mask.float() / count)[:, :, None]
    mean, square_mean = (torch.matmul(values, share).sum(dim=(0, 2)) for values in (x, squares))
    return mean, (square_mean - mean.square()).clamp(min=0), count
