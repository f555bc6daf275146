"""What a network over units computed after each beginning of a sentence, found by the number of the state.

A state is its last unit after another state. Beside hidden vector and normalizers a state holds the entry of its own
unit alone (hybrid/lm/nets/architectures.py): all that a recurrent network needs, and keys and values of one step of a
Transformer, which finds those of the steps before by way of the states before.
"""

from typing import Optional

import numpy as np
import torch
from torch import Tensor

from hybrid.lm.network import LmNetwork
from hybrid.lm.spelling import SpellingTree
from hybrid.lm.vocabulary import END_UNIT

MOST_NUMBERS = 1 << 24  # of entries and hidden vectors that are worked on at once
_FIRST_CAPACITY = 256


class StateCache:
    """State 0 is the beginning of a sentence."""

    def __init__(self, network: LmNetwork, tree: Optional[SpellingTree] = None):
        """tree: spellings, by which probabilities of units are normalized; None: each unit may follow each."""
        self.network, self.tree = network, tree
        weight = network.embedding.weight
        self.device, self.dtype = weight.device, weight.dtype
        self._size = 1
        self._parent, self._unit = np.full(1, -1), np.full(1, END_UNIT)
        self._node, self._depth = np.zeros(1, np.int64), np.zeros(1, np.int64)
        self._computed = np.zeros(1, bool)
        self._entries, self._hidden, self._normalizers = (
            torch.zeros(0, *shape, dtype=self.dtype, device=self.device)
            for shape in (network.entry_shape, (network.hidden_dim,), (1,)))

    def __len__(self) -> int:
        return self._size

    def add(self, states: np.ndarray, units: np.ndarray) -> np.ndarray:
        """``[N]`` new states: a unit after each state. They are computed when they are needed."""
        nodes = np.zeros(len(states), np.int64) if self.tree is None else self.tree.follow(self._node[states], units)
        columns = (("_parent", states), ("_unit", units), ("_node", nodes), ("_depth", self._depth[states] + 1),
                   ("_computed", np.zeros(len(states), bool)))
        for name, values in columns:
            column = _with_room(getattr(self, name), self._size + len(states))
            column[self._size:self._size + len(states)] = values
            setattr(self, name, column)
        self._size += len(states)
        return np.arange(self._size - len(states), self._size)

    def compute(self, states: np.ndarray) -> None:
        """Sees to it that the network has been asked about these states; those before them have been."""
        waiting = states[~self._computed[states]]
        waiting = waiting[np.argsort(self._depth[waiting], kind="stable")]  # those of like length together
        while len(waiting):
            seen = self._recalled(int(self._depth[waiting[-1]]))
            numbers = (seen + 1) * int(np.prod(self.network.entry_shape)) + self.network.hidden_dim
            some, waiting = np.split(waiting, [max(1, MOST_NUMBERS // numbers)])
            with torch.no_grad():
                self._compute(some)

    def _recalled(self, depth: int) -> int:
        """How many states before one that the network wants to see."""
        return depth if self.network.recall < 0 else min(depth, self.network.recall)

    def _compute(self, states: np.ndarray) -> None:
        past = np.empty((len(states), self._recalled(int(self._depth[states].max()))), np.int64)
        before = states
        for column in range(past.shape[1] - 1, -1, -1):
            before = np.where(before >= 0, self._parent[before], -1)
            past[:, column] = before
        rows, known = self._tensor(np.maximum(past, 0)), self._tensor(past >= 0)
        self._make_room()
        hidden, entries = self.network.step(self._tensor(self._unit[states]), self._entries[rows], known)
        places = self._tensor(states)
        self._entries[places], self._hidden[places] = entries.to(self.dtype), hidden.to(self.dtype)
        self._set_normalizers(places, hidden, self._node[states])
        self._computed[states] = True

    def _set_normalizers(self, places: Tensor, hidden: Tensor, nodes: np.ndarray) -> None:
        if self.tree is None:
            values = self.network.output.normalizers(hidden)
        else:
            values = self.tree.normalizers(self.network.output.log_probs(hidden), nodes)[:, None]
        if self._normalizers.shape[1] != values.shape[1]:
            self._normalizers = self._normalizers.new_zeros(len(self._normalizers), values.shape[1])
        self._normalizers[places] = values.to(self.dtype)

    def scores(self, states: np.ndarray, units: np.ndarray) -> Tensor:
        """``[N]`` log probability of a unit after each state, which has been computed."""
        rows, output = self._tensor(states), self.network.output
        hidden, normalizers, units = self._hidden[rows], self._normalizers[rows], self._tensor(units)
        with torch.no_grad():
            if self.tree is None:
                return output.scores(hidden, units, normalizers)
            return output.log_probs(hidden).gather(1, units[:, None])[:, 0] - normalizers[:, 0]

    def _make_room(self) -> None:
        self._entries, self._hidden, self._normalizers = (
            _with_room(tensor, self._size) for tensor in (self._entries, self._hidden, self._normalizers))

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device)


def _with_room(values, size: int):
    """An array or a tensor of at least that length, which begins with the values."""
    if size <= len(values):
        return values
    shape = (max(size, len(values) * 5 // 4, _FIRST_CAPACITY), *values.shape[1:])
    larger = np.zeros(shape, values.dtype) if isinstance(values, np.ndarray) else values.new_zeros(shape)
    larger[:len(values)] = values
    return larger
