"""TDNN-F: the semi-orthogonal constraint, the layer against Kaldi's written plainly, shared dropout."""

import numpy as np
import pytest
import torch

from hybrid.nn.convolution import ChannelDropout
from hybrid.nn.tdnnf import CONSTRAIN_EVERY, FactoredLayer, TdnnfOptions, nearer_semi_orthogonal
from tests.hybrid.nn.material import batch_of


def nnet3_update(matrix):
    """ConstrainOrthonormalInternal of nnet3/nnet-utils.cc with scale < 0, line by line, in numpy."""
    matrix = np.asarray(matrix, np.float64)
    rows = len(matrix)
    P = matrix @ matrix.T
    update_speed = 0.125
    trace_P, trace_P_P = np.trace(P), np.trace(P @ P.T)
    scale = np.sqrt(trace_P_P / trace_P)
    ratio = trace_P_P * rows / (trace_P * trace_P)
    if ratio > 1.02:
        update_speed *= 0.5
        if ratio > 1.1:
            update_speed *= 0.5
    P = P - scale * scale * np.eye(rows)
    alpha = update_speed / (scale * scale)
    return matrix - 4.0 * alpha * (P @ matrix)


def _with_spread(ratio_above):
    """A matrix whose squared singular values have a chosen spread tr(P P) rows / tr(P)^2."""
    rng = np.random.default_rng(0)
    u, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    v, _ = np.linalg.qr(rng.normal(size=(9, 4)))
    squares = 1 + np.sqrt(ratio_above) * np.array([-1, 1, -1, 1])
    return torch.from_numpy(3 * u @ np.diag(np.sqrt(squares)) @ v.T)


@pytest.mark.parametrize("spread", [0.001, 0.019, 0.021, 0.09, 0.11, 0.5])
def test_a_step_is_nnet3s(spread):
    matrix = _with_spread(spread)
    expected = torch.from_numpy(nnet3_update(matrix))
    assert torch.allclose(nearer_semi_orthogonal(matrix), expected, rtol=1e-12)
    assert torch.allclose(nearer_semi_orthogonal(matrix.T), expected.T, rtol=1e-12)
    assert not torch.allclose(matrix, expected, rtol=1e-3)


@pytest.mark.parametrize("shape", [(5, 16), (8, 8), (16, 5)])
def test_steps_converge_to_a_semi_orthogonal_matrix_of_the_same_size(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    size = float(matrix.norm())
    for _ in range(200):
        matrix = nearer_semi_orthogonal(matrix)
    wide = matrix if shape[0] <= shape[1] else matrix.T
    product = wide @ wide.T
    alpha_squared = product.diagonal().mean()
    assert torch.allclose(product, alpha_squared * torch.eye(len(wide), dtype=torch.float64), atol=1e-6)
    assert 0.7 * size < float(matrix.norm()) < 1.3 * size


def test_a_semi_orthogonal_matrix_stays_and_nothing_else_becomes_nan():
    orthogonal = 2.5 * torch.linalg.qr(torch.randn(9, 4, dtype=torch.float64))[0].T
    assert torch.allclose(nearer_semi_orthogonal(orthogonal), orthogonal, atol=1e-12)
    assert torch.equal(nearer_semi_orthogonal(torch.zeros(3, 4)), torch.zeros(3, 4))


def test_the_layer_takes_a_step_every_fourth_time():
    torch.manual_seed(0)
    layer = FactoredLayer(12, 12, 5, 1)
    for step in range(9):
        before = layer.linear.weight.detach().clone()
        layer.after_step(step)
        if step % CONSTRAIN_EVERY:
            assert torch.equal(layer.linear.weight, before)
        else:
            expected = nnet3_update(before.flatten(1))
            assert np.allclose(layer.linear.weight.detach().flatten(1).numpy(), expected, atol=1e-6)
    assert layer.linear.bias is None and CONSTRAIN_EVERY == 4


@pytest.mark.parametrize("dilation", [0, 1, 3])
def test_a_layer_is_kaldis(dilation):
    """Linear over (t - d, t), affine over (t, t + d), ReLU, batch normalization, 0.66 of the input added."""
    torch.manual_seed(0)
    layer = FactoredLayer(6, 6, 4, dilation).double().eval()
    x = torch.randn(1, 6, 15, dtype=torch.float64)
    y, lengths = layer(x, torch.tensor([15]))
    assert lengths.tolist() == [15 - 2 * dilation] == [y.shape[2]]
    offsets = ((-dilation, 0), (0, dilation)) if dilation else ((0,), (0,))

    def hidden(t):
        return sum(layer.linear.weight[:, :, k] @ x[0, :, t + offset] for k, offset in enumerate(offsets[0]))

    for t in range(dilation, 15 - dilation):
        affine = layer.convolution.bias + sum(
            layer.convolution.weight[:, :, k] @ hidden(t + offset) for k, offset in enumerate(offsets[1]))
        expected = affine.relu() / np.sqrt(1 + 1e-5) + 0.66 * x[0, :, t]
        assert torch.allclose(y[0, :, t - dilation], expected, atol=1e-9)


def test_a_layer_adds_its_input_where_that_has_as_many_channels_and_drops_nothing_unless_told():
    alike, other = FactoredLayer(6, 6, 4, 1), FactoredLayer(6, 8, 4, 1, 0.25, 0.5)
    assert (alike.bypass, alike.dropout.p, other.bypass, other.dropout.p) == (0.66, 0.0, 0.0, 0.25)
    assert other(torch.zeros(1, 6, 5), torch.tensor([5]))[0].shape == (1, 8, 3)


def test_every_factored_layer_of_the_network_is_constrained():
    model = TdnnfOptions(hidden_dim=12, bottleneck=5, dilations=(1, 1, 0, 3)).build(8, 5)
    assert sum(hasattr(module, "after_step") for module in model.modules()) == 3
    assert [layer.context for layer in model.layers] == [1, 1, 0, 3]


def test_continuous_dropout_is_one_number_for_all_frames_of_a_channel():
    torch.manual_seed(0)
    dropout = ChannelDropout(0.2, continuous=True)
    factors = dropout(torch.ones(50, 40, 7))
    assert (factors == factors[:, :, :1]).all() and len(factors.unique()) > 1900
    assert 0.6 <= factors.min() < 0.61 and 1.39 < factors.max() <= 1.4 and abs(factors.mean() - 1) < 0.01
    assert torch.equal(dropout.eval()(torch.ones(1, 2, 3)), torch.ones(1, 2, 3))


def test_dropout_of_channels_keeps_the_mean():
    torch.manual_seed(0)
    factors = ChannelDropout(0.2)(torch.ones(50, 40, 7))
    assert (factors == factors[:, :, :1]).all() and factors.unique().tolist() == [0.0, 1.25]
    assert abs(float((factors == 0).float().mean()) - 0.2) < 0.03


def test_training_keeps_the_linear_maps_nearly_semi_orthogonal():
    torch.manual_seed(0)
    model = TdnnfOptions(hidden_dim=24, bottleneck=6, dilations=(1, 1, 1), dropout=0.0).build(8, 5)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    features, lengths = batch_of([40, 30])
    for step in range(60):
        loss = torch.nn.functional.cross_entropy(model(features, lengths)[0][0], (features[0, :, 0] > 0).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for layer in model.layers[1:]:
            layer.after_step(step)
    for layer in model.layers[1:]:
        values = torch.linalg.svdvals(layer.linear.weight.detach().flatten(1))
        assert values.max() / values.min() < 1.5
