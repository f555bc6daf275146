"""Feature transforms on one utterance: deltas, splicing, SpecAugment.

All take and give ``[T, F]`` float tensors of a single utterance, so that no padding is ever seen.
"""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Tuple

import torch
from torch import Tensor


def _context_frames(num_frames: int, left: int, right: int) -> Tensor:
    """``[T, left + 1 + right]`` frame numbers around each frame, clamped to the utterance."""
    offsets = torch.arange(-left, right + 1)
    return (torch.arange(num_frames)[:, None] + offsets).clamp_(0, max(num_frames - 1, 0))


@lru_cache(maxsize=None)
def delta_windows(order: int, window: int = 2) -> Tuple[Tuple[float, ...], ...]:
    """Filters of the deltas of order 0 to `order`.

    The filter of order i convolves that of order i - 1 with ``j / sum(j^2)``, j = -window .. window
    (Kaldi `feat/feature-functions.cc`, DeltaFeatures).
    """
    ramp = torch.arange(-window, window + 1, dtype=torch.float64)
    ramp = ramp / ramp.square().sum()
    scales = [torch.ones(1, dtype=torch.float64)]
    for _ in range(order):
        last = scales[-1]
        longer = torch.zeros(len(last) + 2 * window, dtype=torch.float64)
        for j, weight in enumerate(ramp):
            longer[j:j + len(last)] += weight * last
        scales.append(longer)
    return tuple(tuple(scale.tolist()) for scale in scales)


def add_deltas(features: Tensor, order: int = 2, window: int = 2) -> Tensor:
    """Appends time derivatives; the first and last frame are repeated at the edges, as in Kaldi.

    Args:
      features: ``[T, F]`` float.
      order: 0 gives the features back, 1 appends deltas, 2 also delta-deltas.
      window: frames to each side in one derivative.
    Returns:
      ``[T, F * (order + 1)]``: first the features, then the deltas of each order.
    """
    if order == 0 or len(features) == 0:
        return features.repeat(1, order + 1)
    blocks = []
    for scale in delta_windows(order, window):
        reach = len(scale) // 2
        around = features[_context_frames(len(features), reach, reach)]  # [T, 2 reach + 1, F]
        blocks.append(torch.einsum("tcf,c->tf", around, torch.tensor(scale, dtype=features.dtype)))
    return torch.cat(blocks, dim=1)


def splice(features: Tensor, left: int, right: int) -> Tensor:
    """Each frame with its neighbours, edges repeated (Kaldi `splice-feats`).

    Args:
      features: ``[T, F]``.
      left, right: frames of context.
    Returns:
      ``[T, F * (left + 1 + right)]``, the earliest frame first.
    """
    return features[_context_frames(len(features), left, right)].flatten(1)


@dataclass(frozen=True)
class SpecAugmentOptions:
    """SpecAugment (Park et al., Interspeech 2019) without time warping."""

    time_masks: int = field(default=2, metadata={"help": "spans of frames to blank"})
    max_time_frames: int = field(default=40, metadata={"help": "longest such span, frames"})
    max_time_share: float = field(default=0.2, metadata={"help": "longest such span, share of the frames"})
    frequency_masks: int = field(default=2, metadata={"help": "bands of features to blank"})
    max_frequency_share: float = field(default=0.2, metadata={"help": "widest such band, share of the bins"})

    def __post_init__(self):
        if min(self.time_masks, self.max_time_frames, self.frequency_masks) < 0:
            raise ValueError("time_masks, max_time_frames, frequency_masks: at least 0")
        if not (0 <= self.max_time_share <= 1 and 0 <= self.max_frequency_share <= 1):
            raise ValueError("max_time_share, max_frequency_share: 0 to 1")


def seed_of(*parts) -> int:
    """A 63-bit seed from any printable parts: the same in every process and on every machine."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class SpecAugment:
    """Blanks spans of time and bands of frequency, the same for the same (seed, epoch, utterance_id).

    What is blanked becomes the utterance's mean of that feature.
    """

    def __init__(self, options: SpecAugmentOptions, seed: int = 0, num_blocks: int = 1):
        """num_blocks: 1 + order of the deltas; a band is blanked in every block alike."""
        self.options, self.seed, self.num_blocks = options, seed, num_blocks

    def __call__(self, features: Tensor, epoch: int, utterance_id: str) -> Tensor:
        """``[T, F]`` in, a blanked copy ``[T, F]`` out."""
        options = self.options
        num_frames, dim = features.shape
        generator = torch.Generator().manual_seed(seed_of(self.seed, epoch, utterance_id))

        def spans(count: int, longest: int, size: int):
            for _ in range(count if longest > 0 else 0):
                length = int(torch.randint(0, min(longest, size) + 1, (1,), generator=generator))
                start = int(torch.randint(0, size - length + 1, (1,), generator=generator))
                yield start, start + length

        bins = dim // self.num_blocks
        blank = torch.zeros(num_frames, self.num_blocks, bins, dtype=torch.bool)
        longest = min(options.max_time_frames, int(options.max_time_share * num_frames))
        for start, end in spans(options.time_masks, longest, num_frames):
            blank[start:end] = True
        for start, end in spans(options.frequency_masks, int(options.max_frequency_share * bins), bins):
            blank[:, :, start:end] = True
        return torch.where(blank.view(num_frames, dim), features.mean(dim=0), features)
