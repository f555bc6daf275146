"""Networks over time and frequency want maps, where frequency has neighbours: log mel energies.

Cepstra are turned back into the mel energies that they stand for by a fixed linear map (hybrid/data/mel_domain.py);
the blocks of deltas become channels.
"""

from dataclasses import dataclass, field
from typing import Sequence, Tuple

import torch
from torch import Tensor, nn

from graphs.errors import InputError
from graphs.options import check_at_least
from hybrid.data.mel_domain import MelDomain
from hybrid.nn.padding import MaskedBatchNorm, frame_mask


@dataclass(frozen=True)
class MapOptions:
    """What the features are."""

    cepstra_of: int = field(default=0, metadata={
        "help": "the features are cepstra of so many mel filters, which convolutions and masks then see; 0: they are "
                "mel energies"})
    delta_blocks: int = field(default=1, metadata={"help": "1 + order of the deltas in the features"})

    def __post_init__(self):
        check_at_least(0, self, "cepstra_of")
        check_at_least(1, self, "delta_blocks")

    def maps(self, in_dim: int) -> "MelMaps":
        return MelMaps(in_dim, self.cepstra_of, self.delta_blocks)


@dataclass(frozen=True)
class FilterOptions(MapOptions):
    """And convolutions over them."""

    filters: Tuple[int, ...] = field(default=(16, 16), metadata={
        "help": "filters of each 3x3 convolution over time and frequency"})
    halve: Tuple[int, ...] = field(default=(1, 1), metadata={
        "help": "for each of them, 1 where it halves the number of frequencies, 0 where not"})

    def __post_init__(self):
        super().__post_init__()
        if not self.filters or min(self.filters) < 1:
            raise ValueError(f"filters: expected numbers from 1 up, found {self.filters}")
        if len(self.halve) != len(self.filters) or not set(self.halve) <= {0, 1}:
            raise ValueError(f"halve: expected 0 or 1 for each of {len(self.filters)} filters, found {self.halve}")

    def front_end(self, in_dim: int) -> "FrequencyFrontEnd":
        return FrequencyFrontEnd(self.maps(in_dim), self.filters, [2 if halve else 1 for halve in self.halve])


class MelMaps(nn.Module):
    """Features as maps of time and frequency, each frequency of each channel normalized.

    Attributes:
      channels: 1 + order of the deltas.
      num_bins: frequencies.
    """

    def __init__(self, in_dim: int, cepstra_of: int = 0, channels: int = 1):
        """
        Args:
          in_dim: features a frame, deltas counted.
          cepstra_of: mel filters that they are cepstra of; 0 if they are mel energies themselves.
        Raises: InputError when the features do not come in so many channels.
        """
        super().__init__()
        if in_dim % channels:
            raise InputError("delta_blocks", f"a divisor of the {in_dim} features", str(channels))
        self.channels, self.cepstra_of = channels, cepstra_of
        self.base_dim = in_dim // channels
        self.num_bins = cepstra_of or self.base_dim
        if cepstra_of:
            domain = MelDomain(self.base_dim, cepstra_of)
            self.register_buffer("to_mel", domain.to_mel(torch.eye(self.base_dim)))
        self.normalization = MaskedBatchNorm(channels * self.num_bins)

    def fit(self, features) -> None:
        """Takes in how the features were made, before a training; the weights keep it.

        Args:
          features: hybrid.data.features.FeatureReader.
        Raises: InputError when there are not so many blocks of deltas.
        """
        if features.dim != self.channels * features.base_dim:
            raise InputError("delta_blocks", f"{features.dim // features.base_dim}, as in the features",
                             str(self.channels))
        if features.base_dim != self.base_dim:
            raise InputError("delta_blocks", f"{features.base_dim} features in each, and nothing appended",
                             str(self.base_dim))
        if self.cepstra_of:
            domain = MelDomain.of(features, self.cepstra_of)
            self.to_mel.copy_(domain.to_mel(torch.eye(self.base_dim)))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x: ``[B, T, in_dim]``, lengths: ``[B]``. Returns ``[B, channels, T, num_bins]``."""
        x = x.unflatten(2, (self.channels, self.base_dim))
        if self.cepstra_of:
            with torch.autocast(x.device.type, enabled=False):  # large terms of both signs: too much for bfloat16
                x = torch.matmul(x, self.to_mel)
        x = self.normalization(x.flatten(2).transpose(1, 2), frame_mask(lengths, x.shape[1]))
        return x.unflatten(1, (self.channels, self.num_bins)).transpose(2, 3)


def fit_to_features(model: nn.Module, features) -> None:
    """Lets the parts of a network that need it know how the features were made, before its training."""
    for module in model.modules():
        if isinstance(module, MelMaps):
            module.fit(features)


class FrequencyFrontEnd(nn.Module):
    """3x3 convolutions over time and frequency, without padding in time, each with ReLU and batch normalization.

    Attributes:
      out_dim: channels of its output.
      context: frames lost on each side.
    """

    def __init__(self, maps: MelMaps, filters: Sequence[int], strides: Sequence[int]):
        """filters: of each convolution; strides: over frequency."""
        super().__init__()
        self.maps, bins = maps, maps.num_bins
        channels = [maps.channels, *filters]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 3, stride=(1, stride), padding=(0, 1))
            for i, stride in enumerate(strides))
        self.normalizations = nn.ModuleList(MaskedBatchNorm(number) for number in filters)
        for stride in strides:
            bins = (bins - 1) // stride + 1
        self.out_dim, self.context = bins * channels[-1], len(filters)

    def forward(self, x: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """x: ``[B, F, T]``. Returns ``[B, out_dim, T - 2 * context]`` and lengths."""
        x = self.maps(x.transpose(1, 2), lengths)
        for convolution, normalization in zip(self.convolutions, self.normalizations):
            lengths = lengths - 2
            x = convolution(x).relu()
            x = normalization(x, frame_mask(lengths, x.shape[2]))
        return x.transpose(2, 3).flatten(1, 2), lengths
