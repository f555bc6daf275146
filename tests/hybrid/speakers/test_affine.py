"""Affine transforms, worked by hand."""

import math

import pytest
import torch

from hybrid.speakers.affine import apply, compose, identity, inverse, log_volume
from tests.hybrid.speakers.material import random_transform

TURN = torch.tensor([[0.0, -2.0, 1.0], [2.0, 0.0, 3.0]]).double()  # y = (1 - 2 x2, 3 + 2 x1)
SHIFT = torch.tensor([[1.0, 0.0, 5.0], [0.0, 1.0, -1.0]]).double()
POINTS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).double()


def test_a_transform_is_applied_to_each_frame():
    assert apply(TURN, POINTS).tolist() == [[1, 3], [1, 5], [-1, 3]]
    assert identity(2).tolist() == [[1, 0, 0], [0, 1, 0]] and identity(2).dtype == torch.float64
    assert torch.equal(apply(identity(2), POINTS), POINTS)


def test_the_first_of_two_comes_first():
    assert apply(compose(TURN, SHIFT), POINTS).tolist() == [[3, 13], [3, 15], [1, 13]]
    assert apply(compose(SHIFT, TURN), POINTS).tolist() == [[6, 2], [6, 4], [4, 2]]
    before = TURN.clone(), SHIFT.clone()
    compose(TURN, SHIFT)
    assert torch.equal(TURN, before[0]) and torch.equal(SHIFT, before[1])


def test_the_inverse_takes_back_from_either_side():
    assert torch.allclose(apply(inverse(TURN), apply(TURN, POINTS)), POINTS)
    for seed in range(3):
        transform = random_transform(4, seed)
        assert torch.allclose(compose(inverse(transform), transform), identity(4), atol=1e-12)
        assert torch.allclose(compose(transform, inverse(transform)), identity(4), atol=1e-12)
    with pytest.raises(RuntimeError):
        inverse(torch.zeros(2, 3).double())


def test_volumes_have_no_sign():
    assert log_volume(TURN) == pytest.approx(math.log(4.0)) and log_volume(SHIFT) == 0.0
    assert log_volume(TURN[[1, 0]]) == pytest.approx(math.log(4.0))
