"""The pruned transducer loss of k2 (Kuang et al., "Pruned RNN-T for fast, memory-efficient ASR training", 2022).

A simple joiner, the sum of a score by the frame and one by the tokens before, needs no ``[B, T, S + 1, V]``. Its loss
tells which few numbers of tokens are likely on each frame, and the real joiner is asked about those alone.
"""

from typing import Callable, Tuple

import k2
import torch
from torch import Tensor
from torch.nn import functional

from graphs.ids import BLANK


def pruned_losses(frames: Tensor, places: Tensor, join: Callable[[Tensor, Tensor], Tensor], encoded: Tensor,
                  predicted: Tensor, tokens: Tensor, lengths: Tensor, target_lengths: Tensor, prune_range: int,
                  smoothing: Tuple[float, float] = (0.0, 0.0), monotonic: bool = False) -> Tuple[Tensor, Tensor]:
    """
    Args:
      frames: ``[B, T, V]`` scores of the simple joiner by frame; places: ``[B, S + 1, V]`` by tokens before.
      join: ``[N, dim]`` of frames and of places -> ``[N, V]`` logits.
      encoded, predicted: ``[B, T, dim]`` and ``[B, S + 1, dim]``, what `join` takes.
      tokens: ``[B, S]`` int64, padded with anything below V.
      lengths: ``[B]`` int64, from 1 up; target_lengths: ``[B]`` int64.
      prune_range: numbers of tokens that are looked at on a frame, at least 2.
      smoothing: shares in the simple loss of the scores by places alone and by frames alone.
    Returns: ``[B]`` float32 each: the simple and the pruned loss, minus a log probability.
    """
    frames, encoded, tokens = (_long_enough(values, tokens.shape[1]) for values in (frames, encoded, tokens))
    places, predicted = (functional.pad(values, (0, 0, 0, tokens.shape[1] + 1 - values.shape[1]))
                         for values in (places, predicted))
    zero = torch.zeros_like(lengths)
    common = {"symbols": tokens, "termination_symbol": BLANK, "reduction": "none",
              "boundary": torch.stack([zero, zero, target_lengths, lengths], dim=1),
              "rnnt_type": "modified" if monotonic else "regular"}
    simple, gradients = k2.rnnt_loss_smoothed(lm=places.float(), am=frames.float(), lm_only_scale=smoothing[0],
                                              am_only_scale=smoothing[1], return_grad=True, **common)
    ranges = k2.get_rnnt_prune_ranges(*gradients, common["boundary"], prune_range)
    batch, num_frames, kept = ranges.shape
    first = torch.arange(batch, device=ranges.device)[:, None, None] * predicted.shape[1]
    near = functional.embedding(ranges + first, predicted.flatten(0, 1))  # k2's own spreads a gradient over all places
    logits = join(encoded[:, :, None], near).float()
    return simple, k2.rnnt_loss_pruned(logits=logits, ranges=ranges, **common)


def _long_enough(values: Tensor, least: int) -> Tensor:
    """Padded to what k2 asks for: a token at least, and as many frames as tokens."""
    missing = max(0, max(1, least) - values.shape[1])
    return functional.pad(values, (0, 0) * (values.dim() - 2) + (0, missing)) if missing else values
