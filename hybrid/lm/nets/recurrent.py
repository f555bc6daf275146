"""Recurrent LMs (Mikolov et al., Interspeech 2010) with LSTM cells (Sundermeyer et al., 2012) or GRU cells."""

from dataclasses import dataclass, field
from typing import Tuple

import torch
from torch import Tensor, nn

from graphs.options import check_at_least, check_share
from hybrid.nn.recurrent import CELLS


@dataclass(frozen=True)
class LstmOptions:
    cell = "lstm"
    hidden_dim: int = field(default=512, metadata={"help": "units of a hidden layer"})
    num_layers: int = field(default=1, metadata={"help": "hidden layers"})
    dropout: float = field(default=0.3, metadata={"help": "share dropped of embeddings and of each layer's output"})

    def __post_init__(self):
        check_at_least(1, self, "hidden_dim", "num_layers")
        check_share(self, "dropout")

    def build(self, in_dim: int) -> nn.Module:
        return RecurrentNet(in_dim, self)


@dataclass(frozen=True)
class GruOptions(LstmOptions):
    cell = "gru"


class RecurrentNet(nn.Module):
    """See hybrid.lm.nets.architectures. An entry is the state after a unit; before the sentence it is zero."""

    recall = 1

    def __init__(self, in_dim: int, options: LstmOptions):
        super().__init__()
        self.num_layers, self.out_dim = options.num_layers, options.hidden_dim
        self.is_lstm = options.cell == "lstm"
        between = options.dropout if options.num_layers > 1 else 0.0
        self.layers = CELLS[options.cell](in_dim, options.hidden_dim, options.num_layers, batch_first=True,
                                          dropout=between)
        self.entry_shape = ((2 if self.is_lstm else 1) * options.num_layers, options.hidden_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)[0]

    def step(self, x: Tensor, past: Tensor, known: Tensor) -> Tuple[Tensor, Tensor]:
        state = x.new_zeros(self.entry_shape[0], len(x), self.out_dim)
        if past.shape[1]:
            state = past[:, -1].masked_fill(~known[:, -1, None, None], 0.0).transpose(0, 1).contiguous()
        if not self.is_lstm:
            out, state = self.layers(x[:, None], state)
            return out[:, 0], state.transpose(0, 1)
        out, state = self.layers(x[:, None], tuple(part.contiguous() for part in state.chunk(2)))
        return out[:, 0], torch.cat(state).transpose(0, 1)
