"""Forced alignment: a planted path is found again, and what cannot be aligned says why."""

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.topology import HmmState, Topology, TopologyOptions
from graphs.hmm.transitions import TransitionModel
from graphs.lang.lexicon import Lexicon, Pronunciation
from graphs.lang.make_lang import LangOptions, make_lang
from hybrid.align.alignment import Alignment, Segment, phone_segments
from hybrid.align.bootstrap import BootstrapOptions, ctc_log_likelihoods, even_states
from hybrid.align.forced import Aligner, AlignOptions, word_segments
from tests.graphs.hmm.test_context_fst import windows_over
from tests.graphs.hmms import small_model
from tests.graphs.trees import random_tree

pytest.importorskip("k2")
ENTRIES = [("cat", "k a t"), ("act", "a k t"), ("act", "a t"), ("a", "a")]


def make_aligner(silence_prob=0.5, context=(1, 0), **options):
    lexicon = Lexicon([Pronunciation(word, tuple(phones.split())) for word, phones in ENTRIES])
    lang = make_lang(lexicon, LangOptions(silence_prob=silence_prob), TopologyOptions(speech="3state"))
    tree = ContextTree.monophone(lang.topology)
    if context != (1, 0):
        tree = random_tree(lang.topology, *context, seed=4, alike=(lang.phones.id_of("SIL"),))
    transitions = TransitionModel.from_tree(tree, lang.topology)
    return Aligner(lang, tree, transitions, AlignOptions(**options), 0.01)


def planted(aligner, phones_and_frames, noise=0.5, seed=0):
    """Log-likelihoods in which the states of these phones in their contexts stand out, three equal parts each."""
    transitions, tree = aligner.transitions, aligner.tree
    rows, windows = [], windows_over([aligner.lang.phones.id_of(phone) for phone, _ in phones_and_frames], tree)
    for (_, frames), window in zip(phones_and_frames, windows):
        rows += [tree.pdf_id(window, 3 * t // frames) for t in range(frames)]
    scores = torch.randn(len(rows), transitions.num_pdfs, generator=torch.Generator().manual_seed(seed)) * noise
    scores[torch.arange(len(rows)), torch.tensor(rows)] += 12.0
    return scores


def segments_of(aligner, alignment):
    return [(aligner.lang.phones.symbol_of(s.label), s.num_frames)
            for s in phone_segments(alignment, aligner.transitions)]


TRUTHS = [
    ("cat act", [("SIL", 6), ("k", 3), ("a", 9), ("t", 6), ("a", 3), ("t", 6), ("SIL", 3)],
     [("cat", 6, 18), ("act", 24, 9)]),
    ("act cat", [("a", 6), ("k", 3), ("t", 3), ("SIL", 9), ("k", 3), ("a", 3), ("t", 3)],
     [("act", 0, 12), ("cat", 21, 9)]),
    ("a a", [("a", 6), ("a", 6)], [("a", 0, 6), ("a", 6, 6)]),
    ("", [("SIL", 9)], []),
]


@pytest.mark.parametrize("text, truth, words", TRUTHS)
@pytest.mark.parametrize("context", [(1, 0), (3, 1), (2, 1), (2, 0), (5, 2)])
def test_a_planted_path_is_found(text, truth, words, context):
    aligner = make_aligner(context=context)
    scores = planted(aligner, truth)
    outcome = aligner.align("u", text, scores)
    assert aligner.transitions.pdf_id[outcome.alignment.transition_ids].tolist() == scores.argmax(1).tolist()
    assert outcome.outcome == "done"
    assert segments_of(aligner, outcome.alignment) == truth
    named = [(aligner.lang.words.symbol_of(s.label), s.start_frame, s.num_frames) for s in outcome.alignment.words]
    assert named == words
    assert outcome.alignment.num_frames == sum(frames for _, frames in truth)


def test_without_silence_the_words_fill_the_utterance():
    aligner = make_aligner(silence_prob=0.0)
    truth = [("k", 6), ("a", 6), ("t", 3), ("a", 3)]
    outcome = aligner.align("u", "cat a", planted(aligner, truth))
    assert outcome.outcome == "done" and segments_of(aligner, outcome.alignment) == truth
    assert [(s.start_frame, s.num_frames) for s in outcome.alignment.words] == [(0, 15), (15, 3)]


def test_unknown_words_are_aligned_as_the_oov_word():
    aligner = make_aligner()
    outcome = aligner.align("u", "cat dog", planted(aligner, [("k", 3), ("a", 3), ("t", 3), ("SPN", 9)]))
    assert segments_of(aligner, outcome.alignment)[-1] == ("SPN", 9)
    assert aligner.lang.words.symbol_of(outcome.alignment.words[-1].label) == "<unk>"


def test_what_cannot_be_aligned_says_why():
    aligner = make_aligner()
    short = aligner.align("u", "cat cat", planted(aligner, [("k", 3), ("a", 3), ("t", 3)]))
    assert short.outcome == "failed" and short.alignment is None
    assert short.reason == "9 frames, but the words need 18"
    without_silence = make_aligner(silence_prob=0.0)
    empty = without_silence.align("u", "", planted(without_silence, [("k", 3)]))
    assert empty.outcome == "failed" and "empty transcript" in empty.reason


def test_a_beam_that_is_too_narrow_is_the_reason_where_the_frames_would_do():
    aligner = make_aligner(beam=0.01, retry_beam=0.02)
    outcome = aligner.align("u", "cat", planted(aligner, [("SIL", 3), ("a", 3), ("t", 3)]))
    assert outcome.outcome == "failed" and outcome.reason.startswith("no final state reached with beam 0.02")


def test_a_narrow_beam_is_retried():
    """The first phones look bad, so the best path falls out of a narrow beam."""
    aligner = make_aligner(beam=0.5, retry_beam=1000.0)
    scores = planted(aligner, [("k", 6), ("a", 6), ("t", 6)], noise=3.0)
    outcome = aligner.align("u", "act cat", scores)
    assert outcome.outcome == "retried" and outcome.reason == "beam 1000"


def test_an_aligner_wants_one_model():
    aligner = make_aligner()
    lang, tree, transitions = aligner.lang, aligner.tree, aligner.transitions
    fewer = Topology({p: lang.topology.entry(p) for p in lang.topology.phone_ids[:-1]})
    fewer_transitions = TransitionModel.from_tree(ContextTree.monophone(fewer), fewer)
    with pytest.raises(InputError, match=f"the phones of the lang, found none of phone_id {lang.num_phones}"):
        Aligner(lang, tree, fewer_transitions, AlignOptions(), 0.01)
    with pytest.raises(InputError, match=f"expected {fewer_transitions.num_pdfs} pdf_ids as in the tree"):
        Aligner(lang, ContextTree.monophone(fewer), transitions, AlignOptions(), 0.01)
    with pytest.raises(InputError, match="frame_shift: expected seconds above 0, found 0"):
        Aligner(lang, tree, transitions, AlignOptions(), 0)


@pytest.mark.parametrize("change", [lambda x: x[:, 1:], lambda x: x[0], lambda x: x.numpy(), lambda x: x.long()])
def test_what_can_be_no_log_likelihoods_is_refused(change):
    aligner = make_aligner()
    with pytest.raises(InputError, match="log-likelihoods of u"):
        aligner.align("u", "cat", change(planted(aligner, [("k", 3), ("a", 3), ("t", 3)])))
    nothing = aligner.align("u", "cat", torch.zeros(0, aligner.transitions.num_pdfs))
    assert (nothing.outcome, nothing.reason) == ("failed", "0 frames, but the words need 9")


def test_posteriors_of_other_phones_or_frames_are_refused():
    aligner = make_aligner()
    tokens = aligner.lang.num_phones + 1

    def ask(posteriors, priors, num_frames):
        return ctc_log_likelihoods(posteriors, priors, num_frames, aligner.lang, aligner.transitions,
                                   BootstrapOptions())
    assert len(ask(torch.zeros(5, tokens), torch.zeros(tokens), 5)) == 5
    for posteriors, priors, num_frames, message in [
            (torch.zeros(5, tokens + 1), torch.zeros(tokens), 5, "log-posteriors: expected"),
            (torch.zeros(5, tokens), torch.zeros(tokens + 1), 5, "log-priors: expected"),
            (torch.zeros(0, tokens), torch.zeros(tokens), 5, "1 to 5 frames, as the features have, found 0"),
            (torch.zeros(6, tokens), torch.zeros(tokens), 5, "1 to 5 frames, as the features have, found 6")]:
        with pytest.raises(InputError, match=message):
            ask(posteriors, priors, num_frames)


@pytest.mark.parametrize("options", [{"beam": 0.0}, {"beam": 10.0, "retry_beam": 5.0}, {"acoustic_scale": 0.0},
                                     {"max_failed_share": -0.01}, {"max_failed_share": 1.01},
                                     {"acoustic_scale": float("nan")}, {"acoustic_scale": float("inf")},
                                     {"beam": float("nan")}, {"retry_beam": 1e20}])
def test_bad_options(options):
    with pytest.raises(ValueError, match="expected"):
        AlignOptions(**options)
    AlignOptions(beam=5.0, retry_beam=5.0, max_failed_share=0.0)
    AlignOptions(max_failed_share=1.0)


@pytest.mark.parametrize("options, message", [
    ({"prior_scale": -0.1}, "prior_scale: expected 0 to 2"), ({"prior_scale": 2.1}, "prior_scale: expected 0 to 2"),
    ({"blank_penalty": float("nan")}, "blank_penalty: expected a finite number"),
    ({"delay": 51}, "delay: expected -50 to 50"), ({"delay": -51}, "delay: expected -50 to 50")])
def test_bad_bootstrap_options(options, message):
    with pytest.raises(ValueError, match=message):
        BootstrapOptions(**options)
    BootstrapOptions(prior_scale=0.0, delay=-50)
    BootstrapOptions(prior_scale=2.0, delay=50)


def test_the_score_is_that_of_the_path_a_frame_with_the_acoustic_scale():
    scores = planted(make_aligner(), [("SIL", 3), ("a", 6)])
    for scale in (1.0, 0.5):
        aligner = make_aligner(acoustic_scale=scale)
        alignment = aligner.align("u", "a", scores).alignment
        graph = aligner.sentence(aligner.lang.word_ids("a")[0])
        transitions = aligner.transitions
        acoustic = float(scores[torch.arange(9), torch.from_numpy(alignment.pdf_ids(transitions)).long()].sum())
        silence = float(graph.score[graph.ilabel == 1][0]) + float(graph.final_score[0])  # before, and none after
        path = float(transitions.log_prob[alignment.transition_ids].sum())
        assert alignment.log_likelihood_per_frame == pytest.approx((scale * acoustic + path + silence) / 9, abs=1e-4)
        assert alignment.frame_shift == 0.01 and alignment.utterance_id == "u"


def test_words_end_before_silence_but_for_words_of_silence():
    """One frame a phone; phone 1 is silence. Word 7 is said 2 3, word 8 is silence alone, word 9 has one inside."""
    _, transitions = small_model("1state", "1state")
    phones = [1, 2, 3, 1, 1, 2, 3, 1, 1, 3, 1, 4, 1]
    first = {int(p): int(i) for i, p in enumerate(transitions.phone_id) if transitions.is_phone_start[i]}
    alignment = Alignment("u", np.array([first[p] for p in phones], np.int32), -1.0)
    segments = word_segments(alignment, [7, 7, 8, 9], [1, 5, 7, 9], transitions, [1])
    assert segments == (Segment(7, 1, 2), Segment(7, 5, 2), Segment(8, 7, 2), Segment(9, 9, 3))
    assert word_segments(alignment, [], [], transitions, [1]) == ()


def test_bootstrap_scores_by_hand():
    """A phone has the better of its own score and blank's at a price, summed; silence has blank's, or its own."""
    aligner = make_aligner()
    lang, tokens = aligner.lang, aligner.lang.num_phones + 1
    posteriors = torch.randn(2, tokens, generator=torch.Generator().manual_seed(1)).log_softmax(1)
    priors = torch.linspace(-4, -1, tokens)
    for blank_is_silence in (True, False):
        found = ctc_log_likelihoods(posteriors, priors, 2, lang, aligner.transitions, BootstrapOptions(
            prior_scale=0.3, blank_penalty=2.0, blank_is_silence=blank_is_silence))
        for pdf_id, phone_id in zip(aligner.transitions.pdf_id[1:], aligner.transitions.phone_id[1:]):
            for t in range(2):
                own, blank = (float(posteriors[t, token] - 0.3 * priors[token]) for token in (phone_id, 0))
                expected = np.logaddexp(own, blank - 2.0)
                if blank_is_silence and lang.is_silence(int(phone_id)):
                    expected = blank
                assert float(found[t, pdf_id]) == pytest.approx(expected, abs=1e-5)


def test_even_states_leave_skips_and_loopless_states_alone():
    skipping = (HmmState(0, 0, ((0, 0.5), (1, 0.25), (2, 0.25))), HmmState(1, 1, ((1, 0.5), (2, 0.5))))
    loopless = (HmmState(0, 0, ((1, 1.0),)), HmmState(1, 1, ((1, 0.5), (2, 0.5))))
    topology = Topology({1: skipping, 2: loopless})
    transitions = TransitionModel.from_tree(ContextTree.monophone(topology), topology)
    ids = {(int(p), int(s), int(n)): i for i, (p, s, n) in enumerate(
        zip(transitions.phone_id, transitions.hmm_state, transitions.next_state)) if i}
    skipped = [ids[1, 0, 2], ids[1, 0, 0], ids[1, 0, 0]]
    whole = [ids[1, 0, 1], ids[1, 1, 2], ids[1, 1, 1], ids[1, 1, 1]]
    without_loop = [ids[2, 0, 1], ids[2, 1, 2], ids[2, 1, 1], ids[2, 1, 1]]
    found = even_states(np.array(skipped + without_loop + whole), transitions)
    assert found.tolist() == [*skipped, *without_loop, ids[1, 0, 1], ids[1, 0, 0], ids[1, 1, 2], ids[1, 1, 1]]


def test_bootstrap_finds_the_phones_of_peaky_posteriors():
    """Spikes on the phones, blank elsewhere: phones lie around their spikes, silence in the long blank."""
    aligner = make_aligner()
    lang = aligner.lang
    posteriors = torch.full((40, lang.num_phones + 1), 1e-4)
    posteriors[:, 0] = 1.0
    for frame, phone in ((6, "k"), (10, "a"), (14, "t")):
        posteriors[frame, lang.phones.id_of(phone)] = 5.0
    log_posteriors = (posteriors / posteriors.sum(1, keepdim=True)).log()
    scores = ctc_log_likelihoods(log_posteriors, log_posteriors.exp().mean(0).log(), 40, lang, aligner.transitions,
                                 BootstrapOptions())
    assert scores.shape == (40, aligner.transitions.num_pdfs)
    found = phone_segments(aligner.align("u", "cat", scores).alignment, aligner.transitions)
    names = [lang.phones.symbol_of(s.label) for s in found]
    assert names[-4:] == ["k", "a", "t", "SIL"]
    for segment, spike in zip(found[-4:-1], (6, 10, 14)):
        assert segment.start_frame <= spike < segment.start_frame + segment.num_frames


def test_bootstrap_repeats_subsampled_frames():
    aligner = make_aligner()
    log_posteriors = torch.randn(5, aligner.lang.num_phones + 1).log_softmax(1)
    scores = ctc_log_likelihoods(log_posteriors, torch.zeros(aligner.lang.num_phones + 1), 14, aligner.lang,
                                 aligner.transitions, BootstrapOptions(prior_scale=0.0))
    assert len(scores) == 14 and torch.equal(scores[0], scores[2]) and torch.equal(scores[12], scores[13])


@pytest.mark.parametrize("delay", (-2, 0, 3))
def test_bootstrap_takes_off_the_delay(delay):
    aligner = make_aligner()
    posteriors = torch.randn(10, aligner.lang.num_phones + 1, generator=torch.Generator().manual_seed(2)).log_softmax(1)
    plain, moved = (ctc_log_likelihoods(posteriors, torch.zeros(posteriors.shape[1]), 10, aligner.lang,
                                        aligner.transitions, BootstrapOptions(delay=frames)) for frames in (0, delay))
    rows = [min(max(t + delay, 0), 9) for t in range(10)]  # what came at t + delay belongs to t
    assert torch.equal(moved, plain[rows])


def test_even_states_keep_the_phones_and_cut_them_evenly():
    aligner = make_aligner()
    outcome = aligner.align("u", "cat", planted(aligner, [("SIL", 5), ("k", 7), ("a", 3), ("t", 12)]))
    before = outcome.alignment.transition_ids
    after = even_states(before, aligner.transitions)
    transitions = aligner.transitions
    assert np.array_equal(transitions.phone_id[before], transitions.phone_id[after])
    assert np.array_equal(transitions.is_phone_start[before], transitions.is_phone_start[after])
    states = transitions.hmm_state[after]
    assert states[5:12].tolist() == [0, 0, 1, 1, 1, 2, 2] and states[15:].tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_the_shortest_pronunciations_say_how_many_frames_are_needed():
    aligner = make_aligner()
    assert aligner.align("u", "act", planted(aligner, [("a", 5)])).reason == "5 frames, but the words need 6"
