"""The factored time-delay network, TDNN-F (Povey et al., "Semi-orthogonal low-rank matrix factorization for deep
neural networks", Interspeech 2018), as Kaldi's nnet3 has it.

A layer is a linear map to a bottleneck, without bias, over two frames, and an affine map from two frames of that:
Kaldi's tdnnf-layer. The linear map M is kept near a semi-orthogonal one, M M^T = alpha^2 I with alpha free to float, so
that the two factors do not drift apart.
"""

import math
from dataclasses import dataclass, field
from typing import List, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphs.options import check_at_least, check_between
from hybrid.nn.convolution import ChannelDropout, ConvolutionLayer, ConvolutionNetwork, convolution_layers

CONSTRAIN_EVERY = 4  # steps; nnet3 does it in one of four at random


@dataclass(frozen=True)
class TdnnfOptions:
    """thins: can it compute some of the output frames at a part of the cost (hybrid/nn/convolution.py)?"""

    thins = True
    hidden_dim: int = field(default=512, metadata={"help": "units of a hidden layer"})
    bottleneck: int = field(default=96, metadata={"help": "rank of the factored layers"})
    dilations: Tuple[int, ...] = field(default=(1, 1, 1, 0, 3, 3, 3, 3, 3), metadata={
        "help": "for each layer, the step to the frames it sees on each side; 0: the layer sees one frame. The first "
                "layer is not factored"})
    dropout: float = field(default=0.1, metadata={
        "help": "p: a channel is multiplied in an utterance by a number from 1 - 2p to 1 + 2p"})
    bypass: float = field(default=0.66, metadata={"help": "share of a layer's input that is added to its output"})

    def __post_init__(self):
        check_at_least(1, self, "hidden_dim", "bottleneck")
        check_continuous_dropout(self)
        check_between(0, 1, self, "bypass")
        if not self.dilations or min(self.dilations) < 0:
            raise ValueError(f"dilations: expected numbers from 0 up, found {self.dilations}")

    def build(self, in_dim: int, out_dim: int, subsampling: int = 1) -> nn.Module:
        first, *others = self.dilations
        layers = convolution_layers(in_dim, self.hidden_dim, [3 if first else 1], [max(first, 1)], subsampling, 0.0,
                                    residual=False)
        layers[0].dropout = ChannelDropout(self.dropout, continuous=True)
        layers += factored_layers(self.hidden_dim, self.bottleneck, others, self.dropout, self.bypass)
        return ConvolutionNetwork(layers, out_dim)


def check_continuous_dropout(options) -> None:
    """Raises ValueError for a dropout that would turn signs."""
    if not 0 <= options.dropout <= 0.5:
        raise ValueError(f"dropout: expected 0 to 0.5 for factored layers, found {options.dropout}")


def factored_layers(dim: int, bottleneck: int, dilations, dropout: float, bypass: float) -> List["FactoredLayer"]:
    return [FactoredLayer(dim, dim, bottleneck, dilation, dropout, bypass) for dilation in dilations]


class FactoredLayer(ConvolutionLayer):
    """Kaldi's tdnnf-layer: linear to the bottleneck, affine, ReLU, batch normalization, dropout, bypass.

    With dilation d the linear map sees the frames t - d and t, the affine one t and t + d of its output; with 0 both
    see one frame.
    """

    def __init__(self, in_dim: int, out_dim: int, bottleneck: int, dilation: int, dropout: float = 0.0,
                 bypass: float = 0.66):
        super().__init__(in_dim, out_dim, 3 if dilation else 1, max(dilation, 1), residual=True)
        width = 2 if dilation else 1
        self.linear = nn.Conv1d(in_dim, bottleneck, width, bias=False)
        self.convolution = nn.Conv1d(bottleneck, out_dim, width)
        self.dropout = ChannelDropout(dropout, continuous=True)
        self.bypass = bypass * self.bypass

    def convolve(self, x: Tensor, stride: int, dilation: int) -> Tensor:
        x = functional.conv1d(x, self.linear.weight, None, 1, 0, dilation)
        return functional.conv1d(x, self.convolution.weight, self.convolution.bias, stride, 0, dilation)

    def after_step(self, step: int) -> None:
        """step: number of the update that was just made, from 0."""
        if step % CONSTRAIN_EVERY == 0:
            with torch.no_grad():
                self.linear.weight.copy_(nearer_semi_orthogonal(self.linear.weight.flatten(1)).view_as(
                    self.linear.weight))


def nearer_semi_orthogonal(matrix: Tensor) -> Tensor:
    """A step towards M M^T = alpha^2 I, nnet3's ConstrainOrthonormal with a floating scale (nnet3/nnet-utils.cc).

    With P = M M^T it is M - 4 nu / alpha^2 (P - alpha^2 I) M, which goes down the gradient of |P - alpha^2 I|^2. Of all
    alpha the one with alpha^2 = tr(P P) / tr(P) makes the step orthogonal to M, so that it does not change M's size to
    the first order. nu = 1/8 converges quadratically near the solution; further away smaller steps are safer.

    Args:
      matrix: ``[rows, columns]`` float, not zero; with more rows than columns its transpose is looked at.
    """
    if len(matrix) > matrix.shape[1]:
        return nearer_semi_orthogonal(matrix.T).T
    product = matrix @ matrix.T
    trace, trace_of_square = product.trace(), product.square().sum()
    spread = float(trace_of_square * len(matrix) / trace.square())  # 1 when all singular values are equal
    if not math.isfinite(spread):
        return matrix
    speed = 0.125 if spread <= 1.02 else 0.0625 if spread <= 1.1 else 0.03125
    squared_scale = trace_of_square / trace
    product.diagonal().sub_(squared_scale)
    return matrix - (4 * speed / squared_scale) * (product @ matrix)
