"""The DNN over spliced frames (Hinton et al., 2012), written as a convolution: the first layer sees the window."""

from dataclasses import dataclass, field

from torch import nn

from graphs.options import check_at_least, check_share
from hybrid.nn.convolution import ConvolutionNetwork, convolution_layers


@dataclass(frozen=True)
class DnnOptions:
    """thins: can it compute some of the output frames at a part of the cost (hybrid/nn/convolution.py)?"""

    thins = True
    hidden_dim: int = field(default=256, metadata={"help": "units of a hidden layer"})
    num_layers: int = field(default=6, metadata={"help": "hidden layers"})
    splice: int = field(default=7, metadata={"help": "frames on each side of the current one"})
    dropout: float = field(default=0.1, metadata={"help": "share of units dropped after each layer"})
    residual: bool = field(default=True, metadata={"help": "add a layer's input to its output"})

    def __post_init__(self):
        check_at_least(1, self, "hidden_dim", "num_layers")
        check_at_least(0, self, "splice")
        check_share(self, "dropout")

    def build(self, in_dim: int, out_dim: int, subsampling: int = 1) -> nn.Module:
        kernels = [2 * self.splice + 1] + [1] * (self.num_layers - 1)
        return ConvolutionNetwork(convolution_layers(
            in_dim, self.hidden_dim, kernels, [1] * self.num_layers, subsampling, self.dropout, self.residual), out_dim)
