"""Feed-forward networks over a window of frames: the DNN over spliced frames, TDNN, TDNN-F, CNN and CNN-TDNN.

All are convolutions without padding over an utterance whose first and last frames are repeated on the outside, as in
Kaldi: an output frame sees `left_context` frames before and `right_context` after its centre and nothing else.
"""

from typing import List, Optional, Sequence, Tuple

from torch import Tensor, nn
from torch.nn import functional

from hybrid.nn.padding import MaskedBatchNorm, extend_edges, frame_mask


class ChannelDropout(nn.Module):
    """Dropout with one mask for all frames of an utterance, as in Kaldi's TDNNs; cheaper than one a frame."""

    def __init__(self, p: float, continuous: bool = False):
        """continuous: not 0 or 1 / (1 - p), but any number from 1 - 2p to 1 + 2p (Kaldi's continuous dropout)."""
        super().__init__()
        self.p, self.continuous = p, continuous

    def forward(self, x: Tensor) -> Tensor:
        """x: ``[B, C, T]``."""
        if not self.training or self.p == 0:
            return x
        ones = x.new_ones(x.shape[0], x.shape[1], 1)
        if self.continuous:
            return x * ones.uniform_(1 - 2 * self.p, 1 + 2 * self.p)
        return x * functional.dropout(ones, self.p)


class ConvolutionLayer(nn.Module):
    """Convolution over time, ReLU, batch normalization, dropout: Kaldi's relu-batchnorm-dropout-layer.

    Attributes:
      out_dim: channels of its output.
      kernel, dilation, stride: of the convolution; with a kernel above 1 it sees frames `dilation` apart.
      context: frames of its input lost on each side.
    """

    def __init__(self, in_dim: int, out_dim: int, kernel: int, dilation: int = 1, stride: int = 1,
                 dropout: float = 0.0, residual: bool = False):
        super().__init__()
        self.out_dim, self.kernel, self.dilation, self.stride = out_dim, kernel, dilation, stride
        self.context = dilation * (kernel - 1) // 2
        self.convolution = nn.Conv1d(in_dim, out_dim, kernel, stride=stride, dilation=dilation)
        self.normalization = MaskedBatchNorm(out_dim)
        self.dropout = ChannelDropout(dropout)
        self.bypass = float(residual and in_dim == out_dim)

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
        y = self.convolve(x, stride, max(1, self.dilation // thinned)).relu()
        y = self.dropout(self.normalization(y, frame_mask(lengths, y.shape[2])))
        if self.bypass:
            y = y + self.bypass * x[:, :, context:x.shape[2] - context:stride]
        return y, lengths

    def convolve(self, x: Tensor, stride: int, dilation: int) -> Tensor:
        return functional.conv1d(x, self.convolution.weight, self.convolution.bias, stride, 0, dilation)


def convolution_layers(in_dim: int, hidden_dim: int, kernels: Sequence[int], dilations: Sequence[int],
                       subsampling: int, dropout: float, residual: bool) -> List[ConvolutionLayer]:
    """A layer for each kernel over time. Subsampling is in the first one, early and cheap, with windows wide enough
    to overlap; the dilations of the others then count its output frames."""
    kernels = [max(kernels[0], 2 * subsampling - 1), *kernels[1:]]
    return [ConvolutionLayer(hidden_dim if number else in_dim, hidden_dim, kernel, dilation,
                             1 if number else subsampling, dropout, residual)
            for number, (kernel, dilation) in enumerate(zip(kernels, dilations))]


class ConvolutionNetwork(nn.Module):
    """A stack of convolution layers and a linear output.

    Attributes:
      subsampling_factor: input frames for each output frame; output frame t stands for the input frames
        ``t * factor .. (t + 1) * factor - 1`` and is centred in them, at ``t * factor + (factor - 1) // 2``.
      left_context, right_context: input frames that an output frame sees beyond its centre.
    """

    def __init__(self, layers: Sequence[ConvolutionLayer], out_dim: int, front_end: Optional[nn.Module] = None):
        """
        Args:
          layers: of what the front end gives, or of the features.
          front_end: over time and frequency (hybrid/nn/frequency.py).
        """
        super().__init__()
        self.front_end, self.layers = front_end, nn.ModuleList(layers)
        self.output = nn.Conv1d(layers[-1].out_dim, out_dim, 1)
        self.subsampling_factor, context = 1, front_end.context if front_end is not None else 0
        for layer in layers:
            context += layer.context * self.subsampling_factor
            self.subsampling_factor *= layer.stride
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
