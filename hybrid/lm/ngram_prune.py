"""Entropy pruning of back-off n-gram models: Stolcke, "Entropy-based pruning of backoff language models", 1998.

Without its n-gram "h w" a model p becomes p', whose back-off weight after h is a' in place of a. The relative entropy

    D = - p(h) { p(w|h) [log p(w|h') + log a' - log p(w|h)] + [log a' - log a] sum_{v not in V(h)} p(v|h) }

raises the perplexity by the share exp(D) - 1. The n-grams for which that is below a threshold go, each judged as if it
went alone; one that a longer n-gram begins with stays as long as that. p(h) is the product of the model's own
probabilities of the words of h (p(</s>) for <s>), as in SRILM's ngram -prune. Kneser-Ney's shorter n-grams are no
marginals: there the p(h) of a model of another smoothing serves better (Chelba et al., Interspeech 2010).
"""

from dataclasses import dataclass, field
from typing import List, Optional

import numpy as np

from graphs.errors import InputError
from graphs.grammar.ngram import NgramModel, NgramScorer
from graphs.lang.lexicon import SENTENCE_END, SENTENCE_START
from graphs.options import check_at_least
from hybrid.lm.backoff import backoff_weights, masses, normalized


@dataclass(frozen=True)
class PruneOptions:
    threshold: float = field(default=0.0, metadata={
        "help": "n-grams without which the perplexity rises by less than this share are dropped (1e-8, say)"})
    max_ngrams: int = field(default=0, metadata={
        "help": "so many n-grams of all orders are kept, those that matter most for the perplexity; 0: no limit"})

    def __post_init__(self):
        check_at_least(0, self, "threshold", "max_ngrams")

    @property
    def prunes(self) -> bool:
        return self.threshold > 0 or self.max_ngrams > 0


def entropy_prune(model: NgramModel, options: PruneOptions, history_model: Optional[NgramModel] = None) -> NgramModel:
    """The model without the n-grams that matter least; its back-off weights are computed anew.

    Unigrams stay. With both options, both hold.

    Args:
      history_model: gives p(h); None: the model itself.
    Raises: InputError when there are more unigrams than n-grams may be kept.
    """
    rises = perplexity_rises(model, history_model)
    kept = [rise >= options.threshold for rise in rises]
    if options.max_ngrams:
        kept = [some & chosen for some, chosen in zip(kept, _largest(rises, options.max_ngrams))]
    tables = [table.select(rows) for table, rows in zip(model.tables, kept)]
    while not len(tables[-1]):  # unigrams stay
        tables.pop()
    return normalized(NgramModel(model.words, tables))


def _largest(rises: List[np.ndarray], number: int) -> List[np.ndarray]:
    """Which of each order are among the largest of all; of equal ones the shorter n-gram, since it may be needed."""
    if number < len(rises[0]):
        raise InputError("max_ngrams", f"at least {len(rises[0])}, the unigrams of the model", str(number))
    everything = np.concatenate(rises)
    chosen = np.zeros(len(everything), bool)
    chosen[np.argsort(-everything, kind="stable")[:number]] = True
    return np.split(chosen, np.cumsum([len(rise) for rise in rises])[:-1])


def perplexity_rises(model: NgramModel, history_model: Optional[NgramModel] = None) -> List[np.ndarray]:
    """For the rows of each order: exp(D) - 1 of the n-gram, or of the longer n-gram that needs it, if that is more;
    inf for unigrams."""
    scorer = NgramScorer(model.tables, len(model.words))
    log_histories = _log_histories(model, scorer, history_model or model)
    rises = [np.full(len(model.tables[0]), np.inf)]
    for order in range(2, model.order + 1):
        rises.append(np.expm1(_entropies(scorer, order, log_histories[order - 2])))
    for order in range(model.order, 2, -1):
        np.maximum.at(rises[order - 2], scorer.prefix_rows[order - 1], rises[order - 1])
    return rises


def _entropies(scorer: NgramScorer, order: int, log_history: np.ndarray) -> np.ndarray:
    """D of the n-grams of one order, 0 where p(h) is. log_history: log p(h) of the rows of the order below."""
    prob, lower, prefix, left, lower_left = masses(scorer, order)
    history = np.exp(log_history)[prefix]
    with np.errstate(divide="ignore", invalid="ignore"):
        before = np.log(backoff_weights(left, lower_left))[prefix]
        after = np.log(backoff_weights(left[prefix] + prob, lower_left[prefix] + lower))
        own = np.where(prob > 0, prob * (np.log(lower) + after - np.log(prob)), 0.0)
        others = np.where(left[prefix] > 0, left[prefix] * (after - before), 0.0)
        return np.where(history > 0, -history * (own + others), 0.0)


def _log_histories(model: NgramModel, scorer: NgramScorer, by: NgramModel) -> List[np.ndarray]:
    """log p of the words of each n-gram, of all orders but the last, by a model of perhaps other words."""
    place = by.places(model.words)
    start, end = (model.index_of.get(mark) for mark in (SENTENCE_START, SENTENCE_END))
    by_scorer = scorer if by is model else NgramScorer(by.tables, len(by.words))
    logs: List[np.ndarray] = []
    for n, table in enumerate(model.tables[:-1]):
        words = place[table.word_ids]
        if n == 0 and None not in (start, end):  # <s> is predicted nowhere, but it stands where </s> stood before
            words[table.word_ids[:, 0] == start] = place[end]
        log10_prob = by_scorer.log10_prob(words)
        if n == 0 and end is None:
            log10_prob[table.word_ids[:, 0] == start] = 0.0
        logs.append(log10_prob * np.log(10.0) + (logs[-1][scorer.prefix_rows[n]] if n else 0.0))
    return logs
