"""Recurrent networks over stacked frames: LSTM (Hochreiter and Schmidhuber, 1997), GRU (Cho et al., 2014), and both in
two directions (Graves and Schmidhuber, 2005)."""

import math
from dataclasses import dataclass, field
from typing import Tuple

import torch
from torch import Tensor, nn

from graphs.options import check_at_least, check_share
from hybrid.nn.padding import extend_edges, reverse_frames
from hybrid.nn.stacking import HELP, StackedOutput, context_of_outputs, divided

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


@dataclass(frozen=True)
class RecurrentOptions:
    """thins: an output frame of a recurrent network costs all others."""

    thins = False
    cell = "lstm"
    hidden_dim: int = field(default=256, metadata={"help": "units of a hidden layer in each direction"})
    num_layers: int = field(default=3, metadata={"help": "hidden layers"})
    dropout: float = field(default=0.1, metadata={"help": "share of units dropped after each layer"})
    stack: int = field(default=1, metadata={"help": HELP})

    def __post_init__(self):
        check_at_least(1, self, "hidden_dim", "num_layers", "stack")
        check_share(self, "dropout")

    def build(self, in_dim: int, out_dim: int, subsampling: int = 1) -> nn.Module:
        return RecurrentNetwork(in_dim, out_dim, subsampling, self)


@dataclass(frozen=True)
class BlstmOptions(RecurrentOptions):
    """In two directions."""


@dataclass(frozen=True)
class BigruOptions(RecurrentOptions):
    """In two directions."""

    cell = "gru"


@dataclass(frozen=True)
class LstmOptions(RecurrentOptions):
    """In one direction."""

    delay: int = field(default=5, metadata={"help": "frames after the current one that an output has seen"})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(0, self, "delay")

    def build(self, in_dim: int, out_dim: int, subsampling: int = 1) -> nn.Module:
        return RecurrentNetwork(in_dim, out_dim, subsampling, self, self.delay)


@dataclass(frozen=True)
class GruOptions(LstmOptions):
    """In one direction."""

    cell = "gru"


class RecurrentLayer(nn.Module):
    """One forward and maybe one backward layer; their outputs side by side.

    Two plain ones and a reversal by length instead of torch's bidirectional one on packed sequences: the same
    result, several times faster on a CPU.
    """

    def __init__(self, in_dim: int, hidden_dim: int, cell: str, backward: bool):
        super().__init__()
        self.ahead = CELLS[cell](in_dim, hidden_dim, batch_first=True)
        self.behind = CELLS[cell](in_dim, hidden_dim, batch_first=True) if backward else None
        self.out_dim = hidden_dim * (2 if backward else 1)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x: ``[B, T, in_dim]``; lengths: ``[B]``. Returns ``[B, T, out_dim]``; padding means nothing."""
        seen_ahead, _ = self.ahead(x)
        if self.behind is None:
            return seen_ahead
        seen_behind, _ = self.behind(reverse_frames(x, lengths))
        return torch.cat([seen_ahead, reverse_frames(seen_behind, lengths)], dim=2)


class RecurrentNetwork(nn.Module):
    """Recurrent layers over steps of stacked frames, and a linear output.

    Attributes:
      subsampling_factor, left_context, right_context: as of hybrid.nn.convolution.ConvolutionNetwork; the contexts are
        inf in a recurrent direction.
    """

    def __init__(self, in_dim: int, out_dim: int, subsampling: int, options: RecurrentOptions, delay: int = -1):
        """delay: frames after those of a step that a network of one direction sees; -1: it has both directions."""
        super().__init__()
        self.subsampling_factor, self.step = subsampling, subsampling * options.stack
        self.delay, after = max(0, delay), math.inf
        if delay >= 0:
            after = self.step - 1 - (self.step - 1) // 2 + delay
        self.left_context, self.right_context = context_of_outputs(math.inf, after, subsampling, options.stack)
        layers, width = [], in_dim * self.step
        for _ in range(options.num_layers):
            layers.append(RecurrentLayer(width, options.hidden_dim, options.cell, backward=delay < 0))
            width = layers[-1].out_dim
        self.layers = nn.ModuleList(layers)
        self.dropout = nn.Dropout(options.dropout)
        self.output = StackedOutput(width, out_dim, options.stack)

    def forward(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """
        Args:
          features: ``[B, T, F]`` float, padded with anything.
          lengths: ``[B]`` int64, at least 1.
        Returns: logits ``[B, ceil(T / subsampling_factor), C]`` and lengths likewise.
        """
        out_frames, out_lengths = (divided(n, self.subsampling_factor) for n in (features.shape[1], lengths))
        x = extend_edges(features, lengths, -self.delay, self.delay + -features.shape[1] % self.step)
        x = x.reshape(x.shape[0], x.shape[1] // self.step, x.shape[2] * self.step)
        lengths = divided(lengths, self.step)
        for layer in self.layers:
            x = self.dropout(layer(x, lengths))
        return self.output(x, out_frames), out_lengths
