"""Back-off weights that make an n-gram model sum to one.

After a history h the words V(h) that have an n-gram take their probabilities p(w | h); what they leave goes to the
others in proportion to p(w | h'), h' being h without its first word:

    backoff(h) = (1 - sum_{w in V(h)} p(w | h)) / (1 - sum_{w in V(h)} p(w | h'))
"""

import logging
from typing import NamedTuple

import numpy as np

from graphs.grammar.ngram import NgramModel, NgramScorer, NgramTable

ROUNDING = 3e-6  # a mass below it is none: ARPA files give seven digits
_log = logging.getLogger(__name__)


class Masses(NamedTuple):
    """Of the n-grams of one order and their histories, which are the rows of the order below.

    prob, lower: ``[N]`` p(w | h) and p(w | h'). prefix: ``[N]`` row of each n-gram's history.
    left, lower_left: ``[H]`` numerator and denominator of backoff(h); 1 for a history without continuation.
    """

    prob: np.ndarray
    lower: np.ndarray
    prefix: np.ndarray
    left: np.ndarray
    lower_left: np.ndarray


def masses(scorer: NgramScorer, order: int) -> Masses:
    """order: from 2."""
    table, prefix = scorer.tables[order - 1], scorer.prefix_rows[order - 1]
    prob, lower = 10.0 ** table.log10_prob, 10.0 ** scorer.log10_prob(table.word_ids[:, 1:])
    left, lower_left = (1.0 - np.bincount(prefix, weights=mass, minlength=len(scorer.tables[order - 2]))
                        for mass in (prob, lower))
    return Masses(prob, lower, prefix, left, lower_left)


def backoff_weights(left: np.ndarray, lower_left: np.ndarray) -> np.ndarray:
    """1 where the lower order has nothing to give, either."""
    return np.divide(np.maximum(left, 0.0), lower_left, out=np.ones_like(left), where=lower_left > ROUNDING)


def normalized(model: NgramModel) -> NgramModel:
    """The same n-grams and probabilities, with the back-off weights that they ask for, shorter histories first."""
    tables = [NgramTable(table.word_ids, table.log10_prob, np.zeros(len(table))) for table in model.tables]
    scorer = NgramScorer(tables, len(model.words))
    for order in range(2, model.order + 1):
        found = masses(scorer, order)
        over = int((found.left < -1e-4).sum())
        if over:
            _log.warning("order %d: the probabilities after %d histories sum to more than 1", order, over)
        with np.errstate(divide="ignore"):
            tables[order - 2].log10_backoff[:] = np.log10(backoff_weights(found.left, found.lower_left))
    return NgramModel(model.words, tables)
