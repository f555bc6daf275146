"""The feed-forward LM over the last words (Bengio et al., "A neural probabilistic language model", JMLR 2003)."""

from dataclasses import dataclass, field
from typing import Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphs.options import check_at_least, check_share


@dataclass(frozen=True)
class FeedForwardOptions:
    order: int = field(default=5, metadata={"help": "units of an n-gram: order - 1 are seen, one is predicted"})
    hidden_dim: int = field(default=512, metadata={"help": "units of a hidden layer"})
    num_layers: int = field(default=1, metadata={"help": "hidden layers"})
    dropout: float = field(default=0.2, metadata={"help": "share dropped of embeddings and of each layer's output"})

    def __post_init__(self):
        check_at_least(2, self, "order")
        check_at_least(1, self, "hidden_dim", "num_layers")
        check_share(self, "dropout")

    def build(self, in_dim: int) -> nn.Module:
        return FeedForwardNet(in_dim, self)


class FeedForwardNet(nn.Module):
    """See hybrid.lm.nets.architectures. An entry is the embedding itself; before the sentence all is zero."""

    def __init__(self, in_dim: int, options: FeedForwardOptions):
        super().__init__()
        self.recall, self.entry_shape, self.out_dim = options.order - 2, (in_dim,), options.hidden_dim
        self.window = nn.Conv1d(in_dim, options.hidden_dim, options.order - 1)
        self.layers = nn.ModuleList(nn.Linear(options.hidden_dim, options.hidden_dim)
                                    for _ in range(options.num_layers - 1))
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self._hidden(functional.pad(x, (0, 0, self.recall, 0)))

    def step(self, x: Tensor, past: Tensor, known: Tensor) -> Tuple[Tensor, Tensor]:
        past = functional.pad(past.masked_fill(~known[:, :, None], 0.0), (0, 0, self.recall - past.shape[1], 0))
        return self._hidden(torch.cat([past, x[:, None]], dim=1))[:, 0], x

    def _hidden(self, x: Tensor) -> Tensor:
        """x: ``[B, T + order - 2, in_dim]``. Returns ``[B, T, hidden_dim]``."""
        y = torch.tanh(self.window(x.transpose(1, 2))).transpose(1, 2)
        for layer in self.layers:
            y = torch.tanh(layer(self.dropout(y)))
        return y
