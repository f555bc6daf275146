"""Trains back-off n-gram models: interpolated modified Kneser-Ney and Witten-Bell smoothing.

Both interpolate, from the empty history up (h' is h without its first word):

    p(w | h) = u(w | h) + b(h) p(w | h'),        p(w | nothing) = u(w) + b() / number of words

and b(h) is the back-off weight in the ARPA file. With c(h w) counts and N(h) different words after h:

    Witten-Bell   u = c(hw) / (c(h) + N(h)),      b = N(h) / (c(h) + N(h))
    Kneser-Ney    u = (a(hw) - D(a(hw))) / a(h),  b = sum_w D(a(hw)) / a(h)

where a(hw) is the count for the highest order and for n-grams that begin with <s>, and otherwise the
number of different words seen before "h w"; D(1), D(2), D(3+) come from each order's counts of counts.
Chen and Goodman, "An empirical study of smoothing techniques for language modeling", 1998; arrangement
as in Heafield et al., "Scalable modified Kneser-Ney language model estimation", ACL 2013 (lmplz).
"""

import logging
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Iterable, Optional, Sequence, Tuple

import numpy as np

from graphs.grammar.ngram import LOG_ZERO, NgramModel, NgramTable
from graphs.options import check_at_least, check_choice
from hybrid.lm.ngram_counts import START_ID, Counts, count_ngrams, number_text

METHODS = ("kneser-ney", "witten-bell")
FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)  # lmplz --discount_fallback
UNKNOWN_AS = ("word", "gap")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NgramOptions:
    order: int = field(default=3, metadata={"help": "length of the longest n-grams"})
    method: str = field(default="kneser-ney", metadata={"help": f"smoothing: {' or '.join(METHODS)}"})
    prune: Tuple[int, ...] = field(default=(), metadata={
        "help": "for order 1, 2, ...: n-grams seen this often or less are dropped; the last number goes on "
                "for higher orders (0 0 1 drops trigrams seen once)"})
    max_words: int = field(default=0, metadata={
        "help": "the vocabulary is the words that the text has most often, so many; 0: all"})
    min_count: int = field(default=1, metadata={"help": "the vocabulary is the words that the text has so often"})
    unknown: str = field(default="word", metadata={
        "help": "words beyond the vocabulary are `word`: n-grams with <unk> are counted like others; or `gap`: those "
                "n-grams are left out, as if the text were cut there, and <unk> gets what an unseen word gets"})

    def __post_init__(self):
        check_at_least(1, self, "order", "min_count")
        check_at_least(0, self, "max_words")
        check_choice(METHODS, self, "method")
        check_choice(UNKNOWN_AS, self, "unknown")
        if list(self.prune) != sorted(self.prune) or any(self.prune[:1]):
            raise ValueError(f"prune: expected 0 first and then no smaller numbers, found {self.prune}")

    def threshold(self, order: int) -> int:
        return self.prune[min(order, len(self.prune)) - 1] if self.prune else 0


def train_ngram(sentences: Iterable[Sequence[str]], options: NgramOptions,
                vocabulary: Optional[Iterable[str]] = None) -> NgramModel:
    """Trains a model.

    Args:
      sentences: each a sequence of words, without boundary marks.
      vocabulary: the words of the model; others in the text count as ``<unk>``, and words that the text lacks
        get a probability, too. None: the words of the text. The options may limit it further.
    Raises: InputError when there is no sentence, or one holds a boundary mark.
    """
    text = number_text(sentences, vocabulary, options.max_words, options.min_count)
    words = text.words
    counts = count_ngrams(text, options.order, across_unknown=options.unknown == "word")
    del text
    prob = np.array([1.0 / (len(words) - 1)])  # below the unigrams: uniform over all words but <s>
    probs, kept, backoffs = [], [], []
    for n, table in enumerate(counts, 1):
        higher = counts[n] if n < len(counts) else None
        kept.append(table.count > options.threshold(n) if n > 1 else np.ones(len(words), bool))
        unit, backoff = _smooth(table, higher, n, options.method, kept[-1], len(prob))
        prob = unit + backoff[table.prefix] * prob[table.suffix]
        probs.append(prob)
        backoffs.append(backoff)  # of the histories, which are rows of the order below
    backoffs.append(np.ones(len(prob)))
    return NgramModel(words, [_ngram_table(*columns) for columns in zip(counts, probs, backoffs[1:], kept)])


def _smooth(table: Counts, higher: Optional[Counts], order: int, method: str, kept: np.ndarray,
            num_histories: int) -> Tuple[np.ndarray, np.ndarray]:
    """u of each n-gram and b of each history (one row of the order below)."""
    if method == "witten-bell":
        used = table.count
        different = np.bincount(table.prefix, weights=used > 0, minlength=num_histories)
        total = np.bincount(table.prefix, weights=used, minlength=num_histories) + different
        discounted = used.astype(np.float64)
    else:
        used = table.count if higher is None else _continuations(table, higher)
        total = np.bincount(table.prefix, weights=used, minlength=num_histories)
        discount = np.array([0.0, *_discounts(used, order)])
        discounted = used - discount[np.minimum(used, 3)]
    unit = np.where(kept, discounted, 0.0) / np.maximum(total, 1e-30)[table.prefix]
    return unit, 1.0 - np.bincount(table.prefix, weights=unit, minlength=num_histories)


def _continuations(table: Counts, higher: Counts) -> np.ndarray:
    """Different words before each n-gram; before <s> there are none, so that its count stands."""
    before = np.bincount(higher.suffix, minlength=len(table.count))
    starts = table.word_ids[:, 0] == START_ID
    return np.where(starts, table.count, before)


def _discounts(counts: np.ndarray, order: int) -> Tuple[float, float, float]:
    """D(1), D(2), D(3+) from counts of counts (Chen and Goodman, equation 26)."""
    n1, n2, n3, n4 = (int((counts == k).sum()) for k in (1, 2, 3, 4))
    if n1 and n2 and n3:
        y = Fraction(n1, n1 + 2 * n2)  # exact: rounding makes a hair more than 0 of some discounts of 0
        found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        if all(0 < d < k for k, d in enumerate(found, 1)):
            return tuple(map(float, found))
    _log.warning("order %d: too few n-grams seen once, twice, ... (%d, %d, %d, %d) for Kneser-Ney discounts; "
                 "taking %s", order, n1, n2, n3, n4, FALLBACK_DISCOUNTS)
    return FALLBACK_DISCOUNTS


def _ngram_table(table: Counts, prob: np.ndarray, backoff: np.ndarray, kept: np.ndarray) -> NgramTable:
    log10_prob, log10_backoff = (np.log10(np.maximum(x, 10.0 ** LOG_ZERO)) for x in (prob, backoff))
    if table.word_ids.shape[1] == 1:
        log10_prob[START_ID] = -np.inf
    return NgramTable(table.word_ids[kept].astype(np.int32), log10_prob[kept], log10_backoff[kept])
