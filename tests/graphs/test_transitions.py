import numpy as np
import pytest

from graphs.context_tree import PDF_CLASS, ContextTree, Leaf, Split, Table
from graphs.errors import InputError
from graphs.transitions import TransitionModel
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


def test_chain_topology_has_a_pdf_for_the_self_loop():
    _, model = small_model("chain", "chain")
    assert model.num_pdfs == 8
    loops = np.flatnonzero(model.is_self_loop)
    assert not set(model.pdf_id[loops]) & set(model.pdf_id[1:][~model.is_self_loop[1:]])


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
