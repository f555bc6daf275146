"""Systems that were scored on the same words: every resample draws all of them at once.

With W_b the words and E_b(s) the errors of system s in the b-th resample, rates[b, s] = 100 E_b(s) / W_b, so that
intervals of systems, of means over seeds and of any difference come from one matrix, and are paired.
"""

from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from hybrid.compare.comparison import Rate
from hybrid.compare.options import CompareOptions
from hybrid.recognize.confidence import group_sums, no_error_interval, percentiles, resampled_rates
from hybrid.recognize.wer import Score


class Bench:
    """
    Attributes:
      keys: of the systems; scores: of each; first: one of them, for what all have alike.
      drawn: `speakers` or `utterances`.
      errors: ``[N, systems]``, words: ``[N]``: of each utterance.
      rates: ``[resamples, systems]``, percent.
    """

    def __init__(self, scores: Mapping[str, Score], options: CompareOptions):
        """scores: system -> score, of the same utterances and words (`benches` sorts them).

        Raises: InputError for a test set without a word."""
        self.keys, first = list(scores), next(iter(scores.values()))
        self.scores, self.first = dict(scores), first
        self.drawn, self._groups = options.drawn(first)
        self.words = np.array([u.counts.words for u in first.utterances], np.float64)
        if not self.words.sum() > 0:
            raise InputError("test set", "a reference word", "none: it has no word error rate")
        self.errors = _columns(scores, lambda utterance: utterance.counts.errors)
        self.rates = self._resampled(self.errors, self.words, options)
        self._characters = np.array([u.characters for u in first.utterances], np.float64)
        self._character_errors = _columns(scores, lambda utterance: utterance.character_errors)
        self._character_rates = self._resampled(self._character_errors, self._characters, options)

    def _resampled(self, errors: np.ndarray, units: np.ndarray, options: CompareOptions) -> np.ndarray:
        return resampled_rates(group_sums(errors, self._groups), group_sums(units, self._groups), options.resamples,
                               options.seed)

    def rates_of(self, errors: np.ndarray, units: np.ndarray, options: CompareOptions,
                 names: Optional[Sequence[str]] = None) -> Dict[str, Rate]:
        """Rates of other errors than those of all words, such as those of some. Where they are of fewer speakers than
        the bootstrap over speakers is to have, utterances are drawn.

        Args:
          errors: ``[N, names]``; units: ``[N]``, what they may be at, with one at least.
          names: default: the systems.
        """
        some = units > 0
        speakers = {u.speaker for u, is_in in zip(self.first.utterances, some) if is_in}
        if self._groups is None or len(speakers) < options.fewest_speakers:
            rates = resampled_rates(errors[some], units[some], options.resamples, options.seed)
        else:
            rates = self._resampled(errors, units, options)
        return {name: _rate(errors, units, rates, [column]) for column, name in enumerate(names or self.keys)}

    def percent(self, keys: Sequence[str]) -> float:
        """WER of a system, or the mean of several."""
        return float(100.0 * self.errors[:, self.columns(keys)].sum() / self.words.sum() / len(keys))

    def columns(self, keys: Sequence[str]) -> List[int]:
        return [self.keys.index(key) for key in keys]

    def wer(self, *keys: str) -> Rate:
        """Of a system, or the mean of several."""
        return _rate(self.errors, self.words, self.rates, self.columns(keys))

    def cer(self, key: str) -> Rate:
        return _rate(self._character_errors, self._characters, self._character_rates, self.columns([key]))

    def deviation(self, keys: Sequence[str]) -> Optional[float]:
        """Of the systems' WERs, with n - 1; None for one system."""
        if len(keys) < 2:
            return None
        return float(np.std([self.percent([key]) for key in keys], ddof=1))


def _columns(scores: Mapping[str, Score], count) -> np.ndarray:
    """``[N, systems]``."""
    return np.array([[count(utterance) for utterance in score.utterances] for score in scores.values()],
                    np.float64).T


def _rate(errors: np.ndarray, units: np.ndarray, rates: np.ndarray, columns: List[int]) -> Rate:
    own = errors[:, columns]
    if own.any():
        interval = percentiles(rates[:, columns].mean(axis=1))
    else:
        interval = no_error_interval(units.sum())
    return Rate(float(100.0 * own.sum() / units.sum() / len(columns)), *interval)


def benches(scores: Mapping[str, Score], options: CompareOptions) -> List[Bench]:
    """One for each set of references: systems scored with other rules, or on a part, cannot be paired."""
    alike: Dict[Tuple, Dict[str, Score]] = {}
    for key, score in scores.items():
        references = tuple((u.utterance_id, tuple(said for said, _ in u.pairs if said is not None))
                           for u in score.utterances)
        alike.setdefault(references, {})[key] = score
    return [Bench(own, options) for own in alike.values()]
