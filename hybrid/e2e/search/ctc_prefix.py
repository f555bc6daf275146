"""Beginnings of token sequences scored by CTC, token by token: what joint decoding adds to a decoder from left to right
(Watanabe, Hori, Kim, Hershey and Hayashi, 2017, algorithm 2).

With p_t(c) the outputs, and of all alignments of the tokens g with the first t frames n_t(g) the probability of those
that end with the last token, b_t(g) of those that end with blank,

    phi_t(g, c) = b_{t-1}(g) + n_{t-1}(g) unless c is the last token of g
    n_t(gc) = (n_{t-1}(gc) + phi_t(g, c)) p_t(c)
    b_t(gc) = (b_{t-1}(gc) + n_{t-1}(gc)) p_t(blank)
    psi(gc) = sum over t of phi_t(g, c) p_t(c)

psi(g) is the probability that the tokens begin with g, and b_T(g) + n_T(g) that they are g and end. The recursions over
time are cumulative sums once they are divided by the product of the outputs up to t.
"""

import numpy as np

from graphs.checks import check_range
from graphs.growing import GrowingArray
from graphs.ids import BLANK
from hybrid.e2e.search.ctc_outputs import ctc_outputs


class CtcPrefixScorer:
    """A hybrid.e2e.fusion.TokenLm of one utterance: the scores along a sequence, its end included, sum up to its
    probability by CTC."""

    start = 0

    def __init__(self, log_probs):
        """
        Args:
          log_probs: ``[T, num_tokens]`` natural log probabilities, column 0 is blank; a tensor or an array.
        """
        self._log_probs = ctc_outputs(log_probs)
        num_frames, self._num_tokens = self._log_probs.shape
        self.starts_word = np.zeros(self._num_tokens, bool)
        self._products = np.vstack([np.zeros((1, self._num_tokens)), np.cumsum(self._log_probs, axis=0)])
        self._last, self._psi = GrowingArray((), np.int64), GrowingArray((), np.float64)
        self._blank, self._token = (GrowingArray((num_frames + 1,), np.float64) for _ in range(2))
        self._add(np.array([BLANK]), np.zeros(1), np.full((1, num_frames + 1), -np.inf), self._products[None, :, BLANK])

    def reset(self) -> None:
        """Nothing to forget: states are those of one utterance."""

    def scores(self, states: np.ndarray) -> np.ndarray:
        """``[N, num_tokens]`` float64 natural log probability of each next token after ``[N]`` states, given what was
        before; column 0 is the end."""
        rows = np.full((len(states), self._num_tokens), -np.inf)
        for row, state in zip(rows, np.asarray(states).tolist()):
            psi, last, blank = self._psi.rows[state], self._last.rows[state], self._blank.rows[state]
            if np.isneginf(psi):
                continue
            either = np.logaddexp(blank, self._token.rows[state])
            row[:] = _log_sum(either[:-1, None] + self._log_probs) - psi
            row[last] = _log_sum(blank[:-1] + self._log_probs[:, last]) - psi
            row[BLANK] = either[-1] - psi
        return rows

    def advance(self, states: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """``[N]`` int64 new states. Raises InputError for blank, and for what is no token."""
        states, token_ids = np.asarray(states, np.int64), np.asarray(token_ids, np.int64)
        check_range("token_ids to go on with", token_ids, 1, self._num_tokens)
        before, blank = self._token.rows[states], self._blank.rows[states]
        again = self._last.rows[states] == token_ids
        phi = np.where(again[:, None], blank, np.logaddexp(blank, before))[:, :-1]
        token = _along(phi, self._products[:, token_ids].T)
        psi = _log_sum(phi.T + self._log_probs[:, token_ids])
        return self._add(token_ids, psi, token, _along(token[:, :-1], self._products[None, :, BLANK]))

    def _add(self, last: np.ndarray, psi: np.ndarray, token: np.ndarray, blank: np.ndarray) -> np.ndarray:
        first = len(self._last)
        for column, rows in ((self._last, last), (self._psi, psi), (self._token, token), (self._blank, blank)):
            column.add(rows)
        return np.arange(first, len(self._last))


def _log_sum(values: np.ndarray) -> np.ndarray:
    """log(sum(exp)) over the first axis."""
    highest = np.maximum(values.max(axis=0), np.finfo(float).min)
    with np.errstate(divide="ignore"):
        return highest + np.log(np.exp(values - highest).sum(axis=0))


def _along(entering: np.ndarray, products: np.ndarray) -> np.ndarray:
    """``[N, T + 1]`` x with x_0 = 0 and x_t = (x_{t-1} + entering_t) p_t, in logarithms.

    Args:
      entering: ``[N, T]``; products: ``[N or 1, T + 1]`` of p_1 .. p_t.
    """
    result = np.full((len(entering), products.shape[1]), -np.inf)
    result[:, 1:] = np.logaddexp.accumulate(entering - products[:, :-1], axis=1) + products[:, 1:]
    return result
