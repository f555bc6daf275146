"""Predictors of transducers against sums by hand; step by step they say the same."""

import numpy as np
import pytest
import torch

from graphs.ids import BLANK
from hybrid.e2e.decoders.predictors import LstmPredictor, StatelessPredictor

TOKENS = torch.tensor([[BLANK, 3, 1, 1], [BLANK, 2, 4, 3]])


@pytest.mark.parametrize("context", (1, 2, 3))
def test_a_stateless_one_weighs_the_last_tokens(context):
    torch.manual_seed(context)
    predictor = StatelessPredictor(5, 3, context, 0.0).eval()
    weights = {name: value.numpy() for name, value in predictor.state_dict().items()}
    assert set(weights) == {"embedding.weight", *(["window.weight", "window.bias"] if context > 1 else [])}
    with torch.no_grad():
        found = predictor(TOKENS).numpy()
    for row, tokens in enumerate(TOKENS.tolist()):
        for place in range(len(tokens)):
            seen = weights["embedding.weight"][([BLANK] * (context - 1) + tokens)[place:place + context]]
            expected = seen[0] if context == 1 else (
                seen * weights["window.weight"][:, 0].T).sum(axis=0) + weights["window.bias"]
            assert found[row, place] == pytest.approx(np.maximum(expected, 0), abs=1e-6)


KINDS = {"one": (lambda: StatelessPredictor(5, 3, 1, 0.5), 1), "three": (lambda: StatelessPredictor(5, 3, 3, 0.5), 3),
         "lstm": (lambda: LstmPredictor(5, 3, 2, 0.5), 0)}


def made(kind):
    torch.manual_seed(0)
    return KINDS[kind][0]()


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_the_whole(kind):
    predictor = made(kind).eval()
    assert predictor.context == KINDS[kind][1]
    with torch.no_grad():
        whole, states = predictor(TOKENS), predictor.start(2)
        for place in range(TOKENS.shape[1]):
            out, after = predictor.step(TOKENS[:, place], states)
            assert torch.allclose(out, whole[:, place], atol=1e-6)
            assert (after.shape, after.dtype) == (states.shape, states.dtype)
            states = after


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_of_training(kind):
    predictor, many = made(kind), torch.arange(200)[None] % 5
    assert not torch.equal(predictor.train()(many), predictor(many))
    assert torch.equal(predictor.eval()(many), predictor(many))
