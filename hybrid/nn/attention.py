"""Self-attention with relative positions (Dai et al., "Transformer-XL", ACL 2019).

For each head the score of step j for step i is ``((q_i + u) . k_j + (q_i + v) . W p_{i-j}) / sqrt(d)``, with
sinusoids p and learnt vectors u and v. The second product is made for all distances at once and then shifted.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def relative_positions(num_steps: int, dim: int, device=None) -> Tensor:
    """``[2 * num_steps - 1, dim]`` sinusoids of the distances ``num_steps - 1, ..., -(num_steps - 1)``; dim even."""
    distances = torch.arange(num_steps - 1, -num_steps, -1.0, device=device)[:, None]
    rates = torch.exp(torch.arange(0.0, dim, 2.0, device=device) * (-math.log(10000.0) / dim))
    return torch.cat([torch.sin(distances * rates), torch.cos(distances * rates)], dim=1)


def attended(mask: Tensor, left: int, right: int) -> Tensor:
    """What each step attends to, ``[B, T, T]`` bool: real steps, at most so many before and after it.

    A step of padding attends to itself only, so that nothing is divided by zero.

    Args:
      mask: ``[B, T]`` bool, true on real steps; left, right: -1 for all.
    """
    steps = torch.arange(mask.shape[1], device=mask.device)
    distance = steps[:, None] - steps[None, :]
    near = torch.ones_like(distance, dtype=torch.bool)
    if left >= 0:
        near &= distance <= left
    if right >= 0:
        near &= -distance <= right
    return (near & mask[:, None, :] & mask[:, :, None]) | (distance == 0)


class RelativeAttention(nn.Module):
    def __init__(self, dim: int, heads: int, dropout: float = 0.0):
        """dim: a multiple of heads; dropout: share of attention weights dropped."""
        super().__init__()
        self.heads, self.width = heads, dim // heads
        self.queries, self.keys, self.values = (nn.Linear(dim, dim) for _ in range(3))
        self.positions = nn.Linear(dim, dim, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(heads, self.width))
        self.position_bias = nn.Parameter(torch.zeros(heads, self.width))
        self.output = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, seen: Tensor) -> Tensor:
        """
        Args:
          x: ``[B, T, dim]``, finite in padding, too.
          positions: as relative_positions gives them.
          seen: ``[B, T, T]`` bool, as attended gives it.
        Returns: ``[B, T, dim]``.
        """
        queries, keys, values = (self._by_head(part(x)) for part in (self.queries, self.keys, self.values))
        distances = self._by_head(self.positions(positions.to(x.dtype))[None])  # [1, heads, 2 T - 1, width]
        scores = torch.matmul(queries + self.content_bias[:, None], keys.transpose(2, 3))
        by_distance = torch.matmul(queries + self.position_bias[:, None], distances.transpose(2, 3))
        scores = (scores + shifted(by_distance)) / math.sqrt(self.width)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))  # softmax in full precision
        weights = scores.masked_fill(~seen[:, None], -math.inf).softmax(dim=3)
        attended_to = torch.matmul(self.dropout(weights).to(values.dtype), values)
        return self.output(attended_to.transpose(1, 2).flatten(2))

    def _by_head(self, x: Tensor) -> Tensor:
        """``[B, T, dim]`` to ``[B, heads, T, width]``."""
        return x.unflatten(2, (self.heads, self.width)).transpose(1, 2)


def shifted(by_distance: Tensor) -> Tensor:
    """``[B, heads, T, 2 T - 1]`` with column c for distance ``T - 1 - c`` to ``[B, heads, T, T]``, [i, j] for i - j."""
    batch, heads, num_steps, columns = by_distance.shape
    padded = functional.pad(by_distance, (1, 0)).reshape(batch, heads, columns + 1, num_steps)
    return padded[:, :, 1:].reshape(batch, heads, num_steps, columns)[:, :, :, :num_steps]
