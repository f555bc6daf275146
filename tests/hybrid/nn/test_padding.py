"""Masks, repeated edges, reversal and batch normalization of padded batches."""

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


def test_masked_batch_norm_is_batch_norm_of_the_real_frames():
    torch.manual_seed(0)
    masked, plain = MaskedBatchNorm(4), torch.nn.BatchNorm1d(4)
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


def test_batch_statistics_of_every_third_output_ignore_padding():
    results = []
    for padding in (0, 7):
        torch.manual_seed(0)
        model = TdnnOptions(hidden_dim=6, dilations=(1, 3), dropout=0.0).build(8, 5).train()
        features, lengths = batch_of([11, 14])
        model(torch.nn.functional.pad(features, (0, 0, 0, padding), value=9.0), lengths, 3, 1)
        results.append(list(model.buffers()))
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*results))
