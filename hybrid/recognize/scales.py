"""The scales of a system, and what they make of scores of paths and of log probabilities."""

from typing import NamedTuple, Tuple


class SystemScales(NamedTuple):
    """As a score folder of tools.score has chosen them."""

    lm_scale: float
    word_insertion_penalty: float
    acoustic_scale: float

    def of_posteriors(self, posterior_scale: float) -> Tuple[float, float, float]:
        """(graph_scale, acoustic_scale, word_insertion_penalty) under which path scores are log probabilities.

        The larger of both scales becomes posterior_scale: that of the grammar, whose scores are probabilities as they
        are, where frames are counted too often (hybrid systems); that of the model where the grammar counts less, or
        nothing (end-to-end systems).
        """
        factor = posterior_scale / max(self.lm_scale, self.acoustic_scale)
        return factor * self.lm_scale, factor * self.acoustic_scale, factor * self.word_insertion_penalty
