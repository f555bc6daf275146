"""The time-delay network (Waibel et al., 1989; Peddinti et al., Interspeech 2015)."""

from dataclasses import dataclass, field
from typing import List, Tuple

from torch import nn

from graphs.options import check_at_least, check_share
from hybrid.nn.convolution import ConvolutionLayer, ConvolutionNetwork, convolution_layers


@dataclass(frozen=True)
class TdnnOptions:
    """thins: can it compute some of the output frames at a part of the cost (hybrid/nn/convolution.py)?"""

    thins = True
    hidden_dim: int = field(default=256, metadata={"help": "units of a hidden layer"})
    dilations: Tuple[int, ...] = field(default=(1, 1, 2, 3, 3, 3), metadata={
        "help": "for each layer, the step between its three input frames; 0: the layer sees one frame"})
    dropout: float = field(default=0.1, metadata={"help": "share of units dropped after each layer"})
    residual: bool = field(default=True, metadata={"help": "add a layer's input to its output"})

    def __post_init__(self):
        check_at_least(1, self, "hidden_dim")
        check_share(self, "dropout")
        if not self.dilations or min(self.dilations) < 0:
            raise ValueError(f"dilations: expected numbers from 0 up, found {self.dilations}")

    def build(self, in_dim: int, out_dim: int, subsampling: int = 1) -> nn.Module:
        return ConvolutionNetwork(self.layers(in_dim, subsampling), out_dim)

    def layers(self, in_dim: int, subsampling: int) -> List[ConvolutionLayer]:
        kernels = [3 if dilation else 1 for dilation in self.dilations]
        return convolution_layers(in_dim, self.hidden_dim, kernels, [max(dilation, 1) for dilation in self.dilations],
                                  subsampling, self.dropout, self.residual)
