"""Feed-forward networks over a window of frames: the DNN over spliced frames, the TDNN and the CNN-TDNN.

All are convolutions without padding over an utterance whose first and last frames are repeated on the
outside, as in
Kaldi: an output frame sees `left_context` frames before and `right_context` after it and nothing else.
"""

from typing import List, Sequence, Tuple

from torch import Tensor, nn
from torch.nn import functional

from hybrid.nn.padding import MaskedBatchNorm, extend_edges, frame_mask


class ChannelDropout(nn.Module):
    """Dropout with one mask for all frames of an utterance, as in Kaldi's TDNNs; cheaper than one a frame."""

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """x: ``[B, C, T]``."""
        if not self.training or self.p == 0:
            return x
        return x * functional.dropout(x.new_ones(x.shape[0], x.shape[1], 1), self.p)


class ConvolutionLayer(nn.Module):
    """Convolution over time, ReLU, batch normalization, dropout: Kaldi's relu-batchnorm-dropout-layer.

    With a bottleneck the convolution is a product of two of lower rank, as in Kaldi's tdnnf-layer, but
    without its orthonormal constraint.
    """

    def __init__(self, in_dim: int, out_dim: int, kernel: int, dilation: int, stride: int, bottleneck: int,
                 dropout: float, residual: bool):
        super().__init__()
        self.kernel, self.dilation, self.stride = kernel, dilation, stride
        if bottleneck:
            self.convolution = nn.Sequential(
                nn.Conv1d(in_dim, bottleneck, kernel, stride=stride, dilation=dilation, bias=False),
                nn.Conv1d(bottleneck, out_dim, 1))
        else:
            self.convolution = nn.Conv1d(in_dim, out_dim, kernel, stride=stride, dilation=dilation)
        self.normalization = MaskedBatchNorm(out_dim)
        self.dropout = ChannelDropout(dropout)
        self.residual = residual and in_dim == out_dim

    @property
    def context(self) -> int:
        """Frames of its input lost on each side."""
        return self.dilation * (self.kernel - 1) // 2

    def forward(self, x: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """x: ``[B, C, T]``; lengths: ``[B]`` its real frames. Returns both after the layer."""
        lengths = (lengths - 2 * self.context - 1) // self.stride + 1
        y = self.convolution(x).relu()
        y = self.dropout(self.normalization(y, frame_mask(lengths, y.shape[2])))
        if self.residual:
            skipped = x[:, :, self.context:x.shape[2] - self.context:self.stride]
            y = y + skipped
        return y, lengths


class FrequencyFrontEnd(nn.Module):
    """Two 3x3 convolutions over time and frequency, each halving the frequencies; sees 2 frames each side."""

    context = 2

    def __init__(self, num_filters: int):
        super().__init__()
        channels = (1, num_filters, num_filters)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 3, stride=(1, 2), padding=(0, 1)) for i in range(2))
        self.normalizations = nn.ModuleList(MaskedBatchNorm(num_filters) for _ in range(2))

    @staticmethod
    def out_dim(in_dim: int, num_filters: int) -> int:
        for _ in range(2):
            in_dim = (in_dim + 1) // 2
        return in_dim * num_filters

    def forward(self, x: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """x: ``[B, F, T]``. Returns ``[B, out_dim, T - 4]`` and lengths."""
        x = x.transpose(1, 2).unsqueeze(1)
        for convolution, normalization in zip(self.convolutions, self.normalizations):
            lengths = lengths - 2
            x = convolution(x).relu()
            x = normalization(x, frame_mask(lengths, x.shape[2]))
        return x.transpose(2, 3).flatten(1, 2), lengths


class ConvolutionNetwork(nn.Module):
    """A stack of convolution layers and a linear output.

    Attributes:
      subsampling_factor: input frames for each output frame; output frame t stands for the input frames
        ``t * factor .. (t + 1) * factor - 1`` and is centred in them.
      left_context, right_context: input frames that an output frame sees beyond its centre.
    """

    def __init__(self, in_dim: int, out_dim: int, hidden_dim: int, kernels: Sequence[int],
                 dilations: Sequence[int], strides: Sequence[int], bottleneck: int = 0, dropout: float = 0.0,
                 residual: bool = False, num_filters: int = 0):
        super().__init__()
        self.front_end = FrequencyFrontEnd(num_filters) if num_filters else None
        width = FrequencyFrontEnd.out_dim(in_dim, num_filters) if num_filters else in_dim
        layers: List[ConvolutionLayer] = []
        self.subsampling_factor, context = 1, FrequencyFrontEnd.context if num_filters else 0
        for kernel, dilation, stride in zip(kernels, dilations, strides):
            layers.append(ConvolutionLayer(width, hidden_dim, kernel, dilation, stride,
                                           bottleneck if layers else 0, dropout, residual))
            context += layers[-1].context * self.subsampling_factor
            self.subsampling_factor *= stride
            width = hidden_dim
        self.layers = nn.ModuleList(layers)
        self.output = nn.Conv1d(width, out_dim, 1)
        self.left_context = self.right_context = context

    def forward(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """
        Args:
          features: ``[B, T, F]`` float, padded with anything.
          lengths: ``[B]`` int64, at least 1.
        Returns:
          logits ``[B, T', C]`` with ``T' = ceil(T / subsampling_factor)``, and lengths likewise.
        """
        factor = self.subsampling_factor
        shift = (factor - 1) // 2
        # enough frames on the right for the last output frame even where T is no multiple of the factor
        extra = (features.shape[1] + factor - 1) // factor * factor - features.shape[1]
        right = self.right_context + extra - (factor - 1 - shift)
        x = extend_edges(features, lengths, self.left_context - shift, right).transpose(1, 2)
        out_lengths = (lengths + factor - 1) // factor
        extended = (out_lengths - 1) * factor + self.left_context + self.right_context + 1
        if self.front_end is not None:
            x, extended = self.front_end(x, extended)
        for layer in self.layers:
            x, extended = layer(x, extended)
        return self.output(x).transpose(1, 2), out_lengths
