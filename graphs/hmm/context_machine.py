"""What a tree must remember of the phones so far: a Mealy machine from phones to windows, with few states.

The machine reads phones and answers each with the window of the phone that stands `right` (phones of right context)
before it: C of Kaldi's fstext/context-fst.h. Its plain states are histories, the context_width - 1 phones read last.
Here two histories are one state when the tree cannot tell them apart. For each window that is open yet, the rest of
the tree is kept that the phones known so far leave over,

    rest(tree, key = value): the branch of each question about `key` that `value` takes, the others as they are,

and a question whose branches have become the same is dropped. Histories with the same rests (and the same phones,
for open windows whose own phone is known) have the same windows ahead of them, whatever follows. So behind a phone
that the tree treats alike in all contexts, as silence, the history is forgotten. Windows are numbered likewise: two
of the same phone with the same rest, which asks for the pdf class only, have one number.

Rests are made when a history turns up first; a machine that is used again knows them (`machine_of`).
"""

from functools import lru_cache
from typing import Dict, List, Optional, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.hmm.context_tree import NO_PHONE, ContextTree, Leaf, Node, Split, Table
from graphs.hmm.hmm_fst import Window
from graphs.hmm.numbering import Numbering
from graphs.ids import LARGEST_ID

_NOTHING = 0  # the rest of a tree that has no answer, and of a window around no phone


class TreeRests:
    """The rests of a tree, numbered, equal ones alike."""

    def __init__(self, tree: ContextTree):
        self._nodes: List[Optional[tuple]] = [None]  # (Leaf,), (Table, key, rests) or (Split, key, values, yes, no)
        self._number_of: Dict[Optional[tuple], int] = {None: _NOTHING}
        self._known: Dict[Tuple[int, int, int], int] = {}
        self.whole = self._add(tree.root)

    def rest(self, node: int, key: int, value: int) -> int:
        """What remains of rest `node` once the key's value is known."""
        kind, *parts = self._nodes[node] or (None,)
        if kind is None or kind is Leaf:
            return node
        found = self._known.get((node, key, value))
        if found is None:
            if kind is Table and parts[0] == key:
                found = self.rest(parts[1][value], key, value) if value < len(parts[1]) else _NOTHING
            elif kind is Split and parts[0] == key:
                found = self.rest(parts[2] if value in parts[1] else parts[3], key, value)
            elif kind is Table:
                found = self._number((Table, parts[0], tuple(self.rest(branch, key, value) for branch in parts[1])))
            else:
                yes, no = self.rest(parts[2], key, value), self.rest(parts[3], key, value)
                found = self._split(parts[0], parts[1], yes, no)
            self._known[node, key, value] = found
        return found

    def _add(self, node: Optional[Node]) -> int:
        if node is None:
            return _NOTHING
        if isinstance(node, Leaf):
            return self._number((Leaf, node.pdf_id))
        if isinstance(node, Table):
            return self._number((Table, node.key, tuple(map(self._add, node.branches))))
        return self._split(node.key, node.values, self._add(node.yes), self._add(node.no))

    def _split(self, key: int, values, yes: int, no: int) -> int:
        return yes if yes == no else self._number((Split, key, values, yes, no))

    def _number(self, node: tuple) -> int:
        number = self._number_of.setdefault(node, len(self._nodes))
        if number == len(self._nodes):
            self._nodes.append(node)
        return number


class ContextMachine:
    """
    Attributes:
      right: phones of right context, by which answers come late.
      windows: windows[w] is the window w >= 1, of a history that it was met in first; windows[0] is unused.
    """

    def __init__(self, tree: ContextTree):
        self.tree, self.right = tree, tree.context_width - 1 - tree.central_position
        self.windows: List[Window] = [()]
        self._rests = TreeRests(tree)
        self._window_of: Dict[Tuple[int, int], int] = {}
        self._state_of: Dict[tuple, int] = {}
        self._states: List[Tuple[Tuple[int, ...], Window]] = []  # rests of the open windows, and the history
        self._steps, self._next, self._answer = Numbering(), np.zeros(0, np.int64), np.zeros(0, np.int64)
        history = (NO_PHONE,) * (tree.context_width - 1)
        rests: Tuple[int, ...] = (self._rests.whole,) * (tree.context_width - 1)
        for _ in history:
            rests = self._read(rests, NO_PHONE)[1]
        self.start = self._state(rests, history)

    def step(self, states: np.ndarray, phone_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Reads a phone in each state, NO_PHONE behind the end of the sentence.

        Returns: the states it leads to, and the window numbers answered: 0 where no phone stands in the middle.
        Raises: InputError where the tree has no pdf for a window.
        """
        steps = self._steps.of(states.astype(np.int64) * (LARGEST_ID + 1) + phone_ids)
        known = len(self._next)
        if len(self._steps) > known:
            new, first = np.unique(steps, return_index=True)
            first = first[new >= known]
            made = [self._step(int(state), int(phone)) for state, phone in zip(states[first], phone_ids[first])]
            self._next, self._answer = (np.concatenate([old, new]) for old, new in zip(
                (self._next, self._answer), np.array(made, np.int64).T))
        answers = self._answer[steps]
        if (answers < 0).any():
            at = int(np.argmin(answers))
            window = (*self._states[int(states[at])][1], int(phone_ids[at]))
            centre = window[self.tree.central_position]
            raise InputError("context tree", f"a pdf for phone {centre}, as in the window {window}", "none")
        return self._next[steps], answers

    def _step(self, state: int, phone_id: int) -> Tuple[int, int]:
        """As `step`, but answers -1 for a window without a pdf."""
        rests, history = self._states[state]
        window = (*history, phone_id)
        closed, rests = self._read(rests, phone_id)
        centre, number = window[self.tree.central_position], 0
        if centre != NO_PHONE and closed == _NOTHING:
            number = -1
        elif centre != NO_PHONE:
            number = self._window_of.setdefault((centre, closed), len(self.windows))
            if number == len(self.windows):
                self.windows.append(window)
        return self._state(rests, window[1:]), number

    def _read(self, rests: Tuple[int, ...], phone_id: int) -> Tuple[int, Tuple[int, ...]]:
        """The rest of the window that the phone closes, and those of the windows then open, the oldest first."""
        width, centre = self.tree.context_width, self.tree.central_position
        closed, *still_open = (
            _NOTHING if key == centre and phone_id == NO_PHONE else self._rests.rest(rest, key, phone_id)
            for rest, key in zip((*rests, self._rests.whole), range(width - 1, -1, -1)))
        return closed, tuple(still_open)

    def _state(self, rests: Tuple[int, ...], history: Window) -> int:
        signature = (rests, history[self.tree.central_position:])
        number = self._state_of.setdefault(signature, len(self._states))
        if number == len(self._states):
            self._states.append((rests, history))
        return number


@lru_cache(maxsize=4)
def machine_of(tree: ContextTree) -> ContextMachine:
    """The tree's machine: one for all graphs made with the tree, as long as few trees are in use."""
    return ContextMachine(tree)
