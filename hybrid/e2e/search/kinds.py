"""Searches by name. One more is a file with its options and its `search`, and a line here."""

from dataclasses import dataclass
from typing import List, Optional

from torch import Tensor

from graphs.options import choice
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.network import E2eNetwork
from hybrid.nn.ctc import greedy_tokens


@dataclass(frozen=True)
class CtcGreedyOptions:
    """The best token of each frame."""

    def search(self, network: E2eNetwork, encoded: Tensor, lengths: Tensor, fusion: Optional[object] = None,
               ) -> List[List[Hypothesis]]:
        log_probs = network.ctc_log_probs(encoded).cpu()
        found = []
        for row, length in enumerate(lengths.tolist()):
            best = log_probs[row, :length].max(dim=1)
            ids = best.indices.tolist()
            frames = [t for t, token in enumerate(ids) if token and (t == 0 or token != ids[t - 1])]
            score = float(best.values.sum())
            found.append([Hypothesis(tuple(greedy_tokens(log_probs[row, :length])), tuple(frames), score,
                                     {"ctc": score})])
        return found


# ``search(network, encoded [B, T, D], lengths [B], fusion) -> B lists of hypotheses``, the best first, at least one of
# each utterance; fusion: hybrid.e2e.fusion.TokenLm, or None. Neither padding nor other utterances change a result.
SEARCHES = {"ctc_greedy": CtcGreedyOptions}


def search_field():
    """The field `search` of options that decode."""
    return choice(SEARCHES, "ctc_greedy", "for the best token sequences")
