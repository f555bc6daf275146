"""The residual CNN with a bidirectional GRU that tutorials build after Deep Speech 2 (Amodei et al., 2016).

A 3x3 convolution over log mel energies, residual blocks of two more with layer normalization over frequency, GELU and
dropout, a fully connected layer, GRUs in both directions, each behind layer normalization and GELU, and a classifier of
two layers. Convolutions have no padding in time: first and last frames are repeated instead (hybrid/nn/convolution.py).
"""

import math
from dataclasses import dataclass, field
from typing import Tuple

from torch import Tensor, nn
from torch.nn import functional

from graphs.options import check_at_least, check_share
from hybrid.nn.frequency import MapOptions, MelMaps
from hybrid.nn.layer_norm import LayerNorm
from hybrid.nn.padding import extend_edges
from hybrid.nn.recurrent import RecurrentLayer
from hybrid.nn.stacking import HELP, StackedOutput, divided


@dataclass(frozen=True)
class CnnBigruOptions(MapOptions):
    """thins: an output frame of a recurrent network costs all others."""

    thins = False
    num_filters: int = field(default=32, metadata={"help": "filters of the 3x3 convolutions"})
    num_blocks: int = field(default=3, metadata={"help": "residual blocks of two convolutions"})
    hidden_dim: int = field(default=256, metadata={"help": "units of a recurrent layer in each direction"})
    num_layers: int = field(default=3, metadata={"help": "recurrent layers"})
    dropout: float = field(default=0.1, metadata={"help": "share of units dropped before each convolution or layer"})
    stack: int = field(default=1, metadata={"help": HELP})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(1, self, "num_filters", "hidden_dim", "num_layers", "stack")
        check_at_least(0, self, "num_blocks")
        check_share(self, "dropout")

    def build(self, in_dim: int, out_dim: int, subsampling: int = 1) -> nn.Module:
        return CnnBigru(self.maps(in_dim), out_dim, subsampling, self)


class ResidualBlock(nn.Module):
    """Layer normalization, GELU, dropout, convolution, twice, added to the input; loses `context` frames each side."""

    context = 2

    def __init__(self, num_filters: int, bins: int, dropout: float):
        super().__init__()
        self.norms = nn.ModuleList(LayerNorm(bins) for _ in range(2))
        self.convolutions = nn.ModuleList(nn.Conv2d(num_filters, num_filters, 3, padding=(0, 1)) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x: ``[B, C, T, bins]``. Returns ``[B, C, T - 4, bins]``."""
        y = x
        for norm, convolution in zip(self.norms, self.convolutions):
            y = convolution(self.dropout(functional.gelu(norm(y))))
        return y + x[:, :, self.context:x.shape[2] - self.context]


class CnnBigru(nn.Module):
    """
    Attributes:
      subsampling_factor, left_context, right_context: as of hybrid.nn.convolution.ConvolutionNetwork.
    """

    def __init__(self, maps: MelMaps, out_dim: int, subsampling: int, options: CnnBigruOptions):
        super().__init__()
        self.subsampling_factor, self.step = subsampling, subsampling * options.stack
        self.left_context = self.right_context = math.inf
        self.maps, bins = maps, divided(maps.num_bins, 2)
        self.kernel = max(3, self.step | 1)  # odd: centred
        self.first = nn.Conv2d(maps.channels, options.num_filters, (self.kernel, 3), stride=(self.step, 2),
                               padding=(0, 1))
        self.blocks = nn.ModuleList(
            ResidualBlock(options.num_filters, bins, options.dropout) for _ in range(options.num_blocks))
        self.context = ResidualBlock.context * options.num_blocks
        self.full = nn.Linear(options.num_filters * bins, options.hidden_dim)
        widths = [options.hidden_dim] + [2 * options.hidden_dim] * (options.num_layers - 1)
        self.norms = nn.ModuleList(LayerNorm(width) for width in widths)
        self.layers = nn.ModuleList(RecurrentLayer(width, options.hidden_dim, "gru", True) for width in widths)
        self.dropout = nn.Dropout(options.dropout)
        self.hidden = nn.Linear(2 * options.hidden_dim, options.hidden_dim)
        self.output = StackedOutput(options.hidden_dim, out_dim, options.stack)

    def forward(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """
        Args:
          features: ``[B, T, F]`` float, padded with anything.
          lengths: ``[B]`` int64, at least 1.
        Returns: logits ``[B, ceil(T / subsampling_factor), C]`` and lengths likewise.
        """
        out_frames, out_lengths = (divided(n, self.subsampling_factor) for n in (features.shape[1], lengths))
        x, lengths = self._convolve(features, lengths)
        x = self.full(x.transpose(1, 2).flatten(2))
        for norm, layer in zip(self.norms, self.layers):
            x = self.dropout(layer(functional.gelu(norm(x)), lengths))
        x = self.dropout(functional.gelu(self.hidden(x)))
        return self.output(x, out_frames), out_lengths

    def _convolve(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """``[B, filters, steps, bins]`` and the number of steps of each utterance."""
        step, num_steps = self.step, divided(features.shape[1], self.step)
        before = (self.kernel - 1) // 2 - (step - 1) // 2 + self.context * step
        needed = (num_steps - 1 + 2 * self.context) * step + self.kernel
        x = extend_edges(features, lengths, before, needed - before - features.shape[1])
        lengths = divided(lengths, step)
        x = self.first(self.maps(x, (lengths - 1 + 2 * self.context) * step + self.kernel))
        for block in self.blocks:
            x = block(x)
        return x, lengths
