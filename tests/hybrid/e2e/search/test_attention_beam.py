"""Attention beam search against all sentences of tiny networks, for each term; what it gives when nothing ends."""

import functools
from dataclasses import replace
from typing import Dict, NamedTuple, Tuple

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.e2e.search.attention_beam import AttentionBeamOptions
from hybrid.nn.ctc import ctc_loss
from tests.hybrid.e2e.decoders.material import encoded_of
from tests.hybrid.e2e.search.material import BigramLm, TableDecoder, TinyNetwork, sentences, tiny_network

NUM_TOKENS, NUM_FRAMES = 3, 4
WIDE = dict(beam=200, nbest=200, end_lengths=0, lm_scale=0.0, ctc_weight=0.0)


class Sentence(NamedTuple):
    """weights: ``[tokens + 1, T]``; ratio: of log p(end) to that of the likeliest token instead."""

    tokens: Tuple[int, ...]
    parts: Dict[str, float]
    weights: np.ndarray
    ratio: float


@functools.lru_cache(maxsize=None)
def all_sentences(name):
    """Of a tiny network and its encoded frames, up to as many tokens as frames."""
    network, (encoded, lengths), found = tiny_network(name, NUM_TOKENS), encoded_of([NUM_FRAMES]), []
    for tokens in sentences(NUM_TOKENS, NUM_FRAMES):
        with torch.no_grad():
            logits, weights = network.decoder(encoded, lengths, torch.tensor([[0, *tokens]]))
            ctc = -float(ctc_loss(network.ctc_log_probs(encoded), lengths, [tokens]))
        parts = {"attention": float(network.decoder.score(encoded, lengths, [tokens])), "ctc": ctc,
                 "lm": BigramLm(NUM_TOKENS).score(tokens)}
        last = logits[0, -1].log_softmax(0)
        found.append(Sentence(tokens, parts, weights[0].numpy(), float(last[0] / last[1:].max())))
    return found


def exhaustive(name, options):
    """(score, sentence) of all sentences that may be found, the best first."""
    found, starts_word = [], BigramLm(NUM_TOKENS).starts_word
    for sentence in all_sentences(name):
        tokens, parts = sentence.tokens, sentence.parts
        if options.end_threshold and not sentence.ratio < options.end_threshold:
            continue
        score = (1 - options.ctc_weight) * parts["attention"] + options.token_bonus * len(tokens)
        if options.ctc_weight:
            score += options.ctc_weight * parts["ctc"]
        if options.lm_scale:
            score += options.lm_scale * parts["lm"] + options.word_bonus * sum(starts_word[list(tokens)])
        covered = int((sentence.weights.sum(axis=0) > options.coverage_threshold).sum())
        score = score / ((5 + len(tokens) + 1) / 6) ** options.length_power + options.coverage * covered
        if score > -np.inf:
            found.append((score, sentence))
    return sorted(found, key=lambda one: -one[0])


TERMS = {
    "attention": {}, "ctc": dict(ctc_weight=0.4), "ctc_alone": dict(ctc_weight=1.0), "lm": dict(lm_scale=0.7),
    "token_bonus": dict(token_bonus=1.3), "word_bonus": dict(lm_scale=0.2, word_bonus=-0.9),
    "length": dict(length_power=0.8), "coverage": dict(coverage=0.6),
    "threshold": dict(coverage=0.6, coverage_threshold=1.1), "end": dict(end_threshold=1.5),
    "all": dict(ctc_weight=0.3, lm_scale=0.5, token_bonus=0.4, length_power=0.5, coverage=0.3, end_threshold=2.0),
}


@pytest.mark.parametrize("name", ["lstm", "transformer"])
@pytest.mark.parametrize("term", TERMS)
def test_a_wide_beam_finds_all_sentences_in_order(name, term):
    options = AttentionBeamOptions(**{**WIDE, **TERMS[term]})
    network, (encoded, lengths) = tiny_network(name, NUM_TOKENS), encoded_of([NUM_FRAMES])
    wanted = {"attention", *["ctc"] * bool(options.ctc_weight), *["lm"] * bool(options.lm_scale)}
    expected = exhaustive(name, options)
    (found,) = options.search(network, encoded, lengths, BigramLm(NUM_TOKENS) if "lm" in wanted else None)
    assert [one.tokens for one in found] == [sentence.tokens for _, sentence in expected]
    assert np.allclose([one.score for one in found], [score for score, _ in expected], atol=1e-6)
    for one, (_, sentence) in zip(found, expected):
        assert one.parts == pytest.approx({part: sentence.parts[part] for part in wanted}, abs=1e-6)
        assert len(one.frames) == len(one.tokens) and list(one.frames) == sorted(one.frames) and one.finished
        assert all(0 <= frame < NUM_FRAMES for frame in one.frames)
    assert len({one.tokens for one in found}) == len(found) >= (2 if options.end_threshold else 10)


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_each_term_changes_the_order(name):
    """So that the test above can fail."""
    orders = {tuple(sentence.tokens for _, sentence in exhaustive(name, AttentionBeamOptions(**{**WIDE, **changed})))
              for changed in TERMS.values()}
    assert len(orders) == len(TERMS)


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_a_beam_of_one_is_greedy(name):
    """By whole prefixes, scored anew at each step; the beam of 1 ends where the end is best, or after 15 tokens."""
    network, (encoded, lengths), lm, found = tiny_network(name, NUM_TOKENS), encoded_of([5]), BigramLm(NUM_TOKENS), []
    for bonus in (-0.5, -0.1, 0.1, 0.7):
        tokens = [0]
        while len(tokens) == 1 or tokens[-1] != 0 and len(tokens) < 17:
            with torch.no_grad():
                logits, _ = network.decoder(encoded, lengths, torch.tensor([tokens]))
            row = logits[0, -1].log_softmax(0).numpy() + 0.5 * lm.log_probs[tokens[-1]] + bonus
            row[0] -= bonus
            tokens.append(int(row.argmax()))
        options = AttentionBeamOptions(beam=1, ctc_weight=0.0, lm_scale=0.5, token_bonus=bonus, max_ratio=3.0)
        found += options.search(network, encoded, lengths, lm)
        assert [(one.tokens, one.finished) for one in found[-1]] == [(tuple(tokens[1:-1]), tokens[-1] == 0)]
    assert {one.finished for ((one),) in found} == {True, False} and len({one.tokens for ((one),) in found}) > 1


def test_batch_and_padding_change_nothing():
    options = AttentionBeamOptions(beam=3, ctc_weight=0.4, coverage=0.2)
    network, lm = tiny_network("lstm", NUM_TOKENS), BigramLm(NUM_TOKENS)
    encoded, lengths = encoded_of([5, 2, 3], padding=float("nan"))
    together = options.search(network, encoded, lengths, lm)
    assert lm.num_resets == 3
    for row, length in enumerate(lengths.tolist()):
        alone = options.search(network, encoded[row:row + 1, :length], lengths[row:row + 1], lm)
        assert alone == together[row:row + 1]


def test_a_beam_keeps_the_best_prefixes_and_gives_the_best_nbest():
    def probabilities(prefix):
        return {(): (0.0, 0.6, 0.4), (1,): (0.1, 0.45, 0.45), (2,): (0.9, 0.05, 0.05)}.get(prefix, (1.0, 0.0, 0.0))
    encoded, lengths = encoded_of([3])
    network = TinyNetwork(TableDecoder(3, probabilities), 3)
    options = dict(ctc_weight=0.0, end_lengths=0)
    (found,) = AttentionBeamOptions(beam=1, **options).search(network, encoded, lengths)
    assert [one.tokens for one in found] == [(1, 1)] and found[0].score == pytest.approx(np.log(0.27))
    (found,) = AttentionBeamOptions(beam=2, **options).search(network, encoded, lengths)
    assert [one.tokens for one in found] == [(2,), (1, 1)]
    (found,) = AttentionBeamOptions(beam=3, **options).search(network, encoded, lengths)
    assert [one.tokens for one in found] == [(2,), (1, 1), (1, 2)]
    (found,) = AttentionBeamOptions(beam=3, nbest=2, **options).search(network, encoded, lengths)
    assert [one.tokens for one in found] == [(2,), (1, 1)]


@pytest.mark.parametrize("ratio, most", [(0.0, 0), (0.5, 2), (1.0, 4), (2.0, 8)])
def test_what_never_ends_is_broken_off_and_marked(ratio, most):
    encoded, lengths = encoded_of([4])
    network = TinyNetwork(TableDecoder(3, lambda prefix: (1e-9, 0.7, 0.3)), 3)
    options = AttentionBeamOptions(beam=2, ctc_weight=0.0, max_ratio=ratio, token_bonus=0.1)
    ((found,),) = options.search(network, encoded, lengths)
    assert found.tokens == (1,) * most and not found.finished
    assert found.score == pytest.approx(most * (np.log(0.7) + 0.1))
    assert found.parts == {"attention": pytest.approx(most * np.log(0.7))} and len(found.frames) == most


def test_where_nothing_is_possible_the_last_beam_is_given():
    encoded, lengths = encoded_of([6])
    network, lm = TinyNetwork(TableDecoder(3, lambda prefix: (0.2, 0.5, 0.3)), 3), BigramLm(3)
    lm.log_probs[0, 0], lm.log_probs[1] = -np.inf, -np.inf
    lm.log_probs[2, [0, 2]] = -np.inf
    ((found,),) = AttentionBeamOptions(ctc_weight=0.0).search(network, encoded, lengths, lm)
    assert found.tokens == (2, 1) and not found.finished and np.isfinite(found.score)
    lm.log_probs[:] = -np.inf
    ((found,),) = AttentionBeamOptions(ctc_weight=0.0).search(network, encoded, lengths, lm)
    assert found.tokens == () and not found.finished and found.score == 0.0


def test_ctc_bounds_the_tokens_by_the_frames():
    encoded, lengths = encoded_of([2])
    network = TinyNetwork(TableDecoder(3, lambda prefix: (1e-9, 0.7, 0.3)), 3)
    (found,) = AttentionBeamOptions(beam=50, ctc_weight=0.5, max_ratio=5.0, nbest=50).search(network, encoded, lengths)
    assert {one.tokens for one in found} == {(), (1,), (2,), (1, 2), (2, 1)} and all(one.finished for one in found)


@pytest.mark.parametrize("end, token, threshold, may", [
    (0.4, 0.4, 1.0, False), (0.41, 0.4, 1.0, True), (0.25, 0.5, 2.0, False), (0.26, 0.5, 2.0, True),
    (0.9, 0.06, 0.5, True), (0.1, 0.8, 0.0, True)])
def test_an_end_has_to_be_likely_enough(end, token, threshold, may):
    """Its log p above so many times that of the likeliest token; here after a token it always is."""
    first = (end, 1 - end - token, token)
    network = TinyNetwork(TableDecoder(3, lambda prefix: (1.0, 0.0, 0.0) if prefix else first), 3)
    options = AttentionBeamOptions(ctc_weight=0.0, end_threshold=threshold, max_ratio=0.5)
    (found,) = options.search(network, *encoded_of([3]))
    assert (() in [one.tokens for one in found]) == may and len(found) == 2 + may
    assert all(one.finished for one in found)


@pytest.mark.parametrize("end, finished", [(0.3, True), (0.0, False)])
def test_an_end_that_is_never_likely_enough_is_taken_all_the_same(end, finished):
    """Of a decoder that says one token over and over; where the end is impossible the search is broken off."""
    network = TinyNetwork(TableDecoder(3, lambda prefix: (end, 1 - end, 0.0)), 3)
    options = AttentionBeamOptions(ctc_weight=0.0, end_threshold=1.5, end_lengths=0)
    encoded, lengths = encoded_of([4])
    (found,) = options.search(network, encoded, lengths)
    assert [one.finished for one in found] == [finished] * len(found)
    assert [one.tokens for one in found] == ([(1,) * count for count in range(5)] if finished else [(1,) * 4])
    assert found == replace(options, end_threshold=0.0).search(network, encoded, lengths)[0]


def test_a_frame_is_covered_above_the_threshold():
    """Sums of weights of two tokens and the end: 0.5, 0.75, 1.75."""
    decoder = TableDecoder(3, lambda prefix: (0.0, 0.9, 0.1) if len(prefix) < 2 else (1.0, 0.0, 0.0),
                           [[0.5, 0.25, 0.25], [0.0, 0.25, 0.75], [0.0, 0.25, 0.75]])
    for threshold, covered in ((0.5, 2), (0.0, 3), (0.75, 1), (1.75, 0)):
        options = AttentionBeamOptions(beam=1, ctc_weight=0.0, coverage=2.0, coverage_threshold=threshold)
        ((found,),) = options.search(TinyNetwork(decoder, 3), *encoded_of([3]))
        assert found.score == pytest.approx(2 * np.log(0.9) + 2.0 * covered)


def steps_until_over(**options):
    """Of a decoder for which the best sentence has 2 tokens, and all longer ones are worse and worse."""
    def probabilities(prefix):
        end = 0.9 if len(prefix) == 2 else 1e-3 if len(prefix) < 2 else 0.3 * 0.01 ** (len(prefix) - 2)
        return end, (1 - end) * 0.99, (1 - end) * 0.01
    decoder = TableDecoder(3, probabilities)
    encoded, lengths = encoded_of([30])
    AttentionBeamOptions(beam=4, ctc_weight=0.0, **options).search(TinyNetwork(decoder, 3), encoded, lengths)
    return decoder.num_steps


def test_the_search_is_over_when_longer_sentences_are_far_below_the_best():
    assert steps_until_over(end_lengths=0) == 31
    # 8.0 below the best with 3 tokens, 12.7 with 4, 17.3 with 5
    assert [steps_until_over(end_margin=7.9, end_lengths=lengths) for lengths in (1, 2, 3)] == [4, 5, 6]
    assert [steps_until_over(end_margin=margin, end_lengths=1) for margin in (8.1, 12.8)] == [5, 6]
    assert steps_until_over() == 7 and steps_until_over(end_margin=1e9) == 31
    assert steps_until_over(end_margin=0.0, end_lengths=1) == 2  # one token and the end are less likely than the end


def test_frames_of_tokens_follow_attention_and_ctc():
    def probabilities(prefix):
        return (0.1, 0.8, 0.1) if len(prefix) < 2 else (0.98, 0.01, 0.01)
    weights = [[0.1, 0.2, 0.3, 0.3, 0.1], [0.1, 0.5, 0.2, 0.1, 0.1], [0.2] * 5, [0.2] * 5, [0.2] * 5, [0.2] * 5]
    network = TinyNetwork(TableDecoder(3, probabilities, weights), 3)
    encoded, lengths = encoded_of([5])
    (found, *_), = AttentionBeamOptions(ctc_weight=0.0).search(network, encoded, lengths)
    assert found.tokens == (1, 1) and found.frames == (1, 1)
    network.ctc_log_probs = lambda encoded: torch.tensor(
        [[[.9, .05, .05], [.1, .1, .8], [.15, .8, .05], [.9, .05, .05], [.1, .8, .1]]], dtype=torch.float64).log()
    (found, *_), = AttentionBeamOptions(ctc_weight=0.1).search(network, encoded, lengths)
    assert found.tokens == (1, 1) and found.frames == (2, 4)


def test_networks_that_lack_what_is_asked_for():
    encoded, lengths = encoded_of([3])
    network = tiny_network("lstm", 3, with_ctc=False)
    with pytest.raises(InputError, match="expected ctc_weight = 0"):
        AttentionBeamOptions().search(network, encoded, lengths)
    assert AttentionBeamOptions(ctc_weight=0.0).search(network, encoded, lengths)
    network.decoder = None
    with pytest.raises(InputError, match="an attention decoder"):
        AttentionBeamOptions(ctc_weight=0.0).search(network, encoded, lengths)


@pytest.mark.parametrize("bad", [
    {"beam": 0}, {"beam": 100_001}, {"nbest": 0}, {"ctc_weight": -0.1}, {"ctc_weight": 1.1}, {"length_power": -1},
    {"coverage": -1}, {"coverage_threshold": -0.1}, {"end_threshold": -1}, {"end_margin": -1}, {"end_lengths": -1},
    {"max_ratio": -1}, {"lm_scale": -1}, {"length_power": 1e300}, {"coverage": 1e308}, {"max_ratio": float("inf")}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        AttentionBeamOptions(**bad)


def test_defaults():
    options = AttentionBeamOptions()
    assert options.part_weights == pytest.approx({"attention": 0.7, "ctc": 0.3})
    assert (options.beam, options.nbest, options.ctc_weight, options.max_ratio) == (10, 10, 0.3, 1.0)
    assert (options.length_power, options.coverage, options.end_threshold, options.end_margin) == (0.0, 0.0, 0.0, 10.0)
    assert (options.coverage_threshold, options.end_lengths) == (0.5, 3)
