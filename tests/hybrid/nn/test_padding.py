"""Masks, repeated edges, reversal and batch normalization of padded batches."""

import pytest
import torch

from hybrid.nn.padding import MaskedBatchNorm, extend_edges, frame_mask, reverse_frames
from hybrid.nn.tdnn import TdnnOptions
from tests.hybrid.nn.material import batch_of


def test_edges_are_repeated_and_reversal_undoes_itself():
    values = torch.tensor([[1., 2, 3, 99], [5, 99, 99, 99]])[:, :, None]
    lengths = torch.tensor([3, 1])
    assert extend_edges(values, lengths, 1, 0)[:, :, 0].tolist() == [[1, 1, 2, 3, 3], [5, 5, 5, 5, 5]]
    backwards = reverse_frames(values, lengths)
    assert backwards[0, :3, 0].tolist() == [3, 2, 1] and backwards[1, 0, 0] == 5
    assert torch.equal(reverse_frames(backwards, lengths), values)


@pytest.mark.parametrize("left, right, expected", [
    (0, 0, [[1, 2, 3, 3], [5, 5, 5, 5]]), (2, 3, [[1, 1, 1, 2, 3, 3, 3, 3, 3], [5] * 9]), (-2, 0, [[3, 3], [5, 5]]),
    (-1, 2, [[2, 3, 3, 3, 3], [5] * 5]), (0, -2, [[1, 2], [5, 5]]), (1, -4, [[1], [5]])])
def test_frames_are_added_or_dropped_on_each_side(left, right, expected):
    values = torch.tensor([[1., 2, 3, 99], [5, 99, 99, 99]])[:, :, None]
    assert extend_edges(values, torch.tensor([3, 1]), left, right)[:, :, 0].tolist() == expected


def test_padding_stays_where_it_is_in_reversal():
    values = torch.arange(8.0).reshape(1, 4, 2)
    assert reverse_frames(values, torch.tensor([3]))[0].tolist() == [[4, 5], [2, 3], [0, 1], [6, 7]]


def test_masks_are_true_on_real_frames():
    assert frame_mask(torch.tensor([2, 0, 3]), 3).tolist() == [[True, True, False], [False] * 3, [True] * 3]


@pytest.mark.parametrize("more", [{}, {"eps": 0.25, "momentum": 0.5}])
def test_masked_batch_norm_is_batch_norm_of_the_real_frames(more):
    torch.manual_seed(0)
    masked, plain = MaskedBatchNorm(4, **more), torch.nn.BatchNorm1d(4, **more)
    for norm in (masked, plain):
        norm.weight.data.copy_(torch.tensor([1.0, 0.5, -2.0, 3.0]))
        norm.bias.data.copy_(torch.tensor([0.0, 1.0, -1.0, 0.25]))
    lengths = torch.tensor([5, 9])
    for _ in range(3):
        x = torch.randn(2, 4, 9) * 3 + 1
        mask = frame_mask(lengths, 9)
        real = x.transpose(1, 2)[mask]
        assert torch.allclose(masked(x, mask).transpose(1, 2)[mask], plain(real), atol=1e-5)
    assert torch.allclose(masked.running_mean, plain.running_mean, atol=1e-6)
    assert torch.allclose(masked.running_var, plain.running_var, atol=1e-5)
    masked.eval(), plain.eval()
    assert torch.allclose(masked(x, mask).transpose(1, 2)[mask], plain(real), atol=1e-5)


def test_masked_batch_norm_of_images():
    torch.manual_seed(0)
    masked, plain = MaskedBatchNorm(4), torch.nn.BatchNorm2d(4)
    x = torch.randn(2, 4, 9, 6)
    assert torch.allclose(masked(x, torch.ones(2, 9, dtype=torch.bool)), plain(x), atol=1e-5)
    assert torch.allclose(masked.running_var, plain.running_var, atol=1e-5)


def test_a_single_real_frame_has_no_variance_and_no_frame_changes_nothing_to_nan():
    masked, x = MaskedBatchNorm(2), torch.tensor([[[3.0, 7.0], [-1.0, 7.0]]])
    y = masked(x, torch.tensor([[True, False]]))
    assert torch.allclose(y[0, :, 0], torch.zeros(2), atol=1e-6) and y.isfinite().all()
    assert torch.allclose(masked.running_mean, torch.tensor([0.3, -0.1]))
    assert torch.allclose(masked.running_var, torch.full((2,), 0.9))
    assert masked(x, torch.tensor([[False, False]])).isfinite().all()
    assert torch.allclose(masked.running_mean, torch.tensor([0.27, -0.09]))


@pytest.mark.parametrize("frames", [2, 3])
def test_variances_of_few_frames_are_unbiased_in_the_running_statistics(frames):
    masked, plain, x = MaskedBatchNorm(1), torch.nn.BatchNorm1d(1), torch.tensor([[[1.0, 4.0, 9.0]]])
    masked(x, frame_mask(torch.tensor([frames]), 3)), plain(x[:, :, :frames])
    assert torch.allclose(masked.running_var, plain.running_var) and masked.running_var > 1


def test_what_does_not_vary_has_no_variance_below_zero():
    """Rounding would leave some of these channels one."""
    x = torch.linspace(100, 1000, 200)[None, :, None].expand(1, 200, 50)
    assert MaskedBatchNorm(200)(x, torch.ones(1, 50, dtype=torch.bool)).isfinite().all()


@pytest.mark.parametrize("subsampling, every, phase", [(1, 1, 0), (3, 1, 0), (1, 3, 0), (1, 3, 1), (1, 3, 2)])
def test_batch_statistics_ignore_padding(subsampling, every, phase):
    results = []
    for padding in (0, 7):
        torch.manual_seed(0)
        model = TdnnOptions(hidden_dim=6, dilations=(1, 3), dropout=0.0).build(8, 5, subsampling).train()
        features, lengths = batch_of([11, 14])
        model(torch.nn.functional.pad(features, (0, 0, 0, padding), value=9.0), lengths, every, phase)
        results.append(list(model.buffers()))
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*results))
