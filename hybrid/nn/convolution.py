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

    def forward(self, x: Tensor, lengths: Tensor, stride: int = 1, thinned: int = 1) -> Tuple[Tensor, Tensor]:
        """
        Args:
          x: ``[B, C, T]``; lengths: ``[B]`` its real frames.
          stride: on top of the layer's own.
          thinned: x holds only every so many-th frame; the dilation must be a multiple of it.
        Returns: both after the layer.
        """
        context, stride = self.context // thinned, self.stride * stride
        lengths = ((lengths - 2 * context - 1) // stride + 1).clamp(min=0)
        y = self._convolve(x, stride, max(1, self.dilation // thinned)).relu()
        y = self.dropout(self.normalization(y, frame_mask(lengths, y.shape[2])))
        if self.residual:
            y = y + x[:, :, context:x.shape[2] - context:stride]
        return y, lengths

    def _convolve(self, x: Tensor, stride: int, dilation: int) -> Tensor:
        wide = self.convolution[0] if isinstance(self.convolution, nn.Sequential) else self.convolution
        x = functional.conv1d(x, wide.weight, wide.bias, stride, 0, dilation)
        return x if wide is self.convolution else self.convolution[1](x)


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
                 dilations: Sequence[int], subsampling: int = 1, bottleneck: int = 0, dropout: float = 0.0,
                 residual: bool = False, num_filters: int = 0):
        """
        Args:
          kernels, dilations: of each layer over time.
          num_filters: of a front end over time and frequency, 0 for none.
        """
        super().__init__()
        # subsampling in the first layer, early and cheap, with windows wide enough to overlap
        kernels = [max(kernels[0], 2 * subsampling - 1), *kernels[1:]]
        strides = [subsampling] + [1] * (len(kernels) - 1)
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

    def forward(self, features: Tensor, lengths: Tensor, every: int = 1, phase: int = 0,
                ) -> Tuple[Tensor, Tensor]:
        """
        Args:
          features: ``[B, T, F]`` float, padded with anything.
          lengths: ``[B]`` int64, at least 1.
          every, phase: give the output frames ``phase, phase + every, ...`` only (no subsampling_factor may
            be at work). Upper layers whose dilations are multiples of `every` then look at no other frames
            either, which makes such outputs cheap (Peddinti et al., Interspeech 2015).
        Returns:
          logits ``[B, T', C]`` with ``T' = ceil(T / subsampling_factor)``, and lengths likewise; of them,
          those asked for.
        """
        factor = self.subsampling_factor
        if every > 1 and factor > 1:
            raise ValueError(f"every: expected 1 with a subsampling factor of {factor}, found {every}")
        shift = (factor - 1) // 2
        # enough frames on the right for the last output frame even where T is no multiple of the factor
        extra = (features.shape[1] + factor - 1) // factor * factor - features.shape[1]
        right = self.right_context + extra - (factor - 1 - shift)
        x = extend_edges(features, lengths, self.left_context - shift, right).transpose(1, 2)
        lengths = (lengths + factor - 1) // factor
        extended = (lengths - 1) * factor + self.left_context + self.right_context + 1
        if self.front_end is not None:
            x, extended = self.front_end(x, extended)
        thin_from = self._first_thin_layer(every)
        if thin_from == 0:
            x, extended = x[:, :, phase::every], _thinned(extended, every, phase)
        for number, layer in enumerate(self.layers):
            if number == thin_from - 1:  # the last that sees all frames; it gives those asked for
                x, extended = layer(x[:, :, phase:], extended - phase, stride=every)
            else:
                x, extended = layer(x, extended, thinned=every if number >= thin_from else 1)
        return self.output(x).transpose(1, 2), _thinned(lengths, every, phase)

    def _first_thin_layer(self, every: int) -> int:
        """The lowest layer from which on no layer looks at other frames than every so many-th."""
        for number, layer in reversed(list(enumerate(self.layers))):
            if layer.kernel > 1 and layer.dilation % every:
                return number + 1
        return 0


def _thinned(lengths: Tensor, every: int, phase: int) -> Tensor:
    """How many of the frames ``phase, phase + every, ...`` there are."""
    return (lengths - phase + every - 1).clamp(min=0) // every
