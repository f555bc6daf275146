"""The residual CNN with a bidirectional GRU, against its parts written plainly."""

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu

from hybrid.nn.cnn_bigru import CnnBigruOptions, ResidualBlock
from hybrid.nn.layer_norm import LayerNorm


def test_a_block_is_that_of_the_tutorial_without_its_edges():
    """Normalization over frequency, GELU, dropout, convolution, twice, and the input added."""
    torch.manual_seed(0)
    block = ResidualBlock(2, 5, 0.0).eval()
    x = torch.randn(1, 2, 9, 5)
    y = x
    for norm, convolution in zip(block.norms, block.convolutions):
        norm.weight.data.uniform_(0.5, 2)
        centred = y - y.mean(3, keepdim=True)
        normal = centred / (centred.square().mean(3, keepdim=True) + 1e-5).sqrt() * norm.weight + norm.bias
        y = nn.functional.conv2d(gelu(normal), convolution.weight, convolution.bias, padding=1)
    # padding in time reaches two frames from the ends
    assert torch.allclose(block(x), (y + x)[:, :, 2:-2], atol=1e-5)


@pytest.mark.parametrize("subsampling, stack", [(1, 1), (3, 1), (1, 3), (2, 2)])
def test_the_network_is_its_parts_on_an_utterance_with_repeated_ends(subsampling, stack):
    torch.manual_seed(0)
    options = CnnBigruOptions(num_filters=2, num_blocks=1, hidden_dim=4, num_layers=2, stack=stack)
    model = options.build(6, 5, subsampling).eval()
    step, features = subsampling * stack, torch.randn(1, 7, 6)
    steps = -(-7 // step)
    # step k is centred in the frames k * step .. (k + 1) * step - 1; the block sees two steps on each side
    frames = torch.stack([(torch.arange(-2, steps + 2) * step + (step - 1) // 2 + offset).clamp(0, 6)
                          for offset in range(-(model.kernel // 2), model.kernel // 2 + 1)], dim=1)
    windows = (features[0] / (1 + 1e-5) ** 0.5)[frames]  # [steps, kernel, 6]
    padded = nn.functional.pad(windows, (1, 1))
    first = torch.stack([(padded[:, None, :, 2 * i:2 * i + 3] * model.first.weight[None, :, 0]).sum((2, 3))
                         + model.first.bias for i in range(3)], dim=2)  # [steps, filters, bins]
    x = model.blocks[0](first.transpose(0, 1)[None])
    x = model.full(x.transpose(1, 2).flatten(2))
    for norm, layer in zip(model.norms, model.layers):
        both = gelu(norm(x))
        x = torch.cat([layer.ahead(both)[0], layer.behind(both.flip(1))[0].flip(1)], dim=2)
    expected = model.output(gelu(model.hidden(x)), -(-7 // subsampling))
    actual, lengths = model(features, torch.tensor([7]))
    assert lengths.tolist() == [-(-7 // subsampling)] and torch.allclose(actual, expected, atol=1e-5)
    # mel energies are normalized over all frames that the network looks at, and it looks at no more than it needs
    model.maps.register_forward_pre_hook(lambda module, inputs: shapes.append(inputs[0].shape))
    shapes = []
    model.train()(features, torch.tensor([7]))
    seen = torch.arange((step - 1) // 2 - 2 * step - model.kernel // 2,
                        (steps + 1) * step + (step - 1) // 2 + model.kernel // 2 + 1).clamp(0, 6)
    assert torch.allclose(model.maps.normalization.running_mean, 0.1 * features[0, seen].mean(0), atol=1e-6)
    assert shapes == [(1, len(seen), 6)]


def test_layers_are_as_many_and_as_wide_as_the_options_say():
    model = CnnBigruOptions(num_filters=3, num_blocks=2, hidden_dim=4, num_layers=3, dropout=0.25, stack=2).build(7, 5)
    assert len(model.blocks) == 2 and model.full.in_features == 3 * 4 and model.context == 4  # bins 7 halved: 4
    assert [(layer.ahead.input_size, layer.behind.input_size) for layer in model.layers] == [(4, 4), (8, 8), (8, 8)]
    assert {module.p for module in model.modules() if isinstance(module, nn.Dropout)} == {0.25}
    assert model.subsampling_factor == 1 and model.output.linear.out_features == 2 * 5


def test_kernels_cover_the_frames_of_a_step():
    assert [CnnBigruOptions().build(6, 5, subsampling).kernel for subsampling in (1, 2, 3, 4, 5)] == [3, 3, 3, 5, 5]


def test_layer_normalization_is_in_full_precision():
    torch.manual_seed(0)
    norm, x = LayerNorm(64), 1000 + torch.randn(3, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = norm(x)
        assert norm(x.bfloat16()).dtype == torch.float32
    assert y.dtype == torch.float32 and torch.allclose(y, nn.LayerNorm(64)(x), atol=1e-4)
