"""Greedy and prefix beam search against all alignments of tiny tables, with and without language models."""

import math
from collections import defaultdict
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.e2e.fusion import WordFusion, WordFusionOptions, score_tokens
from hybrid.e2e.search.ctc_beam import CtcBeamOptions, PrefixBeam, prefix_beam_search
from hybrid.e2e.search.ctc_greedy import CtcGreedyOptions, best_alignment
from hybrid.e2e.search.ctc_outputs import ctc_outputs, token_frames
from tests.hybrid.e2e.alignments import best_alignments, random_log_probs, sequence_scores
from tests.hybrid.e2e.material import UNKNOWN_WORD, character_tokens, ngram_lm, piece_tokens
from tests.hybrid.e2e.search.material import BigramLm

WIDE = {"beam": 10000, "nbest": 10000, "token_beam": math.inf}


def make_fusion(folder, kind="character", is_open=True, look_ahead="history"):
    lm, table = ngram_lm(folder, seed=5)
    tokens = character_tokens() if kind == "character" else piece_tokens(("_a", "b", "_ab"))
    return WordFusion(lm, table, tokens, WordFusionOptions(look_ahead, is_open, -0.4, -0.9), UNKNOWN_WORD)


@pytest.mark.parametrize("seed", range(5))
def test_wide_beams_find_every_sequence_with_its_score(seed):
    outputs = random_log_probs(5, 3, seed=seed).numpy()
    exact = sequence_scores(outputs)
    found = prefix_beam_search(outputs, CtcBeamOptions(**WIDE))
    assert {one.tokens: one.score for one in found} == pytest.approx(exact)
    scores = [one.score for one in found]
    assert len(found) == len(exact) and scores == sorted(scores, reverse=True)
    assert all(one.parts == {"ctc": one.score} and one.finished for one in found)


def test_alignments_of_a_prefix_meet_on_every_frame():
    outputs = random_log_probs(6, 3, seed=8).numpy()
    beam = PrefixBeam(CtcBeamOptions(**WIDE), None, 3)
    for frame, log_probs in enumerate(outputs, 1):
        beam.step(log_probs)
        sequences, _ = beam.ends()
        score = sorted(np.logaddexp(beam.blank, beam.token), reverse=True)
        exact = sequence_scores(outputs[:frame])
        assert dict(zip(sequences, score)) == pytest.approx(exact)


@pytest.mark.parametrize("kind, is_open, look_ahead", (
    ("character", True, "history"), ("character", False, "none"), ("piece", True, "start"),
    ("piece", False, "history")))
def test_wide_beams_with_a_language_model_find_the_best_sums(tmp_path, kind, is_open, look_ahead):
    outputs = random_log_probs(5, 4, seed=11).numpy()
    fusion = make_fusion(tmp_path, kind, is_open, look_ahead)
    options = CtcBeamOptions(lm_scale=0.7, token_bonus=0.3, word_bonus=-0.2, **WIDE)
    exact = {}
    for tokens, score in sequence_scores(outputs).items():
        lm_score = score_tokens(fusion, [tokens])[0]
        starts = sum(bool(fusion.starts_word[token]) for token in tokens)
        if not math.isinf(lm_score):
            exact[tokens] = score + 0.7 * lm_score + 0.3 * len(tokens) - 0.2 * starts
    found = prefix_beam_search(outputs, options, fusion)
    assert {one.tokens: one.score for one in found} == pytest.approx(exact)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    best = found[0]
    assert best.parts["lm"] == pytest.approx(score_tokens(fusion, [best.tokens])[0])
    assert best.parts["ctc"] == pytest.approx(sequence_scores(outputs)[best.tokens])
    one = prefix_beam_search(outputs, CtcBeamOptions(lm_scale=0.7, token_bonus=0.3, word_bonus=-0.2,
                                                     **{**WIDE, "nbest": 1}), fusion)
    assert one == [best]


def test_bonuses_change_the_order():
    outputs = random_log_probs(6, 3, seed=2).numpy()
    lengths = [len(prefix_beam_search(outputs, CtcBeamOptions(token_bonus=bonus, **WIDE))[0].tokens)
               for bonus in (-9.0, 0.0, 9.0)]
    assert lengths[0] == 0 < lengths[1] < lengths[2]


def test_beams_limit_what_is_kept():
    outputs = random_log_probs(8, 4, seed=4).numpy()
    for beam, nbest, number in ((3, 10, 3), (10, 2, 2)):
        found = prefix_beam_search(outputs, CtcBeamOptions(beam=beam, nbest=nbest))
        assert len(found) == number
    assert prefix_beam_search(outputs, CtcBeamOptions(token_beam=1e-9, beam=50))[0].tokens == best_alignment(
        outputs).tokens  # the best token of each frame is all there is


def test_a_narrow_token_beam_drops_a_token_that_a_wide_one_keeps():
    outputs = np.log(np.array([[0.9, 0.06, 0.04]]))
    for least, tokens in ((0.06, {(), (1,)}), (0.04, {(), (1,), (2,)})):
        found = prefix_beam_search(outputs, CtcBeamOptions(token_beam=math.log(0.9 / least) + 0.01))
        assert {one.tokens for one in found} == tokens


def test_what_the_language_model_does_not_let_end_is_broken_off(tmp_path):
    lm, table = ngram_lm(tmp_path, words=("ab",), seed=5)
    fusion = WordFusion(lm, table, character_tokens(), WordFusionOptions(open_vocabulary=False), UNKNOWN_WORD)
    outputs = np.log(np.array([[0.01, 0.01, 0.97, 0.01]]))  # a
    found = prefix_beam_search(outputs, CtcBeamOptions(beam=1, lm_scale=0.1), fusion)
    assert [one.tokens for one in found] == [(2,)] and not found[0].finished
    assert found[0].parts["lm"] == pytest.approx(score_tokens(fusion, [(2,)], ends=False)[0])
    assert prefix_beam_search(outputs, CtcBeamOptions(lm_scale=0.1), fusion)[0].finished  # nothing was said


def prefixes_by_hand(outputs, options, lm):
    """Those in the beam after the last frame, and what they are ranked by with their end; by dictionaries of prefix ->
    alignments that end with blank, and with a token."""
    def rank(prefix, scores):
        bonus = options.token_bonus * len(prefix) + options.word_bonus * sum(lm.starts_word[list(prefix)])
        return np.logaddexp(*scores) + options.lm_scale * lm.score(prefix, ended=False) + bonus

    beam = {(): (0.0, -math.inf)}
    for row in outputs:
        after = defaultdict(lambda: [-math.inf, -math.inf])
        for prefix, (blank, token) in beam.items():
            after[prefix][0] = np.logaddexp(after[prefix][0], np.logaddexp(blank, token) + row[0])
            if prefix:
                after[prefix][1] = np.logaddexp(after[prefix][1], token + row[prefix[-1]])
            for new in range(1, len(row)):
                longer, before = (*prefix, new), blank if prefix[-1:] == (new,) else np.logaddexp(blank, token)
                if longer in beam or row[new] >= row.max() - options.token_beam:
                    after[longer][1] = np.logaddexp(after[longer][1], before + row[new])
        best = sorted(after, key=lambda prefix: -rank(prefix, after[prefix]))[:options.beam]
        beam = {prefix: after[prefix] for prefix in best if rank(prefix, after[prefix]) > -math.inf}
    return {prefix: rank(prefix, scores) + options.lm_scale * lm.log_probs[(0, *prefix)[-1], 0]
            for prefix, scores in beam.items()}


@pytest.mark.parametrize("beam, token_beam", [(1, 8.0), (2, 8.0), (3, 1.0), (6, 2.0), (30, 0.5)])
def test_a_narrow_beam_keeps_the_best_prefixes_of_each_frame(beam, token_beam):
    met = set()
    for seed in range(4):
        outputs, lm = random_log_probs(7, 4, seed=seed).numpy(), BigramLm(4, seed)
        options = CtcBeamOptions(beam=beam, nbest=99, token_beam=token_beam, token_bonus=1.5, word_bonus=0.5)
        found, ranks = prefix_beam_search(outputs, options, lm), prefixes_by_hand(outputs, options, lm)
        assert {one.tokens for one in found} == set(ranks) and lm.num_resets == 1
        assert all(one.parts["lm"] == pytest.approx(lm.score(one.tokens)) for one in found)
        few = prefix_beam_search(outputs, replace(options, nbest=2), lm)
        assert {one.tokens for one in few} == set(sorted(ranks, key=ranks.get)[-2:])
        met |= {len(one.tokens) for one in found}
    assert len(met) > 2


def test_the_end_is_allowed_whatever_may_follow():
    lm = BigramLm(4)
    lm.log_probs[:, [1, 3]] = -math.inf
    found = prefix_beam_search(random_log_probs(4, 4).numpy(), CtcBeamOptions(**WIDE), lm)
    assert {one.tokens for one in found} == {(), (2,), (2, 2)} and all(one.finished for one in found)


@pytest.mark.parametrize("seed", range(4))
def test_greedy_is_the_best_alignment(seed):
    outputs = random_log_probs(6, 3, seed=seed).numpy()
    tokens, (score, _) = max(best_alignments(outputs).items(), key=lambda item: item[1][0])
    found = best_alignment(outputs)
    assert found.tokens == tokens and found.score == pytest.approx(score)
    assert found.parts["ctc"] == pytest.approx(sequence_scores(outputs)[tokens])
    assert found.frames == token_frames(outputs, tokens)


class Network:
    """Only what searches ask for: encoded frames are its outputs."""

    ctc = True

    @staticmethod
    def ctc_log_probs(encoded):
        return encoded.log_softmax(dim=2)


@pytest.mark.parametrize("options", (CtcGreedyOptions(), CtcBeamOptions(beam=4)))
def test_batches_and_padding_change_nothing(options):
    generator = torch.Generator().manual_seed(0)
    utterances = [torch.randn(length, 4, generator=generator) for length in (5, 8, 1)]
    padded = torch.nn.utils.rnn.pad_sequence(utterances, batch_first=True, padding_value=7.0)
    together = options.search(Network(), padded, torch.tensor([5, 8, 1]))
    assert together == [options.search(Network(), one[None], torch.tensor([len(one)]))[0] for one in utterances]


def test_greedy_takes_no_language_model(tmp_path):
    with pytest.raises(InputError, match="no language model"):
        CtcGreedyOptions().search(Network(), torch.zeros(1, 2, 4), torch.tensor([2]), make_fusion(tmp_path))


def test_a_network_without_ctc_is_named():
    network = Network()
    network.ctc = None
    with pytest.raises(InputError, match="a network with a CTC output"):
        CtcBeamOptions().search(network, torch.zeros(1, 2, 4), torch.tensor([2]))


@pytest.mark.parametrize("bad", ({"beam": 0}, {"beam": 100_001}, {"nbest": 0}, {"token_beam": 0.0},
                                 {"token_beam": math.nan}, {"lm_scale": -1.0}))
def test_bad_options(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        CtcBeamOptions(**bad)


def test_outputs_of_zero_probability_do_not_stop_the_search():
    outputs = ctc_outputs(np.array([[-math.inf, 0.0], [0.0, -math.inf], [-math.inf, 0.0]]))
    assert prefix_beam_search(outputs, CtcBeamOptions())[0].tokens == (1, 1)


def test_defaults():
    assert asdict(CtcBeamOptions()) == {"lm_scale": 0.5, "token_bonus": 0.0, "word_bonus": 0.0, "beam": 10,
                                        "token_beam": 8.0, "nbest": 10}


def test_a_language_model_over_other_tokens_is_refused():
    outputs = ctc_outputs(np.log(np.full((6, 4), 0.25)))
    with pytest.raises(InputError, match="expected one over the network's 4 tokens, found one over 9"):
        prefix_beam_search(outputs, CtcBeamOptions(), BigramLm(9))
