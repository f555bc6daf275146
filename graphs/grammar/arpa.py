"""Reads ARPA files as they are met: headers of prose, missing weights, boundary marks in capitals, ...

What had to be mended is counted in an ArpaReport. What cannot be understood raises InputError with the
line. The format: https://www.speech.sri.com/projects/srilm/manpages/ngram-format.5.html
"""

import re
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Dict, List, Sequence, Tuple, Union

import numpy as np

from graphs.errors import InputError
from graphs.grammar.ngram import LOG_ZERO, UNKNOWN, NgramModel, NgramTable
from graphs.lang.lexicon import SENTENCE_END, SENTENCE_START
from graphs.text_file import DAMAGED_GZIP, open_bytes

_COUNT = re.compile(rb"\s*ngram\s+(\d{1,9})\s*=\s*(\d{1,18})\s*$")
_SECTION = re.compile(rb"\\(\d{1,9})-grams:$")
_ODD_BLANK = re.compile(rb"[\x0b\x0c]|\r(?!\r*\n?$)")
_HIGHEST_ORDER = 50  # a file of a higher one is damaged
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BINARY = b"mmap lm http://kheafield.com/code"


@dataclass
class ArpaReport:
    """What was found and mended; each number counts n-grams.

    Attributes:
      ngrams: of each order, as kept.
      wrong_counts: header lines that do not agree with the file.
      unknown_words: dropped, they hold a word without a unigram.
      misplaced_boundaries: dropped, ``<s>`` not at the start or ``</s>`` not at the end.
      duplicates: dropped, the first one counts.
      added_histories: their continuation is in the file, they are not; given their backed-off probability.
      missing_backoffs: histories without a back-off weight, which is then 1.
      dead_ends: no continuation and back-off weight 0; the weight is taken as 1.
      above_one: probability above 1.
      missing_words: of ``<unk>``, ``<s>``, ``</s>``, those that the model lacks.
      renamed: boundary and unknown words in another case, such as <UNK>.
    """

    ngrams: List[int] = field(default_factory=list)
    wrong_counts: List[str] = field(default_factory=list)
    unknown_words: int = 0
    misplaced_boundaries: int = 0
    duplicates: int = 0
    added_histories: int = 0
    missing_backoffs: int = 0
    dead_ends: int = 0
    above_one: int = 0
    missing_words: List[str] = field(default_factory=list)
    renamed: List[str] = field(default_factory=list)

    def lines(self) -> List[str]:
        """For the log: the sizes, then whatever is not as it should be."""
        texts = ["n-grams: " + ", ".join(f"{count} of order {n}" for n, count in enumerate(self.ngrams, 1))]
        for name, explanation in (
                ("unknown_words", "n-grams dropped: a word has no unigram"),
                ("misplaced_boundaries", "n-grams dropped: <s> not at the start or </s> not at the end"),
                ("duplicates", "repeated n-grams dropped"),
                ("added_histories", "histories added, the file has only their continuations"),
                ("missing_backoffs", "histories without back-off weight, taken as 1"),
                ("dead_ends", "histories without continuation and with back-off weight 0, taken as 1"),
                ("above_one", "probabilities above 1")):
            if getattr(self, name):
                texts.append(f"{getattr(self, name)} {explanation}")
        texts += [f"the model has no {word}" for word in self.missing_words]
        texts += [f"{old} is taken as {old.lower()}" for old in self.renamed]
        return texts + [f"header {text}" for text in self.wrong_counts]


def read_arpa(path: Union[str, Path]) -> Tuple[NgramModel, ArpaReport]:
    """Reads an ARPA file of any order up to 50, plain or gzip-compressed.

    Raises InputError that names the line when the file is no ARPA file, is cut off or does not parse.
    """
    reader = _Reader(Path(path))
    with open_bytes(path) as stream:
        try:
            reader.read(stream)
        except DAMAGED_GZIP as error:
            raise InputError(f"{path}:{reader.number}", "a whole gzip file", str(error)) from None
    report = ArpaReport(wrong_counts=reader.wrong_counts(), unknown_words=reader.unknown_words,
                        duplicates=reader.repeated_unigrams)
    words = _canonical_words(reader.words, report)
    tables = [table if n else _without_end_backoff(table, words)
              for n, table in enumerate(reader.tables)]
    tables = [_drop_bad(table, words, report) for table in tables]
    model = NgramModel(words, _add_histories(tables, words, report))
    _mend_weights(model, report)
    report.ngrams = [len(table) for table in model.tables]
    return model, report


class _Reader:
    """The parse proper. Words stay bytes until the unigrams are complete: a third of the time."""

    def __init__(self, path: Path):
        self.path, self.number = path, 0
        self.counts: Dict[int, int] = {}
        self.tables: List[NgramTable] = []
        self.words: List[str] = []
        self.index_of: Dict[bytes, int] = {}
        self.unknown_words = self.repeated_unigrams = 0
        self.sizes: Dict[int, int] = {}

    def read(self, stream: BinaryIO) -> None:
        section = self._read_header(stream)
        while section != b"\\end\\":
            match = _SECTION.match(section)
            order = len(self.tables) + 1
            if not match or int(match.group(1)) != order:
                raise self._error(f"\\{order}-grams: or \\end\\", section)
            if order > _HIGHEST_ORDER:
                raise self._error(f"n-grams of order {_HIGHEST_ORDER} at most", section)
            if order == 1:
                section = self._read_unigrams(stream)
            else:
                section = self._read_ngrams(stream, order)
        if not self.tables:
            raise InputError(str(self.path), "n-grams", "none")

    def _error(self, expected: str, found: bytes) -> InputError:
        return InputError(f"{self.path}:{self.number}", expected, repr(found.decode("utf-8", "replace")))

    def _next(self, stream: BinaryIO, expected: str) -> bytes:
        line = stream.readline()
        self.number += 1
        if not line:
            raise InputError(f"{self.path}:{self.number}", expected, "the end of the file")
        return line

    def _read_header(self, stream: BinaryIO) -> bytes:
        """Skips any prose before the data mark, reads the counts, returns the first section mark."""
        line = b""
        while line.strip().lstrip(_BYTE_ORDER_MARK) != b"\\data\\":
            line = self._next(stream, "the mark \\data\\ of an ARPA file")
            if line.startswith(_BINARY):
                raise self._error("an ARPA text file, not a KenLM binary (its build_binary started from one)",
                                  line[:len(_BINARY)])
        while True:
            line = self._next(stream, "\\1-grams:")
            match = _COUNT.match(line)
            if match:
                self.counts[int(match.group(1))] = int(match.group(2))
            elif line.strip():
                return line.strip()

    def wrong_counts(self) -> List[str]:
        orders = sorted(set(self.counts) | set(self.sizes))
        return [f"says {self.counts.get(n, 0)} n-grams of order {n}, the file has {self.sizes.get(n, 0)}"
                for n in orders if self.counts.get(n, 0) != self.sizes.get(n, 0)]

    def _read_unigrams(self, stream: BinaryIO) -> bytes:
        probs, weights = array("d"), array("d")
        while True:
            line = self._next(stream, "\\2-grams: or \\end\\")
            self._check_blanks(line)
            fields = line.split()
            if len(fields) in (2, 3):
                if fields[1] in self.index_of:
                    self.repeated_unigrams += 1
                    continue
                self._append_values(probs, weights, fields, 1)
                self.index_of[fields[1]] = len(self.words)
                self.words.append(self._decode(fields[1]))
            elif len(fields) == 1 and fields[0].startswith(b"\\"):
                break
            elif fields:
                raise self._error("log10 probability, word and perhaps back-off weight", line)
        self._add_table(1, array("i", range(len(self.words))), probs, weights)
        self.sizes[1] += self.repeated_unigrams
        return fields[0]

    def _read_ngrams(self, stream: BinaryIO, order: int) -> bytes:
        ids, probs, weights = array("i"), array("d"), array("d")
        index_of, last, unknown = self.index_of, order + 1, 0
        number = self.number
        for number, line in enumerate(stream, number + 1):
            if b"\x0b" in line or b"\x0c" in line or b"\r" in line:
                self.number = number
                self._check_blanks(line)
            fields = line.split()
            try:
                if len(fields) == last + 1:
                    weight = _number(fields[last])
                elif len(fields) == last:
                    weight = np.nan
                elif not fields:
                    continue
                elif len(fields) == 1 and fields[0].startswith(b"\\"):
                    break
                else:
                    raise ValueError
                prob = _number(fields[0])
                ngram = [index_of[word] for word in fields[1:last]]
            except KeyError:
                unknown += 1
                continue
            except ValueError:
                self.number = number
                expected = f"log10 probability, {order} words and perhaps back-off weight"
                raise self._error(expected, line) from None
            ids.extend(ngram)
            probs.append(prob)
            weights.append(weight)
        else:
            raise InputError(f"{self.path}:{number + 1}", "\\end\\", "the end of the file")
        self.number = number
        self._add_table(order, ids, probs, weights)
        self.sizes[order] += unknown
        self.unknown_words += unknown
        return fields[0]

    def _check_blanks(self, line: bytes) -> None:
        """`split` would make two words of one."""
        if _ODD_BLANK.search(line):
            raise self._error("no blanks but spaces and tabs", line[:200])

    def _append_values(self, probs: array, weights: array, fields: Sequence[bytes], order: int) -> None:
        try:
            probs.append(_number(fields[0]))
            weights.append(_number(fields[order + 1]) if len(fields) == order + 2 else np.nan)
        except ValueError:
            raise self._error("numbers for log10 probability and back-off weight",
                              b" ".join(fields)) from None

    def _decode(self, raw: bytes) -> str:
        item = f"{self.path}:{self.number}"
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(item, "utf-8 text", repr(raw)) from None

    def _add_table(self, order: int, ids: array, probs: array, weights: array) -> None:
        prob = np.array(probs, dtype=np.float64)
        weight = np.array(weights, dtype=np.float64)
        prob[prob <= LOG_ZERO] = -np.inf
        weight[weight <= LOG_ZERO] = -np.inf
        self.tables.append(NgramTable(np.array(ids, dtype=np.int32).reshape(-1, order), prob, weight))
        self.sizes[order] = len(prob)


def _number(text: bytes) -> float:
    """A log10 probability or back-off weight. Zero is written as -99 (SRILM, IRSTLM) or -inf; the most that is
    taken is the opposite. ValueError for more, for nan and for `1_000`, which Python takes for a number."""
    value = float(text)
    if not value <= -LOG_ZERO or b"_" in text:
        raise ValueError
    return value


def _canonical_words(words: Sequence[str], report: ArpaReport) -> List[str]:
    """<s>, </s> and <unk> in small letters, unless that form is there as well."""
    special = (SENTENCE_START, SENTENCE_END, UNKNOWN)
    present = set(words)
    canonical = []
    for word in words:
        if word.lower() in special and word.lower() not in present:
            report.renamed.append(word)
            present.add(word.lower())
            word = word.lower()
        canonical.append(word)
    report.missing_words = [word for word in special if word not in present]
    return canonical


def _place(words: Sequence[str], word: str) -> int:
    return words.index(word) if word in words else -1


def _without_end_backoff(unigrams: NgramTable, words: Sequence[str]) -> NgramTable:
    """Nothing follows </s>; some tools give it a back-off weight of 0 all the same."""
    weights = unigrams.log10_backoff.copy()
    weights[unigrams.word_ids[:, 0] == _place(words, SENTENCE_END)] = 0.0
    return NgramTable(unigrams.word_ids, unigrams.log10_prob, weights)


def _drop_bad(table: NgramTable, words: Sequence[str], report: ArpaReport) -> NgramTable:
    """Drops misplaced boundaries and repetitions."""
    start, end = _place(words, SENTENCE_START), _place(words, SENTENCE_END)
    bad = (table.word_ids[:, 1:] == start).any(axis=1) | (table.word_ids[:, :-1] == end).any(axis=1)
    report.misplaced_boundaries += int(bad.sum())
    _, first = np.unique(_numbers(table.word_ids, len(words)), return_index=True)
    repeated = np.ones(len(table), bool)
    repeated[first] = False
    report.duplicates += int((repeated & ~bad).sum())
    report.above_one += int((table.log10_prob > 1e-4).sum())
    return table.select(~bad & ~repeated)


def _numbers(word_ids: np.ndarray, num_words: int) -> np.ndarray:
    """A number for each row of ``[N, n]``, the same for the same words."""
    numbers = word_ids[:, 0].astype(np.int64)
    for n in range(1, word_ids.shape[1]):
        _, numbers = np.unique(numbers * num_words + word_ids[:, n], return_inverse=True)
    return numbers


def _add_histories(tables: List[NgramTable], words: Sequence[str], report: ArpaReport) -> List[NgramTable]:
    """Adds the n-grams that a longer one begins with; adds nothing to what the model says.

    A history that is not in the file has back-off weight 1, so that its probability is the backed-off one.
    """
    tables = list(tables)
    added: List[Tuple[int, NgramTable]] = []
    for n in range(len(tables) - 1, 0, -1):  # tables[n] has order n + 1
        shorter, prefixes = tables[n - 1], tables[n].word_ids[:, :-1]
        numbers = _numbers(np.concatenate([shorter.word_ids, prefixes]), len(words))
        there = np.zeros(numbers.max(initial=-1) + 1, bool)
        there[numbers[:len(shorter)]] = True
        wanted, first = np.unique(numbers[len(shorter):], return_index=True)
        missing = prefixes[first[~there[wanted]]]
        if len(missing):
            empty = np.zeros(len(missing))
            added.append((n - 1, NgramTable(missing, empty, empty)))
            tables[n - 1] = NgramTable(np.concatenate([shorter.word_ids, missing]),
                                       np.concatenate([shorter.log10_prob, empty * np.nan]),
                                       np.concatenate([shorter.log10_backoff, empty]))
            report.added_histories += len(missing)
    if added:
        _fill_probabilities(tables, words)
    return tables


def _fill_probabilities(tables: List[NgramTable], words: Sequence[str]) -> None:
    """Gives n-grams of probability nan their backed-off one, shorter n-grams first."""
    for n in range(1, len(tables)):
        rows = np.flatnonzero(np.isnan(tables[n].log10_prob))
        if not len(rows):
            continue
        below = [NgramTable(t.word_ids, t.log10_prob, np.nan_to_num(t.log10_backoff, nan=0.0, neginf=-np.inf))
                 for t in tables[:n]]
        model = NgramModel(words, below)
        for row in rows:
            ids = tuple(tables[n].word_ids[row].tolist())
            weight = model._entries[ids[:-1]][1]  # a history is there, or was added
            tables[n].log10_prob[row] = weight + model._log10_prob(ids[1:])


def _mend_weights(model: NgramModel, report: ArpaReport) -> None:
    """Back-off weights that are missing, or that close a history without continuation."""
    for n, table in enumerate(model.tables):
        has_continuation = np.zeros(len(table), bool)
        if n + 1 < model.order:
            histories = model.tables[n + 1].word_ids[:, :-1]
            numbers = _numbers(np.concatenate([table.word_ids, histories]), len(model.words))
            has_continuation = np.isin(numbers[:len(table)], numbers[len(table):])
        else:
            table.log10_backoff[:] = 0.0  # the longest n-grams are no histories
        weights = table.log10_backoff
        report.missing_backoffs += int((np.isnan(weights) & has_continuation).sum())
        dead = np.isneginf(weights) & ~has_continuation
        report.dead_ends += int(dead.sum())
        weights[np.isnan(weights) | dead] = 0.0
