"""LSTM decoder with location-aware attention (Chorowski et al., "Attention-based models for speech recognition",
NIPS 2015).

Step n, after token y_{n-1}, over encoded frames h_t:

    s_n = LSTM([y_{n-1}; c_{n-1}], s_{n-1})                              c_0 = 0, s_0 = 0
    e_{n,t} = w . tanh(W s_n + V h_t + U (F * a_{n-1})_t + b)            a_0: the same for all frames
    a_n = softmax_t(e_n),   c_n = sum_t a_{n,t} h_t,   p(y_n) = softmax(O [s_n; c_n])

F are filters over the weights of the step before, so that attention knows where it was; it may know of all steps
before, too, by the sum of their weights.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple, Tuple

import torch
from torch import Tensor, nn

from graphs.options import check_at_least, check_choice
from hybrid.e2e.decoders.attention import AttentionDecoder, AttentionDecoderOptions, full_precision, mixed
from hybrid.nn.padding import frame_mask

LOCATIONS = ("last", "sum")


@dataclass(frozen=True)
class LstmDecoderOptions(AttentionDecoderOptions):
    attention_dim: int = field(default=128, metadata={"help": "width in which states and frames are compared"})
    location_filters: int = field(default=10, metadata={"help": "filters over weights of attention"})
    location_kernel: int = field(default=31, metadata={"help": "encoded frames that a filter sees, odd"})
    location: str = field(default="last", metadata={
        "help": "weights that the filters see: those of the last step, or the sum of those of all steps"})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(1, self, "attention_dim", "location_filters", "location_kernel")
        if self.location_kernel % 2 == 0:
            raise ValueError(f"location_kernel: expected an odd number, found {self.location_kernel}")
        check_choice(LOCATIONS, self, "location")

    def build(self, encoder_dim: int, num_tokens: int) -> nn.Module:
        return LstmDecoder(encoder_dim, num_tokens, self)


class Frames(NamedTuple):
    """What attention sees: encoded ``[B, T, D]``, the same projected ``[B, T, attention_dim]``, real ``[B, T]`` bool.

    B is 1 for hypotheses of one utterance, however many.
    """

    encoded: Tensor
    keys: Tensor
    real: Tensor


class LstmState(NamedTuple):
    """After a step of each of K hypotheses.

    hidden, cells: ``[K, layers, dim]``; context: ``[K, D]``; location: ``[K, T]``, what the filters see next.
    """

    frames: Frames
    hidden: Tensor
    cells: Tensor
    context: Tensor
    location: Tensor

    def select(self, rows: Tensor) -> "LstmState":
        return LstmState(self.frames, *(part[rows] for part in self[1:]))


class LocationAttention(nn.Module):
    def __init__(self, state_dim: int, encoder_dim: int, options: LstmDecoderOptions):
        super().__init__()
        dim, kernel = options.attention_dim, options.location_kernel
        self.queries = nn.Linear(state_dim, dim, bias=False)
        self.keys = nn.Linear(encoder_dim, dim)
        self.filters = nn.Conv1d(1, options.location_filters, kernel, padding=kernel // 2, bias=False)
        self.locations = nn.Linear(options.location_filters, dim, bias=False)
        self.energy = nn.Linear(dim, 1, bias=False)

    def forward(self, query: Tensor, frames: Frames, location: Tensor) -> Tensor:
        """
        Args:
          query: ``[K, state_dim]``; location: ``[K, T]``, 0 in padding.
        Returns: ``[K, T]`` weights, 0 in padding.
        """
        located = self.locations(self.filters(location[:, None].to(query.dtype)).transpose(1, 2))
        energies = self.energy(torch.tanh(self.queries(query)[:, None] + frames.keys + located))[:, :, 0]
        return full_precision(energies).masked_fill(~frames.real, -math.inf).softmax(dim=1)


class LstmDecoder(AttentionDecoder):
    """See AttentionDecoder; scheduled sampling draws step by step, from what was drawn before."""

    def __init__(self, encoder_dim: int, num_tokens: int, options: LstmDecoderOptions):
        super().__init__(num_tokens, options)
        dim, layers = options.decoder_dim, options.decoder_layers
        self.embedding = nn.Embedding(num_tokens, dim)
        self.cells = nn.ModuleList(nn.LSTMCell(dim + (encoder_dim if layer == 0 else 0), dim)
                                   for layer in range(layers))
        self.attention = LocationAttention(dim, encoder_dim, options)
        self.dropout = nn.Dropout(options.decoder_dropout)
        self.output = nn.Linear(dim + encoder_dim, num_tokens)

    def forward(self, encoded: Tensor, lengths: Tensor, inputs: Tensor, sampled: float = 0.0) -> Tuple[Tensor, Tensor]:
        state = self._before(encoded, frame_mask(lengths, encoded.shape[1]))
        logits, weights, tokens = [], [], inputs[:, 0]
        for step in range(inputs.shape[1]):
            if step:
                tokens = mixed(inputs[:, step], logits[-1], sampled) if sampled else inputs[:, step]
            scores, state, seen = self._advance(state, tokens)
            logits.append(scores)
            weights.append(seen)
        return torch.stack(logits, dim=1), torch.stack(weights, dim=1)

    @torch.no_grad()
    def start(self, encoded: Tensor) -> LstmState:
        return self._before(encoded[None], torch.ones(1, len(encoded), dtype=torch.bool, device=encoded.device))

    @torch.no_grad()
    def step(self, state: LstmState, tokens: Tensor) -> Tuple[Tensor, LstmState, Tensor]:
        logits, state, weights = self._advance(state, tokens)
        return full_precision(logits).log_softmax(dim=1), state, weights

    def _before(self, encoded: Tensor, real: Tensor) -> LstmState:
        """The state before the first step."""
        frames = Frames(encoded, self.attention.keys(encoded), real)
        zeros = encoded.new_zeros(len(encoded), len(self.cells), self.embedding.embedding_dim)
        location = real / real.sum(dim=1, keepdim=True) if self.options.location == "last" else real * 0.0
        return LstmState(frames, zeros, zeros, encoded.new_zeros(len(encoded), encoded.shape[2]), location)

    def _advance(self, state: LstmState, tokens: Tensor) -> Tuple[Tensor, LstmState, Tensor]:
        """``[K, num_tokens]`` logits, the next state and ``[K, T]`` weights."""
        x, hidden, cells = torch.cat([self.dropout(self.embedding(tokens)), state.context], dim=1), [], []
        for layer, cell in enumerate(self.cells):
            out, memory = cell(x, (state.hidden[:, layer], state.cells[:, layer]))
            hidden.append(out)
            cells.append(memory)
            x = self.dropout(out)
        weights = self.attention(x, state.frames, state.location)
        context = torch.matmul(weights[:, None].to(x.dtype), state.frames.encoded)[:, 0]
        location = weights if self.options.location == "last" else state.location + weights
        logits = self.output(self.dropout(torch.cat([x, context], dim=1)))
        state = LstmState(state.frames, torch.stack(hidden, dim=1), torch.stack(cells, dim=1), context, location)
        return logits, state, weights
