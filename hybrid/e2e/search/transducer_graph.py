"""Fast beam search: a transducer with a stateless predictor in a graph of what may be said, by k2.

A frame has one token or a blank, after either of which comes the next frame. The graph is that of all tokens, or L o G
of hybrid/e2e/token_graph.py, where only words of the lexicon are recognized. k2 keeps the best paths of each frame as a
lattice; the score of a hypothesis is the log of the sum over its paths there.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import List, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from graphs.errors import InputError
from graphs.options import check_at_least, check_positive
from hybrid.e2e.decoders.attention import full_precision
from hybrid.e2e.decoders.transducer import TransducerDecoder
from hybrid.e2e.fusion import FusionOptions
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.network import E2eNetwork
from hybrid.e2e.search.prefixes import transducer_of
from hybrid.e2e.search.stream_nbest import StreamNbest
from hybrid.e2e.token_graph import TokenGraph
from hybrid.nn.inputs import check_encoded
from hybrid.nn.padding import frame_mask


@dataclass(frozen=True)
class TransducerGraphOptions(FusionOptions):
    graph_beam: float = field(default=20.0, metadata={"help": "paths this much worse than the best are dropped"})
    max_states: int = field(default=64, metadata={"help": "states kept on a frame, of the graph with tokens before"})
    max_contexts: int = field(default=8, metadata={"help": "last tokens of these that the joiner is asked about"})
    nbest: int = field(default=8, metadata={"help": "hypotheses given, at most"})

    def __post_init__(self):
        super().__post_init__()
        check_positive(self, "graph_beam")
        check_at_least(1, self, "max_states", "max_contexts", "nbest")

    @torch.no_grad()
    def search(self, network: E2eNetwork, encoded: Tensor, lengths: Tensor, fusion: Optional[TokenGraph] = None,
               ) -> List[List[Hypothesis]]:
        """
        Args:
          encoded: ``[B, T, D]``; lengths: ``[B]`` int64, at least 1.
          fusion: the graph; None for that of all tokens. The part "lm" is its score.
        Returns: for each utterance the best hypotheses, the best first, at least one; marked where none reached an end
          of the graph.
        Raises: InputError for a network without transducer, for a predictor that sees all tokens, for a language model
          that is no graph, without k2, and as check_encoded.
        """
        decoder = transducer_of(network, "transducer_graph")
        if not decoder.predictor.context:
            raise InputError("search transducer_graph", "a transducer with predictor = stateless", "lstm")
        if not isinstance(fusion, (TokenGraph, type(None))):
            raise InputError("search transducer_graph", "a graph of tokens", type(fusion).__name__)
        check_encoded(encoded, lengths)
        try:
            from hybrid.e2e.search.rnnt_streams import search_streams
        except ImportError as error:
            raise InputError("search transducer_graph", "k2", f"none ({error})") from None
        graph = fusion or _any_tokens(decoder.num_tokens)
        mask = frame_mask(lengths, encoded.shape[1])[:, :, None]
        nbest = StreamNbest(graph.arcs, *self._scaled(graph), self.nbest, has_lm=fusion is not None)
        found = search_streams(
            graph.arcs, nbest.scores, _FrameScores(decoder, encoded.masked_fill(~mask, 0.0)), lengths.tolist(),
            decoder.num_tokens, decoder.predictor.context, self.graph_beam, self.max_states, self.max_contexts,
            encoded.device)
        return [nbest.hypotheses(lattice) for lattice in found]

    def _scaled(self, graph: TokenGraph) -> Tuple[np.ndarray, np.ndarray]:
        """Scores of arcs and of ends in the search, with the bonuses."""
        arcs = graph.arcs
        words = [np.array([len(graph.sequences.words(label)) for label in labels.tolist()])
                 for labels in (arcs.olabel, arcs.final_olabel)]
        return (self.lm_scale * arcs.score.astype(np.float64) + self.token_bonus + self.word_bonus * words[0],
                self.lm_scale * arcs.final_score.astype(np.float64) + self.word_bonus * words[1])


@lru_cache(maxsize=4)
def _any_tokens(num_tokens: int) -> TokenGraph:
    return TokenGraph.of_any_tokens(num_tokens)


class _FrameScores:
    """What the joiner says of contexts of several utterances on a frame."""

    def __init__(self, decoder: TransducerDecoder, encoded: Tensor):
        self.decoder, self.frames = decoder, decoder.encoder_side(encoded)

    def __call__(self, frame: int, utterances: Tensor, contexts: Tensor) -> Tensor:
        out, _ = self.decoder.predictor.step(contexts[:, -1], contexts[:, :-1])
        logits = self.decoder.join(self.frames[utterances, frame], self.decoder.predictor_side(out))
        return full_precision(logits).log_softmax(dim=1).float()
