"""Searches with transducers against everything that could be said."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from graphs.options import flat
from hybrid.e2e.search.transducer_beam import TransducerBeamOptions
from hybrid.e2e.search.transducer_graph import TransducerGraphOptions
from hybrid.e2e.search.transducer_greedy import TransducerGreedyOptions
from tests.hybrid.e2e.decoders.alignments import all_scores
from tests.hybrid.e2e.search.transducers import PairLm, encoded_of, everything, network_of, tables_of

WIDE = {"beam": 100000, "nbest": 100000, "score_beam": math.inf}
PREDICTORS = [{"context": 2}, {"predictor": "lstm", "predictor_layers": 2}]
KINDS = [(True, 1), (False, 1), (False, 2)]  # is the transducer monotonic? tokens on a frame
kinds = pytest.mark.parametrize("monotonic, max_symbols", KINDS)


def _everything(network, frames, monotonic, max_symbols):
    one = max_symbols == 1
    return everything(network.decoder, frames, len(frames) * max_symbols, monotonic or one, max_symbols)


def _internal(decoder, tokens):
    """Log probability of the tokens by the transducer where the encoder gives zeros."""
    states, last, total = decoder.predictor.start(1), 0, 0.0
    for token in tokens:
        out, states = decoder.predictor.step(torch.tensor([last]), states)
        logits = decoder.join(decoder.encoder_side.bias, decoder.predictor_side(out[0]))
        total, last = total + float(logits[1:].log_softmax(dim=0)[token - 1].detach()), token
    return total


@kinds
@pytest.mark.parametrize("options", PREDICTORS)
def test_a_wide_beam_finds_everything_with_its_sum(options, monotonic, max_symbols):
    network = network_of(num_tokens=3, monotonic=monotonic, **options)
    encoded, lengths = encoded_of([4, 1] if max_symbols == 1 else [3, 1])
    found = TransducerBeamOptions(max_symbols=max_symbols, **WIDE).search(network, encoded, lengths)
    for row, length in enumerate(lengths.tolist()):
        expected = _everything(network, encoded[row, :length], monotonic, max_symbols)
        assert len(found[row]) == len(expected)
        assert [one.score for one in found[row]] == sorted((one.score for one in found[row]), reverse=True)
        for one in found[row]:
            score, frames = expected[one.tokens]
            assert one.score == pytest.approx(score, abs=1e-9) and one.finished
            assert one.parts == {"transducer": one.score}
            assert list(one.frames) == sorted(one.frames) and len(one.frames) == len(one.tokens)
            assert max(one.frames, default=0) < length


@kinds
def test_language_models_bonuses_and_the_internal_one(monotonic, max_symbols):
    network, lm = network_of(num_tokens=3, monotonic=monotonic), PairLm(3)
    encoded, lengths = encoded_of([3] if max_symbols == 1 else [2, 1])
    options = TransducerBeamOptions(max_symbols=max_symbols, lm_scale=0.7, token_bonus=0.3, word_bonus=-0.2,
                                    internal_scale=0.4, **WIDE)
    found = options.search(network, encoded, lengths, lm)
    assert lm.num_resets == 1
    for row, length in enumerate(lengths):
        expected = _everything(network, encoded[row, :length], monotonic, max_symbols)
        assert {one.tokens for one in found[row]} == set(expected)
        for one in found[row]:
            internal = _internal(network.decoder, one.tokens)
            assert one.parts == {"transducer": pytest.approx(expected[one.tokens][0]),
                                 "lm": pytest.approx(lm.of(one.tokens)), "internal_lm": pytest.approx(internal)}
            bonus = 0.3 * len(one.tokens) - 0.2 * one.tokens.count(1)
            fused = 0.7 * lm.of(one.tokens) - 0.4 * internal + bonus
            assert one.score == pytest.approx(expected[one.tokens][0] + fused)
            assert options.part_weights == {"internal_lm": -0.4}
        assert found[row][0].score == max(one.score for one in found[row])


@kinds
def test_frames_are_those_of_the_best_alignment(monotonic, max_symbols):
    for seed in range(5):
        network, (encoded, lengths) = network_of(seed, 3, monotonic=monotonic), encoded_of([3], seed)
        best = TransducerBeamOptions(max_symbols=max_symbols, **WIDE).search(network, encoded, lengths)[0][0]
        scores, found = all_scores(*tables_of(network.decoder, encoded[0, :3], best.tokens),
                                   monotonic or max_symbols == 1)
        assert best.frames == found[int(scores.argmax())]


def _step_by_hand(decoder, frame, tokens, score):
    """Log probability with a blank on this frame, and with each token."""
    blank, _ = tables_of(decoder, frame, tokens)
    return score + float(blank[0, -1]), {
        (*tokens, token): score + float(tables_of(decoder, frame, (*tokens, token))[1][0, -1])
        for token in range(1, decoder.num_tokens)}


def _kept(ranks, options):
    best = sorted(ranks, key=lambda tokens: -ranks[tokens])[:options.beam]
    return [tokens for tokens in best if ranks[tokens] >= ranks[best[0]] - options.score_beam]


def _one_token_by_hand(decoder, frame, beam, options, rank):
    sums = {}
    for tokens, score in beam.items():
        blank, more = _step_by_hand(decoder, frame, tokens, score)
        for said, part in {tokens: blank, **more}.items():
            sums[said] = float(np.logaddexp(sums.get(said, -math.inf), part))
    return {tokens: sums[tokens] for tokens in _kept({said: sums[said] + rank(said) for said in sums}, options)}


def _several_tokens_by_hand(decoder, frame, beam, options, rank):
    ended = {}
    for number in range(options.max_symbols + 1):
        after = {}
        for tokens, score in beam.items():
            blank, more = _step_by_hand(decoder, frame, tokens, score)
            ended[tokens] = float(np.logaddexp(ended.get(tokens, -math.inf), blank))
            after.update(more)
        if number < options.max_symbols:
            ranks = sorted((score + rank(tokens) for tokens, score in ended.items()), reverse=True)
            least = ranks[options.beam - 1] if len(ranks) >= options.beam else -math.inf
            ranks = {tokens: after[tokens] + rank(tokens) for tokens in after if after[tokens] + rank(tokens) > least}
            beam = {tokens: after[tokens] for tokens in _kept(ranks, options)} if ranks else {}
    return {tokens: ended[tokens] for tokens in _kept({said: ended[said] + rank(said) for said in ended}, options)}


@pytest.mark.parametrize("max_symbols", [1, 2])
@pytest.mark.parametrize("beam, score_beam", [(3, math.inf), (2, 2.0), (1, 5.0), (20, 3.0)])
def test_a_narrow_beam_keeps_the_best_on_each_frame(beam, score_beam, max_symbols):
    """Against a search with dictionaries, and one call of the network for each of its steps."""
    lm = PairLm(3)
    by_hand = _one_token_by_hand if max_symbols == 1 else _several_tokens_by_hand
    for seed in range(2):
        network, (encoded, lengths) = network_of(seed, 3, scale=1.5), encoded_of([4], seed)
        options = TransducerBeamOptions(beam=beam, nbest=99, score_beam=score_beam, max_symbols=max_symbols)
        expected = {(): 0.0}
        for frame in encoded[0, :4].split(1):
            expected = by_hand(network.decoder, frame, expected, options, lambda said: 0.5 * lm.of(said, False))
        found = options.search(network, encoded, lengths, lm)[0]
        assert {one.tokens: one.score for one in found} == {
            tokens: pytest.approx(score + 0.5 * lm.of(tokens)) for tokens, score in expected.items()}


@kinds
@pytest.mark.parametrize("options", PREDICTORS)
def test_batch_and_padding_change_nothing(options, monotonic, max_symbols):
    network, lm = network_of(1, monotonic=monotonic, **options), PairLm(4)
    lengths = [6, 1, 9, 4]
    for search, fusion in ((TransducerBeamOptions(beam=3, max_symbols=max_symbols, internal_scale=0.2), lm),
                           (TransducerGreedyOptions(max_symbols), None)):
        together = search.search(network, *encoded_of(lengths, padding=1e3), fusion)
        encoded, of = encoded_of(lengths)
        for row, length in enumerate(lengths):
            alone = search.search(network, encoded[row:row + 1, :length], of[row:row + 1], fusion)[0]
            assert [(one.tokens, one.frames) for one in alone] == [(one.tokens, one.frames) for one in together[row]]
            assert [one.score for one in alone] == pytest.approx([one.score for one in together[row]])


@pytest.mark.parametrize("monotonic", [True, False])
def test_greedy_is_a_beam_of_one(monotonic):
    lengths = [12, 3, 7]
    for seed in range(4):
        network = network_of(seed, 5, monotonic=monotonic)
        greedy = TransducerGreedyOptions(max_symbols=1).search(network, *encoded_of(lengths, seed))
        beam = TransducerBeamOptions(beam=1, max_symbols=1).search(network, *encoded_of(lengths, seed))
        for (one,), (other,) in zip(greedy, beam):
            assert (one.tokens, one.frames, one.parts.keys()) == (other.tokens, other.frames, other.parts.keys())
            assert one.score == pytest.approx(other.score) == pytest.approx(one.parts["transducer"])


@pytest.mark.parametrize("max_symbols", [1, 3])
def test_greedy_step_by_step(max_symbols):
    met = set()
    for seed in range(5):
        network, (encoded, lengths) = network_of(seed, 3), encoded_of([5], seed)
        tokens, frames, total = (), (), 0.0
        for t in range(5):
            for number in range(max_symbols):
                blank, _ = tables_of(network.decoder, encoded[0, t:t + 1], tokens)
                scores = [float(blank[0, -1])] + [float(tables_of(network.decoder, encoded[0, t:t + 1],
                                                                  (*tokens, token))[1][0, -1]) for token in (1, 2)]
                total, best = total + max(scores), int(np.argmax(scores))
                if not best:
                    break
                tokens, frames = (*tokens, best), (*frames, t)
                met.add(number)
        one, = TransducerGreedyOptions(max_symbols).search(network, encoded, lengths)[0]
        assert (one.tokens, one.frames) == (tokens, frames) and one.score == pytest.approx(total) and one.finished
    assert met == set(range(max_symbols))


def test_a_monotonic_transducer_has_one_token_on_a_frame():
    network, batch = network_of(0, 3, monotonic=True), encoded_of([8, 6])
    for search in (TransducerGreedyOptions, TransducerBeamOptions):
        one, several = (search(max_symbols=number).search(network, *batch) for number in (1, 3))
        assert one == several
        assert any(len(best.tokens) > 1 for best, *_ in one)


def test_only_sentences_that_the_language_model_lets_end():
    network, batch = network_of(0, 3), encoded_of([3])
    open_ended = TransducerBeamOptions(**WIDE).search(network, *batch, PairLm(3))[0]
    ended = TransducerBeamOptions(**WIDE).search(network, *batch, PairLm(3, endings=[2]))[0]
    assert [one.tokens for one in ended] == [one.tokens for one in open_ended if one.tokens[-1:] == (2,)]
    assert all(one.finished and math.isfinite(one.score) for one in ended)


def test_where_no_hypothesis_may_end_the_best_is_given_and_marked():
    network, batch, lm = network_of(0, 3), encoded_of([3, 2]), PairLm(3, endings=[])
    for best, *more in TransducerBeamOptions(beam=4).search(network, *batch, lm):
        assert not best.finished and all(not one.finished for one in more)
        assert best.parts["lm"] == pytest.approx(lm.of(best.tokens, ended=False))
        assert best.score == pytest.approx(best.parts["transducer"] + 0.5 * best.parts["lm"])


def test_tokens_that_the_language_model_forbids_are_never_said():
    lm = PairLm(4)
    lm.table[:, 2] = -math.inf
    for max_symbols in (1, 2):
        options = TransducerBeamOptions(beam=9, nbest=9, max_symbols=max_symbols)
        found = options.search(network_of(), *encoded_of([6]), lm)[0]
        assert found and all(2 not in one.tokens and math.isfinite(one.score) for one in found)


def test_networks_without_transducer_and_language_models_for_greedy():
    other = SimpleNamespace(decoder=None)
    for search in (TransducerGreedyOptions(), TransducerBeamOptions()):
        with pytest.raises(InputError, match="expected a network with decoder = transducer"):
            search.search(other, *encoded_of([2]))
    with pytest.raises(InputError, match="no language model"):
        TransducerGreedyOptions().search(network_of(), *encoded_of([2]), PairLm(4))


@pytest.mark.parametrize("values", [{"beam": 0}, {"beam": 100_001}, {"nbest": 0}, {"max_symbols": 0},
                                    {"internal_scale": -1.0},
                                    {"score_beam": 0.0}, {"lm_scale": -1.0}])
def test_options_out_of_range(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        TransducerBeamOptions(**values)


def test_greedy_search_takes_one_token_of_a_frame_at_least():
    with pytest.raises(ValueError, match="max_symbols: expected at least 1"):
        TransducerGreedyOptions(max_symbols=0)


def test_defaults():
    common = {"lm_scale": 0.5, "token_bonus": 0.0, "word_bonus": 0.0}
    assert flat(TransducerBeamOptions()) == {
        **common, "beam": 8, "nbest": 8, "score_beam": 15.0, "max_symbols": 1, "internal_scale": 0.0}
    assert flat(TransducerGraphOptions()) == {
        **common, "graph_beam": 20.0, "max_states": 64, "max_contexts": 8, "nbest": 8}
    assert flat(TransducerGreedyOptions()) == {"max_symbols": 3}


def test_the_number_of_hypotheses():
    found = TransducerBeamOptions(beam=6, nbest=2).search(network_of(), *encoded_of([5, 1]))
    assert [len(one) for one in found] == [2, 2]
    pairs = [tuple(itertools.chain.from_iterable(one.tokens for one in utterance)) for utterance in found]
    assert len(set(pairs)) == 2
