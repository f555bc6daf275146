"""The HMM side of a folder: the files `transitions` and `tree`, which stand beside each other.

Folders of alignments and of acoustic models hold both. A folder without `tree` is one of monophones: each phone and
pdf class of the topology has a pdf of its own.
"""

from pathlib import Path
from typing import Optional, Tuple

from graphs.context_tree import ContextTree
from graphs.errors import InputError
from graphs.transitions import TransitionModel

TRANSITIONS = "transitions"
TREE = "tree"

Hmm = Tuple[ContextTree, TransitionModel]


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
    strange = _misfit(tree, transitions)
    if strange is not None:
        kind = f"the tree {tree_path}" if tree_path else f"monophones, as there is no file {TREE}"
        raise InputError(str(transitions_path), f"the pdf_ids of {kind}", f"others in {strange}")
    return tree, transitions


def _misfit(tree: ContextTree, transitions: TransitionModel) -> Optional[str]:
    """The first HMM state whose pdf_ids in the transitions are not all those, and only those, of the tree."""
    found = {}
    for state in transitions.states:
        forward, self_loop = found.setdefault((state.phone_id, state.hmm_state), (set(), set()))
        forward.add(state.forward_pdf_id)
        self_loop.add(state.self_loop_pdf_id)
    for phone_id in transitions.topology.phone_ids:
        for hmm_state, entry in enumerate(transitions.topology.entry(phone_id)):
            expected = tuple(tree.pdf_ids_of(phone_id, pdf_class)
                             for pdf_class in (entry.forward_pdf_class, entry.self_loop_pdf_class))
            if found.get((phone_id, hmm_state), (set(), set())) != expected or not expected[0]:
                return f"phone {phone_id}, HMM state {hmm_state}"
    return None
