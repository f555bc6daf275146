"""The vocabulary of a neural LM: what its network predicts, and how words are spelled with it.

The events are those of an n-gram LM: the words of words.txt, of which one stands for all unknown ones, and the end of
the sentence. A word is one or more units, and its probability the product of theirs:

- word: a word is a unit of its own. Words seen less than `min_count` times in training share one: its probability times
  the word's share of it, which is (count + 1) / sum of (count + 1). So words that no text holds have a chance, too.
- character, piece: a word is its characters, or its sentencepiece pieces. The last one of a word is another unit than
  the same within words, so that the units say where words end. The unknown word is one unit, which words that cannot
  be spelled share equally.

Unit 0 is the end of the sentence, and what stands before its first word.
"""

from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.grammar.ngram import UNKNOWN
from graphs.lang.lexicon import BACKOFF, RESERVED_WORDS, SENTENCE_END, SENTENCE_START
from graphs.lang.symbols import SymbolTable
from hybrid.data.units import PieceModel

KINDS = ("word", "character", "piece")
END_UNIT = 0
RARE = "rare words"  # with a blank, as no word has
WITHIN = " +"  # after the name of a unit that does not end its word


def words_of_text(words: Sequence[str]) -> SymbolTable:
    """words.txt of the words of a text and the unknown word, as of a lang folder."""
    known = sorted({*words, UNKNOWN} - set(RESERVED_WORDS))
    return SymbolTable([*known, BACKOFF, SENTENCE_START, SENTENCE_END])


class Vocabulary:
    """
    Attributes:
      words: of words.txt.
      oov_word: the one of them that stands for unknown words.
      counts: ``[len(words)]`` int64, how often training saw each word (unknown ones count as oov_word) and </s>.
      kind, min_count: see above.
      pieces: the sentencepiece model of kind `piece`.
      units: names, for people; unit_counts: ``[num_units]`` int64, how often training saw each.
      spelling: ``[len(words)]`` unit ids of each word; empty for <eps>, #0, <s>, </s>, which are no events.
      log_share: ``[len(words)]`` natural log of a word's share of its units' probability; -inf where it is no event.
    """

    def __init__(self, words: SymbolTable, oov_word: str, counts: np.ndarray, kind: str = "word", min_count: int = 1,
                 pieces: Optional[PieceModel] = None):
        if oov_word not in words:
            raise InputError("words.txt", f"the word for unknown ones, {oov_word}", "none")
        if len(counts) != len(words):
            raise InputError("counts of words", f"{len(words)}, one for each word of words.txt", str(len(counts)))
        if kind == "piece" and pieces is None:
            raise InputError("vocabulary of pieces", "a sentencepiece model", "none")
        self.words, self.oov_word, self.oov_id = words, oov_word, words.id_of(oov_word)
        self.counts = np.asarray(counts, dtype=np.int64)
        self.kind, self.min_count, self.pieces = kind, min_count, pieces
        self.events = np.array([word not in RESERVED_WORDS for word in words.symbols])
        self.log_share = np.where(self.events, 0.0, -np.inf)
        spelled = self._whole_words() if kind == "word" else self._parts()
        self._number_units(spelled)

    @classmethod
    def of_text(cls, sentences: Sequence[Sequence[str]], words: SymbolTable, oov_word: str, **more) -> "Vocabulary":
        """Counts the words of the training text. Raises InputError for a word such as <s> in it."""
        counts = np.zeros(len(words), dtype=np.int64)
        for sentence in sentences:
            for word in sentence:
                if word in RESERVED_WORDS:
                    raise InputError("training text", "no reserved words (<s> and </s> are added)", word)
                counts[words.get(word, words.id_of(oov_word))] += 1
        if SENTENCE_END in words:
            counts[words.id_of(SENTENCE_END)] = len(sentences)
        return cls(words, oov_word, counts, **more)

    @property
    def num_units(self) -> int:
        return len(self.units)

    def word_ids(self, sentence: Sequence[str]) -> List[int]:
        """word_id of each word; unknown and reserved ones are oov_word."""
        return [self.words.get(word, self.oov_id) if word not in RESERVED_WORDS else self.oov_id for word in sentence]

    def encode(self, word_ids: Sequence[int]) -> np.ndarray:
        """Units of a sentence, its end included."""
        return np.array([unit for word_id in word_ids for unit in self.spelling[word_id]] + [END_UNIT], dtype=np.int64)

    def _whole_words(self) -> List[Tuple[str, ...]]:
        rare = self.events & (self.counts < self.min_count)
        self._share(rare, self.counts + 1.0)
        return [(RARE,) if is_rare else (word,) if event else ()
                for word, is_rare, event in zip(self.words.symbols, rare, self.events)]

    def _parts(self) -> List[Tuple[str, ...]]:
        split = self.pieces.split if self.kind == "piece" else tuple
        spelled: List[Tuple[str, ...]] = []
        unknown = np.zeros(len(self.words), dtype=bool)
        for word_id, (word, event) in enumerate(zip(self.words.symbols, self.events)):
            parts = split(word) if event and word_id != self.oov_id else None
            unknown[word_id] = event and not parts
            spelled.append((*(part + WITHIN for part in parts[:-1]), parts[-1]) if parts
                           else (UNKNOWN,) if event else ())
        self._share(unknown, np.ones(len(self.words)))
        return spelled

    def _share(self, together: np.ndarray, weights: np.ndarray) -> None:
        """The words share one unit by their weights."""
        if together.any():
            self.log_share[together] = np.log(weights[together] / weights[together].sum())

    def _number_units(self, spelled: List[Tuple[str, ...]]) -> None:
        """By falling count: classes of frequency are then ranges of units."""
        found: Dict[str, int] = {}
        for names, count in zip(spelled, self.counts.tolist()):
            for name in names:
                found[name] = found.get(name, 0) + count
        self.units = [SENTENCE_END, *sorted(found, key=lambda name: (-found[name], name))]
        number = {name: unit for unit, name in enumerate(self.units)}
        ends = self.counts[self.words.id_of(SENTENCE_END)] if SENTENCE_END in self.words else 0
        self.unit_counts = np.array([ends, *(found[name] for name in self.units[1:])], dtype=np.int64)
        self.spelling = [tuple(number[name] for name in names) for names in spelled]
