"""H and self-loops against second implementations: HMM path enumeration, and k2's composition."""

import math

import k2
import numpy as np
import pytest

from graphs.fst.arcs import Arcs
from graphs.fst.ops import from_k2, to_k2
from graphs.fst.word_sequences import WordSequences
from graphs.hmm.context_fst import compose_context
from graphs.hmm.hmm_fst import add_self_loops, compose_hmm, hmm_arcs
from tests.graphs.hmms import small_model
from tests.reference.paths import best_scores

PHONES = Arcs.from_lists([(0, 1, 2, 11, -0.5), (0, 2, 3, 12, -0.7), (1, 1, 3, 0, -1.1), (1, 3, 1, 13, -0.2),
                          (2, 1, 2, 0, -0.3), (2, 3, 4, 14, -0.9), (3, 0, 1, 0, -2.0)], [(3, -0.1), (1, -0.4)])
SETTINGS = [("2state", "3state"), ("1state", "1state"), ("chain", "silence5"), ("3state", "silence5")]


def h_transducer(windows, tree, transitions):
    """Oracle: H as Kaldi builds it without self-loops, a loop state and an HMM for each window."""
    log_prob, arcs, num_states = transitions.forward_log_prob(), [], 1
    for label, window in enumerate(windows[1:], 1):
        entry = transitions.topology.entry(window[0])
        number = {0: 0, len(entry): 0, **{s: num_states + s - 1 for s in range(1, len(entry))}}
        num_states += len(entry) - 1
        arcs += [(number[s], number[t], tid, label if s == 0 else 0, log_prob[tid])
                 for s, t, tid in hmm_arcs(window, tree, transitions)]
    return Arcs.from_lists(arcs, [(0, 0.0)], num_states)


@pytest.mark.parametrize("speech, silence", SETTINGS)
def test_composition_with_h_is_k2s(speech, silence):
    tree, transitions = small_model(speech, silence)
    graph, windows = compose_context(PHONES, tree)
    ours = compose_hmm(graph, windows, tree, transitions)
    h = h_transducer(windows, tree, transitions)
    theirs = from_k2(k2.connect(k2.compose(k2.arc_sort(to_k2(h)), to_k2(graph))), WordSequences(100))
    mine, reference = best_scores(ours, 7), best_scores(theirs, 7)
    assert len(reference) > 5 and mine.keys() == reference.keys()
    assert all(mine[key] == pytest.approx(reference[key], abs=1e-5) for key in reference)


def hmm_paths(phone_id, transitions, num_frames):
    """Oracle: {transition_ids: log probability} of ways through a phone's HMM, by Kaldi's definition:
    forward transition_id on entering a state, its self-loops after it."""
    entry = transitions.topology.entry(phone_id)
    states = [number for number, state in enumerate(transitions.states, 1) if state.phone_id == phone_id]
    number_of = {transitions.states[n - 1].hmm_state: n for n in states}
    found = {}

    def walk(state, path, score):
        if state == len(entry):
            if len(path) == num_frames:
                found[path] = score
            return
        ids = transitions.transition_ids_of(number_of[state])
        loops = [i for i in ids if transitions.is_self_loop[i]]
        for forward in (i for i in ids if not transitions.is_self_loop[i]):
            for stay in range(num_frames - len(path) if loops else 1):
                walk(int(transitions.next_state[forward]), path + (forward,) + tuple(loops) * stay,
                     score + stay * (transitions.log_prob[loops[0]] if loops else 0) + transitions.log_prob[forward])

    walk(0, (), 0.0)
    return found


@pytest.mark.parametrize("speech, silence", SETTINGS)
@pytest.mark.parametrize("phone_id", [1, 3])
def test_self_loops_give_the_hmms_probabilities(speech, silence, phone_id):
    tree, transitions = small_model(speech, silence)
    one_phone = Arcs.from_lists([(0, 1, phone_id, 9, -0.25)], [(1, -0.5)])
    graph, windows = compose_context(one_phone, tree)
    hclg = add_self_loops(compose_hmm(graph, windows, tree, transitions), transitions)
    found = best_scores(hclg, 6)
    for num_frames in range(1, 7):
        expected = hmm_paths(phone_id, transitions, num_frames)
        mine = {inputs: score for (inputs, outputs), score in found.items() if len(inputs) == num_frames}
        assert mine.keys() == expected.keys()
        assert all(mine[path] == pytest.approx(expected[path] - 0.75, abs=1e-4) for path in expected)
        assert all(outputs == (9,) for _, outputs in found)


@pytest.mark.parametrize("speech, silence", SETTINGS)
def test_all_frames_of_all_paths_sum_to_one(speech, silence):
    """The probabilities of all paths of any length of a phone sum to one: nothing leaks."""
    tree, transitions = small_model(speech, silence)
    graph, windows = compose_context(Arcs.from_lists([(0, 1, 1, 0, 0.0)], [(1, 0.0)]), tree)
    hclg = add_self_loops(compose_hmm(graph, windows, tree, transitions), transitions)
    mass = np.zeros(hclg.num_states)
    mass[0] = 1.0
    total = 0.0
    final = np.zeros(hclg.num_states)
    final[hclg.final_state] = np.exp(hclg.final_score)
    for _ in range(2000):
        total += float(mass @ final)
        moved = np.zeros_like(mass)
        np.add.at(moved, hclg.dst, mass[hclg.src] * np.exp(hclg.score))
        mass = moved
    assert total == pytest.approx(1.0, abs=1e-4)


def test_scales_weigh_transitions_and_loops_apart():
    tree, transitions = small_model("2state", "silence5")
    graph, windows = compose_context(Arcs.from_lists([(0, 1, 1, 9, 0.0)], [(1, 0.0)]), tree)

    def scores(transition_scale, self_loop_scale):
        hmm = compose_hmm(graph, windows, tree, transitions, transition_scale)
        return best_scores(add_self_loops(hmm, transitions, self_loop_scale), 5)

    whole, moves, loops, none = scores(1.0, 1.0), scores(1.0, 0.0), scores(0.0, 1.0), scores(0.0, 0.0)
    assert len(whole) > 10 and set(none.values()) == {0.0}
    for path in whole:
        assert whole[path] == pytest.approx(moves[path] + loops[path], abs=1e-5)
    mixed = scores(0.5, 0.1)
    assert all(mixed[path] == pytest.approx(0.5 * moves[path] + 0.1 * loops[path], abs=1e-5) for path in whole)


@pytest.mark.parametrize("speech", ["1state", "2state", "chain"])
def test_no_self_loop_stands_behind_an_epsilon(speech):
    """With and without an epsilon between two phones the paths and their scores are the same."""
    tree, transitions = small_model(speech, "3state")
    plain = Arcs.from_lists([(0, 1, 2, 7, -1.0), (1, 2, 3, 8, -0.5)], [(2, -0.25)])
    split = Arcs.from_lists([(0, 1, 2, 7, -1.0), (1, 3, 0, 0, 0.0), (3, 2, 3, 8, -0.5), (2, 4, 0, 0, 0.0)],
                            [(4, -0.25)])
    found = []
    for phones in (plain, split):
        graph, windows = compose_context(phones, tree)
        found.append(best_scores(add_self_loops(compose_hmm(graph, windows, tree, transitions), transitions, 0.7), 6))
    assert len(found[0]) > 5 and found[0] == pytest.approx(found[1], abs=1e-5)


def test_states_that_several_phones_enter_loop_for_each_of_them():
    """Two phones into one state: each loops on a state of its own, and what follows pays for leaving that one."""
    tree, transitions = small_model("1state", "1state")
    phones = Arcs.from_lists([(0, 1, 2, 7, 0.0), (0, 1, 3, 8, 0.0), (1, 2, 4, 0, 0.0)], [(1, 0.0), (2, 0.0)])
    graph, windows = compose_context(phones, tree)
    result = add_self_loops(compose_hmm(graph, windows, tree, transitions), transitions)
    assert result.num_states == 4 and result.num_arcs == 2 + 2 + 3 and len(result.final_state) == 3
    leave, forward = transitions.leave_log_prob(), transitions.log_prob
    state_of = {p: [s.phone_id for s in transitions.states].index(p) + 1 for p in (2, 3, 4)}
    enter = {p: [int(i) for i in np.flatnonzero(transitions.phone_id == p) if not transitions.is_self_loop[i]][0]
             for p in (2, 3, 4)}
    scores = best_scores(result, 2)
    for phone, word in ((2, 7), (3, 8)):
        expected = forward[enter[phone]] + forward[enter[4]]
        assert scores[(enter[phone], enter[4]), (word,)] == pytest.approx(expected, abs=1e-5)
        loop = int(transitions.self_loops()[state_of[phone]])
        assert scores[(enter[phone], loop), (word,)] == pytest.approx(forward[enter[phone]] + forward[loop], abs=1e-5)
        assert leave[state_of[phone]] == pytest.approx(forward[enter[phone]], abs=1e-5)  # one way out


def test_input_epsilons_pass_and_nothing_else_changes():
    tree, transitions = small_model("1state", "1state")
    with_epsilon = Arcs.from_lists([(0, 1, 0, 7, -1.0), (1, 2, 2, 8, -2.0)], [(2, 0.0)])
    graph, windows = compose_context(with_epsilon, tree)
    result = compose_hmm(graph, windows, tree, transitions)
    assert set(result.src) | set(result.dst) == set(range(result.num_states)) == set(range(3))
    found = best_scores(result, 3)
    (inputs, outputs), score = next(iter(found.items()))
    assert outputs == (7, 8) and len(inputs) == 1 and math.isclose(score, -3.0, abs_tol=1e-5)
