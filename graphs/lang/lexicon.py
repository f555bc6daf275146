"""Pronunciation lexicons: words, their phones, the probability of each pronunciation."""

import re
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple, Sequence, Tuple, Union

from graphs.errors import InputError
from graphs.lang.symbols import EPS
from graphs.text_file import raise_first, read_lines, split_blanks, to_float

BACKOFF = "#0"  # label of G's back-off arcs
SENTENCE_START, SENTENCE_END = "<s>", "</s>"
RESERVED_WORDS = (EPS, BACKOFF, SENTENCE_START, SENTENCE_END)
FORMS = ("auto", "plain", "prob", "cmu")

_DISAMBIGUATION = re.compile(r"#\d+$")
_CMU_VARIANT = re.compile(r"(?<=.)\([0-9]+\)$")
_CMU_COMMENT = re.compile(r"[ \t]#([ \t].*)?$")
_STRESS = re.compile(r"(?<=[A-Z])[0-2]$")
_DECIMAL = re.compile(r"\d*\.\d+([eE]-?\d+)?$")


class Pronunciation(NamedTuple):
    """phones: at least one symbol; probability: in (0, 1]."""

    word: str
    phones: Tuple[str, ...]
    probability: float = 1.0


class Lexicon:
    """Pronunciations in their order, each pair of word and phones once.

    Attributes:
      entries: tuple of Pronunciation.
      notes: what was mended while reading or merging, one line each, for the log.
    """

    def __init__(self, entries: Iterable[Pronunciation], notes: Sequence[str] = ()):
        """A repeated entry keeps the place of the first and the higher probability.

        Raises InputError for an entry that cannot stand in a lexicon.
        """
        kept: Dict[Tuple[str, Tuple[str, ...]], Pronunciation] = {}
        repeated: List[str] = []
        for entry in entries:
            _check_entry("", entry)
            key = entry.word, entry.phones
            if key in kept:
                repeated.append(entry.word)
                if entry.probability <= kept[key].probability:
                    continue
            kept[key] = entry
        self.entries: Tuple[Pronunciation, ...] = tuple(kept.values())
        self.duplicates = len(repeated)
        self.notes = list(notes)
        if repeated:
            examples = ", ".join(dict.fromkeys(repeated[:5]))
            self.notes.append(f"{len(repeated)} repeated pronunciations merged ({examples})")
        self._of_word: Dict[str, List[Pronunciation]] = {}
        for entry in self.entries:
            self._of_word.setdefault(entry.word, []).append(entry)

    @property
    def words(self) -> List[str]:
        """Every word once, in the order of the lexicon."""
        return list(self._of_word)

    @property
    def phones(self) -> List[str]:
        """Every phone once, sorted by code point."""
        return sorted({phone for entry in self.entries for phone in entry.phones})

    def pronunciations(self, word: str) -> List[Pronunciation]:
        """KeyError for a word that the lexicon lacks."""
        return self._of_word[word]

    def __contains__(self, word: str) -> bool:
        return word in self._of_word

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Pronunciation]:
        return iter(self.entries)

    def __eq__(self, other) -> bool:
        return isinstance(other, Lexicon) and self.entries == other.entries

    def with_entries(self, entries: Iterable[Pronunciation]) -> "Lexicon":
        """A lexicon with more entries at the end."""
        return Lexicon((*self.entries, *entries), self.notes)

    def without_stress(self) -> "Lexicon":
        """Drops the stress digit from vowels of the CMU set (AH0, AH1 -> AH)."""
        return Lexicon([Pronunciation(e.word, tuple(_STRESS.sub("", p) for p in e.phones), e.probability)
                        for e in self.entries], self.notes)

    def write(self, path: Union[str, Path]) -> None:
        """Kaldi's lexiconp.txt: `WORD PROBABILITY PHONE ...`."""
        lines = (f"{e.word} {e.probability:.9g} {' '.join(e.phones)}\n" for e in self.entries)
        Path(path).write_text("".join(lines), encoding="utf-8")

    @classmethod
    def read(cls, path: Union[str, Path], form: str = "auto") -> "Lexicon":
        """Reads a lexicon, plain or gzip-compressed.

        Args:
          form: ``plain`` (Kaldi lexicon.txt: `WORD PHONE ...`), ``prob`` (Kaldi lexiconp.txt:
            `WORD PROBABILITY PHONE ...`), ``cmu`` (CMU and Sphinx dictionaries: variants as `WORD(2)`,
            comments after `;;;` and ` #`) or ``auto`` (prob if the file name begins with lexiconp, else
            plain).
        Raises: InputError that names the first bad line and counts the others.
        """
        if form not in FORMS:
            raise ValueError(f"form: expected one of {', '.join(FORMS)}, found {form!r}")
        if form == "auto":
            form = "prob" if Path(path).name.startswith("lexiconp") else "plain"
        lines, notes = read_lines(path)
        entries, problems, name = [], [], str(path)
        for number, text in lines:
            try:
                if not (form == "cmu" and text.startswith(";;;")):
                    entries.append(_parse_line(f"{name}:{number}", text, form))
            except InputError as error:
                problems.append(error)
        raise_first(problems)
        if not entries:
            raise InputError(f"{path}", "at least one pronunciation", "none")
        if form == "plain" and all(_DECIMAL.match(entry.phones[0]) for entry in entries):
            raise InputError(f"{path}:{lines[0][0]}", "a phone after the word",
                             f"a number, as on every line; is this a lexiconp.txt (lexicon_form=prob)? "
                             f"{lines[0][1]!r}")
        if form == "plain":
            notes += _cmu_suspicion(path, entries)
        return cls(entries, notes)


def _cmu_suspicion(path, entries: Sequence[Pronunciation]) -> List[str]:
    words = {entry.word for entry in entries}
    variants = [word for word in words if _CMU_VARIANT.search(word) and _CMU_VARIANT.sub("", word) in words]
    comments = [word for word in words if word.startswith(";;;")]
    return [f"{path}: {len(found)} words look like {what} in a CMU dictionary ({min(found)}): lexicon_form=cmu reads "
            "them so" for found, what in ((variants, "variants"), (comments, "comments")) if found]


def _parse_line(item: str, text: str, form: str) -> Pronunciation:
    if form == "cmu":
        text = _CMU_COMMENT.sub("", text)
    word, *phones = split_blanks(text)
    probability = 1.0
    if form == "cmu":
        word = _CMU_VARIANT.sub("", word)
    if form == "prob":
        found = phones.pop(0) if phones else "nothing"
        try:
            probability = to_float(found)
        except ValueError:
            raise InputError(item, f"a probability after the word {word}", found) from None
    entry = Pronunciation(word, tuple(phones), probability)
    _check_entry(item, entry)
    return entry


def _check_entry(item: str, entry: Pronunciation) -> None:
    """item: where the entry stands, for the message."""
    item = item or f"lexicon entry of {entry.word!r}"
    if entry.word in RESERVED_WORDS:
        raise InputError(item, f"a word other than the reserved {', '.join(RESERVED_WORDS)}", entry.word)
    if not entry.phones:
        comment = ": a comment of a CMU dictionary, which lexicon_form=cmu leaves out" if entry.word == ";;;" else ""
        raise InputError(item, f"phones after the word {entry.word}", f"nothing{comment}")
    if not 0.0 < entry.probability <= 1.0:
        raise InputError(item, "a probability above 0 and at most 1", f"{entry.probability:g}")
    for phone in entry.phones:
        if phone[:1] in "#<" and (phone in ("", EPS) or _DISAMBIGUATION.match(phone)):
            raise InputError(item, f"phones other than {EPS} and disambiguation symbols (#0, #1, ...)", phone)
