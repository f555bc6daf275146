"""Relative attention against a naive loop; what may be attended to; the Conformer's convolution and its bounds."""

import math

import pytest
import torch

from hybrid.nn.attention import RelativeAttention, attended, relative_positions, shifted
from hybrid.nn.conformer import ConformerOptions, ConvolutionModule, FeedForward
from hybrid.nn.padding import frame_mask


def naive(attention, x, seen):
    """One utterance ``[T, dim]``, step by step, from the formula of Transformer-XL (section 3.3)."""
    steps, dim = x.shape
    heads, width = attention.heads, attention.width
    out = torch.zeros_like(x)
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        query, key, value = ((layer(x))[:, part] for layer in (attention.queries, attention.keys, attention.values))
        for i in range(steps):
            scores = []
            for j in range(steps):
                position = torch.zeros(dim, dtype=x.dtype)
                for k in range(dim // 2):
                    angle = (i - j) / 10000 ** (2 * k / dim)
                    position[k], position[dim // 2 + k] = math.sin(angle), math.cos(angle)
                distance = attention.positions(position)[part]
                score = (query[i] + attention.content_bias[head]) @ key[j]
                score = (score + (query[i] + attention.position_bias[head]) @ distance) / math.sqrt(width)
                scores.append(score if seen[i, j] else torch.tensor(-math.inf, dtype=x.dtype))
            out[i, part] = torch.stack(scores).softmax(0) @ value
    return attention.output(out)


@pytest.mark.parametrize("left, right", [(-1, -1), (2, 1), (0, -1), (-1, 0)])
def test_attention_is_the_naive_loop(left, right):
    torch.manual_seed(0)
    attention = RelativeAttention(8, 2).double()
    for bias in (attention.content_bias, attention.position_bias):
        bias.data.normal_()
    x, lengths = torch.randn(2, 6, 8, dtype=torch.float64), torch.tensor([6, 4])
    seen = attended(frame_mask(lengths, 6), left, right)
    actual = attention(x, relative_positions(6, 8).double(), seen)
    for i, n in enumerate(lengths):
        assert torch.allclose(actual[i, :n], naive(attention, x[i, :n], seen[i, :n, :n]), atol=1e-6)


@pytest.mark.parametrize("left, right", [(2, 1), (0, 0), (-1, -1), (0, -1), (-1, 0), (-1, 1), (1, -1)])
def test_a_step_attends_to_real_steps_within_its_bounds(left, right):
    """-1 is no bound."""
    seen = attended(frame_mask(torch.tensor([4, 2]), 4), left, right)
    for row, length in enumerate((4, 2)):
        for i in range(4):
            for j in range(4):
                near = (left < 0 or j >= i - left) and (right < 0 or j <= i + right)
                expected = near and max(i, j) < length or i == j
                assert bool(seen[row, i, j]) == expected


def test_rows_are_shifted_to_their_distances():
    distances = torch.arange(4, -5, -1.0).expand(2, 3, 5, 9)
    steps = torch.arange(5.0)
    assert torch.equal(shifted(distances), (steps[:, None] - steps[None, :]).expand(2, 3, 5, 5))


def test_the_convolution_sees_zeros_beyond_the_ends():
    torch.manual_seed(0)
    module = ConvolutionModule(4, 5, 0.0).eval()
    x = torch.randn(1, 6, 4)
    gates = module.gated(module.norm(x))
    content = gates[..., :4] * torch.sigmoid(gates[..., 4:])
    extended = torch.nn.functional.pad(content, (0, 0, 2, 2))
    wide = torch.stack([(extended[0, t:t + 5] * module.depthwise.weight[:, 0].T).sum(0) for t in range(6)])
    wide = wide / math.sqrt(1 + 1e-5)
    expected = module.pointwise(wide * torch.sigmoid(wide))
    assert torch.allclose(module(x, torch.ones(1, 6, dtype=torch.bool))[0], expected, atol=1e-5)


def test_halves_of_feed_forward_layers_are_added():
    """A block whose other parts are silenced."""
    torch.manual_seed(0)
    block = ConformerOptions(hidden_dim=4, heads=2, dropout=0.0).build(8, 5).blocks[0].eval()
    for layer in (block.attention.output, block.convolution.pointwise):
        layer.weight.data.zero_(), layer.bias.data.zero_()
    x = torch.randn(1, 3, 4)
    half = x + 0.5 * block.before(x)
    expected = block.norm(half + 0.5 * block.after(half))
    mask = torch.ones(1, 3, dtype=torch.bool)
    assert torch.allclose(block(x, relative_positions(3, 4), attended(mask, -1, -1), mask), expected, atol=1e-6)
    assert isinstance(block.before, FeedForward) and block.before[1].out_features == 16


@pytest.mark.parametrize("subsampling, stack", [(1, 1), (3, 1), (1, 3), (2, 2), (1, 4)])
def test_the_network_is_its_parts_on_an_utterance_with_repeated_ends(subsampling, stack):
    torch.manual_seed(0)
    options = ConformerOptions(filters=(2, 3), halve=(1, 0), hidden_dim=4, num_layers=2, heads=2, kernel=3, stack=stack,
                               left=2, right=1)
    model = options.build(6, 5, subsampling).eval()
    step, features = subsampling * stack, torch.randn(1, 7, 6)
    steps = -(-7 // step)
    # step k is centred in the frames k * step .. (k + 1) * step - 1 and sees step - 1 on each side of the front end's
    centres, context = torch.arange(steps) * step + (step - 1) // 2, 2 + step - 1
    frames = torch.arange(int(centres[0]) - context, int(centres[-1]) + context + 1).clamp(0, 6)
    x, _ = model.front_end(features[:, frames].transpose(1, 2), torch.tensor([len(frames)]))
    x = model.embedding(x, torch.tensor([x.shape[2]]))[0].transpose(1, 2)
    assert x.shape == (1, steps, 4)
    positions, mask = relative_positions(steps, 4), torch.ones(1, steps, dtype=torch.bool)
    for block in model.blocks:
        x = x + 0.5 * block.before(x)
        x = x + block.attention(block.attention_norm(x), positions, attended(mask, 2, 1))
        x = x + block.convolution(x, mask)
        x = block.norm(x + 0.5 * block.after(x))
    actual, lengths = model(features, torch.tensor([7]))
    outputs = -(-7 // subsampling)
    assert lengths.tolist() == [outputs] and torch.allclose(actual, model.output(x, outputs), atol=1e-5)
    assert model.subsampling_factor == subsampling
    # mel energies are normalized over all frames that the network looks at, and it looks at no more than it needs
    model.front_end.register_forward_pre_hook(lambda module, inputs: shapes.append(inputs[0].shape))
    shapes = []
    model.train()(features, torch.tensor([7]))
    assert shapes == [(1, 6, len(frames))]
    seen = model.front_end.maps.normalization.running_mean
    assert torch.allclose(seen, 0.1 * features[0, frames].mean(0), atol=1e-6)


def test_positions_are_sinusoids_from_the_farthest_before_to_the_farthest_after():
    expected = [[wave(distance * rate) for wave in (math.sin, math.cos) for rate in (1.0, 0.01)]
                for distance in (2, 1, 0, -1, -2)]
    assert torch.allclose(relative_positions(3, 4), torch.tensor(expected))


def test_dropout_of_a_conformer_is_that_of_its_options():
    model = ConformerOptions(hidden_dim=4, heads=2, num_layers=2, dropout=0.3, feed_forward=3).build(8, 5)
    shares = [module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    assert shares == [0.3] * (1 + 2 * (2 * 2 + 3))
    assert [block.after[1].out_features for block in model.blocks] == [12, 12]


@pytest.mark.parametrize("bad", [{"hidden_dim": 10}, {"hidden_dim": 3, "heads": 3}, {"kernel": 4}, {"left": -2},
                                 {"right": -2}, {"heads": 0}, {"stack": 0}, {"num_layers": 0}, {"feed_forward": 0}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        ConformerOptions(**bad)


def test_bounds_on_both_sides_make_a_receptive_field():
    unbounded = ConformerOptions().build(40, 5)
    assert (unbounded.left_context, unbounded.right_context) == (math.inf, math.inf)
    one_side = ConformerOptions(right=0).build(40, 5)
    assert math.isinf(one_side.left_context) and one_side.right_context == 2 + 6 * 7
    both = ConformerOptions(left=10, right=2, num_layers=2, kernel=3, stack=3).build(40, 5)
    # 2 of the front end and 2 of the step's own, 2 blocks of 3 and 11 steps; outputs lie up to 1 frame off the centre
    assert (both.left_context, both.right_context) == (4 + 2 * 3 * 11 + 1, 4 + 2 * 3 * 3 + 1)
