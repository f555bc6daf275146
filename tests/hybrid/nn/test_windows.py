"""Long utterances through windows: as without them where the network sees no farther, and alone as in a batch."""

import pytest
import torch

from hybrid.nn import windows
from hybrid.nn.conformer import ConformerOptions
from hybrid.nn.windows import in_windows


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(windows, "WINDOW", 40)
    monkeypatch.setattr(windows, "CONTEXT", 60)


def conformer(subsampling, stack, **options):
    torch.manual_seed(0)
    options = ConformerOptions(hidden_dim=8, num_layers=2, heads=2, kernel=3, filters=(2,), halve=(1,), stack=stack,
                               **options)
    return options.build(5, 3, subsampling).eval()


@pytest.mark.parametrize("subsampling, stack", [(1, 1), (1, 3), (3, 1), (2, 2)])
@pytest.mark.parametrize("frames", [161, 401])
def test_windows_change_nothing_where_attention_has_bounds(small, subsampling, stack, frames):
    network = conformer(subsampling, stack, left=2, right=1)
    assert max(network.left_context, network.right_context) <= 60
    features, lengths = torch.randn(3, frames, 5), torch.tensor([frames, 30, frames - 7])
    expected, expected_lengths = network._whole(features, lengths)
    found, found_lengths = network(features, lengths)
    assert found.shape == expected.shape and torch.equal(found_lengths, expected_lengths)
    for row, length in enumerate(found_lengths):
        assert torch.allclose(found[row, :length], expected[row, :length], atol=1e-5)


def test_attention_without_bounds_sees_the_window_and_what_is_beside_it(small):
    network, features = conformer(1, 1), torch.randn(1, 161, 5)
    found, _ = network(features, torch.tensor([161]))
    for start, end, first, last in [(0, 40, 0, 100), (40, 80, 0, 140), (80, 120, 20, 161), (120, 160, 60, 161),
                                    (160, 161, 100, 161)]:
        alone, _ = network._whole(features[:, first:last], torch.tensor([last - first]))
        assert torch.allclose(found[:, start:end], alone[:, start - first:end - first], atol=1e-6)


def test_batches_change_nothing(small):
    network = conformer(3, 1)
    features, lengths = torch.randn(4, 400, 5), torch.tensor([400, 160, 161, 9])  # 162 frames are whole, in steps of 3
    found, _ = network(features, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone, (out_length,) = network(features[row:row + 1, :length], lengths[row:row + 1])
        assert out_length == -(-length // 3)
        assert torch.allclose(found[row, :out_length], alone[0], atol=1e-5)


def test_an_utterance_as_long_as_a_window_with_what_it_sees_is_whole():
    asked = []

    def network(features, lengths):
        asked.append(lengths.tolist())
        return features, lengths

    features = torch.arange(6001.0)[None, :, None]
    assert torch.equal(in_windows(network, features[:, :6000], torch.tensor([6000]), 1, 1)[0], features[:, :6000])
    assert asked == [[6000]]
    assert torch.equal(in_windows(network, features, torch.tensor([6001]), 1, 1)[0], features)
    assert asked[1:] == [[5000], [3001]]


def test_gradients_flow_through_all_windows(small):
    network, features = conformer(1, 1).train(), torch.randn(1, 300, 5, requires_grad=True)
    network(features, torch.tensor([300]))[0].square().sum().backward()
    assert (features.grad.abs().sum(dim=2) > 0).all()
