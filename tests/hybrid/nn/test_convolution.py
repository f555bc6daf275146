"""Layers of convolutions written plainly, those that options ask for, and what computing some of the outputs saves."""

import pytest
import torch

from hybrid.nn.cnn import CnnOptions
from hybrid.nn.cnn_tdnn import CnnTdnnOptions
from hybrid.nn.convolution import ChannelDropout, ConvolutionLayer, ConvolutionNetwork
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.summary import MultiplyAdds
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tdnnf import FactoredLayer, TdnnfOptions


@pytest.mark.parametrize("kernel, dilation, stride", [(1, 1, 1), (3, 1, 1), (3, 2, 1), (5, 1, 3), (3, 1, 2)])
@pytest.mark.parametrize("out_dim, residual", [(4, True), (4, False), (6, True)])
def test_a_layer_is_a_convolution_relu_normalization_and_its_input(kernel, dilation, stride, out_dim, residual):
    """The input is added where it has as many channels and that is wanted: by default not."""
    torch.manual_seed(0)
    more = {"residual": True} if residual else {}
    layer = ConvolutionLayer(4, out_dim, kernel, dilation, stride, **more).double().eval()
    x = torch.randn(2, 4, 17, dtype=torch.float64)
    y, lengths = layer(x, torch.tensor([17, 11]))
    context = dilation * (kernel // 2)
    centres = list(range(context, 17 - context, stride))
    assert layer.context == context and y.shape == (2, out_dim, len(centres))
    assert lengths.tolist() == [len(range(context, n - context, stride)) for n in (17, 11)]
    for k, t in enumerate(centres):
        window = x[:, :, t - context:t + context + 1:dilation]
        expected = torch.einsum("bck,ock->bo", window, layer.convolution.weight) + layer.convolution.bias
        expected = expected.relu() / (1 + 1e-5) ** 0.5 + (x[:, :, t] if residual and out_dim == 4 else 0)
        assert torch.allclose(y[:, :, k], expected)


def test_an_utterance_shorter_than_the_window_has_no_output_frames():
    layer = ConvolutionLayer(4, 4, 5)
    assert layer(torch.zeros(3, 4, 9), torch.tensor([9, 4, 5]))[1].tolist() == [5, 0, 1]


def described(layer):
    """Channels in and out, kernel, dilation, stride, share of the input that is added, dropout."""
    dropout = layer.dropout.p * (-1 if layer.dropout.continuous else 1)
    in_dim = layer.linear.in_channels if isinstance(layer, FactoredLayer) else layer.convolution.in_channels
    return (in_dim, layer.out_dim, layer.kernel, layer.dilation, layer.stride, layer.bypass, dropout)


# a negative dropout is a continuous one
PLAIN = dict(hidden_dim=12, dropout=0.2)
TINY_MAPS = dict(filters=(2, 3), halve=(0, 1))  # of 8 mel energies: 3 * 4 channels in the end


@pytest.mark.parametrize("options, subsampling, layers, context", [
    (DnnOptions(num_layers=3, splice=3, **PLAIN), 1,
     [(8, 12, 7, 1, 1, 0, 0.2), (12, 12, 1, 1, 1, 1, 0.2), (12, 12, 1, 1, 1, 1, 0.2)], 3),
    (DnnOptions(num_layers=1, splice=0, **PLAIN), 1, [(8, 12, 1, 1, 1, 0, 0.2)], 0),
    (DnnOptions(num_layers=2, splice=3, residual=False, **PLAIN), 5,
     [(8, 12, 9, 1, 5, 0, 0.2), (12, 12, 1, 1, 1, 0, 0.2)], 4),
    (TdnnOptions(dilations=(1, 2, 0, 3), **PLAIN), 1,
     [(8, 12, 3, 1, 1, 0, 0.2), (12, 12, 3, 2, 1, 1, 0.2), (12, 12, 1, 1, 1, 1, 0.2), (12, 12, 3, 3, 1, 1, 0.2)], 6),
    (TdnnOptions(dilations=(0, 2), **PLAIN), 3, [(8, 12, 5, 1, 3, 0, 0.2), (12, 12, 3, 2, 1, 1, 0.2)], 2 + 3 * 2),
    (TdnnOptions(dilations=(1, 1), residual=False, **PLAIN), 2,
     [(8, 12, 3, 1, 2, 0, 0.2), (12, 12, 3, 1, 1, 0, 0.2)], 1 + 2 * 1),
    (TdnnfOptions(bottleneck=5, dilations=(1, 0, 3), bypass=0.5, **PLAIN), 1,
     [(8, 12, 3, 1, 1, 0, -0.2), (12, 12, 1, 1, 1, 0.5, -0.2), (12, 12, 3, 3, 1, 0.5, -0.2)], 4),
    (TdnnfOptions(hidden_dim=8, bottleneck=5, dilations=(0, 1)), 1,
     [(8, 8, 1, 1, 1, 0, -0.1), (8, 8, 3, 1, 1, 0.66, -0.1)], 1),
    (CnnOptions(splice=1, num_layers=2, hidden_dim=10, dropout=0.2, **TINY_MAPS), 1,
     [(12, 10, 3, 1, 1, 0, 0.2), (10, 10, 1, 1, 1, 1, 0.2)], 2 + 1),
    (CnnOptions(splice=1, num_layers=1, hidden_dim=12, dropout=0.2, residual=False, **TINY_MAPS), 3,
     [(12, 12, 5, 1, 3, 0, 0.2)], 2 + 2),
    (CnnTdnnOptions(dilations=(1, 2), **PLAIN, **TINY_MAPS), 1,
     [(12, 12, 3, 1, 1, 1, 0.2), (12, 12, 3, 2, 1, 1, 0.2)], 2 + 3),
    (CnnTdnnOptions(dilations=(1, 2, 0), bottleneck=5, **PLAIN, **TINY_MAPS), 1,
     [(12, 12, 3, 1, 1, 1, 0.2), (12, 12, 3, 2, 1, 0.66, -0.2), (12, 12, 1, 1, 1, 0.66, -0.2)], 2 + 3),
    (CnnTdnnOptions(dilations=(1, 2), bottleneck=5, residual=False, **PLAIN, **TINY_MAPS), 2,
     [(12, 12, 3, 1, 2, 0, 0.2), (12, 12, 3, 2, 1, 0, -0.2)], 2 + 1 + 2 * 2)])
def test_layers_and_context_of_each_network(options, subsampling, layers, context):
    model = options.build(8, 5, subsampling)
    assert [described(layer) for layer in model.layers] == layers
    assert (model.left_context, model.right_context, model.subsampling_factor) == (context, context, subsampling)
    assert all(layer.linear.out_channels == 5 for layer in model.layers if isinstance(layer, FactoredLayer))
    assert (model.output.in_channels, model.output.out_channels) == (layers[-1][1], 5)


def test_layers_stand_between_frames_and_logits():
    """Without a front end and with a kernel of one frame each is a linear map."""
    torch.manual_seed(0)
    network = ConvolutionNetwork([ConvolutionLayer(3, 4, 1)], 2).eval()
    x = torch.randn(1, 5, 3)
    hidden = (x @ network.layers[0].convolution.weight[:, :, 0].T + network.layers[0].convolution.bias).relu()
    expected = hidden / (1 + 1e-5) ** 0.5 @ network.output.weight[:, :, 0].T + network.output.bias
    assert torch.allclose(network(x, torch.tensor([5]))[0], expected, atol=1e-6)


@pytest.mark.parametrize("subsampling", [1, 2, 3, 4])
def test_a_network_is_its_layers_on_an_utterance_with_repeated_ends(subsampling):
    """In training, too: each layer normalizes over all that it sees."""
    torch.manual_seed(0)
    model = TdnnOptions(hidden_dim=6, dilations=(1, 2), dropout=0.0).build(4, 3, subsampling)
    for length in (7, 5):
        features = torch.randn(1, length, 4)
        centres = torch.arange(0, length, subsampling) + (subsampling - 1) // 2
        frames = torch.arange(int(centres[0]) - model.left_context, int(centres[-1]) + model.right_context + 1)
        for training in (False, True):
            logits, lengths = model.train(training)(features, torch.tensor([length]))
            x = features[:, frames.clamp(0, length - 1)].transpose(1, 2)
            for layer in model.layers:
                x, _ = layer(x, torch.tensor([x.shape[2]]))
            assert torch.allclose(logits, model.output(x).transpose(1, 2), atol=1e-4)
            assert logits.shape == (1, len(centres), 3)
            assert lengths.tolist() == [len(centres)] and lengths.dtype == torch.int64


def test_outputs_left_out_of_fewer_frames_are_refused():
    model = TdnnOptions(hidden_dim=4, dilations=(1,)).build(3, 2, 3)
    with pytest.raises(ValueError) as error:
        model(torch.zeros(1, 6, 3), torch.tensor([6]), 2)
    assert str(error.value) == "every: expected 1 with a subsampling factor of 3, found 2"


@pytest.mark.parametrize("dilations, every, phase, frames", [  # that each layer computes; T is 30
    ((1, 3, 3), 1, 0, (42, 36, 30)), ((1, 3, 3), 3, 0, (14, 12, 10)), ((1, 3, 3), 3, 2, (14, 12, 10)),
    ((1, 3, 2), 3, 0, (40, 34, 10)), ((3, 0, 3), 3, 1, (12, 12, 10)), ((0, 0, 0), 3, 0, (10, 10, 10)),
    ((2, 0, 4), 2, 1, (19, 19, 15)), ((2, 1, 0), 2, 0, (32, 15, 15)), ((0, 6, 0), 3, 0, (14, 10, 10))])
def test_upper_layers_look_at_no_other_frames_than_those_asked_for(dilations, every, phase, frames):
    model = TdnnOptions(hidden_dim=10, dilations=dilations).build(4, 6).eval()
    with torch.no_grad(), MultiplyAdds() as counter:
        _, lengths = model(torch.zeros(1, 30, 4), torch.tensor([29]), every, phase)
    assert lengths.tolist() == [len(range(phase, 29, every))]
    widths = [(4 if number == 0 else 10) * (3 if dilation else 1) for number, dilation in enumerate(dilations)]
    assert counter.count == sum(10 * n * width for n, width in zip(frames, widths)) + frames[-1] * 60


def test_dropout_is_for_training():
    x = torch.ones(2, 3, 4)
    assert ChannelDropout(0.0).train()(x) is x and ChannelDropout(0.5).eval()(x) is x
