"""Greedy search with a transducer: the likeliest token of each frame, or several in turn until blank is likelier."""

from dataclasses import dataclass, field
from typing import List, Optional

import numpy as np
import torch
from torch import Tensor

from graphs.errors import InputError
from graphs.ids import BLANK
from graphs.options import check_at_least
from hybrid.e2e.fusion import TokenLm
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.network import E2eNetwork
from hybrid.e2e.search.prefixes import log_probs_of, transducer_of
from hybrid.nn.inputs import check_encoded


@dataclass(frozen=True)
class TransducerGreedyOptions:
    max_symbols: int = field(default=3, metadata={
        "help": "tokens of a frame at most, after which the next one comes without a blank"})

    def __post_init__(self):
        check_at_least(1, self, "max_symbols")

    @torch.no_grad()
    def search(self, network: E2eNetwork, encoded: Tensor, lengths: Tensor, fusion: Optional[TokenLm] = None,
               ) -> List[List[Hypothesis]]:
        """
        Args:
          encoded: ``[B, T, D]``; lengths: ``[B]`` int64, at least 1.
        Returns: for each utterance one hypothesis; its score is the log probability of one alignment.
        Raises: InputError for a network without transducer, for a language model, and as check_encoded.
        """
        decoder = transducer_of(network, "transducer_greedy")
        if fusion is not None:
            raise InputError("search transducer_greedy", "no language model (transducer_beam takes one)", "one")
        check_encoded(encoded, lengths)
        frames, num_utterances = decoder.encoder_side(encoded), len(encoded)
        out, states = decoder.predictor.step(torch.full((num_utterances,), BLANK, device=encoded.device),
                                             decoder.predictor.start(num_utterances))
        places = decoder.predictor_side(out)
        tokens, at = ([[] for _ in range(num_utterances)] for _ in range(2))
        scores = np.zeros(num_utterances)
        for frame in range(int(lengths.max())):
            rows = torch.nonzero(frame < lengths)[:, 0]
            for _ in range(1 if decoder.monotonic else self.max_symbols):
                log_probs = log_probs_of(decoder, frames[rows, frame], places[rows])
                best = log_probs.argmax(axis=1)
                scores[rows.cpu().numpy()] += log_probs[np.arange(len(best)), best]
                emitting = np.flatnonzero(best != BLANK)
                rows, best = rows[torch.from_numpy(emitting).to(rows.device)], best[emitting]
                if not len(best):
                    break
                for row, token in zip(rows.tolist(), best.tolist()):
                    tokens[row].append(token)
                    at[row].append(frame)
                out, states[rows] = decoder.predictor.step(torch.from_numpy(best).to(rows.device), states[rows])
                places[rows] = decoder.predictor_side(out)
        return [[Hypothesis(tuple(tokens[row]), tuple(at[row]), float(scores[row]), {"transducer": float(scores[row])})]
                for row in range(num_utterances)]
