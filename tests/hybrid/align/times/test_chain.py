"""Starts of phones against the enumeration of all ways through the states of a path."""

from itertools import combinations

import numpy as np
import pytest

from hybrid.align.alignment import phone_segments
from hybrid.align.times.chain import Chain, _whole, chain_of, median_starts
from tests.hybrid.align.test_convert import MONO, TRI, A, B, SIL, model, path

EVERYWHERE = (-100, 100)


def all_ways(chain, transitions, scores):
    """(log-probability, frame at which each state begins) of every way that takes each state for a frame or more."""
    num_frames, num_states = len(scores), len(chain.phone)
    for inner in combinations(range(1, num_frames), num_states - 1):
        starts = [0, *inner, num_frames]
        total = 0.0
        for state, (start, end) in enumerate(zip(starts, starts[1:])):
            ids = [chain.forward[state]] + [chain.loop[state]] * (end - start - 1)
            total += sum(transitions.log_prob[i] + scores[t, transitions.pdf_id[i]]
                         for t, i in zip(range(start, end), ids))
        yield total, starts[:-1]


def median_of(shares):
    """Where half of the mass lies to the left, that of frame t spread from t - 1/2 to t + 1/2."""
    points = np.concatenate([[0], np.cumsum(shares)]) / sum(shares)
    return float(np.interp(0.5, points, np.arange(len(points)) - 0.5))


@pytest.mark.parametrize("seed", range(24))
def test_starts_are_the_medians_over_all_ways(seed):
    generator = np.random.default_rng(seed)
    tree = (MONO, TRI)[seed % 2]
    transitions = model(tree)
    alignment = path(transitions, [A, B] if seed % 3 else [B, A, B], seed)
    chain = chain_of(alignment, phone_segments(alignment, transitions), transitions)
    num_frames = len(chain.phone) + 4
    scores = generator.normal(0, 2, (num_frames, transitions.num_pdfs))
    phones = chain.phone.max() + 1
    found = median_starts(scores, chain, transitions, [EVERYWHERE] * phones)
    shares = np.zeros((phones, num_frames))
    posterior = np.zeros((num_frames, len(chain.phone)))
    for total, starts in all_ways(chain, transitions, scores):
        for phone in range(phones):
            shares[phone, starts[np.flatnonzero(chain.phone == phone)[0]]] += np.exp(total)
        state = np.searchsorted(starts, np.arange(num_frames), side="right") - 1
        posterior[np.arange(num_frames), state] += np.exp(total)
    assert found.starts[0] == 0
    assert found.starts[1:] == pytest.approx([median_of(own) for own in shares[1:]], abs=1e-6)
    assert found.first_frames.tolist() == np.round(found.starts).astype(int).tolist()
    phone_at = np.searchsorted(found.first_frames, np.arange(num_frames), side="right") - 1
    assert (chain.phone[found.states] == phone_at).all()
    likeliest = posterior.argmax(axis=1)
    agree = chain.phone[likeliest] == phone_at
    assert (found.states == likeliest)[agree].all()


def test_a_chain_has_each_state_once_with_its_loop_and_phone():
    transitions = model(MONO)
    alignment = path(transitions, [SIL, A, B], seed=3)
    chain = chain_of(alignment, phone_segments(alignment, transitions), transitions)
    ids = alignment.transition_ids
    assert chain.forward.tolist() == [i for i in ids if not transitions.is_self_loop[i]]
    assert chain.phone.tolist() == [0] * (len(chain.phone) - 6) + [1] * 3 + [2] * 3
    assert (transitions.transition_state[chain.loop] == transitions.transition_state[chain.forward]).all()
    assert transitions.is_self_loop[chain.loop].all()


@pytest.mark.parametrize("seed", range(4))
def test_phones_stay_within_their_bounds(seed):
    transitions = model(MONO)
    alignment = path(transitions, [A, B, A], seed)
    chain = chain_of(alignment, phone_segments(alignment, transitions), transitions)
    scores = np.random.default_rng(seed).normal(0, 3, (15, transitions.num_pdfs))
    bounds = [(-2, 6), (4, 10), (8, 20)]
    found = median_starts(scores, chain, transitions, bounds)
    allowed = np.full((15, 3), -np.inf)
    for phone, (first, end) in enumerate(bounds):
        allowed[max(0, first):end, phone] = 0
    shares = np.zeros((3, 15))
    for total, starts in all_ways(chain, transitions, scores):
        phone_at = chain.phone[np.searchsorted(starts, np.arange(15), side="right") - 1]
        weight = np.exp(total + allowed[np.arange(15), phone_at].sum())
        for phone in range(3):
            shares[phone, starts[3 * phone]] += weight
    assert found.starts[1:] == pytest.approx([median_of(own) for own in shares[1:]], abs=1e-6)


def test_a_state_without_self_loop_takes_one_frame():
    transitions = model(MONO)
    alignment = path(transitions, [A, B], seed=1)
    chain = chain_of(alignment, phone_segments(alignment, transitions), transitions)
    once = Chain(chain.forward, np.where(np.arange(6) < 5, 0, chain.loop), chain.phone)
    found = median_starts(np.zeros((9, transitions.num_pdfs)), once, transitions, [EVERYWHERE] * 2)
    assert found.starts == pytest.approx([0, 3]) and found.states.tolist() == [0, 1, 2, 3, 4, 5, 5, 5, 5]


def test_what_does_not_fit_is_told():
    transitions = model(MONO)
    alignment = path(transitions, [A, B], seed=1)
    chain = chain_of(alignment, phone_segments(alignment, transitions), transitions)
    for num_frames in (0, 5):
        with pytest.raises(ValueError, match=f"{num_frames} frames, but 6 HMM states"):
            median_starts(np.zeros((num_frames, transitions.num_pdfs)), chain, transitions, [EVERYWHERE] * 2)
    # a gap between the phones, a second one after the end, none within, a first one before the start, an early end
    for bounds in ([(0, 4), (7, 9)], [(0, 20), (30, 40)], [(20, 30), (30, 40)], [(-9, 0), (0, 9)], [(0, 9), (3, 8)]):
        with pytest.raises(ValueError, match="no way through the 6 HMM states in 9 frames"):
            median_starts(np.zeros((9, transitions.num_pdfs)), chain, transitions, bounds)


def test_frames_are_the_nearest_that_leave_each_phone_one():
    assert _whole(np.array([0, 1.4, 2.6, 6.2]), 9).tolist() == [0, 1, 3, 6]
    assert _whole(np.array([0, 0.2, 0.3, 2.6]), 9).tolist() == [0, 1, 2, 3]
    assert _whole(np.array([0, 4.6, 4.7]), 5).tolist() == [0, 3, 4]


def test_a_long_utterance_needs_no_table_of_all_frames_and_states():
    transitions = model(MONO)
    phones = [A, B] * 400
    alignment = path(transitions, phones, seed=2)
    segments = phone_segments(alignment, transitions)
    chain = chain_of(alignment, segments, transitions)
    scores = np.full((alignment.num_frames, transitions.num_pdfs), -20.0)
    scores[np.arange(alignment.num_frames), alignment.pdf_ids(transitions)] = 0
    bounds = [(s.start_frame - 8, s.start_frame + s.num_frames + 8) for s in segments]
    found = median_starts(scores, chain, transitions, bounds)
    assert found.starts == pytest.approx([s.start_frame for s in segments], abs=0.01)
    assert found.first_frames.tolist() == [s.start_frame for s in segments]
