"""The lang folder: phones, words, lexicon, silence and topology of a recognizer, in Kaldi's text formats.

| file                   | content                                                                  |
| ---------------------- | ------------------------------------------------------------------------ |
| phones.txt             | `PHONE ID`: silence phones, the others, then #0 #1 ...                   |
| words.txt              | `WORD ID`: sorted words, then #0 <s> </s>                                |
| lexiconp.txt           | `WORD PROBABILITY PHONE ...`, phones as in phones.txt                    |
| lexiconp_disambig.txt  | the same with disambiguation symbols                                     |
| silence_phones.txt, nonsilence_phones.txt, optional_silence.txt, disambig.txt | phones, one a line |
| oov.txt                | the word that stands for unknown words                                   |
| topo                   | the HMM of each phone (graphs/topology.py)                               |
| lang.json              | silence_prob, position_dependent, word_phones                            |

Source: Kaldi utils/prepare_lang.sh.
"""

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Collection, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from graphs.disambiguation import disambiguation_numbers
from graphs.errors import InputError
from graphs.lexicon import (BACKOFF, FORMS, RESERVED_WORDS, SENTENCE_END, SENTENCE_START, Lexicon,
                            Pronunciation)
from graphs.symbols import SymbolTable
from graphs.text_file import split_blanks
from graphs.topology import Topology, TopologyOptions

POSITIONS = ("_B", "_E", "_I", "_S")  # begin, end, inside, single
UNITS = ("lexicon", "grapheme", "sentencepiece")


@dataclass(frozen=True)
class LangOptions:
    unit: str = field(default="lexicon", metadata={
        "help": f"what pronunciations are made of: one of {', '.join(UNITS)}"})
    lexicon_form: str = field(default="auto", metadata={
        "help": f"format of the lexicon file: one of {', '.join(FORMS)}; cmu for variants like WORD(2)"})
    strip_stress: bool = field(default=False, metadata={
        "help": "drop the stress digits of CMU phones (AH0, AH1 become AH)"})
    silence_phones: Tuple[str, ...] = field(default=("SIL",), metadata={
        "help": "silence phones; the first is the optional silence between words"})
    silence_prob: Optional[float] = field(default=0.5, metadata={
        "help": "probability of silence at the start and after each word, from 0 to below 1; none is 0"})
    oov_word: str = field(default="<unk>", metadata={
        "help": "word that stands for unknown words; a case variant in the lexicon (<UNK>) is taken instead"})
    oov_phone: str = field(default="SPN", metadata={
        "help": "its pronunciation when the lexicon has none: a phone for spoken noise"})
    position_dependent: bool = field(default=False, metadata={
        "help": "a phone at the begin, inside, end of a word or alone is four phones (_B _I _E _S)"})
    word_phones: int = field(default=0, metadata={
        "help": "words said so often in the text (--text) have phones of their own, such as EY(EIGHT); 0: none"})
    attach_marks: bool = field(default=True, metadata={
        "help": "grapheme: combining marks belong to the letter before them"})
    lowercase: bool = field(default=True, metadata={
        "help": "grapheme: capital and small letters are one unit"})
    num_pieces: int = field(default=500, metadata={"help": "sentencepiece: number of pieces"})
    piece_model: str = field(default="unigram", metadata={"help": "sentencepiece: unigram or bpe"})

    def __post_init__(self):
        for name, allowed in (("unit", UNITS), ("lexicon_form", FORMS), ("piece_model", ("unigram", "bpe"))):
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name}: expected one of {', '.join(allowed)}, found {value!r}")
        if self.silence_prob is not None and not 0.0 <= self.silence_prob < 1.0:
            raise ValueError(f"silence_prob: expected 0 to below 1, or none, found {self.silence_prob}")
        if len(set(self.silence_phones)) != len(self.silence_phones) or not self.silence_phones:
            raise ValueError(f"silence_phones: expected different phones, found {self.silence_phones}")
        for name in ("oov_word", "oov_phone"):
            value = getattr(self, name)
            if len(split_blanks(value)) != 1 or value in RESERVED_WORDS:
                raise ValueError(f"{name}: expected one symbol, not a reserved one, found {value!r}")
        if self.word_phones < 0:
            raise ValueError(f"word_phones: expected at least 0, found {self.word_phones}")
        if self.word_phones and self.position_dependent:
            raise ValueError("word_phones: expected 0 with position_dependent, which they say, too")
        if self.num_pieces < 1:
            raise ValueError(f"num_pieces: expected at least 1, found {self.num_pieces}")


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

    def write(self, folder: Union[str, Path]) -> None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.phones.write(folder / "phones.txt")
        self.words.write(folder / "words.txt")
        self.lexicon.write(folder / "lexiconp.txt")
        self.topology.write(folder / "topo")
        silence = (self.optional_silence,) if self.optional_silence else ()
        disambig = [self.phones.symbol_of(phone_id) for phone_id in self.disambig_ids]
        for name, symbols in (("silence_phones", self.silence_phones), ("optional_silence", silence),
                              ("nonsilence_phones", self.nonsilence_phones), ("disambig", disambig),
                              ("oov", (self.oov_word,)), ("lexiconp_disambig", self._disambiguated())):
            (folder / f"{name}.txt").write_text("".join(f"{s}\n" for s in symbols), encoding="utf-8")
        settings = {"silence_prob": self.silence_prob, "position_dependent": self.position_dependent,
                    "word_phones": self.word_phones}
        (folder / "lang.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")

    def _disambiguated(self) -> List[str]:
        return [" ".join((entry.word, f"{entry.probability:.9g}", *entry.phones, *([f"#{n}"] if n else [])))
                for entry, n in zip(self.lexicon, self.disambiguation)]

    @classmethod
    def read(cls, folder: Union[str, Path]) -> "Lang":
        """Reads a lang folder. Raises InputError for the first of its problems, if any.

        `lexiconp_disambig.txt`, made from the lexicon, is left to `validate`.
        """
        from graphs.lang_check import check_lang
        from graphs.text_file import raise_first
        lang, problems = check_lang(Path(folder), thorough=False)
        raise_first(problems)
        return lang

    @staticmethod
    def validate(folder: Union[str, Path]) -> List[InputError]:
        """All problems of a lang folder, each naming file and line; empty if it is good."""
        from graphs.lang_check import check_lang
        return check_lang(Path(folder), thorough=True)[1]


def make_lang(lexicon: Lexicon, options: LangOptions, topology: TopologyOptions,
              like: Optional[Lang] = None, word_counts: Mapping[str, int] = {}) -> Lang:
    """Builds a Lang.

    Args:
      lexicon: without silence; without position markers.
      like: an earlier Lang whose phone_ids and topology are kept, so that its models stay usable with another
        lexicon. InputError if the lexicon has a phone that it lacks.
      word_counts: how often each word is said, for options.word_phones.
    """
    if options.strip_stress:
        lexicon = lexicon.without_stress()
    oov_word = _find_oov_word(lexicon, options.oov_word)
    if oov_word not in lexicon:
        lexicon = lexicon.with_entries([Pronunciation(oov_word, (options.oov_phone,))])
    if options.word_phones:
        _refuse_words([*lexicon.phones, *options.silence_phones])
        frequent = {word for word in lexicon.words if word_counts.get(word, 0) >= options.word_phones}
        lexicon = _with_words(lexicon, frequent, options.silence_phones)
    bases = lexicon.phones
    if options.position_dependent:
        _refuse_markers([*bases, *options.silence_phones])
        lexicon = _with_positions(lexicon)
    silence = _expand(options.silence_phones, options.position_dependent, with_plain=True)
    speech = _expand([p for p in bases if p not in options.silence_phones], options.position_dependent)
    if like is not None:
        _check_like(like, options, lexicon)
        silence, speech = list(like.silence_phones), like.nonsilence_phones
    phones = SymbolTable(like.phones.symbols[:like.num_phones + 1] if like else [*silence, *speech])
    ids = {phone: phones.id_of(phone) for phone in [*silence, *speech]}
    numbers = disambiguation_numbers([entry.phones for entry in lexicon])
    for n in range(max(numbers) + 2):  # #0 for G; one more than the words need for silence
        phones.add(f"#{n}")
    silence_prob = options.silence_prob or 0.0
    return Lang(
        phones=phones, words=SymbolTable([*sorted(lexicon.words), BACKOFF, SENTENCE_START, SENTENCE_END]),
        lexicon=lexicon, silence_phones=tuple(silence),
        optional_silence=options.silence_phones[0] if silence_prob else None, silence_prob=silence_prob,
        oov_word=oov_word, position_dependent=options.position_dependent, word_phones=options.word_phones > 0,
        topology=like.topology if like is not None else Topology.make(
            topology, nonsilence=[ids[p] for p in speech], silence=[ids[p] for p in silence]))


def _find_oov_word(lexicon: Lexicon, name: str) -> str:
    """The name itself, or else its case variant in the lexicon."""
    if name in lexicon:
        return name
    return next((word for word in lexicon.words if word.lower() == name.lower()), name)


def _refuse_markers(phones: Sequence[str]) -> None:
    for phone in phones:
        if phone[-2:] in POSITIONS:
            raise InputError(f"phone {phone}", f"no ending {', '.join(POSITIONS)} with position_dependent",
                             phone)


def _refuse_words(phones: Sequence[str]) -> None:
    for phone in phones:
        if "(" in phone:
            raise InputError(f"phone {phone}", "no bracket with word_phones, which are written PHONE(WORD)", phone)


def _with_words(lexicon: Lexicon, words: Collection[str], silence_phones: Sequence[str]) -> Lexicon:
    """Pronunciations of the words with phones of their own; whole-word models, as far as HMM states are concerned."""
    def own(entry: Pronunciation) -> Tuple[str, ...]:
        return tuple(phone if phone in silence_phones else f"{phone}({entry.word})" for phone in entry.phones)

    return Lexicon([Pronunciation(e.word, own(e) if e.word in words else e.phones, e.probability) for e in lexicon],
                   lexicon.notes)


def _expand(phones: Sequence[str], position_dependent: bool, with_plain: bool = False) -> List[str]:
    """All position variants; `with_plain` for silence, which stands between words, too."""
    if not position_dependent:
        return list(phones)
    return [phone + ending for phone in phones for ending in (("",) if with_plain else ()) + POSITIONS]


def _with_positions(lexicon: Lexicon) -> Lexicon:
    def mark(phones: Tuple[str, ...]) -> Tuple[str, ...]:
        if len(phones) == 1:
            return (phones[0] + "_S",)
        first, *inner, last = phones
        return (first + "_B", *(phone + "_I" for phone in inner), last + "_E")

    return Lexicon([Pronunciation(e.word, mark(e.phones), e.probability) for e in lexicon], lexicon.notes)


def _check_like(like: Lang, options: LangOptions, lexicon: Lexicon) -> None:
    """InputError unless the phones of the earlier Lang are enough."""
    known = set(like.phones.symbols[1:like.num_phones + 1])
    for entry in lexicon:
        unknown = [phone for phone in entry.phones if phone not in known]
        if unknown:
            raise InputError(f"lexicon entry of {entry.word}", "phones of the earlier lang folder",
                             unknown[0])
    if options.silence_phones[0] not in like.silence_phones:
        raise InputError("option lang.silence_phones", f"the earlier {', '.join(like.silence_phones)}",
                         options.silence_phones[0])
