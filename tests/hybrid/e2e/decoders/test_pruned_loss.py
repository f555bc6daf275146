"""k2's pruned loss against the plain one."""

import pytest
import torch

from hybrid.e2e.decoders.pruned_loss import pruned_losses
from hybrid.e2e.decoders.rnnt_loss import transducer_scores

LENGTHS, TARGETS = torch.tensor([7, 5, 6]), torch.tensor([4, 2, 0])


def _material(num_frames=7, num_tokens=4, seed=1):
    torch.manual_seed(seed)
    frames, places = torch.randn(3, num_frames, 6), torch.randn(3, num_tokens + 1, 6)
    encoded, predicted = torch.randn(3, num_frames, 6), torch.randn(3, num_tokens + 1, 6)
    tokens = torch.randint(1, 6, (3, num_tokens))
    return [x.requires_grad_() for x in (frames, places, encoded, predicted)], tokens


def _join(frames, places):
    return 3.0 * torch.tanh(frames + places)


def _plain(log_probs, tokens, monotonic):
    emit = log_probs[:, :, :-1].gather(3, tokens[:, None, :, None].expand(-1, log_probs.shape[1], -1, 1))[..., 0]
    return -transducer_scores(log_probs[..., 0], emit, LENGTHS, TARGETS, monotonic)


@pytest.mark.parametrize("monotonic", [False, True])
def test_a_full_range_is_the_plain_loss_and_so_are_its_gradients(monotonic):
    (frames, places, encoded, predicted), tokens = _material()
    simple, pruned = pruned_losses(frames, places, _join, encoded, predicted, tokens, LENGTHS, TARGETS, 5,
                                   monotonic=monotonic)
    plain = _plain(_join(encoded[:, :, None], predicted[:, None]).log_softmax(dim=3), tokens, monotonic)
    plain_simple = _plain((frames[:, :, None] + places[:, None]).log_softmax(dim=3), tokens, monotonic)
    assert torch.allclose(pruned.double(), plain, atol=1e-4)
    assert torch.allclose(simple.double(), plain_simple, atol=1e-4)
    for actual, expected, inputs in ((pruned, plain, (encoded, predicted)), (simple, plain_simple, (frames, places))):
        found = torch.autograd.grad(actual.sum(), inputs, retain_graph=True)
        by_plain = torch.autograd.grad(expected.sum(), inputs, retain_graph=True)
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(found, by_plain))


def test_a_smaller_range_leaves_alignments_out_and_the_first_joiner_says_which():
    """Where the simple joiner is sure, nearly all of the sum lies within two places a frame."""
    (frames, places, encoded, predicted), tokens = _material()
    losses = [pruned_losses(frames, places, _join, encoded, predicted, tokens, LENGTHS, TARGETS, number)[1]
              for number in (2, 3, 5)]
    assert torch.all(losses[0][:2] > losses[1][:2]) and losses[1][0] > losses[2][0]
    assert torch.equal(losses[0][2], losses[2][2])  # no token, nothing to leave out
    sure = torch.zeros(3, 7, 6)
    for row in range(2):
        for place in range(int(TARGETS[row])):  # token i belongs onto frame i
            sure[row, place, tokens[row, place]] = 20.0
    sure[:, 4:, 0] = sure[1, 2:, 0] = sure[2, :, 0] = 20.0
    full, near = (pruned_losses(sure, 0.01 * places, _join, sure / 6, predicted * 0.0, tokens, LENGTHS, TARGETS,
                                number)[1] for number in (5, 2))
    assert torch.allclose(full[0], near[0], rtol=0.2)


def test_smoothing_mixes_in_what_each_side_says_alone():
    (frames, places, encoded, predicted), tokens = _material()
    plain, smooth = (pruned_losses(frames, places, _join, encoded, predicted, tokens, LENGTHS, TARGETS, 3, smoothing)[0]
                     for smoothing in ((0.0, 0.0), (0.3, 0.0)))
    alone = places.log_softmax(dim=2)[:, None]
    log_probs = 0.7 * (frames[:, :, None] + places[:, None]).log_softmax(dim=3) + 0.3 * alone
    assert torch.allclose(smooth.double(), _plain(log_probs, tokens, False), atol=1e-4)
    assert not torch.allclose(plain, smooth)
    by_frames = pruned_losses(frames, places, _join, encoded, predicted, tokens, LENGTHS, TARGETS, 3, (0.0, 0.3))[0]
    assert not torch.allclose(by_frames, plain) and not torch.allclose(by_frames, smooth)


@pytest.mark.parametrize("num_frames, num_tokens", [(2, 0), (2, 3)])
def test_no_tokens_and_more_tokens_than_frames(num_frames, num_tokens):
    """k2 itself refuses both."""
    (frames, places, encoded, predicted), tokens = _material(num_frames, num_tokens)
    lengths, targets = torch.full((3,), num_frames), torch.full((3,), num_tokens)
    _, pruned = pruned_losses(frames, places, _join, encoded, predicted, tokens, lengths, targets, 5)
    log_probs = _join(encoded[:, :, None], predicted[:, None]).log_softmax(dim=3)
    emit = log_probs[:, :, :-1].gather(3, tokens[:, None, :, None].expand(-1, num_frames, -1, 1))[..., 0]
    assert torch.allclose(pruned.double(), -transducer_scores(log_probs[..., 0], emit, lengths, targets), atol=1e-4)
