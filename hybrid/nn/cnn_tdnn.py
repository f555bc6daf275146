"""A TDNN or TDNN-F over the outputs of convolutions over time and frequency, as in Kaldi's CNN-TDNN recipes."""

from dataclasses import dataclass, field

from torch import nn

from graphs.options import check_at_least
from hybrid.nn.convolution import ConvolutionNetwork
from hybrid.nn.frequency import FilterOptions
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tdnnf import check_continuous_dropout, factored_layers

BYPASS = 0.66


@dataclass(frozen=True)
class CnnTdnnOptions(TdnnOptions, FilterOptions):
    bottleneck: int = field(default=0, metadata={
        "help": "rank of the layers after the first one, which are then those of a TDNN-F; 0: of a TDNN"})

    def __post_init__(self):
        for part in (TdnnOptions, FilterOptions):
            part.__post_init__(self)
        check_at_least(0, self, "bottleneck")
        if self.bottleneck:
            check_continuous_dropout(self)

    def build(self, in_dim: int, out_dim: int, subsampling: int = 1) -> nn.Module:
        front_end = self.front_end(in_dim)
        layers = self.layers(front_end.out_dim, subsampling)
        if self.bottleneck:
            layers[1:] = factored_layers(self.hidden_dim, self.bottleneck, self.dilations[1:], self.dropout,
                                         BYPASS * self.residual)
        return ConvolutionNetwork(layers, out_dim, front_end)
