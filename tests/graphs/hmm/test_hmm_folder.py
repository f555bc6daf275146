"""`tree` and `transitions` beside each other."""

import pytest

from graphs.errors import InputError
from graphs.hmm.context_tree import PDF_CLASS, ContextTree, Leaf, Split, Table
from graphs.hmm.hmm_folder import read_hmm, read_hmm_files, write_hmm
from graphs.hmm.topology import Topology, left_to_right
from graphs.hmm.transitions import TransitionModel
from tests.graphs.hmms import small_model

TOPOLOGY = Topology({1: left_to_right(1), 2: left_to_right(2)})


def biphone_tree(asked=1):
    """Phone 2 is another one after the phone `asked`."""
    states = [Table(PDF_CLASS, (Leaf(first), Leaf(2))) for first in (1, 3)]
    return ContextTree(2, 1, Table(1, (None, Leaf(0), Split(0, frozenset({asked}), *states))))


def test_both_come_back(tmp_path):
    tree = biphone_tree()
    write_hmm(tmp_path, tree, TransitionModel.from_tree(tree, TOPOLOGY))
    found, transitions = read_hmm(tmp_path)
    assert found.to_text() == tree.to_text() and found.context_width == 2
    assert transitions.states == TransitionModel.from_tree(tree, TOPOLOGY).states
    again, _ = read_hmm_files(tmp_path / "transitions", tmp_path / "tree")
    assert again.to_text() == tree.to_text()


def test_without_a_tree_the_phones_are_monophones(tmp_path):
    tree, transitions = small_model()
    transitions.write(tmp_path / "transitions")
    found, _ = read_hmm(tmp_path)
    assert found.to_text() == tree.to_text()
    assert read_hmm_files(tmp_path / "transitions")[0].to_text() == tree.to_text()


def test_a_lost_tree_is_noticed(tmp_path):
    tree = biphone_tree()
    write_hmm(tmp_path, tree, TransitionModel.from_tree(tree, TOPOLOGY))
    (tmp_path / "tree").unlink()
    with pytest.raises(InputError, match="transitions: expected the pdf_ids of monophones, as there is no file tree, "
                                         "found others in phone 2, HMM state 0"):
        read_hmm(tmp_path)


@pytest.mark.parametrize("other, state", [
    (ContextTree(2, 1, Table(1, (None, Leaf(1), Leaf(0)))), 0),  # other numbers
    (ContextTree(2, 1, Table(1, (None, Leaf(0), biphone_tree().root.branches[2].yes))), 0),  # a pdf_id less
    (ContextTree(2, 1, Table(1, (None, Leaf(0), Split(0, frozenset({1}), Table(PDF_CLASS, (Leaf(1), Leaf(2))),
                                                      Table(PDF_CLASS, (Leaf(3), Leaf(4))))))), 1)])  # one more
def test_a_tree_of_other_pdf_ids_is_refused(tmp_path, other, state):
    TransitionModel.from_tree(biphone_tree(), TOPOLOGY).write(tmp_path / "transitions")
    other.write(tmp_path / "tree")
    phone = 1 if other.pdf_ids_of(1, 0) != {0} else 2
    with pytest.raises(InputError, match=f"pdf_ids of the tree {tmp_path / 'tree'}, found others in phone {phone}, "
                                         f"HMM state {state}"):
        read_hmm(tmp_path)


def test_a_phone_that_transitions_or_tree_lack_is_noticed(tmp_path):
    tree = biphone_tree()
    whole = TransitionModel.from_tree(tree, TOPOLOGY)
    TransitionModel(TOPOLOGY, whole.states[1:]).write(tmp_path / "transitions")
    tree.write(tmp_path / "tree")
    with pytest.raises(InputError, match="others in phone 1, HMM state 0"):
        read_hmm(tmp_path)
    more = Topology({**TOPOLOGY.entry_of, 3: left_to_right(1)})
    TransitionModel(more, whole.states).write(tmp_path / "transitions")
    with pytest.raises(InputError, match="transitions.*phone 3, HMM state 0: expected a pdf in the tree, found none"):
        read_hmm(tmp_path)


def test_a_damaged_file_is_named(tmp_path):
    tree, transitions = small_model()
    write_hmm(tmp_path, tree, transitions)
    (tmp_path / "tree").write_text("ContextDependency 1")
    with pytest.raises(InputError, match=str(tmp_path / "tree")):
        read_hmm(tmp_path)
