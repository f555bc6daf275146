"""Frames of tokens against all choices of frames."""

import itertools

import numpy as np
import pytest

from hybrid.e2e.search.attention_frames import attention_frames


@pytest.mark.parametrize("num_tokens, num_frames", [(1, 1), (1, 5), (3, 1), (3, 5), (5, 5), (4, 3)])
def test_the_best_of_all_frames_that_never_fall(num_tokens, num_frames):
    for seed in range(5):
        weights = np.random.default_rng(seed).dirichlet(np.ones(num_frames), size=num_tokens)
        best = max(itertools.combinations_with_replacement(range(num_frames), num_tokens),
                   key=lambda frames: np.prod(weights[np.arange(num_tokens), frames]))
        assert attention_frames(weights) == list(best)


@pytest.mark.parametrize("num_tokens, num_frames", [(1, 1), (2, 5), (3, 5), (5, 5)])
def test_with_ctc_each_token_has_its_own(num_tokens, num_frames):
    for seed in range(5):
        weights, posteriors = np.random.default_rng(seed).dirichlet(np.ones(num_frames), size=(2, num_tokens))
        best = max(itertools.combinations(range(num_frames), num_tokens),
                   key=lambda frames: np.prod((weights * posteriors)[np.arange(num_tokens), frames]))
        assert attention_frames(weights, posteriors) == list(best)


def test_no_tokens_and_weights_that_vanish():
    assert attention_frames(np.zeros((0, 4))) == []
    crossed = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert attention_frames(crossed, np.zeros((3, 3))) == [0, 1, 2]


def test_of_frames_as_good_the_earliest():
    weights = np.array([[0.4, 0.4, 0.2], [0.1, 0.1, 0.8]])
    assert attention_frames(weights) == [0, 2] and attention_frames(weights, np.ones((2, 3))) == [0, 2]
