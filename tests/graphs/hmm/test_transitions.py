import numpy as np
import pytest

from graphs.errors import InputError
from graphs.hmm.context_tree import PDF_CLASS, ContextTree, Leaf, Split, Table
from graphs.hmm.topology import HmmState, Topology, chain_entry, left_to_right
from graphs.hmm.transitions import TransitionModel
from tests.graphs.hmms import small_model


@pytest.mark.parametrize("speech, silence", [("3state", "silence5"), ("chain", "3state"), ("1state", "1state")])
def test_probabilities_sum_to_one_and_files_round_trip(tmp_path, speech, silence):
    _, model = small_model(speech, silence)
    for number in range(1, len(model.states) + 1):
        ids = np.array(model.transition_ids_of(number))
        assert np.exp(model.log_prob[ids]).sum() == pytest.approx(1.0, abs=1e-6)
        forward = ids[~model.is_self_loop[ids]]
        assert np.exp(model.forward_log_prob()[forward]).sum() == pytest.approx(1.0, abs=1e-6)
    model.write(tmp_path / "transitions")
    again = TransitionModel.read(tmp_path / "transitions")
    assert again.states == model.states and np.array_equal(again.log_prob, model.log_prob)
    assert again.num_pdfs == model.num_pdfs and again.topology == model.topology


def test_ids_are_kaldis():
    """Kaldi numbers transition_ids from 1, by phone, HMM state and transition."""
    _, model = small_model("2state", "3state")
    assert model.num_transition_ids == 2 * 3 + 3 * 2 * 2 and model.num_pdfs == 3 + 3 * 2
    assert model.phone_id[1:].tolist() == [1] * 6 + [2] * 4 + [3] * 4 + [4] * 4
    assert model.pdf_id[1:7].tolist() == [0, 0, 1, 1, 2, 2]
    assert model.is_self_loop[1:7].tolist() == [True, False] * 3
    assert model.is_phone_start.nonzero()[0].tolist() == [2, 8, 12, 16]
    unused = [array[0] for array in (model.transition_state, model.phone_id, model.hmm_state, model.pdf_id,
                                     model.next_state, model.is_self_loop, model.is_phone_start, model.log_prob)]
    assert unused == [-1] * 5 + [False, False, 0.0]


def test_chain_topology_has_a_pdf_for_the_self_loop():
    _, model = small_model("chain", "chain")
    assert model.num_pdfs == 8
    loops = np.flatnonzero(model.is_self_loop)
    assert not set(model.pdf_id[loops]) & set(model.pdf_id[1:][~model.is_self_loop[1:]])
    # Kaldi's chain topology: pdf class 0 going on, 1 looping
    assert model.pdf_id[model.transition_ids_of(2)].tolist() == [3, 2]
    assert model.is_self_loop[model.transition_ids_of(2)].tolist() == [True, False]


def test_estimate_is_relative_frequency_with_a_floor():
    _, model = small_model("1state", "1state", nonsilence=(2,))
    before = model.log_prob.copy()
    counts = np.zeros(model.num_transition_ids + 1)
    counts[model.transition_ids_of(1)] = [30, 10]
    counts[model.transition_ids_of(2)] = [2, 1]  # too few
    model.estimate(counts)
    assert np.exp(model.log_prob[model.transition_ids_of(1)]) == pytest.approx([0.75, 0.25])
    assert np.array_equal(model.log_prob[model.transition_ids_of(2)], before[model.transition_ids_of(2)])
    counts[model.transition_ids_of(1)] = [1000, 0]
    model.estimate(counts)
    assert np.exp(model.log_prob[model.transition_ids_of(1)]) == pytest.approx([1 / 1.01, 0.01 / 1.01])


def test_damaged_file_is_refused(tmp_path):
    _, model = small_model()
    model.write(tmp_path / "t")
    text = (tmp_path / "t").read_text()
    (tmp_path / "t").write_text(text[:len(text) // 2])
    with pytest.raises(InputError, match="a transition model"):
        TransitionModel.read(tmp_path / "t")


def test_log_probabilities_of_leaving_and_of_going_on_without_looping():
    """By hand: a state with its loop, and the ergodic silence whose states have four ways out."""
    _, model = small_model("1state", "silence5", nonsilence=(2,))
    counts = np.zeros(model.num_transition_ids + 1)
    first, last = model.transition_ids_of(1), model.transition_ids_of(len(model.states))
    counts[first] = [60, 20, 10, 10]
    counts[last] = [75, 25]
    model.estimate(counts)
    leave, forward = model.leave_log_prob(), model.forward_log_prob()
    assert np.exp(leave[[1, len(model.states)]]) == pytest.approx([0.4, 0.25]) and leave[0] == 0
    assert np.exp(forward[first]) == pytest.approx([0.6, 0.5, 0.25, 0.25])
    assert np.exp(forward[last]) == pytest.approx([0.75, 1.0]) and forward[0] == 0
    assert model.self_loops()[[0, 1, len(model.states)]].tolist() == [0, first[0], last[0]]


def test_a_state_that_all_but_never_is_left_can_be_left():
    _, model = small_model("1state", "1state", nonsilence=(2,))
    model.log_prob[model.transition_ids_of(1)[0]] = 0.0
    assert model.leave_log_prob()[1] == pytest.approx(np.log(1e-10), rel=1e-3)


def test_a_state_that_cannot_loop_is_left_for_sure():
    topology = Topology({1: (HmmState(0, 0, ((1, 0.5), (2, 0.5))), HmmState(1, 1, ((1, 0.75), (2, 0.25))))})
    model = TransitionModel.from_tree(ContextTree.monophone(topology), topology)
    assert model.self_loops().tolist() == [0, 0, 3]
    assert np.exp(model.leave_log_prob()) == pytest.approx([1, 1, 0.25])
    assert np.exp(model.forward_log_prob()[1:]) == pytest.approx([0.5, 0.5, 0.75, 1.0])
    assert model.is_phone_start.tolist() == [False, True, True, False, False]
    assert model.next_state.tolist() == [-1, 1, 2, 1, 2] and model.transition_state.tolist() == [-1, 1, 1, 2, 2]
    assert [model.state_number(state) for state in model.states] == [1, 2]
    with pytest.raises(KeyError):
        model.state_number(model.states[0]._replace(hmm_state=7))


def test_probabilities_of_the_topology_are_brought_to_a_sum_of_one():
    topology = Topology({1: (HmmState(0, 0, ((0, 0.6), (1, 0.2))),)})
    model = TransitionModel.from_tree(ContextTree.monophone(topology), topology)
    assert np.exp(model.log_prob[1:]) == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize("total, changed", [(5, True), (4, False)])
def test_estimate_wants_a_few_frames(total, changed):
    _, model = small_model("1state", "1state", nonsilence=(2,))
    before = model.log_prob.copy()
    counts = np.zeros(model.num_transition_ids + 1)
    counts[model.transition_ids_of(1)] = [total - 1, 1]
    model.estimate(counts)
    assert (not np.array_equal(before, model.log_prob)) is changed
    with pytest.raises(InputError, match="transition counts: expected 5 values, found 4"):
        model.estimate(counts[1:])


def test_contexts_with_pdfs_of_their_own_have_states_of_their_own():
    topology = Topology({1: left_to_right(1), 2: chain_entry(), 3: chain_entry()})
    model = TransitionModel.from_tree(triphone_tree(), topology)
    assert [tuple(state) for state in model.states] == [
        (1, 0, 0, 0), (2, 0, 1, 2), (2, 0, 3, 2), (3, 0, 4, 5)]
    assert model.num_pdfs == 6
    with pytest.raises(InputError, match="phone 4, HMM state 0: expected a pdf in the tree, found none"):
        TransitionModel.from_tree(triphone_tree(), Topology({4: left_to_right(1)}))


def test_the_fingerprint_is_that_of_ids_and_probabilities():
    models = [small_model(*names, seed=seed)[1] for names, seed in (
        (("2state", "3state"), 0), (("2state", "3state"), 0), (("2state", "3state"), 1), (("3state", "3state"), 0))]
    prints = [model.fingerprint() for model in models]
    assert prints[0] == prints[1] and len(set(prints)) == 3 and all(len(p) == 16 for p in prints)


DAMAGE = [
    ("<Tuples> 9", "<Tuples> 8", "8 times 4 numbers, as announced, found 36"),
    ("<Tuples> 9", "<Tuples> x", "numbers in Tuples and LogProbs"),
    ("\n1 0 0 0\n", "\n1 0 0 0\n1 0 0 0\n", "9 times 4 numbers, as announced, found 40"),
    ("\n1 0 0 0\n", "\n1 1 1 1\n", "each transition state once, found one of them twice"),
    ("\n1 0 0 0\n", "\n1 3 0 0\n", "phones and HMM states of the topology, found phone 1, state 3"),
    ("\n1 0 0 0\n", "\n1 -1 0 0\n", "phones and HMM states of the topology, found phone 1, state -1"),
    ("\n1 0 0 0\n", "\n9 0 0 0\n", "phones and HMM states of the topology, found phone 9, state 0"),
    ("\n1 0 0 0\n", "\n1 0 -1 0\n", "pdf_ids of 0 to .*, found -1 and 0"),
    ("\n1 0 0 0\n", "\n1 0 0 -1\n", "pdf_ids of 0 to .*, found 0 and -1"),
    (" [ 0 ", " [ ", "19 log probabilities, found 18"),
    (" [ 0 ", " [ 0 -0.5 ", "19 log probabilities, found 20"),
    (" [ 0 ", " [ 0.5 ", "log probabilities of at most 0, found 0.5"),
    (" [ 0 ", " [ nan ", "numbers in Tuples and LogProbs"),
    ("</Tuples>", "", "a transition model in Kaldi's text format"),
    ("</TransitionModel>", "</TransitionModel>\nmore", "a transition model in Kaldi's text format.*more"),
]


@pytest.mark.parametrize("old, new, message", DAMAGE)
def test_a_file_that_is_no_model_says_why(tmp_path, old, new, message):
    _, model = small_model()
    model.write(tmp_path / "t")
    text = (tmp_path / "t").read_text()
    assert text.count(old) == 1
    (tmp_path / "t").write_text(text.replace(old, new))
    with pytest.raises(InputError, match=message):
        TransitionModel.read(tmp_path / "t")


def triphone_tree():
    """Phone 2 asks for its left neighbour, phone 3 does not."""
    states = Table(PDF_CLASS, (Leaf(1), Leaf(2)))
    after_three = Table(PDF_CLASS, (Leaf(3), Leaf(2)))
    return ContextTree(3, 1, Table(1, (
        None, Table(PDF_CLASS, (Leaf(0),)), Split(0, frozenset({3}), after_three, states),
        Table(PDF_CLASS, (Leaf(4), Leaf(5))))))


def test_tree_looks_up_contexts_and_round_trips():
    tree = triphone_tree()
    assert tree.num_pdfs == 6
    assert tree.pdf_id((3, 2, 1), 0) == 3 and tree.pdf_id((1, 2, 1), 0) == 1 and tree.pdf_id((0, 2, 0), 1) == 2
    assert tree.pdf_ids_of(2, 0) == {1, 3}
    assert ContextTree.from_text(tree.to_text()).root == tree.root
    with pytest.raises(KeyError):
        tree.pdf_id((1, 9, 1), 0)


@pytest.mark.parametrize("text", ["ContextDependency 1 0 ToPdf TE 0 2 ( NULL CE 0 )",
                                  "ContextDependency 1 0 ToPdf XX EndContextDependency",
                                  "ContextDependency 1 0 ToPdf CE 3 EndContextDependency"])
def test_damaged_trees_are_refused(text):
    with pytest.raises(InputError):
        ContextTree.from_text(text)


def test_states_of_the_chain_topology_have_pdf_ids_of_one_context():
    """Both pdfs of phone 2 depend on what is before it, so that three of the six pairs never meet."""
    before = frozenset({2})
    tree = ContextTree(2, 1, Split(PDF_CLASS, frozenset({0}), Split(0, before, Leaf(0), Leaf(1)),
                                   Split(0, before, Leaf(2), Split(0, frozenset({0}), Leaf(3), Leaf(4)))))
    states = TransitionModel.from_tree(tree, Topology({2: chain_entry(), 3: chain_entry()})).states
    assert [state[2:] for state in states if state.phone_id == 2] == [(0, 2), (1, 3), (1, 4)]
