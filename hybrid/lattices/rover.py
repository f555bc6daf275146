"""ROVER: systems vote on each word of their aligned hypotheses.

J. G. Fiscus, "A post-processing system to yield reduced word error rates: Recognizer Output Voting Error Reduction
(ROVER)", ASRU 1997. The first hypothesis is a network of one word a place; the others are aligned with it, one by one,
by dynamic programming, and put their words (or none) beside those that are there. In each place the word w of the
highest

    score(w) = alpha votes(w) / systems + (1 - alpha) confidence(w)

wins. confidence(w) is the sum of the confidences of those who voted for it as a share of the sum of all in the place
(avgconf), or their maximum (maxconf); the confidence of no word is `null_confidence`. alpha 1 is the vote by frequency
alone.
Costs and confidences are those of NIST's `rover`, found by comparing the two (tests/hybrid/lattices/test_rover.py).
"""

from dataclasses import dataclass, field, replace
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from graphs.options import check_between, check_choice
from hybrid.align.times.ctm import ScoredSymbol
from hybrid.recognize.edit_distance import edit_distance

METHODS = ("avgconf", "maxconf")
SUBSTITUTION, INSERTION, DELETION = 4, 3, 3  # sclite's
OPTIONAL = 2  # of another word, or none, in a place where a system said nothing


@dataclass(frozen=True)
class RoverOptions:
    """The section [rover]."""

    method: str = field(default="avgconf", metadata={
        "help": "confidence of a word: avgconf (their share of all in the place) or maxconf"})
    alpha: float = field(default=0.7, metadata={"help": "weight of the votes against the confidences, 0 to 1"})
    null_confidence: float = field(default=0.7, metadata={"help": "confidence of no word"})

    def __post_init__(self):
        check_choice(METHODS, self, "method")
        check_between(0, 1, self, "alpha", "null_confidence")


Place = Tuple[Optional[ScoredSymbol], ...]  # what each system says there


def network(hypotheses: Sequence[Sequence[ScoredSymbol]]) -> List[Place]:
    """The word transition network: the hypotheses, aligned one after the other in their order."""
    places: List[Place] = [(word,) for word in hypotheses[0]]
    for number, words in enumerate(hypotheses[1:], 1):
        nobody: Place = (None,) * number
        places = [(place if place is not None else nobody) + (word,) for place, word in _aligned(places, words)]
    return places


def _aligned(places: Sequence[Place], words: Sequence[ScoredSymbol]) -> List[Tuple[Optional[Place], Optional[object]]]:
    """(place or None, word or None), the alignment of least cost; of equal ways, from the end, both first."""
    known = [{word.symbol for word in place if word is not None} for place in places]
    missed = [OPTIONAL if None in place else DELETION for place in places]
    other = [OPTIONAL if None in place else SUBSTITUTION for place in places]
    both = np.array([[0 if word.symbol in own else cost for word in words] for own, cost in zip(known, other)])
    costs = np.zeros((len(places) + 1, len(words) + 1), np.int64)
    costs[0], costs[1:, 0] = INSERTION * np.arange(len(words) + 1), np.cumsum(missed)
    for i, j in np.ndindex(len(places), len(words)):
        costs[i + 1, j + 1] = min(costs[i, j] + both[i, j], costs[i, j + 1] + missed[i], costs[i + 1, j] + INSERTION)
    pairs: List[Tuple[Optional[Place], Optional[object]]] = []
    i, j = len(places), len(words)
    while i or j:
        if i and j and costs[i, j] == costs[i - 1, j - 1] + both[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((places[i], words[j]))
        elif j and costs[i, j] == costs[i, j - 1] + INSERTION:
            j -= 1
            pairs.append((None, words[j]))
        else:
            i -= 1
            pairs.append((places[i], None))
    return pairs[::-1]


def vote(places: Sequence[Place], options: RoverOptions) -> List[ScoredSymbol]:
    """The winners, where a word wins; their times and confidences are the means of those who voted for them."""
    winners = []
    for place in places:
        voters: Dict[str, List[Optional[ScoredSymbol]]] = {}
        for word in place:
            voters.setdefault("" if word is None else word.symbol, []).append(word)
        confidences = _confidences(voters, options)
        scores = {symbol: options.alpha * len(own) / len(place) + (1 - options.alpha) * confidences[symbol]
                  for symbol, own in voters.items()}
        best = max(scores, key=lambda symbol: round(scores[symbol], 9))  # of equals the first system's
        if best:
            means = np.mean([word[1:] for word in voters[best]], axis=0).tolist()
            winners.append(ScoredSymbol(best, *means))
    return winners


def _confidences(voters: Dict[str, List[Optional[ScoredSymbol]]], options: RoverOptions) -> Dict[str, float]:
    values = {symbol: [options.null_confidence if word is None else word.confidence for word in own]
              for symbol, own in voters.items()}
    if options.method == "maxconf":
        return {symbol: max(own) for symbol, own in values.items()}
    total = sum(map(sum, values.values())) or 1.0
    return {symbol: sum(own) / total for symbol, own in values.items()}


def rover(systems: Sequence[Dict[str, List[ScoredSymbol]]], options: RoverOptions) -> Dict[str, List[ScoredSymbol]]:
    """utterance_id -> the winners, of all utterances that any system has; a system without one says nothing there."""
    ids = dict.fromkeys(key for system in systems for key in system)
    return {key: vote(network([system.get(key, []) for system in systems]), options) for key in ids}


def tune(systems: Sequence[Dict[str, List[ScoredSymbol]]], references: Dict[str, Sequence[str]],
         options: RoverOptions) -> Tuple[RoverOptions, List[Tuple[float, float, int]]]:
    """alpha and null_confidence of the fewest errors on a development set, on a grid of tenths; of equals those nearest
    to the given ones. And (alpha, null_confidence, errors) of all points.

    Args:
      references: utterance_id -> words; utterances that no system has count as deleted.
    """
    networks = {key: network([system.get(key, []) for system in systems]) for key in references}
    grid = [round(0.1 * step, 1) for step in range(11)]
    rows = []
    for alpha in grid:
        for null_confidence in grid if alpha < 1 else [options.null_confidence]:
            point = replace(options, alpha=alpha, null_confidence=null_confidence)
            errors = sum(edit_distance(said, [word.symbol for word in vote(networks[key], point)])
                         for key, said in references.items())
            rows.append((alpha, null_confidence, errors))
    alpha, null_confidence, _ = min(rows, key=lambda row: (
        row[2], abs(row[0] - options.alpha) + abs(row[1] - options.null_confidence)))
    return replace(options, alpha=alpha, null_confidence=null_confidence), rows
