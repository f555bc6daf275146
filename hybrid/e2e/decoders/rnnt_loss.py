"""The transducer's sum over alignments and its best alignment (Graves, "Sequence transduction with recurrent neural
networks", 2012), in plain torch.

Of T frames and S tokens, ``blank[t, u]`` is the log probability to go on to the next frame, and ``emit[t, u]`` that of
the token u + 1, on frame t after u tokens. In Graves' transducer a frame has any number of tokens and then a blank:

    alpha[0, 0] = 0
    alpha[t, u] = log(exp(alpha[t - 1, u] + blank[t - 1, u]) + exp(alpha[t, u - 1] + emit[t, u - 1]))
    log p = alpha[T, S]

A monotonic one has one token or a blank (Tripathi et al., "Monotonic recurrent neural network transducer and decoding
strategies", 2019): the second term is then ``alpha[t - 1, u - 1] + emit[t - 1, u - 1]``.

The cells of a layer n = t + u (monotonic: n = t) depend on those of the layer before it only. With ``blank`` and
``emit`` laid out by layers both kinds are one recursion, of T + S (monotonic: T) steps over all u at once:

    alpha[n + 1, u] = log(exp(alpha[n, u] + blank[n, u]) + exp(alpha[n, u - 1] + emit[n, u - 1]))
"""

import math
from typing import List, Optional, Tuple

import torch
from torch import Tensor

from graphs.errors import InputError


def transducer_scores(blank: Tensor, emit: Tensor, lengths: Tensor, target_lengths: Tensor,
                      monotonic: bool = False) -> Tensor:
    """Log of the sum, over all alignments, of the probability of the tokens. Computed in float64.

    Args:
      blank: ``[B, T, S + 1]`` float, see above; emit: ``[B, T, S]``. What lies behind the lengths is not looked at.
      lengths: ``[B]`` int64, frames, 1 to T; target_lengths: ``[B]`` int64, tokens, 0 to S.
    Returns: ``[B]`` float64, which gradients flow through; -inf where the tokens do not fit into the frames.
    Raises: InputError for shapes and lengths that do not belong together.
    """
    _check(blank, emit, lengths, target_lengths)
    return _Sum.apply(blank, emit, lengths, target_lengths, monotonic)


def best_alignment(blank: Tensor, emit: Tensor, lengths: Tensor, target_lengths: Tensor, monotonic: bool = False,
                   ) -> Tuple[Tensor, List[Optional[List[int]]]]:
    """The best alignment alone; arguments as of transducer_scores.

    Returns: ``[B]`` float64 its log probability, and the frame of each token; None where the tokens do not fit.
    Raises: InputError for scores that are no numbers, too.
    """
    _check(blank, emit, lengths, target_lengths)
    with torch.no_grad():
        layers = _Layers(blank, emit, lengths, target_lengths, monotonic)
        cells, came = layers.first(), []
        for blanks, emits in zip(layers.blank, layers.emit):
            stayed, moved = cells + blanks, _next_place(cells + emits)
            came.append(moved > stayed)
            cells = torch.maximum(stayed, moved)
            layers.keep(cells, len(came))
    if torch.isnan(layers.kept).any():
        raise InputError("scores to align tokens by", "numbers", "nan")
    came = torch.stack(came).cpu()
    frames = [_traced(came[:, row], int(last), int(place), monotonic) if score > -math.inf else None for
              row, (last, place, score) in enumerate(zip(layers.last, target_lengths, layers.kept.tolist()))]
    return layers.kept, frames


def _check(blank: Tensor, emit: Tensor, lengths: Tensor, target_lengths: Tensor) -> None:
    if blank.dim() != 3 or 0 in blank.shape:
        raise InputError("scores of blanks", "[B, T, S + 1], nothing of it 0", str(tuple(blank.shape)))
    expected = (blank.shape[0], blank.shape[1], blank.shape[2] - 1)
    if emit.shape != expected:
        raise InputError("scores of tokens", f"the shape {expected}", str(tuple(emit.shape)))
    for item, values, low, high in (("lengths", lengths, 1, blank.shape[1]),
                                    ("lengths of targets", target_lengths, 0, emit.shape[2])):
        if not isinstance(values, Tensor) or values.is_floating_point() or values.shape != blank.shape[:1] or not (
                low <= int(values.min()) <= int(values.max()) <= high):
            raise InputError(f"{item} of transducer scores", f"{len(blank)} integers from {low} to {high}",
                             str(values))


def _next_place(cells: Tensor) -> Tensor:
    """``[B, S + 1]`` with each column one further right."""
    return torch.nn.functional.pad(cells[:, :-1], (1, 0), value=-math.inf)


def _traced(came: Tensor, layer: int, place: int, monotonic: bool) -> List[int]:
    """Frames of the tokens; came: ``[L, S + 1]`` was a cell of the next layer entered by a token?"""
    frames = []
    while layer:
        layer -= 1
        if came[layer, place]:
            place -= 1
            frames.append(layer if monotonic else layer - place)
    return frames[::-1]


class _Layers:
    """Scores by layers.

    Attributes:
      blank, emit: ``[L, B, S + 1]`` float64, -inf where there is no frame or no token.
      last: ``[B]`` the layer of the end.
      kept: ``[B]`` what `keep` found there.
    """

    def __init__(self, blank: Tensor, emit: Tensor, lengths: Tensor, target_lengths: Tensor, monotonic: bool):
        self.shape, self.monotonic = blank.shape, monotonic
        batch, num_frames, places = blank.shape
        device = blank.device
        self.target_lengths = target_lengths.to(device)
        lengths = lengths.to(device)
        self.last = lengths if monotonic else lengths + self.target_lengths
        frames = torch.arange(num_frames if monotonic else num_frames + places - 1, device=device)[:, None]
        if not monotonic:
            frames = frames - torch.arange(places, device=device)
        self._frames = frames.expand(-1, places)
        beyond = (self._frames < 0) | (self._frames >= lengths[:, None, None])  # [B, L, S + 1]
        left = self.target_lengths[:, None, None] - torch.arange(places, device=device)
        self.blank = self._by_layers(blank, beyond | (left < 0))
        self.emit = self._by_layers(torch.nn.functional.pad(emit, (0, 1)), beyond | (left < 1))
        self.kept = torch.full((batch,), -math.inf, dtype=torch.float64, device=device)

    def _by_layers(self, scores: Tensor, beyond: Tensor) -> Tensor:
        index = self._frames.clamp(0, self.shape[1] - 1).expand(self.shape[0], -1, -1)
        return scores.detach().gather(1, index).double().masked_fill(beyond, -math.inf).transpose(0, 1).contiguous()

    def by_frames(self, values: Tensor) -> Tensor:
        """``[L, B, S + 1]`` back to ``[B, T, S + 1]``."""
        frames = torch.arange(self.shape[1], device=values.device)[:, None].expand(-1, self.shape[2])
        if not self.monotonic:
            frames = frames + torch.arange(self.shape[2], device=values.device)
        return values.transpose(0, 1).gather(1, frames.expand(self.shape[0], -1, -1))

    def first(self) -> Tensor:
        """``[B, S + 1]`` of layer 0."""
        cells = torch.full((self.shape[0], self.shape[2]), -math.inf, dtype=torch.float64, device=self.blank.device)
        cells[:, 0] = 0.0
        return cells

    def keep(self, cells: Tensor, layer: int) -> None:
        """Notes the score of each end in this layer."""
        ends = cells.gather(1, self.target_lengths[:, None])[:, 0]
        self.kept = torch.where(self.last == layer, ends, self.kept)


class _Sum(torch.autograd.Function):
    """The derivative by an arc's log probability is the share of alignments that use it."""

    @staticmethod
    def forward(ctx, blank, emit, lengths, target_lengths, monotonic):
        layers = _Layers(blank, emit, lengths, target_lengths, monotonic)
        alphas = [layers.first()]
        for blanks, emits in zip(layers.blank, layers.emit):
            alphas.append(torch.logaddexp(alphas[-1] + blanks, _next_place(alphas[-1] + emits)))
            layers.keep(alphas[-1], len(alphas) - 1)
        ctx.layers, ctx.alphas, ctx.dtypes = layers, alphas, (blank.dtype, emit.dtype)
        return layers.kept.clone()

    @staticmethod
    def backward(ctx, grad):
        layers, alphas = ctx.layers, torch.stack(ctx.alphas[:-1])
        betas, ends = [], torch.nn.functional.one_hot(layers.target_lengths, layers.shape[2]).bool()
        beta = torch.full_like(alphas[0], -math.inf)
        for layer in reversed(range(len(layers.blank))):
            beta = beta.masked_fill(ends & (layers.last == layer + 1)[:, None], 0.0)
            betas.append(beta)
            after = torch.nn.functional.pad(beta[:, 1:], (0, 1), value=-math.inf)
            beta = torch.logaddexp(layers.blank[layer] + beta, layers.emit[layer] + after)
        betas = torch.stack(betas[::-1])
        after = torch.nn.functional.pad(betas[:, :, 1:], (0, 1), value=-math.inf)
        rest = alphas - layers.kept.masked_fill(layers.kept == -math.inf, 0.0)[:, None]
        shares = ((rest + layers.blank + betas).exp(), (rest + layers.emit + after).exp())
        by_blank, by_emit = (layers.by_frames(share) * grad[:, None, None] for share in shares)
        return by_blank.to(ctx.dtypes[0]), by_emit[:, :, :-1].to(ctx.dtypes[1]), None, None, None
