"""Perturbations of features while training reads them: tempo, microphone, noise.

They need no audio and make no copies: every epoch hears an utterance otherwise. As in hybrid/data/transforms.py what
becomes of an utterance depends on (seed, epoch, utterance_id) alone.
"""

import math
from dataclasses import dataclass, field
from typing import Callable, List, Mapping, Optional

import torch
from torch import Tensor

from graphs.options import check_between, check_share
from hybrid.data.mel_domain import MelDomain
from hybrid.data.transforms import SpecAugment, add_deltas, seed_of

SMOOTH_TERMS = 4  # cosines that a channel is the sum of: no narrower than a quarter of the mel axis


@dataclass(frozen=True)
class PerturbOptions:
    """What training does to features as it reads them, beside SpecAugment; all off by default."""

    tempo: float = field(default=0.0, metadata={
        "help": "largest relative change of the tempo, such as 0.1: frames and their targets are resampled in time"})
    channel: float = field(default=0.0, metadata={
        "help": "dB of a random smooth filter on each utterance (standard deviation), as of another microphone"})
    noise: float = field(default=0.0, metadata={
        "help": "standard deviation of noise on the features, relative to that of the utterance's frames"})

    def __post_init__(self):
        check_between(0, 0.5, self, "tempo")
        check_between(0, 40, self, "channel")
        check_share(self, "noise")


def augmentation(options, seed: int, features) -> List[Callable]:
    """The transforms that keep the number of frames, in the order to apply them.

    Args:
      options: PerturbOptions and SpecAugmentOptions in one, with `spec_augment` to switch the latter.
      features: the FeatureReader whose utterances will be read.
    """
    transforms: List[Callable] = []
    if options.channel > 0:
        transforms.append(ChannelOffset(options.channel, seed, MelDomain.of(features, options.cepstra_of)))
    if options.noise > 0:
        transforms.append(FeatureNoise(options.noise, seed))
    if options.spec_augment:  # last: what is blanked stays blank
        transforms.append(SpecAugment.for_features(options, seed, features))
    return transforms


class Tempo:
    """Resamples an utterance in time by a factor from 1 - largest to 1 + largest, the same for the same
    (seed, epoch, utterance_id). Above 1 is faster: fewer frames.

    The factor is the quotient of the two numbers of frames, T and T'. Frame i' of the result lies in the middle of
    its share of the utterance, at i = (i' + 1/2) T / T' - 1/2 frames of the original: features are interpolated
    there, targets are those of the nearest frame, so that both stay together to half a frame.
    """

    def __init__(self, largest: float, seed: int = 0, base_dim: Optional[int] = None, deltas: int = 0,
                 least_frames: Optional[Mapping[str, int]] = None):
        """
        Args:
          largest: relative change of the tempo, 0 to 0.5.
          base_dim, deltas: the first base_dim * (1 + deltas) columns are features and their derivatives, which are
            derived anew; without base_dim none are.
          least_frames: utterance_id -> frames that it must keep.
        """
        if not 0 <= largest <= 0.5:
            raise ValueError(f"largest: expected 0 to 0.5, found {largest}")
        self.largest, self.seed, self.base_dim, self.deltas = largest, seed, base_dim, deltas
        self.least_frames = least_frames or {}

    @classmethod
    def for_features(cls, options: PerturbOptions, seed: int, features,
                     least_frames: Optional[Mapping[str, int]] = None) -> Optional["Tempo"]:
        """features: the FeatureReader whose utterances will be read. None where the options change no tempo."""
        if options.tempo == 0:
            return None
        return cls(options.tempo, seed, features.base_dim, features.info["deltas"], least_frames)

    def num_frames(self, frames: int, epoch: int, utterance_id: str) -> int:
        """T' of an utterance of T = `frames` frames: at least 1, but 0 of 0."""
        share = seed_of(self.seed, "tempo", epoch, utterance_id) / 2**63
        wanted = round(frames / (1.0 + self.largest * (2.0 * share - 1.0)))
        return max(min(frames, self.least_frames.get(utterance_id, 0)), wanted)

    def positions(self, frames: int, epoch: int, utterance_id: str) -> Tensor:
        """``[T']`` float64: where each frame of the result lies in the original, 0 to T - 1."""
        count = self.num_frames(frames, epoch, utterance_id)
        steps = torch.arange(count, dtype=torch.float64)
        return ((steps + 0.5) * (frames / max(1, count)) - 0.5).clamp_(0, frames - 1)

    def sources(self, frames: int, epoch: int, utterance_id: str) -> Tensor:
        """``[T']`` int64: the original frame that is nearest to each frame of the result."""
        return (self.positions(frames, epoch, utterance_id) + 0.5).floor().long()

    def __call__(self, features: Tensor, epoch: int, utterance_id: str) -> Tensor:
        """``[T, F]`` in, ``[T', F]`` out."""
        places = self.positions(len(features), epoch, utterance_id)
        left = places.long()
        right = (left + 1).clamp_(max=len(features) - 1)
        resampled = torch.lerp(features[left], features[right], (places - left)[:, None].to(features.dtype))
        if self.base_dim is None:
            return resampled
        derived = add_deltas(resampled[:, :self.base_dim], self.deltas)
        return torch.cat([derived, resampled[:, derived.shape[1]:]], dim=1)


class ChannelOffset:
    """Adds a filter, random, smooth over the mel axis and the same for all frames of an utterance.

    In log energies a filter is an offset b(x) over the mel axis, x from 0 to 1:

        b(x) = sum_k a_k cos(pi k x), k = 0 .. SMOOTH_TERMS - 1, with independent normal a_k

    of which the constant one is loudness. Derivatives do not hear it.
    """

    def __init__(self, decibels: float, seed: int, domain: MelDomain):
        """decibels: standard deviation of b, averaged over the axis."""
        self.decibels, self.seed, self.domain = decibels, seed, domain
        axis = (torch.arange(domain.num_bins) + 0.5) / domain.num_bins
        terms = torch.cos(math.pi * torch.arange(SMOOTH_TERMS)[:, None] * axis)
        power = terms.square().sum(dim=0).mean()  # of b, if every a_k has variance 1
        self._terms = terms / power.sqrt() * decibels * math.log(10.0) / 10.0  # energies are natural logarithms

    def __call__(self, features: Tensor, epoch: int, utterance_id: str) -> Tensor:
        """``[T, F]`` in, a copy ``[T, F]`` with the offset out."""
        generator = torch.Generator().manual_seed(seed_of(self.seed, "channel", epoch, utterance_id))
        offset = self.domain.from_mel(torch.randn(SMOOTH_TERMS, generator=generator) @ self._terms)
        changed = features.clone()
        changed[:, :len(offset)] += offset
        return changed


class FeatureNoise:
    """Adds independent normal noise, in proportion to how much each feature varies over the utterance."""

    def __init__(self, share: float, seed: int):
        self.share, self.seed = share, seed

    def __call__(self, features: Tensor, epoch: int, utterance_id: str) -> Tensor:
        """``[T, F]`` in, a noisy copy ``[T, F]`` out."""
        generator = torch.Generator().manual_seed(seed_of(self.seed, "noise", epoch, utterance_id))
        noise = torch.randn(features.shape, generator=generator)
        return features + self.share * features.std(dim=0, unbiased=False) * noise
