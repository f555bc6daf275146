"""Which words stand for which: expected confusions by the lattices' votes, beside the errors that were made.

In a consensus network the word w of probability p beside the likeliest word h is, p times, said where h is recognized:
with no reference at hand this tells which words a system cannot tell apart.
"""

from collections import defaultdict
from typing import Dict, Iterable, List, Mapping, NamedTuple, Tuple

from graphs.lang.symbols import EPS
from hybrid.lattices.sausages import Sausage
from hybrid.recognize.edit_distance import KALDI, Costs, align
from hybrid.recognize.errors import GAP
from hybrid.recognize.wer import Reference, check_same_set


class Confusion(NamedTuple):
    """recognized and said: words, or *** for none. expected: by the lattices; errors: by the references, or 0."""

    recognized: str
    said: str
    expected: float
    errors: int


def expected_confusions(sausages: Iterable[Sausage]) -> Dict[Tuple[str, str], float]:
    """(likeliest word, other word) -> sum of the other's probabilities."""
    sums: Dict[Tuple[str, str], float] = defaultdict(float)
    for sausage in sausages:
        for slot in sausage.slots:
            best = slot.best
            for word, probability in slot.words.items():
                if word != best:
                    sums[_shown(best), _shown(word)] += probability
    return dict(sums)


def made_errors(sausages: Iterable[Sausage], references: Mapping[str, Reference],
                costs: Costs = KALDI) -> Dict[Tuple[str, str], int]:
    """(recognized, said) -> number of errors of the likeliest words.

    Raises: InputError for an utterance without a reference.
    """
    sums: Dict[Tuple[str, str], int] = defaultdict(int)
    for sausage in sausages:
        check_same_set(references, [sausage.utterance_id])
        heard = [slot.best for slot in sausage.slots if slot.best != EPS]
        for reference, hypothesis in align(references[sausage.utterance_id].words, heard, costs):
            if reference != hypothesis:
                sums[_shown(hypothesis), _shown(reference)] += 1
    return dict(sums)


def confusions(expected: Mapping[Tuple[str, str], float], errors: Mapping[Tuple[str, str], int],
               least: float = 0.01) -> List[Confusion]:
    """Those of at least `least` or with an error, the most expected first."""
    pairs = [Confusion(*pair, expected.get(pair, 0.0), errors.get(pair, 0)) for pair in {**expected, **errors}]
    return sorted((one for one in pairs if one.expected >= least or one.errors),
                  key=lambda one: (-one.expected, -one.errors, one.recognized, one.said))


def _shown(word) -> str:
    return GAP if word in (None, EPS) else word
