"""Beam search with a transducer, frame by frame: hypotheses with the same tokens are one, whose probability is the sum
over the alignments that the beam has kept.

With one token on a frame at most, the next frame comes after it without a blank: so a monotonic transducer works, and
for others it is the modified beam search of icefall (Kang et al., "Fast and parallel decoding for transducer", 2023).
With more, a frame goes on until each hypothesis has a blank, as transducers that are not monotonic have learnt it. A
hypothesis is ranked by

    log p_transducer + lm_scale log p_lm - internal_scale log p_internal + bonuses,

where the internal language model is what the transducer says without sound (hybrid/e2e/search/prefixes.py).
"""

import math
from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from graphs.ids import BLANK
from graphs.options import check_at_least, check_between
from hybrid.e2e.decoders.transducer import TransducerDecoder
from hybrid.e2e.fusion import MOST_HYPOTHESES, FusionOptions, TokenLm, check_fusion
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.network import E2eNetwork
from hybrid.e2e.search.prefixes import ROOT, Prefixes, frames_of, log_probs_of, transducer_of
from hybrid.nn.inputs import check_encoded


@dataclass(frozen=True)
class TransducerBeamOptions(FusionOptions):
    beam: int = field(default=8, metadata={"help": "hypotheses kept on a frame"})
    nbest: int = field(default=8, metadata={"help": "hypotheses given, at most"})
    score_beam: float = field(default=15.0, metadata={"help": "hypotheses this much worse than the best are dropped"})
    max_symbols: int = field(default=1, metadata={
        "help": "tokens of a frame at most; 1: the next frame comes after a token without a blank"})
    internal_scale: float = field(default=0.0, metadata={
        "help": "factor on what the transducer's internal language model takes off"})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(1, self, "nbest", "max_symbols")
        check_between(1, MOST_HYPOTHESES, self, "beam")
        check_at_least(0, self, "internal_scale")
        if not self.score_beam > 0:
            raise ValueError(f"score_beam: expected a number above 0, found {self.score_beam}")

    @property
    def part_weights(self) -> Dict[str, float]:
        """Factors of the parts of the network's score."""
        return {"internal_lm": -self.internal_scale}

    @torch.no_grad()
    def search(self, network: E2eNetwork, encoded: Tensor, lengths: Tensor, fusion: Optional[TokenLm] = None,
               ) -> List[List[Hypothesis]]:
        """
        Args:
          encoded: ``[B, T, D]``; lengths: ``[B]`` int64, at least 1.
        Returns: for each utterance the best hypotheses, the best first, at least one. One that the language model does
          not let end is marked, and comes where there is no other.
        Raises: InputError for a network without transducer, and as check_encoded.
        """
        decoder = transducer_of(network, "transducer_beam")
        check_encoded(encoded, lengths)
        check_fusion(fusion, network.num_tokens)
        search = _Search(decoder, decoder.encoder_side(encoded), self, Prefixes(decoder, self, fusion,
                                                                                self.internal_scale))
        rows = np.arange(len(encoded))
        beam = _Beam(rows, np.full(len(rows), ROOT), np.zeros(len(rows)), np.zeros(len(rows)), [None] * len(rows))
        done: List[List[Hypothesis]] = [[] for _ in rows]
        lengths = lengths.cpu().numpy()
        step = search.one_token if decoder.monotonic or self.max_symbols == 1 else search.several_tokens
        for frame in range(lengths.max()):
            beam = step(beam, frame)
            ends = np.flatnonzero(lengths == frame + 1)
            for row in ends:
                done[row] = search.hypotheses(beam.select(np.flatnonzero(beam.utterance == row)))
            beam = beam.select(np.flatnonzero(lengths[beam.utterance] > frame + 1))
        return done


class _Beam(NamedTuple):
    """Hypotheses of all utterances.

    Attributes:
      utterance, node: ``[N]`` int64; node: of Prefixes. Each pair comes once.
      score, best: ``[N]`` float64 log probability of the transducer, over all alignments, and of the best one.
      frames: of the tokens in that one, as (last frame, those before likewise) or None.
    """

    utterance: np.ndarray
    node: np.ndarray
    score: np.ndarray
    best: np.ndarray
    frames: List[Optional[tuple]]

    def select(self, rows: np.ndarray) -> "_Beam":
        columns = (column[rows] for column in self[:4])
        return _Beam(*columns, [self.frames[row] for row in rows])


class _Search:
    def __init__(self, decoder: TransducerDecoder, frames: Tensor, options: TransducerBeamOptions, prefixes: Prefixes):
        """frames: ``[B, T, joiner_dim]``."""
        self.decoder, self.frames, self.options, self.prefixes = decoder, frames, options, prefixes

    def one_token(self, beam: _Beam, frame: int) -> _Beam:
        """The best hypotheses after a frame with a blank or a token."""
        log_probs, scores, totals = self._scores(beam, frame)
        blanks, best, frames = scores[:, BLANK].copy(), beam.best + log_probs[:, BLANK], list(beam.frames)
        row_of = {pair: row for row, pair in enumerate(zip(beam.utterance.tolist(), beam.node.tolist()))}
        for (utterance, node), row in row_of.items():  # the same tokens by a token now
            before = row_of.get((utterance, int(self.prefixes.parent[node])))
            if before is not None:
                token = self.prefixes.token[node]
                if beam.best[before] + log_probs[before, token] > best[row]:
                    best[row], frames[row] = beam.best[before] + log_probs[before, token], (frame, beam.frames[before])
                blanks[row] = np.logaddexp(blanks[row], scores[before, token])
                totals[before, token] = -math.inf
        stayed = _Beam(beam.utterance, beam.node, blanks, best, frames)
        rows, tokens = self._best_tokens(totals)
        taken = self._best(np.concatenate([beam.utterance, beam.utterance[rows]]),
                           np.concatenate([blanks + self.prefixes.rank[beam.node], totals[rows, tokens]]))
        stay, go = taken[taken < len(blanks)], taken[taken >= len(blanks)] - len(blanks)
        return _joined(stayed.select(stay), self._extended(beam, log_probs, rows[go], tokens[go], frame))

    def several_tokens(self, beam: _Beam, frame: int) -> _Beam:
        """The best hypotheses after a frame with tokens and then a blank."""
        ended: Dict[Tuple[int, int], Tuple[float, float, Optional[tuple]]] = {}  # score, best and frames
        for number in range(self.options.max_symbols + 1):
            log_probs, scores, totals = self._scores(beam, frame)
            bests = beam.best + log_probs[:, BLANK]
            for row, pair in enumerate(zip(beam.utterance.tolist(), beam.node.tolist())):
                score, best, frames = ended.get(pair, (-math.inf, -math.inf, None))
                if bests[row] > best:
                    best, frames = float(bests[row]), beam.frames[row]
                ended[pair] = float(np.logaddexp(score, scores[row, BLANK])), best, frames
            if number == self.options.max_symbols:
                break
            rows, tokens = self._best_tokens(totals)
            kept = np.flatnonzero(totals[rows, tokens] > self._least(ended, beam.utterance[rows]))
            taken = kept[self._best(beam.utterance[rows[kept]], totals[rows[kept], tokens[kept]])]
            if not len(taken):
                break
            beam = self._extended(beam, log_probs, rows[taken], tokens[taken], frame)
        utterance, node = np.array(list(ended), dtype=np.int64).T
        score, best, frames = zip(*ended.values())
        result = _Beam(utterance, node, np.array(score), np.array(best), list(frames))
        return result.select(self._best(result.utterance, result.score + self.prefixes.rank[result.node]))

    def hypotheses(self, beam: _Beam) -> List[Hypothesis]:
        """Those of one utterance after its last frame."""
        totals = beam.score + self.prefixes.rank[beam.node]
        ended = totals + self.prefixes.added[beam.node, BLANK]
        finished = bool(np.isfinite(ended).any())
        totals = ended if finished else totals
        order = np.argsort(-totals, kind="stable")[:self.options.nbest]
        return [self._hypothesis(beam, row, float(totals[row]), finished) for row in order if np.isfinite(totals[row])]

    def _hypothesis(self, beam: _Beam, row: int, total: float, finished: bool) -> Hypothesis:
        node, parts = beam.node[row], {"transducer": float(beam.score[row])}
        if self.prefixes.has_lm:
            parts["lm"] = float(self.prefixes.lm[node] + (self.prefixes.end_of_lm(node) if finished else 0.0))
        if self.options.internal_scale:
            parts["internal_lm"] = float(self.prefixes.internal[node])
        return Hypothesis(self.prefixes.tokens_of(node), frames_of(beam.frames[row]), total, parts, finished)

    def _scores(self, beam: _Beam, frame: int) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``[N, num_tokens]`` each: log probability of one more token, or blank; of the hypothesis with it; and what it
        is ranked by then (not for blank)."""
        frames = self.frames[torch.from_numpy(beam.utterance).to(self.frames.device), frame]
        log_probs = log_probs_of(self.decoder, frames, self.prefixes.places(beam.node))
        scores = beam.score[:, None] + log_probs
        return log_probs, scores, scores + self.prefixes.rank[beam.node][:, None] + self.prefixes.added[beam.node]

    def _best_tokens(self, totals: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Rows and tokens of the `beam` best tokens of each row, blank left out, as far as they are possible."""
        number = min(self.options.beam, totals.shape[1] - 1)
        tokens = 1 + np.argpartition(-totals[:, 1:], number - 1, axis=1)[:, :number]
        rows = np.repeat(np.arange(len(totals)), number)
        tokens = tokens.reshape(-1)
        possible = totals[rows, tokens] > -math.inf
        return rows[possible], tokens[possible]

    def _best(self, utterance: np.ndarray, totals: np.ndarray) -> np.ndarray:
        """Those of the best of each utterance that stay in the beam."""
        order = np.lexsort((-totals, utterance))
        first = np.searchsorted(utterance[order], utterance[order])
        near = totals[order] >= totals[order][first] - self.options.score_beam
        return order[(np.arange(len(order)) - first < self.options.beam) & near]

    def _least(self, ended: dict, utterance: np.ndarray) -> np.ndarray:
        """``[N]`` the total that a hypothesis of each utterance needs to be among the `beam` best."""
        totals: Dict[int, List[float]] = {}
        for (of, node), value in ended.items():
            totals.setdefault(of, []).append(value[0] + self.prefixes.rank[node])
        least = {of: sorted(values)[-self.options.beam] if len(values) >= self.options.beam else -math.inf
                 for of, values in totals.items()}
        return np.array([least[of] for of in utterance.tolist()])

    def _extended(self, beam: _Beam, log_probs: np.ndarray, rows: np.ndarray, tokens: np.ndarray, frame: int) -> _Beam:
        gained, nodes = log_probs[rows, tokens], self.prefixes.extend(beam.node[rows], tokens)
        return _Beam(beam.utterance[rows], nodes, beam.score[rows] + gained, beam.best[rows] + gained,
                     [(frame, beam.frames[row]) for row in rows])


def _joined(first: _Beam, second: _Beam) -> _Beam:
    columns = (np.concatenate(pair) for pair in zip(first[:4], second[:4]))
    return _Beam(*columns, first.frames + second.frames)
