"""CTC scores of prefixes against all alignments of tiny tables, and of whole sequences against torch's CTC loss."""

import math

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.e2e.search.ctc_prefix import CtcPrefixScorer
from tests.hybrid.e2e.alignments import random_log_probs, sequence_scores
from tests.hybrid.e2e.material import all_sequences


def state_after(scorer, tokens):
    """And the sum of scores along the way."""
    state, total = np.array([scorer.start]), 0.0
    for token in tokens:
        total += scorer.scores(state)[0, token]
        state = scorer.advance(state, np.array([token]))
    return state, total


@pytest.mark.parametrize("num_frames, num_tokens", ((1, 3), (5, 3), (4, 4)))
def test_prefixes_and_whole_sequences(num_frames, num_tokens):
    log_probs = random_log_probs(num_frames, num_tokens, seed=num_frames)
    whole, scorer = sequence_scores(log_probs), CtcPrefixScorer(log_probs)
    for tokens in all_sequences(num_tokens, num_frames + 1):
        begun = [score for sequence, score in whole.items() if sequence[:len(tokens)] == tokens]
        state, total = state_after(scorer, tokens)
        if not begun:
            assert total == -math.inf and np.isneginf(scorer.scores(state)).all()
            continue
        assert total == pytest.approx(np.logaddexp.reduce(begun), abs=1e-9)
        assert total + scorer.scores(state)[0, 0] == pytest.approx(whole.get(tokens, -math.inf), abs=1e-9)


def test_next_tokens_and_the_end_share_the_probability():
    scorer = CtcPrefixScorer(random_log_probs(6, 4))
    states = np.concatenate([state_after(scorer, tokens)[0] for tokens in ((), (1,), (1, 1), (2, 1, 3))])
    assert np.exp(scorer.scores(states)).sum(axis=1) == pytest.approx(np.ones(4))
    assert scorer.starts_word.tolist() == [False] * 4


def test_long_utterances_agree_with_torch():
    log_probs = random_log_probs(400, 30, seed=3, sharpness=6.0)
    tokens = [int(token) for token in np.random.default_rng(0).integers(1, 30, 60)]
    scorer = CtcPrefixScorer(log_probs)
    state, total = state_after(scorer, tokens)
    loss = torch.nn.functional.ctc_loss(log_probs[:, None], torch.tensor([tokens]), [400], [60], reduction="sum")
    assert total + scorer.scores(state)[0, 0] == pytest.approx(-float(loss), abs=1e-6)


def test_hypotheses_together_are_hypotheses_alone():
    log_probs = random_log_probs(5, 4, seed=2).float()
    together, alone = CtcPrefixScorer(log_probs), CtcPrefixScorer(log_probs.numpy())
    states = together.advance(together.advance(np.zeros(3, np.int64), np.array([1, 2, 1])), np.array([1, 3, 2]))
    found = together.scores(states)
    for row, tokens in zip(found, ((1, 1), (2, 3), (1, 2))):
        assert np.array_equal(row, alone.scores(state_after(alone, tokens)[0])[0])
    assert together.scores(np.zeros(0, np.int64)).shape == (0, 4)


def test_probabilities_of_zero_stay_numbers():
    log_probs = np.log(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), where=np.eye(3)[[1, 0, 1]] > 0,
                       out=np.full((3, 3), -np.inf))
    scorer = CtcPrefixScorer(log_probs)
    state, total = state_after(scorer, (1, 1))
    assert total + scorer.scores(state)[0, 0] == pytest.approx(0.0)
    assert state_after(scorer, (2,))[1] < -9000


@pytest.mark.parametrize("bad", (np.zeros(3), np.zeros((0, 3)), np.zeros((2, 1)), np.full((2, 3), np.nan),
                                 np.ones((2, 3))))
def test_what_is_no_ctc_output(bad):
    with pytest.raises(InputError, match="CTC outputs"):
        CtcPrefixScorer(bad)


@pytest.mark.parametrize("token", (0, 3))
def test_what_is_no_token(token):
    with pytest.raises(InputError, match="numbers from 1 to below 3"):
        CtcPrefixScorer(random_log_probs(2, 3)).advance(np.array([0]), np.array([token]))
