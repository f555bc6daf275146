"""The CTC loss against enumeration of all paths."""

import itertools

import pytest
import torch

from graphs.errors import InputError
from hybrid.nn.ctc import ctc_loss, greedy_tokens, min_frames
from tests.reference.ctc_paths import ctc_by_enumeration


@pytest.mark.parametrize("normalized", [True, False])
def test_ctc_loss_and_gradient_against_enumeration(normalized):
    torch.manual_seed(0)
    targets, lengths = [[1, 2], [2, 2], [], [1]], [5, 4, 3, 1]
    scores = torch.randn(4, 5, 3, dtype=torch.float64)
    scores = (scores.log_softmax(2) if normalized else scores).requires_grad_()
    actual = ctc_loss(scores, torch.tensor(lengths), targets)
    expected = torch.stack([ctc_by_enumeration(scores[i, :n], targets[i]) for i, n in enumerate(lengths)])
    assert torch.allclose(actual, expected, atol=1e-9)
    weights = torch.tensor([1.0, 0.5, 2.0, 1.0], dtype=torch.float64)
    gradients = [torch.autograd.grad((loss * weights).sum(), scores)[0] for loss in (actual, expected)]
    assert torch.allclose(*gradients, atol=1e-9)


def test_ctc_loss_is_infinite_where_no_path_fits():
    loss = ctc_loss(torch.zeros(2, 2, 3), torch.tensor([2, 2]), [[1, 1], [1, 2]])
    assert loss[0] == float("inf") and torch.isfinite(loss[1])
    assert [min_frames(t) for t in ([1, 1], [1, 2], [], [2, 2, 2, 1])] == [3, 2, 0, 6]


def test_greedy_tokens():
    scores = torch.nn.functional.one_hot(torch.tensor([0, 2, 2, 0, 2, 1, 1, 0]), 3).float()
    assert greedy_tokens(scores) == [2, 2, 1]


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4])
def test_greedy_tokens_of_every_path(length):
    """Among them those that begin with a token, which the last frame has again or not."""
    for path in itertools.product(range(3), repeat=length):
        scores = torch.full((length, 3), -1.0)
        scores[range(length), path] = 0.0
        assert greedy_tokens(scores) == [token for token, _ in itertools.groupby(path) if token != 0]


@pytest.mark.parametrize("targets", [[[0]], [[3]], [[-1]], [[1], [2]]])
def test_targets_that_are_none_have_no_loss(targets):
    with pytest.raises(InputError, match="expected 1 to 2|expected those of 1 utterances"):
        ctc_loss(torch.zeros(1, 4, 3), torch.tensor([4]), targets)
