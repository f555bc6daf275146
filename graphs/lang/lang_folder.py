"""The lang folder: a Lang in Kaldi's text formats, read, written, and what is wrong with one.

| file                   | content                                                                  |
| ---------------------- | ------------------------------------------------------------------------ |
| phones.txt             | `PHONE ID`: silence phones, the others, then #0 #1 ...                   |
| words.txt              | `WORD ID`: sorted words, then #0 <s> </s>                                |
| lexiconp.txt           | `WORD PROBABILITY PHONE ...`, phones as in phones.txt                    |
| lexiconp_disambig.txt  | the same with disambiguation symbols                                     |
| silence_phones.txt, nonsilence_phones.txt, optional_silence.txt, disambig.txt | phones, one a line |
| oov.txt                | the word that stands for unknown words                                   |
| topo                   | the HMM of each phone (graphs/hmm/topology.py)                           |
| lang.json              | silence_prob, position_dependent, word_phones                            |

Source: Kaldi utils/prepare_lang.sh, utils/validate_lang.pl.
"""

import json
from itertools import chain
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Tuple, Union

from graphs.errors import InputError
from graphs.hmm.topology import Topology
from graphs.lang.lang import Lang
from graphs.lang.lexicon import BACKOFF, RESERVED_WORDS, SENTENCE_END, SENTENCE_START, Lexicon
from graphs.lang.symbols import EPS, SymbolTable
from graphs.text_file import raise_first, read_json_object, read_lines, split_blanks

FILES = ("phones.txt", "words.txt", "lexiconp.txt", "lexiconp_disambig.txt", "silence_phones.txt",
         "nonsilence_phones.txt", "optional_silence.txt", "disambig.txt", "oov.txt", "topo", "lang.json")


def read_lang(folder: Union[str, Path]) -> Lang:
    """Reads a lang folder. Raises InputError for the first of its problems, if any.

    `lexiconp_disambig.txt`, made from the lexicon, is left to `validate_lang`.
    """
    lang, problems = check_lang(Path(folder), thorough=False)
    raise_first(problems)
    return lang


def validate_lang(folder: Union[str, Path]) -> List[InputError]:
    """All problems of a lang folder, each naming file and line; empty if it is good."""
    return check_lang(Path(folder), thorough=True)[1]


def write_lang(lang: Lang, folder: Union[str, Path]) -> None:
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lang.phones.write(folder / "phones.txt")
    lang.words.write(folder / "words.txt")
    lang.lexicon.write(folder / "lexiconp.txt")
    lang.topology.write(folder / "topo")
    silence = (lang.optional_silence,) if lang.optional_silence else ()
    disambig = [lang.phones.symbol_of(phone_id) for phone_id in lang.disambig_ids]
    for name, symbols in (("silence_phones", lang.silence_phones), ("optional_silence", silence),
                          ("nonsilence_phones", lang.nonsilence_phones), ("disambig", disambig),
                          ("oov", (lang.oov_word,)), ("lexiconp_disambig", _disambiguated(lang))):
        (folder / f"{name}.txt").write_text("".join(f"{s}\n" for s in symbols), encoding="utf-8")
    settings = {"silence_prob": lang.silence_prob, "position_dependent": lang.position_dependent,
                "word_phones": lang.word_phones}
    (folder / "lang.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def _disambiguated(lang: Lang) -> List[str]:
    return [" ".join((entry.word, f"{entry.probability:.9g}", *entry.phones, *([f"#{n}"] if n else [])))
            for entry, n in zip(lang.lexicon, lang.disambiguation)]


def check_lang(folder: Path, thorough: bool) -> Tuple[Optional[Lang], List[InputError]]:
    """The Lang, or None if its files cannot be read, and all problems, each naming file and line.

    thorough: the disambiguation symbols of the lexicon, too.
    """
    problems = [InputError(str(folder / name), "an existing file", "none")
                for name in FILES if not (folder / name).is_file()]
    if problems:
        return None, problems

    def attempt(read: Callable, name: str):
        try:
            return read(folder / name)
        except InputError as error:
            problems.append(error)

    lexicon = attempt(lambda path: Lexicon.read(path, "prob"), "lexiconp.txt")
    phones, words = attempt(SymbolTable.read, "phones.txt"), attempt(SymbolTable.read, "words.txt")
    topology = attempt(Topology.read, "topo")
    settings = attempt(_read_settings, "lang.json")
    lists = {name: attempt(_read_symbols, f"{name}.txt") for name in
             ("silence_phones", "nonsilence_phones", "optional_silence", "disambig", "oov")}
    if problems:
        return None, problems
    problems += chain(_check_tables(folder, phones, words, lists),
                      _check_phone_lists(folder, phones, lists, settings))
    if problems:
        return None, problems
    optional_silence = next(iter(lists["optional_silence"]), None)
    lang = Lang(phones, words, lexicon, tuple(lists["silence_phones"]), optional_silence,
                settings["silence_prob"], next(iter(lists["oov"])), topology, settings["position_dependent"],
                settings["word_phones"])
    problems += chain(_check_lexicon(folder, lang), _check_topology(folder, lang))
    if thorough:
        problems += _check_disambiguation(folder, lang)
    return lang, problems


def _read_symbols(path: Path) -> Dict[str, int]:
    """Symbols, one a line, with the number of their line."""
    symbols: Dict[str, int] = {}
    for number, text in read_lines(path)[0]:
        fields = split_blanks(text)
        if len(fields) != 1 or fields[0] in symbols:
            raise InputError(f"{path}:{number}", "one symbol, not seen before", repr(text))
        symbols[fields[0]] = number
    return symbols


def _read_settings(path: Path) -> dict:
    settings = read_json_object(path)
    prob, dependent = settings.get("silence_prob"), settings.get("position_dependent")
    words = settings.get("word_phones", False)
    if not isinstance(prob, (int, float)) or not 0 <= prob < 1 or not (
            isinstance(dependent, bool) and isinstance(words, bool)):
        raise InputError(str(path), "silence_prob from 0 to below 1, position_dependent and word_phones true or false",
                         f"{prob!r}, {dependent!r} and {words!r}"[:200])
    return {"silence_prob": float(prob), "position_dependent": dependent, "word_phones": words}


def _check_tables(folder: Path, phones: SymbolTable, words: SymbolTable, lists: dict) -> Iterator[InputError]:
    for symbol in (BACKOFF, SENTENCE_START, SENTENCE_END):
        if symbol not in words:
            yield InputError(str(folder / "words.txt"), f"the symbol {symbol}", "none")
    if len(lists["oov"]) != 1:
        yield InputError(str(folder / "oov.txt"), "one word", f"{len(lists['oov'])} words")
    for word, number in lists["oov"].items():
        if word not in words or word in RESERVED_WORDS:
            yield InputError(f"{folder / 'oov.txt'}:{number}", "a word of words.txt", word)
    disambig = list(lists["disambig"])
    if disambig != [f"#{n}" for n in range(len(disambig))] or not disambig:
        yield InputError(str(folder / "disambig.txt"), "#0, #1, ... one a line",
                         " ".join(disambig) or "nothing")
    elif phones.symbols[-len(disambig):] != disambig:
        yield InputError(str(folder / "phones.txt"), "the symbols of disambig.txt at the end",
                         " ".join(phones.symbols[-len(disambig):]))


def _check_phone_lists(folder: Path, phones: SymbolTable, lists: dict,
                       settings: dict) -> Iterator[InputError]:
    silence, nonsilence = lists["silence_phones"], lists["nonsilence_phones"]
    real = {p for p in phones if p != EPS and p not in lists["disambig"]}
    for name, symbols in (("silence_phones", silence), ("nonsilence_phones", nonsilence)):
        for phone, number in symbols.items():
            if phone not in real:
                yield InputError(f"{folder / name}.txt:{number}", "a phone of phones.txt", phone)
    for number, phone in enumerate(phones, 1):
        if phone in real and (phone in silence) == (phone in nonsilence):
            yield InputError(f"{folder / 'phones.txt'}:{number}",
                             "each phone in silence_phones.txt or nonsilence_phones.txt",
                             f"{phone} in {'both' if phone in silence else 'neither'}")
    optional = lists["optional_silence"]
    expected = 1 if settings["silence_prob"] else 0
    if len(optional) != expected or any(phone not in silence for phone in optional):
        yield InputError(str(folder / "optional_silence.txt"),
                         "one silence phone" if expected else "nothing, since silence_prob is 0",
                         " ".join(optional) or "nothing")


def _check_lexicon(folder: Path, lang: Lang) -> Iterator[InputError]:
    path = folder / "lexiconp.txt"
    real = set(lang.phones.symbols[1:lang.num_phones + 1])
    numbers = [number for number, _ in read_lines(path)[0]]
    if lang.lexicon.duplicates:
        yield InputError(str(path), "every pronunciation once", lang.lexicon.notes[-1])
        return
    for number, entry in zip(numbers, lang.lexicon):
        if entry.word not in lang.words:
            yield InputError(f"{path}:{number}", "a word of words.txt", entry.word)
        for phone in entry.phones:
            if phone not in real:
                yield InputError(f"{path}:{number}", "a phone of phones.txt", phone)
    for number, word in enumerate(lang.words, 1):
        if word not in RESERVED_WORDS and word not in lang.lexicon:
            yield InputError(f"{folder / 'words.txt'}:{number}", "a word of lexiconp.txt", word)


def _check_disambiguation(folder: Path, lang: Lang) -> Iterator[InputError]:
    """The file holds the lexicon, and no pronunciation in it begins or equals another."""
    path = folder / "lexiconp_disambig.txt"
    lines = [(number, split_blanks(text)) for number, text in read_lines(path)[0]]
    if len(lines) != len(lang.lexicon):
        yield InputError(str(path), f"the {len(lang.lexicon)} entries of lexiconp.txt", f"{len(lines)} lines")
        return
    symbols = {f"#{n}" for n in range(1, len(lang.disambig_ids))}
    seen: Dict[Tuple[str, ...], int] = {}
    for (number, fields), entry in zip(lines, lang.lexicon):
        phones = tuple(fields[2:])
        plain = phones[:-1] if phones and phones[-1] in symbols else phones
        if fields[:1] != [entry.word] or plain != entry.phones:
            yield InputError(f"{path}:{number}", f"{entry.word} {' '.join(entry.phones)} as in lexiconp.txt",
                             " ".join(fields))
        if phones in seen:
            yield InputError(f"{path}:{number}", "phones that differ from every other line",
                             f"those of line {seen[phones]}")
        seen[phones] = number
    prefixes = {phones[:n]: number for phones, number in seen.items() for n in range(1, len(phones))}
    for phones, number in seen.items():
        if phones in prefixes:
            yield InputError(f"{path}:{number}", "phones that do not begin another line",
                             f"the beginning of line {prefixes[phones]}")
    if len(lang.disambig_ids) < max(lang.disambiguation, default=0) + 2:
        yield InputError(str(folder / "disambig.txt"), f"symbols up to #{max(lang.disambiguation) + 1}",
                         f"up to #{len(lang.disambig_ids) - 1}")


def _check_topology(folder: Path, lang: Lang) -> Iterator[InputError]:
    real = set(range(1, lang.num_phones + 1))
    for phone_id in sorted(real.symmetric_difference(lang.topology.phone_ids)):
        if phone_id in real:
            yield InputError(str(folder / "topo"), f"an entry for phone {lang.phones.symbol_of(phone_id)}",
                             f"none for {phone_id}")
        else:
            yield InputError(str(folder / "topo"), "real phones of phones.txt only", f"phone {phone_id}")
