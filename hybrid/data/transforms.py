"""Feature transforms on one utterance: deltas, splicing, SpecAugment.

All take and give ``[T, F]`` float tensors of a single utterance, so that no padding is ever seen.
"""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Optional, Tuple

import torch
from torch import Tensor

from graphs.options import check_at_least, check_between
from hybrid.data.mel_domain import MelDomain


def _context_frames(num_frames: int, left: int, right: int) -> Tensor:
    """``[T, left + 1 + right]`` frame numbers around each frame, clamped to the utterance."""
    offsets = torch.arange(-left, right + 1)
    return (torch.arange(num_frames)[:, None] + offsets).clamp_(0, num_frames - 1)


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
    """SpecAugment (Park et al., Interspeech 2019) without time warping.

    The defaults blank far less than the paper does, whose networks are trained for much longer: with two spans
    of up to 40 frames, two bands of up to a fifth and batches of 40 s, synth's acoustic model came to a dev
    loss of 1.00 in six epochs; without blanks and with batches of 20 s to 0.81.
    """

    time_masks: int = field(default=1, metadata={"help": "spans of frames to blank"})
    max_time_frames: int = field(default=10, metadata={"help": "longest such span, frames"})
    max_time_share: float = field(default=0.2, metadata={"help": "longest such span, share of the frames"})
    frequency_masks: int = field(default=1, metadata={"help": "bands of features to blank"})
    max_frequency_share: float = field(default=0.15, metadata={"help": "widest such band, share of the bins"})
    warp: float = field(default=0.0, metadata={
        "help": "largest relative change of the frequency axis (vocal tract length), such as 0.1"})
    cepstra_of: int = field(default=0, metadata={
        "help": "the features are cepstra of so many mel filters: bands and warps are made on those"})

    def __post_init__(self):
        check_between(0, 0.5, self, "warp")
        check_at_least(0, self, "cepstra_of", "time_masks", "max_time_frames", "frequency_masks")
        check_between(0, 1, self, "max_time_share", "max_frequency_share")


def seed_of(*parts) -> int:
    """A 63-bit seed from any printable parts: the same in every process and on every machine."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class SpecAugment:
    """Blanks spans of time and bands of frequency and warps the frequency axis, the same for the same
    (seed, epoch, utterance_id).

    What is blanked becomes the utterance's mean of that feature.
    """

    def __init__(self, options: SpecAugmentOptions, seed: int = 0, num_blocks: int = 1,
                 domain: Optional[MelDomain] = None):
        """
        Args:
          num_blocks: 1 + order of the deltas; every block is treated alike.
          domain: where bands and warps are made; None where the features are mel energies.
        """
        self.options, self.seed, self.num_blocks, self.domain = options, seed, num_blocks, domain

    @classmethod
    def for_features(cls, options: SpecAugmentOptions, seed: int, features) -> "SpecAugment":
        """features: the FeatureReader whose utterances will be augmented."""
        domain = None
        if options.warp > 0 or options.cepstra_of:
            domain = MelDomain.of(features, options.cepstra_of)
        return cls(options, seed, features.dim // features.base_dim, domain)

    def __call__(self, features: Tensor, epoch: int, utterance_id: str) -> Tensor:
        """``[T, F]`` in, an augmented copy ``[T, F]`` out."""
        options = self.options
        num_frames, dim = features.shape
        generator = torch.Generator().manual_seed(seed_of(self.seed, epoch, utterance_id))

        def spans(count: int, longest: int, size: int):
            for _ in range(count):
                length = int(torch.randint(0, longest + 1, (1,), generator=generator))
                start = int(torch.randint(0, size - length + 1, (1,), generator=generator))
                yield start, start + length

        blank = torch.zeros(num_frames, self.num_blocks, dim // self.num_blocks, dtype=torch.bool)
        longest = min(options.max_time_frames, int(options.max_time_share * num_frames))
        for start, end in spans(options.time_masks, longest, num_frames):
            blank[start:end] = True
        mean = features.mean(dim=0)
        if self.domain is None:
            width = blank.shape[2]
            for start, end in spans(options.frequency_masks, int(options.max_frequency_share * width), width):
                blank[:, :, start:end] = True
            return torch.where(blank.view(num_frames, dim), mean, features)
        bands = self.domain.to_mel((features - mean).view(blank.shape).masked_fill(blank, 0.0))
        bands = self.domain.warp(bands, 1.0 + options.warp * (2 * float(torch.rand(1, generator=generator)) - 1))
        width = self.domain.num_bins
        for start, end in spans(options.frequency_masks, int(options.max_frequency_share * width), width):
            bands[:, :, start:end] = 0.0
        return self.domain.from_mel(bands).reshape(num_frames, dim) + mean
