"""The Conformer (Gulati et al., Interspeech 2020): blocks of half a feed-forward layer, self-attention with relative
positions (Dai et al., "Transformer-XL", 2019), a convolution, and the other half.

Convolutions over time and frequency come first, then a convolution that takes the frames of a step together. The
memory of attention grows with the square of the length: utterances of more than a minute go through windows.
"""

import math
from dataclasses import dataclass, field
from typing import Tuple

from torch import Tensor, nn
from torch.nn import functional

from graphs.options import check_at_least, check_share
from hybrid.nn.attention import RelativeAttention, attended, relative_positions
from hybrid.nn.convolution import ConvolutionLayer
from hybrid.nn.frequency import FilterOptions, FrequencyFrontEnd
from hybrid.nn.layer_norm import LayerNorm
from hybrid.nn.padding import MaskedBatchNorm, extend_edges, frame_mask
from hybrid.nn.stacking import HELP, StackedOutput, context_of_outputs, divided
from hybrid.nn.windows import in_windows


@dataclass(frozen=True)
class ConformerOptions(FilterOptions):
    """thins: attention needs every step."""

    thins = False
    hidden_dim: int = field(default=144, metadata={"help": "width of the blocks, a multiple of heads"})
    num_layers: int = field(default=6, metadata={"help": "blocks"})
    heads: int = field(default=4, metadata={"help": "of attention"})
    feed_forward: int = field(default=4, metadata={"help": "width of the feed-forward layers, in hidden_dim"})
    kernel: int = field(default=15, metadata={"help": "steps that the convolution of a block sees, odd"})
    left: int = field(default=-1, metadata={"help": "steps before a step that a block attends to; -1: all"})
    right: int = field(default=-1, metadata={"help": "steps after it, likewise; a bound lets the network stream"})
    dropout: float = field(default=0.1, metadata={"help": "share of units dropped in each part of a block"})
    stack: int = field(default=1, metadata={"help": HELP})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(1, self, "hidden_dim", "num_layers", "heads", "feed_forward", "kernel", "stack")
        check_at_least(-1, self, "left", "right")
        check_share(self, "dropout")
        if self.hidden_dim % self.heads or self.hidden_dim % 2:
            raise ValueError(f"hidden_dim: expected an even multiple of heads, found {self.hidden_dim}")
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel: expected an odd number, found {self.kernel}")

    def build(self, in_dim: int, out_dim: int, subsampling: int = 1) -> nn.Module:
        return Conformer(self.front_end(in_dim), out_dim, subsampling, self)


class FeedForward(nn.Sequential):
    def __init__(self, dim: int, hidden_dim: int, dropout: float):
        super().__init__(LayerNorm(dim), nn.Linear(dim, hidden_dim), nn.SiLU(), nn.Dropout(dropout),
                         nn.Linear(hidden_dim, dim), nn.Dropout(dropout))


class ConvolutionModule(nn.Module):
    """Pointwise convolution with a gate, depthwise one over time, batch normalization, Swish, pointwise one."""

    def __init__(self, dim: int, kernel: int, dropout: float):
        super().__init__()
        self.norm = LayerNorm(dim)
        self.gated = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim, bias=False)
        self.normalization = MaskedBatchNorm(dim)
        self.pointwise = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: ``[B, T, dim]``; mask: ``[B, T]`` bool, true on real steps; past the ends all is zero."""
        y = functional.glu(self.gated(self.norm(x)), dim=2).masked_fill(~mask[:, :, None], 0.0)
        y = functional.silu(self.normalization(self.depthwise(y.transpose(1, 2)), mask))
        return self.dropout(self.pointwise(y.transpose(1, 2)))


class ConformerBlock(nn.Module):
    def __init__(self, options: ConformerOptions):
        super().__init__()
        dim, dropout = options.hidden_dim, options.dropout
        self.before, self.after = (FeedForward(dim, options.feed_forward * dim, dropout) for _ in range(2))
        self.attention_norm, self.attention = LayerNorm(dim), RelativeAttention(dim, options.heads, dropout)
        self.attention_dropout = nn.Dropout(dropout)
        self.convolution = ConvolutionModule(dim, options.kernel, dropout)
        self.norm = LayerNorm(dim)

    def forward(self, x: Tensor, positions: Tensor, seen: Tensor, mask: Tensor) -> Tensor:
        """x: ``[B, T, dim]``; positions, seen: as of RelativeAttention; mask: ``[B, T]`` bool."""
        x = x + 0.5 * self.before(x)
        x = x + self.attention_dropout(self.attention(self.attention_norm(x), positions, seen))
        x = x + self.convolution(x, mask)
        x = x + 0.5 * self.after(x)
        return self.norm(x)


class Conformer(nn.Module):
    """
    Attributes:
      subsampling_factor, left_context, right_context: as of hybrid.nn.convolution.ConvolutionNetwork.
    """

    def __init__(self, front_end: FrequencyFrontEnd, out_dim: int, subsampling: int, options: ConformerOptions):
        super().__init__()
        self.subsampling_factor, self.step = subsampling, subsampling * options.stack
        self.left, self.right = options.left, options.right
        self.front_end = front_end
        self.embedding = ConvolutionLayer(front_end.out_dim, options.hidden_dim, 2 * self.step - 1, stride=self.step)
        self.dropout = nn.Dropout(options.dropout)
        self.blocks = nn.ModuleList(ConformerBlock(options) for _ in range(options.num_layers))
        self.output = StackedOutput(options.hidden_dim, out_dim, options.stack)
        self.context = front_end.context + self.embedding.context  # frames beyond the centre of a step
        self.left_context, self.right_context = context_of_outputs(
            *(math.inf if side < 0 else self.context + self.step * options.num_layers * (side + options.kernel // 2)
              for side in (self.left, self.right)), subsampling, options.stack)

    def forward(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """
        Args:
          features: ``[B, T, F]`` float, padded with anything.
          lengths: ``[B]`` int64, at least 1.
        Returns: logits ``[B, ceil(T / subsampling_factor), C]`` and lengths likewise.
        """
        return in_windows(self._whole, features, lengths, self.subsampling_factor, self.step)

    def _whole(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        out_frames, out_lengths = (divided(n, self.subsampling_factor) for n in (features.shape[1], lengths))
        x, lengths = self._embed(features, lengths)
        mask = frame_mask(lengths, x.shape[1])
        positions = relative_positions(x.shape[1], x.shape[2], x.device)
        seen = attended(mask, self.left, self.right)
        for block in self.blocks:
            x = block(x, positions, seen, mask)
        return self.output(x, out_frames), out_lengths

    def _embed(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """``[B, steps, hidden_dim]`` and the number of steps of each utterance."""
        before = self.context - (self.step - 1) // 2
        num_steps = divided(features.shape[1], self.step)
        needed = (num_steps - 1) * self.step + 2 * self.context + 1
        x = extend_edges(features, lengths, before, needed - before - features.shape[1]).transpose(1, 2)
        x, lengths = self.front_end(x, (divided(lengths, self.step) - 1) * self.step + 2 * self.context + 1)
        x, lengths = self.embedding(x, lengths)
        return self.dropout(x.transpose(1, 2)), lengths
