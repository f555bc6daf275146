"""Beam search with an attention decoder, alone or joint with CTC and a language model, in one pass (Watanabe et al.,
"Hybrid CTC/attention architecture for end-to-end speech recognition", 2017).

A hypothesis of n tokens has the score

    (1 - ctc_weight) log p_attention + ctc_weight log p_ctc + lm_scale log p_lm + bonuses + coverage * covered frames,

where log p_ctc of what has not ended is that of all that begins with it. Each step makes all extensions of all
hypotheses by a token or the end, and keeps the `beam` best; those that end leave the beam. So a beam of 1 is greedy.
"""

from dataclasses import dataclass, field, replace
from typing import Dict, List, NamedTuple, Optional

import numpy as np
from torch import Tensor

from graphs.errors import InputError
from graphs.ids import BLANK
from graphs.options import check_at_least, check_between
from hybrid.e2e.decoders.attention import AttentionDecoder
from hybrid.e2e.fusion import LARGEST_WEIGHT, MOST_HYPOTHESES, FusionOptions, TokenLm, check_fusion
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.network import E2eNetwork
from hybrid.e2e.search.attention_frames import attention_frames
from hybrid.e2e.search.ctc_outputs import outputs_of
from hybrid.e2e.search.ctc_prefix import CtcPrefixScorer
from hybrid.e2e.search.parts import AttentionPart, LmPart
from hybrid.nn.inputs import check_encoded


@dataclass(frozen=True)
class AttentionBeamOptions(FusionOptions):
    beam: int = field(default=10, metadata={"help": "hypotheses kept at each length; 1 is greedy"})
    nbest: int = field(default=10, metadata={"help": "hypotheses given, at most"})
    ctc_weight: float = field(default=0.3, metadata={"help": "share of CTC in the score, the rest is the decoder's"})
    length_power: float = field(default=0.0, metadata={
        "help": "hypotheses that have ended are ranked by their score divided by ((5 + tokens and end) / 6) to this "
                "power (Wu et al., 2016)"})
    coverage: float = field(default=0.0, metadata={
        "help": "added for each encoded frame that was attended to (Chorowski and Jaitly, 2017)"})
    coverage_threshold: float = field(default=0.5, metadata={
        "help": "sum of its weights over all tokens above which a frame was attended to"})
    end_threshold: float = field(default=0.0, metadata={
        "help": "a hypothesis may end only if the decoder's log p(end) is above so many times that of the likeliest "
                "token (Hannun et al., 2019: 1.5), unless none ever is; 0: always"})
    end_margin: float = field(default=10.0, metadata={
        "help": "the search is over when, at each of the last end_lengths lengths, every hypothesis that had ended "
                "there would have been so much below the best one"})
    end_lengths: int = field(default=3, metadata={"help": "see end_margin; 0: never over that way"})
    max_ratio: float = field(default=1.0, metadata={"help": "most tokens for each encoded frame"})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(1, self, "nbest")
        check_at_least(0, self, "coverage_threshold", "end_threshold", "end_margin", "end_lengths", "max_ratio")
        check_between(1, MOST_HYPOTHESES, self, "beam")
        check_between(0, LARGEST_WEIGHT, self, "coverage")
        check_between(0, 10, self, "length_power")
        if self.max_ratio == float("inf"):
            raise ValueError("max_ratio: expected a finite number, found inf")
        check_between(0, 1, self, "ctc_weight")

    @property
    def part_weights(self) -> Dict[str, float]:
        """Of the network's parts of a score, for lattices."""
        return {"attention": 1 - self.ctc_weight, "ctc": self.ctc_weight}

    def search(self, network: E2eNetwork, encoded: Tensor, lengths: Tensor, fusion: Optional[TokenLm] = None,
               ) -> List[List[Hypothesis]]:
        """
        Args:
          encoded: ``[B, T, D]``; lengths: ``[B]`` int64, at least 1.
        Returns: for each utterance the best hypotheses, the best first; at least one: where none ended, the best of
          those that the search broke off, marked.
        Raises: InputError for a network that lacks what the options ask for, and as check_encoded.
        """
        if not isinstance(network.decoder, AttentionDecoder):
            raise InputError("search attention_beam", "a network with an attention decoder", "another one")
        check_encoded(encoded, lengths)
        check_fusion(fusion, network.num_tokens)
        if self.ctc_weight > 0 and network.ctc is None:
            raise InputError("search attention_beam", "ctc_weight = 0 for a network without CTC", str(self.ctc_weight))
        outputs = outputs_of(network, encoded, lengths) if self.ctc_weight > 0 else [None] * len(lengths)
        return [self._search_one(network.decoder, encoded[row, :length], outputs[row], fusion)
                for row, length in enumerate(lengths.tolist())]

    def _search_one(self, decoder: AttentionDecoder, encoded: Tensor, outputs: Optional[np.ndarray],
                    fusion: Optional[TokenLm]) -> List[Hypothesis]:
        """One that says the same over and over never gets above the threshold of ends: then that counts for nothing."""
        found = _Search(decoder, encoded, outputs, self, fusion).run()
        if found[0].finished or not self.end_threshold:
            return found
        return _Search(decoder, encoded, outputs, replace(self, end_threshold=0.0), fusion).run()


class _Beam(NamedTuple):
    """K hypotheses.

    Attributes:
      tokens: ``[K, n]``, an end among them.
      sums: of each part ``[K]``, unscaled.
      fused: ``[K]`` what language model and bonuses add up to, scaled.
      covered: ``[K, T]`` the weights of attention, summed over the tokens.
      looked: for each hypothesis the weights ``[T]`` for its last token, and what was so for the one before it, ...
      score: ``[K]``.
    """

    tokens: np.ndarray
    sums: Dict[str, np.ndarray]
    fused: np.ndarray
    covered: np.ndarray
    looked: List[tuple]
    score: np.ndarray

    def select(self, rows: np.ndarray) -> "_Beam":
        sums = {name: part[rows] for name, part in self.sums.items()}
        return _Beam(self.tokens[rows], sums, self.fused[rows], self.covered[rows],
                     [self.looked[row] for row in rows.tolist()], self.score[rows])

    def weights(self, row: int) -> np.ndarray:
        """``[n, T]`` of attention."""
        found, rest = np.zeros((self.tokens.shape[1], self.covered.shape[1])), self.looked[row]
        for place in reversed(range(len(found))):
            found[place], rest = rest
        return found


class _Search:
    """Of one utterance."""

    def __init__(self, decoder: AttentionDecoder, encoded: Tensor, outputs: Optional[np.ndarray],
                 options: AttentionBeamOptions, fusion: Optional[TokenLm]):
        """encoded: ``[T, D]``; outputs: ``[T, num_tokens]`` log probabilities of CTC."""
        self.options, self.fusion, self.outputs, self.num_frames = options, fusion, outputs, len(encoded)
        self.attention = AttentionPart(decoder, encoded)
        self.parts = {"attention": self.attention}
        if outputs is not None:
            self.parts["ctc"] = LmPart(CtcPrefixScorer(outputs))
        if fusion is not None:
            self.parts["lm"] = LmPart(fusion)

    def run(self) -> List[Hypothesis]:
        zero = np.zeros(1)
        beam = _Beam(np.zeros((1, 0), np.int64), {name: zero for name in self.parts}, zero,
                     np.zeros((1, self.num_frames)), [()], zero)
        ended: List[_Beam] = []
        best_ends: List[float] = []  # at each length, whether they were kept or not
        most = int(self.options.max_ratio * self.num_frames)
        for length in range(most + 1):
            rows, grown, best_end = self._extended(beam)
            ends = grown.tokens[:, -1] == BLANK
            ended += [grown.select(np.flatnonzero(ends))] * bool(ends.any())
            best_ends.append(best_end)
            if ends.all() or length == most or ended and self._is_over(best_ends, ended):
                break
            kept = np.flatnonzero(~ends)
            beam = grown.select(kept)
            for part in self.parts.values():
                part.keep(rows[kept], beam.tokens[:, -1])
        found = sorted((-score, place, row) for place, of_length in enumerate(ended)
                       for row, score in enumerate(self._final(of_length).tolist()))
        return [self._hypothesis(ended[place], row, True) for _, place, row in found[:self.options.nbest]] or [
            self._hypothesis(beam, 0, False)]

    def _extended(self, beam: _Beam):
        """The place of what each of the best extensions extends, ``[K]``; those, best first; score of the best end."""
        options = self.options
        added = {name: part.scores() for name, part in self.parts.items()}
        sums = {name: beam.sums[name][:, None] + increments for name, increments in added.items()}
        fused = beam.fused[:, None] + options.weighted(added.get("lm", np.zeros_like(added["attention"])), self.fusion)
        covered = beam.covered + self.attention.weights
        score = (1 - options.ctc_weight) * sums["attention"] + fused + self._coverage(covered)[:, None]
        if "ctc" in sums:
            score = score + options.ctc_weight * sums["ctc"]
        score[~self._may_end(added["attention"]), BLANK] = -np.inf
        order = np.argsort(-score, axis=None, kind="stable")[:options.beam]
        order = order[score.flat[order] > -np.inf]
        rows, tokens = np.divmod(order, score.shape[1])
        grown = _Beam(np.concatenate([beam.tokens[rows], tokens[:, None]], axis=1),
                      {name: part[rows, tokens] for name, part in sums.items()}, fused[rows, tokens], covered[rows],
                      [(self.attention.weights[row], beam.looked[row]) for row in rows.tolist()], score[rows, tokens])
        return rows, grown, float(score[:, BLANK].max())

    def _coverage(self, covered: np.ndarray) -> np.ndarray:
        """``[K]``"""
        return self.options.coverage * (covered > self.options.coverage_threshold).sum(axis=1)

    def _may_end(self, log_probs: np.ndarray) -> np.ndarray:
        """``[K]`` bool"""
        if not self.options.end_threshold:
            return np.ones(len(log_probs), dtype=bool)
        return log_probs[:, BLANK] > self.options.end_threshold * log_probs[:, BLANK + 1:].max(axis=1)

    def _is_over(self, best_ends: List[float], ended: List[_Beam]) -> bool:
        """As ESPnet's end_detect, but for ends that the beam had no place for. Where there are fewer lengths, and where
        end_lengths is 0, all are looked at, with the best one itself among them: then it is not over."""
        best = max(of_length.score.max() for of_length in ended)
        return max(best_ends[-self.options.end_lengths:]) < best - self.options.end_margin

    def _final(self, beam: _Beam) -> np.ndarray:
        """``[K]`` what hypotheses of different lengths are ranked by."""
        extra = self._coverage(beam.covered)
        return extra + (beam.score - extra) / ((5 + beam.tokens.shape[1]) / 6) ** self.options.length_power

    def _hypothesis(self, beam: _Beam, row: int, finished: bool) -> Hypothesis:
        tokens = beam.tokens[row, :beam.tokens.shape[1] - finished]
        posteriors = None if self.outputs is None else np.exp(self.outputs[:, tokens].T)
        frames = attention_frames(beam.weights(row)[:len(tokens)], posteriors)
        parts = {name: float(part[row]) for name, part in beam.sums.items()}
        return Hypothesis(tuple(tokens.tolist()), tuple(frames), float(self._final(beam)[row]), parts, finished)
