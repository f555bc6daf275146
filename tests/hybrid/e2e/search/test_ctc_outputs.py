"""Scores and frames of token sequences against all alignments of tiny tables."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.e2e.search import ctc_outputs as search_outputs
from hybrid.e2e.search.ctc_outputs import ctc_outputs, sequence_scores, token_frames
from tests.hybrid.e2e.alignments import best_alignments, random_log_probs, sequence_scores as exact_scores
from tests.hybrid.e2e.material import all_sequences


@pytest.mark.parametrize("most, tables", [(1, 1), (2 * 5 * 13 - 1, 1), (2 * 5 * 13, 2), (1 << 27, 10 ** 6)])
def test_scores_of_sequences(most, tables, monkeypatch):
    """However many tables of 5 frames and, of 6 tokens, 13 labels there may be at once."""
    computed = []

    def ctc_loss(log_probs, *rest, **more):
        computed.append(log_probs.shape[1])
        return torch.nn.functional.ctc_loss(log_probs, *rest, **more)

    monkeypatch.setattr(search_outputs, "MOST_CELLS", most)
    monkeypatch.setattr(search_outputs, "F", SimpleNamespace(ctc_loss=ctc_loss))
    outputs = random_log_probs(5, 3, seed=1).numpy()
    exact = exact_scores(outputs)
    sequences = list(all_sequences(3, 6))
    expected = [exact.get(tokens, -np.inf) for tokens in sequences]
    assert sequence_scores(outputs, sequences) == pytest.approx(np.array(expected), abs=1e-9)
    assert max(map(len, sequences)) == 6 and max(computed) == min(tables, len(sequences))


@pytest.mark.parametrize("seed", range(6))
def test_frames_are_those_of_the_best_alignment(seed):
    outputs = random_log_probs(6, 3, seed=seed).numpy()
    for tokens, (_, alignment) in best_alignments(outputs).items():
        runs = [list(run) for token, run in itertools.groupby(range(6), key=lambda frame: alignment[frame]) if token]
        expected = [max(run, key=lambda frame: outputs[frame, token]) for run, token in zip(runs, tokens)]
        assert token_frames(outputs, tokens) == tuple(expected)


def test_frames_of_what_does_not_fit():
    outputs = random_log_probs(3, 3).numpy()
    assert token_frames(outputs, (1, 2, 1)) == (0, 1, 2)
    with pytest.raises(InputError, match="fits into 3 frames, found 3 tokens"):
        token_frames(outputs, (1, 1, 2))


def test_outputs_are_doubles_without_infinities():
    found = ctc_outputs(torch.tensor([[0.0, -np.inf]], requires_grad=True))
    assert found.dtype == np.float64 and found.tolist() == [[0.0, -10000.0]]


@pytest.mark.parametrize("tokens", [[0], [9], [-1], [1.5], ["a"]])
def test_what_is_no_token_is_not_scored_or_placed(tokens):
    outputs = ctc_outputs(np.log(np.full((6, 4), 0.25)))
    for ask in (lambda: sequence_scores(outputs, [[1], tokens]), lambda: token_frames(outputs, tokens)):
        with pytest.raises(InputError, match="token_ids: expected (numbers from|whole numbers)"):
            ask()


def test_no_sequences_have_no_scores():
    assert sequence_scores(ctc_outputs(np.log(np.full((6, 4), 0.25))), []).shape == (0,)
