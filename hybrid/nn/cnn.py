"""The CNN over time and frequency, with fully connected layers above (Abdel-Hamid et al., 2014)."""

from dataclasses import dataclass, field
from typing import Tuple

from torch import nn

from graphs.options import check_at_least, check_share
from hybrid.nn.convolution import ConvolutionNetwork, convolution_layers
from hybrid.nn.frequency import FilterOptions


@dataclass(frozen=True)
class CnnOptions(FilterOptions):
    """thins: can it compute some of the output frames at a part of the cost (hybrid/nn/convolution.py)?"""

    thins = True
    filters: Tuple[int, ...] = field(default=(16, 16, 32, 32), metadata={
        "help": "filters of each 3x3 convolution over time and frequency"})
    halve: Tuple[int, ...] = field(default=(1, 1, 0, 1), metadata={
        "help": "for each of them, 1 where it halves the number of frequencies, 0 where not"})
    splice: int = field(default=3, metadata={
        "help": "outputs of the convolutions on each side that the lowest fully connected layer sees"})
    hidden_dim: int = field(default=256, metadata={"help": "units of a fully connected layer"})
    num_layers: int = field(default=3, metadata={"help": "fully connected layers"})
    dropout: float = field(default=0.1, metadata={"help": "share of units dropped after each of them"})
    residual: bool = field(default=True, metadata={"help": "add a layer's input to its output"})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(0, self, "splice")
        check_at_least(1, self, "hidden_dim", "num_layers")
        check_share(self, "dropout")

    def build(self, in_dim: int, out_dim: int, subsampling: int = 1) -> nn.Module:
        front_end = self.front_end(in_dim)
        layers = convolution_layers(front_end.out_dim, self.hidden_dim,
                                    [2 * self.splice + 1] + [1] * (self.num_layers - 1), [1] * self.num_layers,
                                    subsampling, self.dropout, self.residual)
        return ConvolutionNetwork(layers, out_dim, front_end)
