"""The transducer's sum and best alignment against all alignments one by one, and their gradients."""

import math

import pytest
import torch

from graphs.errors import InputError
from hybrid.e2e.decoders.rnnt_loss import best_alignment, transducer_scores
from tests.hybrid.e2e.decoders.alignments import all_scores

both = pytest.mark.parametrize("monotonic", [False, True])
LENGTHS, TARGETS = [4, 3, 1, 2, 4], [3, 2, 1, 0, 4]


def _tables(lengths=LENGTHS, targets=TARGETS, seed=0):
    """blank, emit, lengths, target_lengths; padding holds nan."""
    torch.manual_seed(seed)
    blank = torch.randn(len(lengths), max(lengths), max(targets) + 1, dtype=torch.float64)
    emit = torch.randn(len(lengths), max(lengths), max(targets), dtype=torch.float64)
    for row, (length, target) in enumerate(zip(lengths, targets)):
        blank[row, length:] = emit[row, length:] = math.nan
        blank[row, :, target + 1:] = emit[row, :, target:] = math.nan
    return blank, emit, torch.tensor(lengths), torch.tensor(targets)


def _each(blank, emit, lengths, targets):
    return [(blank[row, :length, :target + 1], emit[row, :length, :target])
            for row, (length, target) in enumerate(zip(lengths.tolist(), targets.tolist()))]


@both
def test_sum_and_gradient_against_enumeration(monotonic):
    blank, emit, lengths, targets = _tables()
    blank.requires_grad_(), emit.requires_grad_()
    actual = transducer_scores(blank, emit, lengths, targets, monotonic)
    expected = torch.stack([all_scores(*tables, monotonic)[0].logsumexp(dim=0)
                            for tables in _each(blank, emit, lengths, targets)])
    assert torch.allclose(actual, expected, atol=1e-12)
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0, 0.7])
    found = torch.autograd.grad((actual * weights).sum(), (blank, emit))
    by_hand = torch.autograd.grad((expected * weights).sum(), (blank, emit))
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(found, by_hand))


@both
def test_best_alignment_against_enumeration(monotonic):
    for seed in range(5):
        blank, emit, lengths, targets = _tables(seed=seed)
        scores, frames = best_alignment(blank, emit, lengths, targets, monotonic)
        for row, tables in enumerate(_each(blank, emit, lengths, targets)):
            expected, found = all_scores(*tables, monotonic)
            assert scores[row] == pytest.approx(float(expected.max()), abs=1e-12)
            assert frames[row] == list(found[int(expected.argmax())])


@both
def test_numerical_gradients(monotonic):
    torch.manual_seed(3)
    blank = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    emit = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    lengths, targets = torch.tensor([3, 2]), torch.tensor([1, 2])
    assert torch.autograd.gradcheck(lambda a, b: transducer_scores(a, b, lengths, targets, monotonic), (blank, emit))


@both
def test_expected_arcs_of_an_alignment(monotonic):
    """Shares of arcs sum to the tokens of all alignments, and to their blanks."""
    blank, emit, lengths, targets = _tables()
    blank.requires_grad_(), emit.requires_grad_()
    transducer_scores(blank, emit, lengths, targets, monotonic).sum().backward()
    assert emit.grad.sum(dim=1).sum(dim=1).tolist() == pytest.approx(TARGETS)
    blanks = lengths - targets if monotonic else lengths
    assert blank.grad.sum(dim=1).sum(dim=1).tolist() == pytest.approx(blanks.tolist())


def test_more_tokens_than_frames_have_no_monotonic_alignment():
    blank, emit = torch.zeros(2, 3, 3, requires_grad=True), torch.zeros(2, 3, 2, requires_grad=True)
    lengths, targets = torch.tensor([1, 3]), torch.tensor([2, 2])
    scores = transducer_scores(blank, emit, lengths, targets, monotonic=True)
    assert scores.tolist() == [-math.inf, pytest.approx(math.log(3))]
    scores.sum().backward()
    assert not blank.grad[0].any() and not emit.grad[0].any()
    assert torch.isfinite(blank.grad).all() and emit.grad[1].sum() == pytest.approx(2.0)
    assert best_alignment(blank, emit, lengths, targets, monotonic=True)[1][0] is None
    assert transducer_scores(blank, emit, lengths, targets).tolist() == [0.0, pytest.approx(math.log(6))]


def test_long_utterances_stay_finite_and_single_precision_goes_in():
    blank, emit = torch.full((1, 800, 41), -20.0), torch.full((1, 800, 40), -20.0)
    blank.requires_grad_()
    score = transducer_scores(blank, emit, torch.tensor([800]), torch.tensor([40]))
    ways = math.lgamma(840) - math.lgamma(41) - math.lgamma(800)
    assert score.dtype == torch.float64
    assert float(score) == pytest.approx(-20.0 * 840 + ways, rel=1e-9)
    score.sum().backward()
    assert blank.grad.dtype == torch.float32 and float(blank.grad.sum()) == pytest.approx(800)


@pytest.mark.parametrize("lengths, targets", [([0, 3], [1, 2]), ([4, 3], [1, 2]), ([3, 3], [1, 3]), ([3, 3], [-1, 2]),
                                              ([3], [1])])
def test_lengths_that_do_not_fit(lengths, targets):
    with pytest.raises(InputError, match="lengths"):
        transducer_scores(torch.zeros(2, 3, 3), torch.zeros(2, 3, 2), torch.tensor(lengths), torch.tensor(targets))


def test_tables_that_do_not_fit():
    with pytest.raises(InputError, match=r"the shape \(2, 3, 2\), found \(2, 3, 3\)"):
        best_alignment(torch.zeros(2, 3, 3), torch.zeros(2, 3, 3), torch.tensor([3, 3]), torch.tensor([1, 1]))


@pytest.mark.parametrize("change, message", [
    ({"blank": torch.zeros(5, 3)}, "scores of blanks: expected .B, T, S . 1."),
    ({"blank": torch.zeros(0, 5, 3), "emit": torch.zeros(0, 5, 2)}, "scores of blanks"),
    ({"lengths": [5]}, "lengths of transducer scores: expected 1 integers from 1 to 5"),
    ({"lengths": torch.tensor([5.0])}, "lengths of transducer scores"),
    ({"target_lengths": torch.tensor([2, 2])}, "lengths of targets of transducer scores")])
def test_what_makes_no_lattice_is_named(change, message):
    given = {"blank": torch.zeros(1, 5, 3), "emit": torch.zeros(1, 5, 2), "lengths": torch.tensor([5]),
             "target_lengths": torch.tensor([2]), **change}
    for ask in (transducer_scores, best_alignment):
        with pytest.raises(InputError, match=message):
            ask(**given)


def test_nothing_is_aligned_by_scores_that_are_none():
    with pytest.raises(InputError, match="scores to align tokens by: expected numbers, found nan"):
        best_alignment(torch.full((1, 5, 3), math.nan), torch.zeros(1, 5, 2), torch.tensor([5]), torch.tensor([2]))
