"""The spellings of all words as a tree, for units that are parts of words.

A network over units gives some probability to spellings of no word. So that the probabilities of all words and of the
sentence's end sum to one, each unit is taken among those that go on towards a word:

    p(unit | units before) = q(unit) / sum of q over the units that may follow
"""

from typing import Dict, List, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from hybrid.lm.vocabulary import END_UNIT


class SpellingTree:
    """Nodes are beginnings of words; 0 is the empty one, to which the last unit of a word leads back.

    Attributes:
      starts: ``[num_nodes + 1]``; the units that may follow node n are
      units, after: ``[starts[n]:starts[n + 1]]`` int64, with the nodes that they lead to; the units of a node rise.
    """

    def __init__(self, spellings: Sequence[Tuple[int, ...]]):
        """spellings: unit ids of each word, none of which begins another one; empty ones are no words."""
        children: List[Dict[int, int]] = [{END_UNIT: 0}]
        for spelling in spellings:
            node = 0
            for place, unit in enumerate(spelling):
                if place + 1 == len(spelling):
                    children[node][unit] = 0
                elif unit not in children[node]:
                    children.append({})
                    children[node][unit] = len(children) - 1
                node = children[node][unit]
        self.starts = np.cumsum([0, *map(len, children)])
        self.units = np.array([unit for followers in children for unit in sorted(followers)], dtype=np.int64)
        self.after = np.array([followers[unit] for followers in children for unit in sorted(followers)], dtype=np.int64)
        nodes = np.repeat(np.arange(len(children)), np.diff(self.starts))
        self._stride = int(self.units.max()) + 1
        self._keys = nodes * self._stride + self.units

    def follow(self, nodes: np.ndarray, units: np.ndarray) -> np.ndarray:
        """``[N]`` the node after each unit that may follow its node."""
        return self.after[np.searchsorted(self._keys, nodes * self._stride + units)]

    def normalizers(self, log_probs: Tensor, nodes: np.ndarray) -> Tensor:
        """``[N]`` float64: log of the probability of all units that may follow.

        Args:
          log_probs: ``[N, U]`` of each unit, up to a constant for each row.
          nodes: ``[N]``.
        """
        counts = self.starts[nodes + 1] - self.starts[nodes]
        ends = np.cumsum(counts)
        rows = np.repeat(np.arange(len(nodes)), counts)
        places = np.arange(ends[-1]) - np.repeat(ends - counts - self.starts[nodes], counts)
        columns = torch.from_numpy(self.units[places]).to(log_probs.device)
        values = log_probs[torch.from_numpy(rows).to(log_probs.device), columns].double().cpu().numpy()
        largest = np.maximum.reduceat(values, ends - counts)
        sums = np.add.reduceat(np.exp(values - largest[rows]), ends - counts)
        return torch.from_numpy(largest + np.log(sums)).to(log_probs.device)
