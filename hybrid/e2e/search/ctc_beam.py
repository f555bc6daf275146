"""Prefix beam search: the token sequences of the most probability over all their alignments (Graves, 2012; Hannun,
Maas, Jurafsky and Ng, 2014), with or without a language model.

Frame by frame a prefix keeps the probability of its alignments that end with blank apart from that of those that end
with its last token, as a repeated token needs a blank before it. Alignments of one prefix meet whatever way they came.
"""

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

import numpy as np
from torch import Tensor

from graphs.ids import BLANK
from graphs.options import check_at_least, check_between
from hybrid.e2e.fusion import MOST_HYPOTHESES, FusionOptions, TokenLm, check_fusion, score_tokens
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.search.ctc_outputs import outputs_of, sequence_scores, token_frames


@dataclass(frozen=True)
class CtcBeamOptions(FusionOptions):
    """Prefix beam search."""

    beam: int = field(default=10, metadata={"help": "prefixes that are kept on a frame"})
    token_beam: float = field(default=8.0, metadata={
        "help": "tokens that are this much less probable than the best of a frame (natural log) make no prefix longer"})
    nbest: int = field(default=10, metadata={"help": "hypotheses at most"})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(1, self, "nbest")
        check_between(1, MOST_HYPOTHESES, self, "beam")
        if not self.token_beam > 0:
            raise ValueError(f"token_beam: expected a number above 0, found {self.token_beam}")

    def search(self, network, encoded: Tensor, lengths: Tensor, fusion: Optional[TokenLm] = None,
               ) -> List[List[Hypothesis]]:
        """See hybrid/e2e/search/kinds.py."""
        return [prefix_beam_search(outputs, self, fusion) for outputs in outputs_of(network, encoded, lengths)]


def prefix_beam_search(outputs: np.ndarray, options: CtcBeamOptions, fusion: Optional[TokenLm] = None,
                       ) -> List[Hypothesis]:
    """
    Args:
      outputs: ``[T, num_tokens]`` log probabilities, of ctc_outputs.
    Returns: the best first. They are scored by all their alignments, those that the search has lost, too.
    Raises: InputError for a language model over other tokens.
    """
    check_fusion(fusion, outputs.shape[1])
    beam = PrefixBeam(options, fusion, outputs.shape[1])
    for log_probs in outputs:
        beam.step(log_probs)
    sequences, finished = beam.ends()
    scores = {"ctc": sequence_scores(outputs, sequences)}
    if fusion is not None:
        scores["lm"] = score_tokens(fusion, sequences, ends=finished)
    found = []
    for number, tokens in enumerate(sequences):
        parts = {name: float(values[number]) for name, values in scores.items()}
        score = parts["ctc"] + options.total(parts.get("lm", 0.0), tokens, fusion)
        found.append(Hypothesis(tokens, token_frames(outputs, tokens), score, parts, finished))
    return sorted(found, key=lambda hypothesis: -hypothesis.score)


class PrefixBeam:
    """Prefixes, one a row.

    Attributes:
      prefix: ``[N]`` numbers of prefixes.
      blank, token: ``[N]`` log probability of the alignments so far that end with blank, and with the last token.
      added: ``[N]`` what language model and bonuses have added.
      state: ``[N]`` of the language model.
      more: ``[N, num_tokens]`` what they add for the next tokens, and for the end.
    """

    def __init__(self, options: CtcBeamOptions, fusion: Optional[TokenLm], num_tokens: int):
        self._options, self._fusion, self._num_tokens = options, fusion, num_tokens
        self._number: Dict[Tuple[int, int], int] = {}
        self._parent, self._last = [-1], [BLANK]
        self.prefix, self.state = np.zeros(1, np.int64), np.zeros(1, np.int64)
        self.blank, self.token, self.added = np.zeros(1), np.full(1, -np.inf), np.zeros(1)
        if fusion is not None:
            fusion.reset()
            self.state[:] = fusion.start
        self.more = self._more(self.state)

    def _more(self, states: np.ndarray) -> np.ndarray:
        if self._fusion is None:
            return self._options.weighted(np.zeros((len(states), self._num_tokens)), None)
        return self._options.weighted(self._fusion.scores(states), self._fusion)

    def step(self, log_probs: np.ndarray) -> None:
        """Takes in a frame: ``[num_tokens]``."""
        last = np.array([self._last[prefix] for prefix in self.prefix.tolist()])
        either = np.logaddexp(self.blank, self.token)
        blank, token = either + log_probs[BLANK], self.token + log_probs[last]
        tokens = 1 + np.flatnonzero(log_probs[1:] >= log_probs.max() - self._options.token_beam)
        longer = np.where(last[:, None] == tokens, self.blank[:, None], either[:, None]) + log_probs[tokens]
        self._meet(longer, token, tokens, last, either, log_probs)
        ranked = np.concatenate([np.logaddexp(blank, token) + self.added,
                                 (longer + self.added[:, None] + self.more[:, tokens]).ravel()])
        kept = np.argsort(-ranked, kind="stable")[:self._options.beam]
        kept = kept[~np.isneginf(ranked[kept])]
        stay, new = kept[kept < len(last)], kept[kept >= len(last)] - len(last)
        rows, columns = np.divmod(new, len(tokens))
        self._keep(stay, blank, token, rows, tokens[columns], longer[rows, columns])

    def _meet(self, longer, token, tokens, last, either, log_probs) -> None:
        """Where a longer prefix is in the beam already, it gets what leads to it from the shorter one."""
        row_of = {prefix: row for row, prefix in enumerate(self.prefix.tolist())}
        for row, prefix in enumerate(self.prefix.tolist()):
            shorter = row_of.get(self._parent[prefix])
            if shorter is not None:
                before = self.blank[shorter] if last[shorter] == last[row] else either[shorter]
                token[row] = np.logaddexp(token[row], before + log_probs[last[row]])
                longer[shorter, tokens == last[row]] = -np.inf

    def _keep(self, stay, blank, token, rows, tokens, entered) -> None:
        """The next beam: rows that stay as they are, and longer prefixes of `rows`."""
        state, added = self.state[rows], self.added[rows] + self.more[rows, tokens]
        if self._fusion is not None:
            state = self._fusion.advance(state, tokens)
        longer = [self._longer(*pair) for pair in zip(self.prefix[rows].tolist(), tokens.tolist())]
        more = self._more(state)
        self.prefix = np.concatenate([self.prefix[stay], np.array(longer, np.int64)])
        self.blank = np.concatenate([blank[stay], np.full(len(rows), -np.inf)])
        self.token = np.concatenate([token[stay], entered])
        self.added = np.concatenate([self.added[stay], added])
        self.state, self.more = np.concatenate([self.state[stay], state]), np.concatenate([self.more[stay], more])

    def _longer(self, prefix: int, token: int) -> int:
        number = self._number.setdefault((prefix, token), len(self._parent))
        if number == len(self._parent):
            self._parent.append(prefix)
            self._last.append(token)
        return number

    def ends(self) -> Tuple[List[Tuple[int, ...]], bool]:
        """The best sequences, and whether the language model allows that they end; if it allows none, they do not."""
        score = np.logaddexp(self.blank, self.token) + self.added
        finished = not np.isneginf(score + self.more[:, 0]).all()
        if finished:
            score = score + self.more[:, 0]
        best = np.argsort(-score, kind="stable")[:self._options.nbest]
        return [self._tokens(prefix) for prefix in self.prefix[best[~np.isneginf(score[best])]].tolist()], finished

    def _tokens(self, prefix: int) -> Tuple[int, ...]:
        tokens: List[int] = []
        while prefix:
            tokens.append(self._last[prefix])
            prefix = self._parent[prefix]
        return tuple(reversed(tokens))
