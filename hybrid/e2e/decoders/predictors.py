"""What a transducer knows of the tokens before: the last few (Ghodsi et al., "RNN-transducer with stateless prediction
network", ICASSP 2020), or all of them by an LSTM (Graves, 2012).

``forward(tokens [B, U])`` gives ``[B, U, dim]``; a place sees its token and those before it. The first token of a
sentence is BLANK. ``step(tokens [N], states)`` does the same for one more token of each of N sentences, after states
as ``start(N)`` and `step` give them; it returns ``[N, dim]`` and the states ``[N, ...]`` after the tokens. `context` is
how many tokens are seen, 0 where it is all.
"""

from typing import Tuple

import torch
from torch import Tensor, nn

from graphs.ids import BLANK
from hybrid.lm.nets.recurrent import LstmOptions


class StatelessPredictor(nn.Module):
    """A depthwise convolution over the embeddings of the last tokens. A state is the tokens before the next one."""

    def __init__(self, num_tokens: int, dim: int, context: int, dropout: float):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(num_tokens, dim)
        self.window = nn.Conv1d(dim, dim, context, groups=dim) if context > 1 else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        return self._hidden(nn.functional.pad(tokens, (self.context - 1, 0), value=BLANK))

    def start(self, number: int) -> Tensor:
        return torch.full((number, self.context - 1), BLANK, device=self.embedding.weight.device)

    def step(self, tokens: Tensor, states: Tensor) -> Tuple[Tensor, Tensor]:
        seen = torch.cat([states, tokens[:, None]], dim=1)
        return self._hidden(seen)[:, 0], seen[:, 1:]

    def _hidden(self, tokens: Tensor) -> Tensor:
        """tokens: ``[B, U + context - 1]``. Returns ``[B, U, dim]``."""
        x = self.dropout(self.embedding(tokens))
        if self.window is not None:
            x = self.window(x.transpose(1, 2)).transpose(1, 2)
        return x.relu()


class LstmPredictor(nn.Module):
    """The recurrent net of the language models. A state is that of its layers."""

    context = 0

    def __init__(self, num_tokens: int, dim: int, num_layers: int, dropout: float):
        super().__init__()
        self.embedding = nn.Embedding(num_tokens, dim)
        self.net = LstmOptions(hidden_dim=dim, num_layers=num_layers, dropout=dropout).build(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.dropout(self.net(self.dropout(self.embedding(tokens))))

    def start(self, number: int) -> Tensor:
        return self.embedding.weight.new_zeros(number, *self.net.entry_shape)

    def step(self, tokens: Tensor, states: Tensor) -> Tuple[Tensor, Tensor]:
        known = torch.ones(len(tokens), 1, dtype=torch.bool, device=tokens.device)
        return self.net.step(self.embedding(tokens), states[:, None], known)
