"""The Transformer LM: causal blocks of self-attention with relative positions (Dai et al., "Transformer-XL", ACL 2019)
and a feed-forward layer, each normalized at its input."""

import math
from dataclasses import dataclass, field
from typing import Tuple

import torch
from torch import Tensor, nn

from graphs.options import check_at_least, check_share
from hybrid.nn.attention import RelativeAttention, attended, relative_positions
from hybrid.nn.conformer import FeedForward
from hybrid.nn.layer_norm import LayerNorm


@dataclass(frozen=True)
class TransformerOptions:
    hidden_dim: int = field(default=256, metadata={"help": "width of the blocks, an even multiple of heads"})
    num_layers: int = field(default=4, metadata={"help": "blocks"})
    heads: int = field(default=4, metadata={"help": "of attention"})
    feed_forward: int = field(default=4, metadata={"help": "width of the feed-forward layers, in hidden_dim"})
    left: int = field(default=-1, metadata={"help": "units before the last one that a block attends to; -1: all"})
    dropout: float = field(default=0.2, metadata={"help": "share dropped of embeddings and in each part of a block"})

    def __post_init__(self):
        check_at_least(1, self, "hidden_dim", "num_layers", "heads", "feed_forward")
        check_at_least(-1, self, "left")
        check_share(self, "dropout")
        if self.hidden_dim % self.heads or self.hidden_dim % 2:
            raise ValueError(f"hidden_dim: expected an even multiple of heads, found {self.hidden_dim}")

    def build(self, in_dim: int) -> nn.Module:
        return TransformerNet(in_dim, self)


class CausalAttention(RelativeAttention):
    """Attention to a step and those before it, also for one new step after keys and values that are known."""

    def step(self, x: Tensor, past: Tensor, known: Tensor, positions: Tensor) -> Tuple[Tensor, Tensor]:
        """
        Args:
          x: ``[N, dim]``.
          past: ``[N, P, 2, dim]`` keys and values of the steps before; known: ``[N, P]`` bool.
          positions: as relative_positions gives them for P + 1 steps.
        Returns: ``[N, dim]`` and the step's own ``[N, 2, dim]``.
        """
        entry = torch.stack([self.keys(x), self.values(x)], dim=1)
        keys, values = (self._by_head(part) for part in torch.cat([past, entry[:, None]], dim=1).unbind(dim=2))
        query = self._by_head(self.queries(x)[:, None])
        num_steps = keys.shape[2]
        distances = self._by_head(self.positions(positions[:num_steps].to(x.dtype))[None])
        scores = torch.matmul(query + self.content_bias[:, None], keys.transpose(2, 3))
        scores = scores + torch.matmul(query + self.position_bias[:, None], distances.transpose(2, 3))
        unseen = torch.cat([~known, known.new_zeros(len(x), 1)], dim=1)
        weights = (scores / math.sqrt(self.width)).masked_fill(unseen[:, None, None], -math.inf).softmax(dim=3)
        attended_to = torch.matmul(weights, values.masked_fill(unseen[:, None, :, None], 0.0))
        return self.output(attended_to.flatten(1)), entry


class Block(nn.Module):
    def __init__(self, options: TransformerOptions):
        super().__init__()
        dim, dropout = options.hidden_dim, options.dropout
        self.norm, self.attention = LayerNorm(dim), CausalAttention(dim, options.heads, dropout)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = FeedForward(dim, options.feed_forward * dim, dropout)

    def forward(self, x: Tensor, positions: Tensor, seen: Tensor) -> Tensor:
        """x: ``[B, T, dim]``; positions, seen: as of RelativeAttention."""
        x = x + self.dropout(self.attention(self.norm(x), positions, seen))
        return x + self.feed_forward(x)

    def step(self, x: Tensor, past: Tensor, known: Tensor, positions: Tensor) -> Tuple[Tensor, Tensor]:
        """As of CausalAttention."""
        attended_to, entry = self.attention.step(self.norm(x), past, known, positions)
        x = x + attended_to
        return x + self.feed_forward(x), entry


class TransformerNet(nn.Module):
    """See hybrid.lm.nets.architectures. An entry holds keys and values of all blocks."""

    def __init__(self, in_dim: int, options: TransformerOptions):
        super().__init__()
        self.recall, self.out_dim, self.left = options.left, options.hidden_dim, options.left
        self.entry_shape = (options.num_layers, 2, options.hidden_dim)
        self.input = nn.Linear(in_dim, options.hidden_dim)
        self.blocks = nn.ModuleList(Block(options) for _ in range(options.num_layers))
        self.norm = LayerNorm(options.hidden_dim)

    def forward(self, x: Tensor) -> Tensor:
        x = self.input(x)
        positions = relative_positions(x.shape[1], x.shape[2], x.device)
        seen = attended(torch.ones(x.shape[:2], dtype=torch.bool, device=x.device), self.left, 0)
        for block in self.blocks:
            x = block(x, positions, seen)
        return self.norm(x)

    def step(self, x: Tensor, past: Tensor, known: Tensor) -> Tuple[Tensor, Tensor]:
        x, entries = self.input(x), []
        positions = relative_positions(past.shape[1] + 1, x.shape[1], x.device)
        for number, block in enumerate(self.blocks):
            x, entry = block.step(x, past[:, :, number], known, positions)
            entries.append(entry)
        return self.norm(x), torch.stack(entries, dim=1)
