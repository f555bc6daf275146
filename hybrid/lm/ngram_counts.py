"""A text as numbers, and the n-grams that it has, counted.

Everything is done in pieces of the text, so that memory goes with the number of different n-grams and with 9 bytes for
each word of the text.
"""

from array import array
from dataclasses import dataclass
from typing import Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.grammar.ngram import UNKNOWN, find_sorted
from graphs.lang.lexicon import RESERVED_WORDS, SENTENCE_END, SENTENCE_START
from graphs.text_file import split_blanks

MARKS = (UNKNOWN, SENTENCE_START, SENTENCE_END)  # word_ids 0, 1, 2
UNKNOWN_ID, START_ID, END_ID = range(3)
PIECE = 1 << 23  # tokens


class NumberedText(NamedTuple):
    """words: <unk>, <s>, </s> and the others in order; tokens: ``[T]`` int32, sentences with both marks."""

    words: List[str]
    tokens: np.ndarray


@dataclass
class Counts:
    """The n-grams of one order in the text, sorted by their words.

    word_ids ``[N, order]`` int32; count ``[N]`` int64; prefix, suffix ``[N]``: rows (in the order below) of the n-gram
    without its last and without its first word.
    """

    word_ids: np.ndarray
    count: np.ndarray
    prefix: np.ndarray
    suffix: np.ndarray


class _Numbers(dict):
    """word -> its number, in the order in which they are asked for."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


def number_text(sentences: Iterable[Sequence[str]], vocabulary: Optional[Iterable[str]] = None, max_words: int = 0,
                min_count: int = 1) -> NumberedText:
    """
    Args:
      sentences: each a sequence of words, without boundary marks.
      vocabulary: the words to tell apart, seen or not; others are <unk>. None: all of the text.
      max_words: of these, so many that are most frequent (of equally frequent ones the first by name); 0: all.
      min_count: of these, those seen at least so often.
    Raises: InputError when there is no sentence, or one holds a boundary mark, is a string, or has words that are none.
    """
    number = _Numbers(zip(MARKS, range(len(MARKS))))
    text, lengths = array("i"), array("i")
    for sentence in sentences:
        if isinstance(sentence, str):
            raise InputError(f"sentence {len(lengths) + 1}", "a sequence of words", f"the string {sentence[:40]!r}")
        text.append(START_ID)
        text.extend(map(number.__getitem__, sentence))
        text.append(END_ID)
        lengths.append(len(sentence) + 2)
    if not lengths:
        raise InputError("text for the language model", "at least one sentence", "none")
    for word in number:
        if not isinstance(word, str) or split_blanks(word) != [word]:
            raise InputError("text for the language model", "words without blanks", repr(word))
    tokens = np.frombuffer(text, dtype=np.int32)
    _refuse_marks(tokens, np.frombuffer(lengths, dtype=np.int32), number)
    kept = _choose_words(list(number), np.bincount(tokens, minlength=len(number)), vocabulary, max_words, min_count)
    words = [*MARKS, *sorted(kept)]
    new_id = np.zeros(len(number), np.int32)
    for i, word in enumerate(words):
        if word in number:
            new_id[number[word]] = i
    return NumberedText(words, new_id[tokens])


def _refuse_marks(tokens: np.ndarray, lengths: np.ndarray, number: dict) -> None:
    """A count tells whether there are any; they are looked for only then."""
    added = {START_ID: len(lengths), END_ID: len(lengths)}
    for word in RESERVED_WORDS:
        if word in number and np.count_nonzero(tokens == number[word]) > added.get(number[word], 0):
            ends = np.cumsum(lengths)
            edges = {START_ID: ends - lengths, END_ID: ends - 1}.get(number[word], ends[:0])
            place = np.setdiff1d(np.flatnonzero(tokens == number[word]), edges)[0]
            line = int(np.searchsorted(ends, place, side="right")) + 1
            raise InputError(f"sentence {line}", "no reserved words (<s> and </s> are added)", word)


def _choose_words(found: Sequence[str], counts: np.ndarray, vocabulary: Optional[Iterable[str]], max_words: int,
                  min_count: int) -> List[str]:
    """The words to tell apart, without the marks."""
    count_of = dict(zip(found[len(MARKS):], counts[len(MARKS):].tolist()))
    wanted = count_of if vocabulary is None else set(vocabulary).difference(RESERVED_WORDS, [UNKNOWN])
    kept = [word for word in wanted if min_count <= 1 or count_of.get(word, 0) >= min_count]
    if not max_words:
        return kept
    return sorted(kept, key=lambda word: (-count_of.get(word, 0), word))[:max_words]


def count_ngrams(text: NumberedText, order: int, across_unknown: bool = True) -> List[Counts]:
    """n-grams of all orders that the text has.

    Args:
      across_unknown: False leaves those with <unk> out, as if the text were cut there.
    """
    tokens, num_words = text.tokens, len(text.words)
    everything = np.arange(num_words)
    zeros = np.zeros(num_words, dtype=np.int64)
    counts = [Counts(everything[:, None].astype(np.int32), np.bincount(tokens, minlength=num_words), zeros, zeros)]
    counts[0].count[START_ID] = 0  # <s> is never predicted
    whole = np.ones(len(tokens), bool)  # at the ends of n-grams that no sentence start nor gap is in
    if not across_unknown:
        counts[0].count[UNKNOWN_ID] = 0
        whole = tokens != UNKNOWN_ID
    joins = whole & (tokens != START_ID)
    row_at = tokens.copy()  # row of the n-gram that ends at each token
    for n in range(2, order + 1):
        whole = np.append(False, whole[:-1]) & joins
        if not whole.any():
            break
        counts.append(_longer(counts[-1], tokens, row_at, whole, num_words))
    return counts


def _longer(shorter: Counts, tokens: np.ndarray, row_at: np.ndarray, whole: np.ndarray, num_words: int) -> Counts:
    """n-grams one word longer, which row_at then tells."""
    found = [np.unique(keys, return_counts=True) for _, keys in _pieces(tokens, row_at, whole, num_words)]
    keys, count = _merge(found)
    prefix, last = np.divmod(keys, num_words)
    suffix = np.empty(len(keys), np.int32)
    for at, wanted in _pieces(tokens, row_at, whole, num_words):  # from the last: a row is read from the token before
        rows = find_sorted(keys, wanted)[1]
        suffix[rows] = row_at[at]
        row_at[at] = rows
    word_ids = np.concatenate([shorter.word_ids[prefix], last[:, None].astype(np.int32)], axis=1)
    return Counts(word_ids, count, prefix.astype(np.int32), suffix)


def _pieces(tokens: np.ndarray, row_at: np.ndarray, whole: np.ndarray,
            num_words: int) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """Places of the text, the last piece first, and the n-grams that end there as numbers."""
    for begin in reversed(range(0, len(tokens), PIECE)):
        at = np.flatnonzero(whole[begin:begin + PIECE]) + begin
        yield at, row_at[at - 1].astype(np.int64) * num_words + tokens[at]


def _merge(found: Sequence[Tuple[np.ndarray, np.ndarray]]) -> Tuple[np.ndarray, np.ndarray]:
    """Different keys of all pieces, sorted, and their counts."""
    keys, counts = (np.concatenate(columns) for columns in zip(*found))
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return keys[first], np.add.reduceat(counts[order], first)
