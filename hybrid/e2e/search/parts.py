"""What a beam search over tokens adds up, token by token: an attention decoder; CTC and language models (TokenLm).

A part knows its state for the K hypotheses of a beam. `scores()` gives ``[K, num_tokens]`` float64: what each next
token adds to the natural log probability of a hypothesis, column 0 what its end adds. `keep(rows, tokens)` makes the
beam that of the hypotheses at these places, each with one more token. At first there is one, the empty one.
"""

import numpy as np
import torch
from torch import Tensor

from graphs.ids import BLANK
from hybrid.e2e.decoders.attention import AttentionDecoder
from hybrid.e2e.fusion import TokenLm


class AttentionPart:
    """
    Attributes:
      weights: ``[K, T]`` float64: after `scores`, what the next tokens were taken from.
    """

    def __init__(self, decoder: AttentionDecoder, encoded: Tensor):
        """encoded: ``[T, D]`` of one utterance."""
        self._decoder, self._before = decoder, decoder.start(encoded)
        self._tokens = torch.tensor([BLANK], device=encoded.device)

    def scores(self) -> np.ndarray:
        log_probs, self._after, weights = self._decoder.step(self._before, self._tokens)
        self.weights = weights.double().cpu().numpy()
        return log_probs.double().cpu().numpy()

    def keep(self, rows: np.ndarray, tokens: np.ndarray) -> None:
        self._before = self._after.select(torch.from_numpy(rows).to(self._tokens.device))
        self._tokens = torch.from_numpy(tokens).to(self._tokens.device)


class LmPart:
    def __init__(self, lm: TokenLm):
        lm.reset()
        self._lm, self._states = lm, np.array([lm.start])

    def scores(self) -> np.ndarray:
        return self._lm.scores(self._states)

    def keep(self, rows: np.ndarray, tokens: np.ndarray) -> None:
        self._states = self._lm.advance(self._states[rows], tokens)
