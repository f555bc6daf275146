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
import math
from dataclasses import dataclass, field
from typing import Iterable, List, Optional, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.grammar.ngram import LOG_ZERO, UNKNOWN, NgramModel, NgramTable
from graphs.lang.lexicon import RESERVED_WORDS, SENTENCE_END, SENTENCE_START

METHODS = ("kneser-ney", "witten-bell")
FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)  # lmplz --discount_fallback
_MARKS = (UNKNOWN, SENTENCE_START, SENTENCE_END)  # word_ids 0, 1, 2
_UNKNOWN_ID, _START_ID, _END_ID = range(3)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NgramOptions:
    order: int = field(default=3, metadata={"help": "length of the longest n-grams"})
    method: str = field(default="kneser-ney", metadata={"help": f"smoothing: {' or '.join(METHODS)}"})
    prune: Tuple[int, ...] = field(default=(), metadata={
        "help": "for order 1, 2, ...: n-grams seen this often or less are dropped; the last number goes on "
                "for higher orders (0 0 1 drops trigrams seen once)"})

    def __post_init__(self):
        if self.order < 1:
            raise ValueError(f"order: expected at least 1, found {self.order}")
        if self.method not in METHODS:
            raise ValueError(f"method: expected one of {', '.join(METHODS)}, found {self.method!r}")
        if list(self.prune) != sorted(self.prune) or any(p < 0 for p in self.prune) or any(self.prune[:1]):
            raise ValueError(f"prune: expected 0 first and then no smaller numbers, found {self.prune}")

    def threshold(self, order: int) -> int:
        return self.prune[min(order, len(self.prune)) - 1] if self.prune else 0


@dataclass
class _Counts:
    """The n-grams of one order in the text.

    word_ids ``[N, order]``; count ``[N]``; prefix, suffix: rows (in the order below) of the n-gram without
    its last and without its first word.
    """

    word_ids: np.ndarray
    count: np.ndarray
    prefix: np.ndarray
    suffix: np.ndarray


def train_ngram(sentences: Iterable[Sequence[str]], options: NgramOptions,
                vocabulary: Optional[Iterable[str]] = None) -> NgramModel:
    """Trains a model.

    Args:
      sentences: each a sequence of words, without boundary marks.
      vocabulary: the words of the model; others in the text count as ``<unk>``, and words that the text lacks
        get a probability, too. None: the words of the text.
    Raises: InputError when there is no sentence, or one holds a boundary mark.
    """
    words, tokens, depth = _tokenize(sentences, vocabulary)
    counts = _count(tokens, depth, len(words), options.order)
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


def _tokenize(sentences: Iterable[Sequence[str]],
              vocabulary: Optional[Iterable[str]]) -> Tuple[List[str], np.ndarray, np.ndarray]:
    """The words, ids 0 1 2 being <unk> <s> </s>; the text as ids; each token's place in its sentence."""
    number = {mark: i for i, mark in enumerate(_MARKS)}
    for word in sorted(set(vocabulary or ()) - set(RESERVED_WORDS)):
        number.setdefault(word, len(number))
    closed = vocabulary is not None
    text: List[int] = []
    lengths: List[int] = []
    for line, sentence in enumerate(sentences, 1):
        bad = [word for word in sentence if word in RESERVED_WORDS]
        if bad:
            raise InputError(f"sentence {line}", "no reserved words (<s> and </s> are added)", bad[0])
        text.append(_START_ID)
        if closed:
            text.extend([number.get(word, _UNKNOWN_ID) for word in sentence])
        else:
            text.extend([number.setdefault(word, len(number)) for word in sentence])
        text.append(_END_ID)
        lengths.append(len(sentence) + 2)
    if not lengths:
        raise InputError("text for the language model", "at least one sentence", "none")
    found = list(number)
    words = [*_MARKS, *sorted(found[len(_MARKS):])]
    new_id = {word: i for i, word in enumerate(words)}
    tokens = np.array([new_id[word] for word in found])[np.array(text)]
    starts = np.cumsum(lengths) - lengths
    return words, tokens, np.arange(len(tokens)) - np.repeat(starts, lengths)


def _count(tokens: np.ndarray, depth: np.ndarray, num_words: int, order: int) -> List[_Counts]:
    """n-grams of all orders that the text has; rows are sorted by their words."""
    everything = np.arange(num_words)
    zeros = np.zeros(num_words, dtype=np.int64)
    counts = [_Counts(everything[:, None], np.bincount(tokens, minlength=num_words), zeros, zeros)]
    counts[0].count[_START_ID] = 0  # <s> is never predicted
    row_at = tokens  # row of the n-gram that ends at each token
    for n in range(2, order + 1):
        at = np.flatnonzero(depth >= n - 1)
        if not len(at):
            break
        keys, first, inverse, count = np.unique(
            row_at[at - 1] * np.int64(num_words) + tokens[at],
            return_index=True, return_inverse=True, return_counts=True)
        prefix, last = keys // num_words, keys % num_words
        word_ids = np.concatenate([counts[-1].word_ids[prefix], last[:, None]], axis=1)
        counts.append(_Counts(word_ids, count, prefix, row_at[at][first]))
        row_at = np.full(len(tokens), -1)
        row_at[at] = inverse
    return counts


def _smooth(table: _Counts, higher: Optional[_Counts], order: int, method: str, kept: np.ndarray,
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
    rest = 1.0 - np.bincount(table.prefix, weights=unit, minlength=num_histories)
    return unit, np.where(total > 0, rest, 1.0)


def _continuations(table: _Counts, higher: _Counts) -> np.ndarray:
    """Different words before each n-gram; before <s> there are none, so that its count stands."""
    before = np.bincount(higher.suffix, minlength=len(table.count))
    starts = table.word_ids[:, 0] == _START_ID
    return np.where(starts, table.count, before)


def _discounts(counts: np.ndarray, order: int) -> Tuple[float, float, float]:
    """D(1), D(2), D(3+) from counts of counts (Chen and Goodman, equation 26)."""
    n1, n2, n3, n4 = (int((counts == k).sum()) for k in (1, 2, 3, 4))
    if n1 and n2 and n3:
        y = n1 / (n1 + 2 * n2)
        found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        if all(0.0 < d < k for k, d in enumerate(found, 1)):
            return found
    _log.warning("order %d: too few n-grams seen once, twice, ... (%d, %d, %d, %d) for Kneser-Ney discounts; "
                 "taking %s", order, n1, n2, n3, n4, FALLBACK_DISCOUNTS)
    return FALLBACK_DISCOUNTS


def _ngram_table(table: _Counts, prob: np.ndarray, backoff: np.ndarray, kept: np.ndarray) -> NgramTable:
    log10_prob, log10_backoff = (np.log10(np.maximum(x, 10.0 ** LOG_ZERO)) for x in (prob, backoff))
    if table.word_ids.shape[1] == 1:
        log10_prob[_START_ID] = -np.inf
    return NgramTable(table.word_ids[kept].astype(np.int32), log10_prob[kept], log10_backoff[kept])


def perplexity(model: NgramModel, sentences: Iterable[Sequence[str]]) -> Tuple[float, int, int]:
    """Perplexity per word and sentence end, counted tokens, and tokens of probability 0, left out of it."""
    total, tokens, impossible = 0.0, 0, 0
    for sentence in sentences:
        history = [SENTENCE_START]
        for word in (*sentence, SENTENCE_END):
            log10_prob = model.log10_prob(word, history)
            history = [*history, word][-model.order:]
            if math.isinf(log10_prob):
                impossible += 1
            else:
                total += log10_prob
                tokens += 1
    return 10.0 ** (-total / max(tokens, 1)), tokens, impossible
