"""The best token of each frame: the tokens of the best alignment."""

from dataclasses import dataclass
from itertools import groupby
from typing import List, Optional

import numpy as np
from torch import Tensor

from graphs.errors import InputError
from graphs.ids import BLANK
from hybrid.e2e.fusion import TokenLm
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.search.ctc_outputs import outputs_of, sequence_scores


@dataclass(frozen=True)
class CtcGreedyOptions:
    """The best token of each frame; it knows no language model."""

    def search(self, network, encoded: Tensor, lengths: Tensor, fusion: Optional[TokenLm] = None,
               ) -> List[List[Hypothesis]]:
        """See hybrid/e2e/search/kinds.py. Raises InputError when there is a language model."""
        if fusion is not None:
            raise InputError("search ctc_greedy", "no language model (ctc_beam takes one)", "one")
        return [[best_alignment(outputs)] for outputs in outputs_of(network, encoded, lengths)]


def best_alignment(outputs: np.ndarray) -> Hypothesis:
    """
    Args:
      outputs: ``[T, num_tokens]`` log probabilities.
    Returns: the score is that of the alignment, the part "ctc" that of all alignments of its tokens.
    """
    best = outputs.argmax(axis=1)
    tokens, frames = [], []
    for token, run in groupby(range(len(best)), key=lambda frame: best[frame]):
        if token != BLANK:
            tokens.append(int(token))
            frames.append(max(run, key=lambda frame: outputs[frame, token]))
    return Hypothesis(tuple(tokens), tuple(frames), float(outputs.max(axis=1).sum()),
                      {"ctc": float(sequence_scores(outputs, [tokens])[0])})
