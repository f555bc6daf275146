"""Between features and log mel energies, where frequency has neighbours: cepstra are a cosine transform of them.

A band of cepstra is no band of frequency, so masks and warps of the frequency axis are made on the mel
energies that the cepstra stand for. Both ways are linear; what cepstra leave out stays out.
"""

import math
from typing import Optional

import torch
from torch import Tensor

LIFTER = 22.0  # of the mfcc of Kaldi and kaldifeat


class MelDomain:
    """
    Attributes:
      num_bins: mel filters.
    """

    def __init__(self, dim: int, cepstra_of: int = 0, lifter: float = 0.0, std: Optional[Tensor] = None,
                 sampling_rate: float = 16000):
        """
        Args:
          dim: features a frame, without deltas.
          cepstra_of: mel filters that the features are cepstra of; 0 if they are mel energies themselves.
          lifter: of the cepstra (Kaldi: 22; Sphinx: 0); with one they are Kaldi's, with an orthonormal transform, else
            Sphinx', means over the filters.
          std: ``[dim]`` what the variance normalization divided by; None without one.
          sampling_rate: Hz, of the audio.
        """
        self.num_bins = cepstra_of or dim
        transform = torch.eye(dim)
        if cepstra_of:
            quefrency = torch.arange(dim, dtype=torch.float32)
            transform = torch.cos(math.pi / cepstra_of * quefrency[:, None] * (torch.arange(cepstra_of) + 0.5))
            if lifter:
                transform *= math.sqrt(2.0 / cepstra_of)
                transform[0] *= math.sqrt(0.5)
                transform *= 1 + lifter / 2 * torch.sin(math.pi * quefrency / lifter)[:, None]
            else:
                transform /= cepstra_of
        scale = torch.ones(dim) if std is None else std
        self._from_mel = (transform / scale[:, None]).T.contiguous()  # [num_bins, dim]
        self._to_mel = torch.linalg.pinv(self._from_mel)
        lowest, highest = _mel(100.0), _mel(0.43 * sampling_rate)  # about where the filters of Kaldi and Sphinx are
        self._mels = torch.linspace(lowest, highest, self.num_bins)
        self._step = (highest - lowest) / max(1, self.num_bins - 1)

    @classmethod
    def of(cls, features, cepstra_of: int = 0) -> "MelDomain":
        """The domain of a FeatureReader's features, before their deltas."""
        lifter = LIFTER if features.info["kind"] == "mfcc" else 0.0
        return cls(features.base_dim, cepstra_of, lifter, features.typical_std(), features.sampling_rate)

    def to_mel(self, features: Tensor) -> Tensor:
        """``[..., dim]`` to ``[..., num_bins]``."""
        return features @ self._to_mel

    def from_mel(self, energies: Tensor) -> Tensor:
        """``[..., num_bins]`` to ``[..., dim]``."""
        return energies @ self._from_mel

    def warp(self, energies: Tensor, factor: float) -> Tensor:
        """The energies with frequency f taken from f * factor (vocal tract length perturbation, Jaitly and
        Hinton, 2013), by linear interpolation; the edges are repeated."""
        hertz = 700.0 * (torch.exp(self._mels / 1127.0) - 1.0) * factor
        place = ((1127.0 * torch.log1p(hertz / 700.0) - self._mels[0]) / self._step).clamp(0, self.num_bins - 1)
        left = place.floor().long()
        right = (left + 1).clamp(max=self.num_bins - 1)
        share = place - left
        return energies[..., left] * (1 - share) + energies[..., right] * share


def _mel(hertz: float) -> float:
    return 1127.0 * math.log1p(hertz / 700.0)
