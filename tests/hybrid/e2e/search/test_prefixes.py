"""Nodes of the tree of token sequences, whatever order they come in, against the tokens that they stand for."""

import numpy as np
import pytest
import torch

from hybrid.e2e.fusion import FusionOptions
from hybrid.e2e.search.prefixes import ROOT, Prefixes, frames_of, internal_lm
from tests.hybrid.e2e.search.transducers import PairLm, network_of


@pytest.mark.parametrize("options", [{"context": 1}, {"context": 3}, {"predictor": "lstm"}])
@torch.no_grad()
def test_equal_sequences_are_one_node_with_all_that_their_tokens_say(options):
    decoder, lm = network_of(num_tokens=4, **options).decoder, PairLm(4)
    prefixes = Prefixes(decoder, FusionOptions(0.5, 0.3, -0.2), lm, internal_scale=0.4)
    nodes = prefixes.extend(np.array([ROOT, ROOT, ROOT]), np.array([1, 2, 1]))
    assert nodes.tolist() == [1, 2, 1]
    assert prefixes.extend(np.append(nodes, 1), np.array([3, 3, 3, 1])).tolist() == [3, 4, 3, 5]
    assert prefixes.parent.tolist() == [-1, 0, 0, 1, 2, 1] and prefixes.token.tolist() == [-1, 1, 2, 3, 3, 1]
    sequences = [(), (1,), (2,), (1, 3), (2, 3), (1, 1)]
    assert [prefixes.tokens_of(node) for node in range(6)] == sequences and prefixes.has_lm and lm.num_resets == 1
    assert prefixes.lm == pytest.approx([lm.of(tokens, ended=False) for tokens in sequences])
    ends = prefixes.end_of_lm(np.arange(6))
    assert prefixes.lm + ends == pytest.approx([lm.of(tokens) for tokens in sequences])
    places = torch.stack([decoder.predictor_side(decoder.predictor(torch.tensor([[0, *tokens]])))[0, -1]
                          for tokens in sequences])
    assert torch.allclose(prefixes.places(np.arange(6)), places)
    said = internal_lm(decoder, places)
    internal = [sum(said[sequences.index(tokens[:n]), token] for n, token in enumerate(tokens)) for tokens in sequences]
    assert prefixes.internal == pytest.approx(internal)
    bonus = np.array([0.3 * len(tokens) - 0.2 * tokens.count(1) for tokens in sequences])
    assert prefixes.rank == pytest.approx(0.5 * prefixes.lm - 0.4 * prefixes.internal + bonus)
    assert prefixes.added[:, 0] == pytest.approx(0.5 * ends)


@torch.no_grad()
def test_without_a_language_model_bonuses_are_all():
    prefixes = Prefixes(network_of(num_tokens=3).decoder, FusionOptions(token_bonus=0.25))
    nodes = prefixes.extend(prefixes.extend(np.array([ROOT]), np.array([2])), np.array([1]))
    assert not prefixes.has_lm and prefixes.rank[nodes].tolist() == [0.5] and prefixes.lm[nodes].tolist() == [0.0]
    assert prefixes.added.tolist() == [[0.0, 0.25, 0.25]] * 3
    assert prefixes.extend(np.array([], np.int64), np.array([], np.int64)).shape == (0,)


@torch.no_grad()
def test_without_sound_a_token_comes_for_certain():
    decoder = network_of(num_tokens=5).decoder
    said = internal_lm(decoder, torch.randn(3, 7, dtype=torch.float64))
    assert said.shape == (3, 5) and not said[:, 0].any()
    assert np.exp(said[:, 1:]).sum(axis=1) == pytest.approx(np.ones(3))


def test_frames_of_a_chain():
    assert frames_of(None) == () and frames_of((4, (2, (2, None)))) == (2, 2, 4)
