"""Back-off n-gram models of any order: tables in numpy, scoring by the definition, ARPA written.

A model gives p(w | h) of a word w after a history h of up to order - 1 words (Katz 1987):

    p(w | h) = the stored probability of "h w", if there is one,
               otherwise backoff(h) * p(w | h without its first word);   backoff(h) is 1 if not stored.

graphs/grammar/arpa.py reads ARPA files, graphs/grammar/grammar_fst.py makes G.
"""

import gzip
import io
import math
import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Sequence, TextIO, Tuple, Union

import numpy as np

from graphs.lang.lexicon import SENTENCE_END, SENTENCE_START

UNKNOWN = "<unk>"
LOG_ZERO = -99.0  # what ARPA files write for log10 of 0


@dataclass(frozen=True)
class NgramTable:
    """The n-grams of one order.

    Attributes:
      word_ids: ``[N, order]`` int32, places in `NgramModel.words`.
      log10_prob: ``[N]`` float64; -inf for probability 0.
      log10_backoff: ``[N]`` float64; 0 where none is stored, -inf for weight 0.
    """

    word_ids: np.ndarray
    log10_prob: np.ndarray
    log10_backoff: np.ndarray

    def __len__(self) -> int:
        return len(self.word_ids)

    def select(self, rows: np.ndarray) -> "NgramTable":
        """rows: ``[N]`` bool, or row numbers."""
        return NgramTable(self.word_ids[rows], self.log10_prob[rows], self.log10_backoff[rows])


class NgramModel:
    """
    Attributes:
      words: the vocabulary; sentence boundaries are ``<s>`` and ``</s>``, the unknown word ``<unk>``.
      tables: NgramTable of order 1, 2, ...; the words of an n-gram, but the last, are an n-gram, too.
    """

    def __init__(self, words: Sequence[str], tables: Sequence[NgramTable]):
        self.words, self.tables = list(words), list(tables)
        self.index_of: Dict[str, int] = {word: i for i, word in enumerate(self.words)}

    @property
    def order(self) -> int:
        return len(self.tables)

    @cached_property
    def _entries(self) -> Dict[Tuple[int, ...], Tuple[float, float]]:
        """word_ids -> (log10 probability, log10 back-off weight)."""
        entries: Dict[Tuple[int, ...], Tuple[float, float]] = {}
        for table in self.tables:
            values = zip(table.log10_prob.tolist(), table.log10_backoff.tolist())
            entries.update(zip(map(tuple, table.word_ids.tolist()), values))
        return entries

    def places(self, words: Sequence[str]) -> np.ndarray:
        """``[N]`` int64 place of each word in this model, that of ``<unk>`` for others, -1 without an ``<unk>``."""
        unknown = self.index_of.get(UNKNOWN, -1)
        return np.array([self.index_of.get(word, unknown) for word in words], dtype=np.int64)

    def log10_prob(self, word: str, history: Sequence[str] = ()) -> float:
        """log10 p(word | history); the history may be of any length and may begin with ``<s>``.

        A word that the model lacks is taken as ``<unk>``; without that its probability is 0 (-inf).
        """
        ids = [self.index_of.get(w, self.index_of.get(UNKNOWN, -1)) for w in (*history, word)]
        return self._log10_prob(tuple(ids[-self.order:]))

    def _log10_prob(self, ngram: Tuple[int, ...]) -> float:
        if ngram in self._entries:
            return self._entries[ngram][0]
        if len(ngram) == 1:
            return -math.inf
        return self._entries.get(ngram[:-1], (0.0, 0.0))[1] + self._log10_prob(ngram[1:])

    def score(self, words: Iterable[str]) -> float:
        """log10 probability of a sentence, its end included if the model knows sentence ends."""
        history = [SENTENCE_START] if SENTENCE_START in self.index_of else []
        total = 0.0
        for word in (*words, *([SENTENCE_END] if SENTENCE_END in self.index_of else [])):
            total += self.log10_prob(word, history)
            history = [*history, word][-self.order:]
        return total

    def write_arpa(self, path: Union[str, Path]) -> None:
        """Writes ARPA, compressed if the name ends in .gz; under a temporary name first. The same model gives the same
        bytes."""
        path = Path(path)
        temporary = path.with_name(path.name + ".tmp")
        with _open_to_write(temporary, compress=path.suffix == ".gz") as stream:
            stream.write("\\data\\\n")
            stream.writelines(f"ngram {n}={len(table)}\n" for n, table in enumerate(self.tables, 1))
            for n, table in enumerate(self.tables, 1):
                stream.write(f"\n\\{n}-grams:\n")
                stream.writelines(self._arpa_lines(table, with_backoff=n < self.order))
            stream.write("\n\\end\\\n")
        os.replace(temporary, path)

    def _arpa_lines(self, table: NgramTable, with_backoff: bool) -> Iterable[str]:
        probs = np.maximum(table.log10_prob, LOG_ZERO).tolist()
        weights = np.maximum(table.log10_backoff, LOG_ZERO).tolist()
        for ids, prob, weight in zip(table.word_ids.tolist(), probs, weights):
            text = " ".join([self.words[i] for i in ids])
            backoff = f"\t{weight:.7g}" if with_backoff and weight else ""
            yield f"{prob:.7g}\t{text}{backoff}\n"


@contextmanager
def _open_to_write(path: Path, compress: bool) -> Iterator[TextIO]:
    with open(path, "wb") as file:
        # without the name and time that gzip would store
        binary = gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) if compress else file
        with io.TextIOWrapper(binary, encoding="utf-8", newline="\n") as stream:
            yield stream


class NgramIndex:
    """Finds rows of n-grams. Row r of order n is keyed by (row of its first n-1 words, last word)."""

    def __init__(self, tables: Sequence[NgramTable], num_words: int):
        self.num_words = num_words
        self.sorted_keys: List[np.ndarray] = []
        self.row_of_sorted: List[np.ndarray] = []
        self.prefix_rows: List[np.ndarray] = []  # [order - 1][row] -> row in the order below
        for table in tables:
            prefix = self.rows(table.word_ids[:, :-1])
            if (prefix < 0).any():
                raise ValueError("an n-gram whose history is no n-gram")
            keys = prefix * num_words + table.word_ids[:, -1]
            order = np.argsort(keys, kind="stable")
            self.prefix_rows.append(prefix)
            self.sorted_keys.append(keys[order])
            self.row_of_sorted.append(order)

    def rows(self, word_ids: np.ndarray) -> np.ndarray:
        """Row of each n-gram in the table of its order, -1 if it is not there; 0 for order 0.

        Args:
          word_ids: ``[N, n]``; no n-gram holds a word below 0.
        """
        rows = np.zeros(len(word_ids), dtype=np.int64)
        for n in range(word_ids.shape[1]):
            there, place = find_sorted(self.sorted_keys[n], rows * self.num_words + word_ids[:, n])
            there &= (rows >= 0) & (word_ids[:, n] >= 0)
            rows = np.full(len(rows), -1)
            rows[there] = self.row_of_sorted[n][place[there]]
        return rows


def find_sorted(keys: np.ndarray, wanted: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Whether each number is among the sorted keys, and where. Looks in the order of the numbers: such searches share
    the cache, which makes them five times as fast among 10 million."""
    if not len(keys):
        return np.zeros(len(wanted), bool), np.zeros(len(wanted), np.int64)
    order = np.argsort(wanted)
    place = np.empty(len(wanted), np.int64)
    place[order] = np.searchsorted(keys, wanted[order])
    np.minimum(place, len(keys) - 1, out=place)
    return keys[place] == wanted, place


class NgramScorer(NgramIndex):
    """Probabilities of many n-grams at once; see NgramModel for one."""

    def __init__(self, tables: Sequence[NgramTable], num_words: int):
        super().__init__(tables, num_words)
        self.tables = tables

    def log10_prob(self, word_ids: np.ndarray) -> np.ndarray:
        """
        Args:
          word_ids: ``[N, n]``; history and word, of any length; words below 0 are unknown.
        Returns:
          ``[N]`` float64, -inf for probability 0.
        """
        total = np.zeros(len(word_ids))
        pending = np.arange(len(word_ids))
        for length in range(min(word_ids.shape[1], len(self.tables)), 0, -1):
            ngrams = word_ids[pending, word_ids.shape[1] - length:]
            rows = self.rows(ngrams)
            found = rows >= 0
            total[pending[found]] += self.tables[length - 1].log10_prob[rows[found]]
            pending = pending[~found]
            if length > 1:
                histories = self.rows(ngrams[~found, :-1])
                known = histories >= 0
                total[pending[known]] += self.tables[length - 2].log10_backoff[histories[known]]
        total[pending] = -np.inf
        return total
