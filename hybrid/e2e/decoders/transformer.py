"""Transformer decoder (Vaswani et al., 2017): blocks of causal self-attention with relative positions (Dai et al.,
"Transformer-XL", ACL 2019), attention over encoded frames, and a feed-forward layer, each normalized at its input."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple, Tuple

import torch
from torch import Tensor, nn

from graphs.options import check_at_least
from hybrid.e2e.decoders.attention import AttentionDecoder, AttentionDecoderOptions, full_precision, mixed
from hybrid.lm.nets.transformer import CausalAttention
from hybrid.nn.attention import attended, relative_positions
from hybrid.nn.conformer import FeedForward
from hybrid.nn.layer_norm import LayerNorm
from hybrid.nn.padding import frame_mask


@dataclass(frozen=True)
class TransformerDecoderOptions(AttentionDecoderOptions):
    decoder_dim: int = field(default=144, metadata={"help": "width of the blocks, an even multiple of decoder_heads"})
    decoder_layers: int = field(default=3, metadata={"help": "blocks"})
    decoder_dropout: float = field(default=0.1, metadata={"help": "share of units dropped in each part of a block"})
    decoder_heads: int = field(default=4, metadata={"help": "of attention"})
    decoder_feed_forward: int = field(default=4, metadata={"help": "width of feed-forward layers, in decoder_dim"})
    absolute_positions: bool = field(default=True, metadata={
        "help": "tokens know their place in the sentence, by sinusoids, beside their distances from each other"})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(1, self, "decoder_heads", "decoder_feed_forward")
        if self.decoder_dim % self.decoder_heads or self.decoder_dim % 2:
            raise ValueError(f"decoder_dim: expected an even multiple of heads, found {self.decoder_dim}")

    def build(self, encoder_dim: int, num_tokens: int) -> nn.Module:
        return TransformerDecoder(encoder_dim, num_tokens, self)


class SourceAttention(nn.Module):
    """Attention of several heads over frames of another width, whose keys and values are made once."""

    def __init__(self, dim: int, source_dim: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.width = heads, dim // heads
        self.queries, self.output = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.source = nn.Linear(source_dim, 2 * dim)
        self.dropout = nn.Dropout(dropout)

    def memory(self, encoded: Tensor) -> Tensor:
        """``[B, T, source_dim]`` to keys and values ``[B, 2, heads, T, width]``."""
        return self.source(encoded).unflatten(2, (2, self.heads, self.width)).permute(0, 2, 3, 1, 4)

    def forward(self, x: Tensor, memory: Tensor, real: Tensor) -> Tuple[Tensor, Tensor]:
        """
        Args:
          x: ``[B, U, dim]``; memory: as above; real: ``[B, T]`` bool.
        Returns: ``[B, U, dim]``, and ``[B, heads, U, T]`` weights, 0 in padding.
        """
        queries = self.queries(x).unflatten(2, (self.heads, self.width)).transpose(1, 2)
        keys, values = memory.unbind(dim=1)
        scores = full_precision(torch.matmul(queries, keys.transpose(2, 3)) / math.sqrt(self.width))
        weights = scores.masked_fill(~real[:, None, None], -math.inf).softmax(dim=3)
        taken = torch.matmul(self.dropout(weights).to(values.dtype), values)
        return self.output(taken.transpose(1, 2).flatten(2)), weights


class DecoderBlock(nn.Module):
    def __init__(self, encoder_dim: int, options: TransformerDecoderOptions):
        super().__init__()
        dim, heads, dropout = options.decoder_dim, options.decoder_heads, options.decoder_dropout
        self.norm, self.attention = LayerNorm(dim), CausalAttention(dim, heads, dropout)
        self.source_norm, self.source = LayerNorm(dim), SourceAttention(dim, encoder_dim, heads, dropout)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = FeedForward(dim, options.decoder_feed_forward * dim, dropout)

    def forward(self, x: Tensor, positions: Tensor, seen: Tensor, memory: Tensor, real: Tensor,
                ) -> Tuple[Tensor, Tensor]:
        """x: ``[B, U, dim]``; positions, seen: as of RelativeAttention; memory, real: as of SourceAttention."""
        x = x + self.dropout(self.attention(self.norm(x), positions, seen))
        return self._after(x, memory, real)

    def step(self, x: Tensor, past: Tensor, positions: Tensor, memory: Tensor, real: Tensor,
             ) -> Tuple[Tensor, Tensor, Tensor]:
        """x: ``[K, dim]``; past: ``[K, P, 2, dim]``, as of CausalAttention. The hypotheses are of one utterance."""
        known = torch.ones(past.shape[:2], dtype=torch.bool, device=x.device)
        attended_to, entry = self.attention.step(self.norm(x), past, known, positions)
        x, weights = self._after((x + attended_to)[None], memory, real)
        return x[0], weights[0].transpose(0, 1), entry

    def _after(self, x: Tensor, memory: Tensor, real: Tensor) -> Tuple[Tensor, Tensor]:
        taken, weights = self.source(self.source_norm(x), memory, real)
        x = x + self.dropout(taken)
        return x + self.feed_forward(x), weights


class TransformerState(NamedTuple):
    """After P steps of each of K hypotheses.

    memory: of each block, as of SourceAttention; past: ``[K, P, blocks, 2, dim]``, entries of CausalAttention.
    """

    memory: Tuple[Tensor, ...]
    past: Tensor

    def select(self, rows: Tensor) -> "TransformerState":
        return TransformerState(self.memory, self.past[rows])


class TransformerDecoder(AttentionDecoder):
    """See AttentionDecoder. The weights are those of the last block, the mean of its heads.

    Scheduled sampling draws from what the decoder says of the true tokens, in a pass of its own (Mihaylova and
    Martins, ACL 2019), as all steps are made at once.
    """

    def __init__(self, encoder_dim: int, num_tokens: int, options: TransformerDecoderOptions):
        super().__init__(num_tokens, options)
        dim = options.decoder_dim
        self.embedding = nn.Embedding(num_tokens, dim)
        self.dropout = nn.Dropout(options.decoder_dropout)
        self.blocks = nn.ModuleList(DecoderBlock(encoder_dim, options) for _ in range(options.decoder_layers))
        self.norm = LayerNorm(dim)
        self.output = nn.Linear(dim, num_tokens)

    def forward(self, encoded: Tensor, lengths: Tensor, inputs: Tensor, sampled: float = 0.0) -> Tuple[Tensor, Tensor]:
        if sampled:
            with torch.no_grad():
                drawn_from, _ = self(encoded, lengths, inputs)
            inputs = torch.cat([inputs[:, :1], mixed(inputs[:, 1:], drawn_from[:, :-1], sampled)], dim=1)
        real, num_steps = frame_mask(lengths, encoded.shape[1]), inputs.shape[1]
        x = self._embed(inputs, 0)
        positions = relative_positions(num_steps, x.shape[2], x.device)
        seen = attended(torch.ones_like(inputs, dtype=torch.bool), -1, 0)
        for block in self.blocks:
            x, weights = block(x, positions, seen, block.source.memory(encoded), real)
        return self.output(self.norm(x)), weights.mean(dim=1)

    @torch.no_grad()
    def start(self, encoded: Tensor) -> TransformerState:
        memory = tuple(block.source.memory(encoded[None]) for block in self.blocks)
        return TransformerState(memory, encoded.new_zeros(1, 0, len(self.blocks), 2, self.embedding.embedding_dim))

    @torch.no_grad()
    def step(self, state: TransformerState, tokens: Tensor) -> Tuple[Tensor, TransformerState, Tensor]:
        num_past, entries = state.past.shape[1], []
        x = self._embed(tokens[:, None], num_past)[:, 0]
        positions = relative_positions(num_past + 1, x.shape[1], x.device)
        real = torch.ones(1, state.memory[0].shape[3], dtype=torch.bool, device=x.device)
        for number, (block, memory) in enumerate(zip(self.blocks, state.memory)):
            x, weights, entry = block.step(x, state.past[:, :, number], positions, memory, real)
            entries.append(entry)
        past = torch.cat([state.past, torch.stack(entries, dim=1)[:, None].to(state.past.dtype)], dim=1)
        log_probs = full_precision(self.output(self.norm(x))).log_softmax(dim=1)
        return log_probs, TransformerState(state.memory, past), weights.mean(dim=1)

    def _embed(self, tokens: Tensor, first: int) -> Tensor:
        """``[B, U]`` tokens, whose places begin at `first`, to ``[B, U, dim]``."""
        x = self.embedding(tokens)
        if self.options.absolute_positions:
            x = x + places(first, tokens.shape[1], x.shape[2], x.device).to(x.dtype)
        return self.dropout(x)


def places(first: int, num_steps: int, dim: int, device=None) -> Tensor:
    """``[num_steps, dim]`` sinusoids of the places `first`, `first` + 1, ...: relative_positions to place 0."""
    beyond = first + num_steps
    return relative_positions(beyond, dim, device)[:beyond].flip(0)[first:]
