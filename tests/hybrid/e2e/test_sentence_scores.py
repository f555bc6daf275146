"""Scores of sentences: sums over all CTC paths, decoders asked one by one, whatever else is in the batch."""

import itertools

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.e2e.decoders.lstm import LstmDecoderOptions
from hybrid.e2e.decoders.kinds import NoDecoderOptions
from hybrid.e2e.decoders.transducer import TransducerOptions
from hybrid.e2e.model import E2eModel
from hybrid.e2e.network import E2eOptions
from hybrid.e2e.sentence_scores import E2eScorer, packs
from hybrid.e2e.tokens import TokenTable
from hybrid.nn.dnn import DnnOptions

TOKENS = TokenTable.characters([["ab"]])  # <blk> U+2581 a b
SENTENCES = [[["a"], ["ab", "a"], [], ["c"], ["b"] * 9], [["b"]], [], [["a", "b"], ["a"], ["ba"]]]


def make_model(decoder=None, ctc_weight=1.0, seed=0):
    torch.manual_seed(seed)
    arch = DnnOptions(hidden_dim=8, num_layers=1, splice=1)
    options = E2eOptions(arch, 2, 6, decoder or NoDecoderOptions(), ctc_weight)
    return E2eModel(options.build(3, TOKENS.num_tokens), TOKENS, 3)


def features(*lengths):
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(length, 3, generator=generator) for length in lengths]


LSTM, TRANSDUCER = LstmDecoderOptions(decoder_dim=7), TransducerOptions(predictor_dim=5, joiner_dim=6)


def test_ctc_scores_are_sums_over_all_paths():
    model, (one,) = make_model(), features(8)
    encoded, _ = model.encode(one[None], torch.tensor([8]))
    probs = model.network.ctc_log_probs(encoded)[0].exp().double()
    sums = {}
    for path in itertools.product(range(4), repeat=4):
        tokens = tuple(token for token, _ in itertools.groupby(path) if token)
        sums[tokens] = sums.get(tokens, 0.0) + float(torch.prod(probs[range(4), path]))
    found, = E2eScorer(model)([one], [SENTENCES[0]])
    assert found[:3] == pytest.approx([np.log(sums[tokens]) for tokens in ((2,), (2, 3, 1, 2), ())], abs=1e-5)
    assert found[3:].tolist() == [-np.inf, -np.inf]  # cannot be spelled; needs more frames


@pytest.mark.parametrize("weight", [None, 0.0, 0.75])
def test_joint_scores(weight):
    model, (one,) = make_model(LSTM, 0.25), features(40)
    encoded, lengths = model.encode(one[None], torch.tensor([40]))
    found, = E2eScorer(model, weight)([one], [SENTENCES[0]])
    share = 0.25 if weight is None else weight
    for words, score in zip(SENTENCES[0], found):
        tokens = TOKENS.encode(words)
        expected = -np.inf
        if tokens is not None:
            parts = [model.network.ctc_scores(encoded, lengths, [tokens]), model.network.decoder.score(
                encoded, lengths, [tokens])]
            expected = share * float(parts[0]) + (1 - share) * float(parts[1])
        assert score == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("decoder, weight", [(None, 1.0), (LSTM, 0.5), (TRANSDUCER, 0.5), (TRANSDUCER, 0.0)])
def test_other_utterances_and_sentences_change_nothing(decoder, weight, monkeypatch):
    scorer, inputs = E2eScorer(make_model(decoder, weight)), features(20, 50, 8, 33)
    together = scorer(inputs, SENTENCES)
    assert [len(found) for found in together] == [5, 1, 0, 3] and scorer([], []) == []
    monkeypatch.setattr("hybrid.e2e.sentence_scores.MOST_CELLS", 30)
    monkeypatch.setattr("hybrid.e2e.sentence_scores.MOST_FRAMES", 60)
    for alone, found in zip(scorer(inputs, SENTENCES), together):
        assert alone == pytest.approx(found, abs=1e-4)
    for one, own, found in zip(inputs, SENTENCES, together):
        for words, score in zip(own, found):
            assert scorer([one], [[words]])[0] == pytest.approx([score], abs=1e-4)


def test_networks_that_lack_what_is_asked_for():
    for model, weight in ((make_model(), 0.5), (make_model(LSTM, 0.0), 0.5), (make_model(), -0.1), (make_model(), 1.1)):
        with pytest.raises(InputError, match="ctc_weight"):
            E2eScorer(model, weight)
    assert np.isfinite(E2eScorer(make_model(LSTM, 0.0))(features(4), [[["a"]]])[0]).all()


@pytest.mark.parametrize("sizes, most, expected", [
    ([(3,), (5,), (4,)], 10, [[1, 2], [0]]), ([(3,), (5,), (4,)], 15, [[1, 2, 0]]), ([(9,), (9,)], 5, [[0], [1]]),
    ([(9,), (3,), (3,), (3,), (3,)], 9, [[0], [1, 2, 3], [4]]),
    ([(2, 1), (1, 9), (2, 2)], 18, [[2, 0], [1]]), ([(2, 1), (1, 3), (2, 2)], 18, [[2, 0, 1]]), ([], 5, [])])
def test_packs(sizes, most, expected):
    assert packs(sizes, most) == expected
