"""Makes a Lang from a lexicon (Kaldi utils/prepare_lang.sh)."""

from dataclasses import dataclass, field
from typing import Collection, List, Mapping, Optional, Sequence, Set, Tuple

from graphs.errors import InputError
from graphs.hmm.topology import Topology, TopologyOptions
from graphs.lang.disambiguation import disambiguation_numbers
from graphs.lang.lang import POSITIONS, Lang
from graphs.lang.lexicon import (BACKOFF, FORMS, RESERVED_WORDS, SENTENCE_END, SENTENCE_START, Lexicon,
                                 Pronunciation)
from graphs.lang.symbols import SymbolTable
from graphs.options import check_at_least, check_choice
from graphs.text_file import split_blanks

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
        check_choice(UNITS, self, "unit")
        check_choice(FORMS, self, "lexicon_form")
        check_choice(("unigram", "bpe"), self, "piece_model")
        if self.silence_prob is not None and not 0.0 <= self.silence_prob < 1.0:
            raise ValueError(f"silence_prob: expected 0 to below 1, or none, found {self.silence_prob}")
        if len(set(self.silence_phones)) != len(self.silence_phones) or not self.silence_phones:
            raise ValueError(f"silence_phones: expected different phones, found {self.silence_phones}")
        for name in ("oov_word", "oov_phone"):
            value = getattr(self, name)
            if len(split_blanks(value)) != 1 or value in RESERVED_WORDS:
                raise ValueError(f"{name}: expected one symbol, not a reserved one, found {value!r}")
        check_at_least(0, self, "word_phones")
        if self.word_phones and self.position_dependent:
            raise ValueError("word_phones: expected 0 with position_dependent, which they say, too")
        check_at_least(1, self, "num_pieces")


def make_lang(lexicon: Lexicon, options: LangOptions, topology: TopologyOptions,
              like: Optional[Lang] = None, word_counts: Mapping[str, int] = {}) -> Lang:
    """Builds a Lang.

    Args:
      lexicon: without silence; without position markers.
      like: an earlier Lang whose phone_ids and topology are kept, so that its models stay usable with another
        lexicon. Pronunciations have phones of words where it has them. InputError for one with a phone that it lacks;
        spellings (options.unit) with such a unit are left out, with a note.
      word_counts: how often each word is said, for options.word_phones without `like`.
    """
    if options.strip_stress:
        lexicon = lexicon.without_stress()
    oov_word = _find_oov_word(lexicon, options.oov_word)
    if oov_word not in lexicon:
        lexicon = lexicon.with_entries([Pronunciation(oov_word, (options.oov_phone,))])
    if options.word_phones:
        _refuse_words([*lexicon.phones, *options.silence_phones])
        frequent = {word for word in lexicon.words if like or word_counts.get(word, 0) >= options.word_phones}
        lexicon = _with_words(lexicon, frequent, options.silence_phones, _real_phones(like) if like else None)
    bases = lexicon.phones
    if options.position_dependent:
        _refuse_markers([*bases, *options.silence_phones])
        lexicon = _with_positions(lexicon)
    silence = _expand(options.silence_phones, options.position_dependent, with_plain=True)
    speech = _expand([p for p in bases if p not in options.silence_phones], options.position_dependent)
    if like is not None:
        lexicon = _within(like, options, lexicon)
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


def _with_words(lexicon: Lexicon, words: Collection[str], silence_phones: Sequence[str], known: Optional[Set[str]]
                ) -> Lexicon:
    """Pronunciations of the words with phones of their own; whole-word models, as far as HMM states are concerned.
    known: a pronunciation has them only if all of them are among these."""
    def phones(entry: Pronunciation) -> Tuple[str, ...]:
        own = tuple(phone if phone in silence_phones else f"{phone}({entry.word})" for phone in entry.phones)
        return own if entry.word in words and (known is None or known.issuperset(own)) else entry.phones

    return Lexicon([Pronunciation(e.word, phones(e), e.probability) for e in lexicon], lexicon.notes)


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


def _real_phones(lang: Lang) -> Set[str]:
    return set(lang.phones.symbols[1:lang.num_phones + 1])


def _within(like: Lang, options: LangOptions, lexicon: Lexicon) -> Lexicon:
    """What can be said with the phones of the earlier Lang. InputError as make_lang has it."""
    known = _real_phones(like)
    lacking = {entry.word: phone for entry in lexicon for phone in entry.phones if phone not in known}
    if options.silence_phones[0] not in like.silence_phones:
        raise InputError("option lang.silence_phones", f"the earlier {', '.join(like.silence_phones)}",
                         options.silence_phones[0])
    if not lacking:
        return lexicon
    if options.unit == "lexicon":
        word, phone = next(iter(lacking.items()))
        raise InputError(f"lexicon entry of {word}", "phones of the earlier lang folder", phone)
    note = (f"{len(lacking)} words left out, the earlier lang folder has no "
            f"{', '.join(sorted(set(lacking.values())))}: {', '.join([*lacking][:8])}")
    return Lexicon([entry for entry in lexicon if entry.word not in lacking], [*lexicon.notes, note])
