"""Where systems agree: who is right when they are not, what a vote would win, and how far a choice could come."""

from itertools import combinations
from typing import Dict, List, Optional, Sequence

import numpy as np

from hybrid.align.times.ctm import ScoredSymbol
from hybrid.compare.bench import Bench
from hybrid.compare.breakdowns import wrong_words
from hybrid.compare.comparison import Agreement, AgreementPair
from hybrid.compare.options import CompareOptions
from hybrid.lattices.rover import RoverOptions, rover
from hybrid.recognize.edit_distance import KALDI, Costs
from hybrid.recognize.wer import Reference, Score, UtteranceScore, score

FREQUENCY = RoverOptions(alpha=1.0)  # each system has one vote


def agreement(test: str, bench: Bench, keys: Sequence[str], options: CompareOptions, costs: Costs = KALDI) -> Agreement:
    """
    Args:
      keys: two systems at least; in a vote the best one stands first, which wins ties.
      costs: of the alignments in the bench.
    """
    best_first = sorted(keys, key=lambda key: bench.percent([key]))
    wrong = {key: _wrong(bench.scores[key]) for key in keys}
    voted = vote([bench.scores[key] for key in best_first], costs)
    after = _wrong(voted)
    right = np.bincount(sum(~own for own in wrong.values()), minlength=len(keys) + 1)
    best = best_first[0]
    errors = np.array([[u.counts.errors for u in voted.utterances],
                       bench.errors[:, bench.columns(keys)].min(axis=1)]).T
    rates = bench.rates_of(errors, bench.words, options, ("vote", "oracle"))
    return Agreement(
        test, tuple(keys), tuple(right.tolist()), best, bench.wer(best), rates["vote"], rates["oracle"],
        int((wrong[best] & ~after).sum()), int((~wrong[best] & after).sum()),
        tuple(_pair(bench, a, b, wrong) for a, b in combinations(keys, 2)))


def _wrong(own: Score) -> np.ndarray:
    """Of each reference word, ``[N]`` bool; an utterance may have none."""
    return np.array([wrong for utterance in own.utterances for wrong in wrong_words(utterance)], bool)


def hypothesis_of(utterance: UtteranceScore) -> List[str]:
    return [found for _, found in utterance.pairs if found is not None]


def vote(scores: Sequence[Score], costs: Costs) -> Score:
    """The score of what most systems say, word by word (ROVER); of equally many the earlier system wins."""
    systems = [{u.utterance_id: [ScoredSymbol(word, 0.0, 0.0, 0.5) for word in hypothesis_of(u)]
                for u in own.utterances if not u.missing} for own in scores]
    references = {u.utterance_id: Reference(tuple(said for said, _ in u.pairs if said is not None), u.speaker)
                  for u in scores[0].utterances}
    winners = {key: [word.symbol for word in words] for key, words in rover(systems, FREQUENCY).items()}
    return score(references, winners, costs)


def _pair(bench: Bench, a: str, b: str, wrong: Dict[str, np.ndarray]) -> AgreementPair:
    both = wrong[a] & wrong[b]
    same = sum(one == other for one, other in zip(_said_for(bench.scores[a]), _said_for(bench.scores[b]))
               if one is not True)
    return AgreementPair(
        a, b, int((~wrong[a] & ~wrong[b]).sum()), int((~wrong[a] & wrong[b]).sum()),
        int((wrong[a] & ~wrong[b]).sum()), int(both.sum()), correlation(wrong[a], wrong[b]),
        float(same / both.sum()) if both.any() else None)


def _said_for(own: Score) -> List[object]:
    """Of each reference word: True where it is right, else the word in its place, None where there is none."""
    return [True if said == found else found for u in own.utterances for said, found in u.pairs if said is not None]


def correlation(a: np.ndarray, b: np.ndarray) -> Optional[float]:
    """Pearson's, of two arrays of truth values (phi coefficient); None where one is constant."""
    if len(a) == 0 or a.all() or b.all() or not (a.any() and b.any()):
        return None
    return float(np.corrcoef(a, b)[0, 1])
