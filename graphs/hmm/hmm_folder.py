"""The HMM side of a folder: the files `transitions` and `tree`, which stand beside each other.

Folders of alignments and of acoustic models hold both. A folder without `tree` is one of monophones: each phone and
pdf class of the topology has a pdf of its own.
"""

from pathlib import Path
from typing import Tuple

from graphs.errors import InputError, naming
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.topology import Topology
from graphs.hmm.transitions import TransitionModel

TRANSITIONS = "transitions"
TREE = "tree"

Hmm = Tuple[ContextTree, TransitionModel]


def monophone_hmm(topology: Topology) -> Hmm:
    """The tree of monophones, and a transition model with the probabilities of the topology."""
    tree = ContextTree.monophone(topology)
    return tree, TransitionModel.from_tree(tree, topology)


def write_hmm(folder, tree: ContextTree, transitions: TransitionModel) -> None:
    tree.write(Path(folder) / TREE)
    transitions.write(Path(folder) / TRANSITIONS)


def read_hmm(folder) -> Hmm:
    """Raises InputError when a file is damaged, or when the two are not of the same phones and pdf_ids."""
    tree = Path(folder) / TREE
    return read_hmm_files(Path(folder) / TRANSITIONS, tree if tree.is_file() else None)


def read_hmm_files(transitions_path, tree_path=None) -> Hmm:
    """As read_hmm; tree_path: None for the tree of monophones."""
    transitions = TransitionModel.read(transitions_path)
    tree = ContextTree.monophone(transitions.topology) if tree_path is None else ContextTree.read(tree_path)
    with naming(str(transitions_path)):
        expected = TransitionModel.from_tree(tree, transitions.topology)
    strange = sorted({*expected.states} ^ {*transitions.states})
    if strange:
        kind = f"the tree {tree_path}" if tree_path else f"monophones, as there is no file {TREE}"
        raise InputError(str(transitions_path), f"the pdf_ids of {kind}",
                         f"others in phone {strange[0].phone_id}, HMM state {strange[0].hmm_state}")
    return tree, transitions
