"""A recognizer's phones, words, lexicon, silence and topology."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Dict, List, Optional, Tuple

from graphs.hmm.topology import Topology
from graphs.lang.disambiguation import disambiguation_numbers
from graphs.lang.lexicon import BACKOFF, Lexicon
from graphs.lang.symbols import SymbolTable
from graphs.text_file import split_blanks

POSITIONS = ("_B", "_E", "_I", "_S")  # begin, end, inside, single


@dataclass(frozen=True)
class Lang:
    """
    Attributes:
      phones: phone_id of each phone; real phones are 1 .. num_phones, disambiguation symbols follow.
      words: word_id of each word; #0, <s> and </s> come last.
      lexicon: phones as in `phones` (with position markers, if any); it holds `oov_word`.
      silence_phones: symbols of the silence phones.
      optional_silence: the phone that may stand at the start and after each word, or None.
      silence_prob: its probability, 0 if there is none.
      oov_word: the word that stands for unknown words.
      topology: the HMM of each real phone.
      position_dependent, word_phones: do phones carry position markers, are there phones of single words?
    """

    phones: SymbolTable
    words: SymbolTable
    lexicon: Lexicon
    silence_phones: Tuple[str, ...]
    optional_silence: Optional[str]
    silence_prob: float
    oov_word: str
    topology: Topology
    position_dependent: bool = False
    word_phones: bool = False

    @property
    def num_phones(self) -> int:
        """Real phones; their ids are 1 .. num_phones."""
        return self.phones.id_of(BACKOFF) - 1

    @property
    def disambig_ids(self) -> List[int]:
        """phone_ids of #0, #1, ..."""
        return list(range(self.num_phones + 1, len(self.phones)))

    @cached_property
    def disambiguation(self) -> List[int]:
        """For each lexicon entry the number n of its symbol #n, 0 for none."""
        return disambiguation_numbers([entry.phones for entry in self.lexicon])

    @property
    def silence_disambig(self) -> int:
        """phone_id of the symbol after optional silence: one more than the words need."""
        return self.phones.id_of(f"#{max(self.disambiguation, default=0) + 1}")

    def is_silence(self, phone_id: int) -> bool:
        return phone_id in self.silence_ids

    @cached_property
    def silence_ids(self) -> frozenset:
        """phone_ids of the silence phones."""
        return frozenset(self.phones.id_of(phone) for phone in self.silence_phones)

    @property
    def nonsilence_phones(self) -> List[str]:
        return [phone for phone in self.phones.symbols[1:self.num_phones + 1]
                if phone not in self.silence_phones]

    def base_phone(self, phone: str) -> str:
        """The phone without its position marker or its word."""
        if self.word_phones:
            return phone.partition("(")[0]
        if self.position_dependent and phone[-2:] in POSITIONS:
            return phone[:-2]
        return phone

    def word_ids(self, text: str) -> Tuple[List[int], List[str]]:
        """word_ids of the words of a text (between blanks), and the words that are unknown.

        An unknown word, or a reserved one like <s>, becomes `oov_word`.
        """
        word_ids, unknown = [], []
        for word in split_blanks(text):
            if word in self.lexicon:
                word_ids.append(self.words.id_of(word))
            else:
                word_ids.append(self.words.id_of(self.oov_word))
                unknown.append(word)
        return word_ids, unknown

    def pronunciations(self, word_id: int) -> List[Tuple[Tuple[int, ...], float]]:
        """(phone_ids, natural log probability) of each; none for #0, <s>, </s>."""
        return self._pronunciations.get(word_id, [])

    def phone_ids(self, text: str) -> List[int]:
        """phone_ids of the first pronunciation of each word, without silence."""
        return [phone_id for word_id in self.word_ids(text)[0]
                for phone_id in self._pronunciations[word_id][0][0]]

    @cached_property
    def _pronunciations(self) -> Dict[int, List[Tuple[Tuple[int, ...], float]]]:
        table: Dict[int, List[Tuple[Tuple[int, ...], float]]] = {}
        for entry in self.lexicon:
            phone_ids = tuple(self.phones.id_of(phone) for phone in entry.phones)
            variants = table.setdefault(self.words.id_of(entry.word), [])
            variants.append((phone_ids, math.log(entry.probability)))
        return table
