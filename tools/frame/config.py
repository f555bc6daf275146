"""Options from conf files (INI sections) and from `section.key=value` words on the command line.

An option that is a choice (graphs/options.py) takes a name, and the keys of what is chosen stand beside it:
`arch = dnn` and `splice = 3` in [am], or `am.arch=dnn am.splice=3`. Of one option of a system, the lowest first:
[am] of the conf files, [am.SYSTEM], am.key of the command line, am.SYSTEM.key. A heading of a conf file can name
several systems that have the same options: [score.joint, transducer].
"""

import configparser
import dataclasses
import difflib
import math
import typing
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple, Type, TypeVar

from graphs.errors import InputError
from graphs.options import choices_of, chosen_name

# every section that a program reads, so that a misspelled one is found at once
SECTIONS = (
    "corpus", "data", "features", "augment", "lang", "topology", "ctc", "bootstrap", "dnn", "tree", "convert", "am",
    "fmllr", "ivectors", "adapt", "align", "times", "graph", "search", "combine", "score", "lm", "prune", "classes",
    "neural_lm", "e2e", "e2e_search", "rescore", "model_rescore", "mbr", "rover", "filter", "determinize", "compare",
    "page", "sweep", "space", "pieces",
)

Options = TypeVar("Options")
Sections = Dict[str, Dict[str, str]]


class OtherChoice(InputError):
    """An option of something that could have been chosen, and was not."""


class Config(NamedTuple):
    """Section -> key -> text, of the conf files and of the command line."""

    conf: Sections
    words: Sections

    def sections(self) -> Set[str]:
        return {*self.conf, *self.words}


def read_config(confs: Sequence[Path], overrides: Iterable[str] = ()) -> Config:
    """
    Args:
      confs: of several values for a key the last wins.
      overrides: `section.key=value`, likewise.
    Raises: InputError for an unknown section, a file that does not parse or a malformed override.
    """
    config = Config({}, {})
    for conf in confs:
        for section, values in _read_file(conf).items():
            config.conf.setdefault(section, {}).update(values)
    for override in overrides:
        name, equals, value = override.partition("=")
        section, dot, key = name.rpartition(".")
        if not (equals and dot and section and key) or not _is_text(override):
            raise InputError(f"argument {override!r}", "section.key=value", repr(override))
        config.words.setdefault(section, {})[key] = value
    for section in sorted(config.sections()):
        if section.partition(".")[0] not in SECTIONS:
            raise InputError(f"options section {section!r}", f"one of {', '.join(SECTIONS)}", section)
    return config


def is_option(word: str) -> bool:
    """`section.key=value` of a section that there is."""
    section, dot, _ = word.partition("=")[0].partition(".")
    return bool(dot) and "=" in word and section in SECTIONS


def resolve(config: Config, section: str, system: Optional[str] = None) -> Dict[str, str]:
    """Key -> text for a program of the section, and of a system if there is one."""
    names = [section] + [f"{section}.{system}"] * bool(system)
    return {key: text for layer in config for name in names for key, text in layer.get(name, {}).items()}


def _is_text(text: str) -> bool:
    """Could it be written to a file? (What was no UTF-8 on the command line could not.)"""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _read_file(conf: Path) -> Sections:
    item, expected = f"options file {conf}", "sections of `key = value` lines"
    try:
        data = Path(conf).read_bytes()
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(item, "an existing file", "none") from None
    except OSError as error:
        raise InputError(item, "a file that can be read", str(error.strerror)) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{item}, line {line}", "UTF-8 text", f"the byte 0x{data[error.start]:02x}") from None
    # no default section: [DEFAULT] is as unknown as others
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=("#",), default_section="")
    parser.optionxform = str
    try:
        parser.read_string(text, source=str(conf))
    except configparser.ParsingError as error:
        lines = getattr(error, "errors", None) or [(error.lineno, error.line.strip())]
        raise InputError(f"{item}, line {lines[0][0]}", expected, str(lines[0][1])[:80]) from None
    except configparser.Error as error:
        raise InputError(item, expected, " ".join(str(error).split())[:200]) from None
    sections: Sections = {}
    for heading in parser.sections():
        for section in _named(heading):
            sections.setdefault(section, {}).update(parser[heading])
    return sections


def _named(heading: str) -> List[str]:
    """The sections of a heading: one, or one for each of the systems `SECTION.A, B`."""
    section, dot, systems = heading.partition(".")
    return [f"{section}{dot}{system.strip()}" for system in systems.split(",")]


def make_options(cls: Type[Options], section: str, values: Mapping[str, str]) -> Options:
    """An instance of the options dataclass from texts.

    Args:
      cls: a dataclass whose fields are str, int, float, bool, Optional of these, Tuple[X, ...], or choices.
        Its ``__post_init__`` raises ValueError for a value out of range.
      section: for messages.
    Raises: InputError for an unknown key, a text that does not parse, a value out of range; OtherChoice for a key
      of something else than what is chosen.
    """
    known = {option.name for option, _ in _options(cls(), section, values)}
    for key in values:
        if key not in known:
            raise _unknown(cls, section, values, key, sorted(known))
    return _filled(cls(), section, values)


def _choose(option: dataclasses.Field, default, section: str, values: Mapping[str, str]):
    """The chosen dataclass with its defaults."""
    choices = choices_of(option)
    name = values.get(option.name)
    if name is None or choices.get(name) is type(default):
        return default
    if name not in choices:
        raise InputError(f"option {section}.{option.name}", f"one of {', '.join(choices)}", repr(name))
    return choices[name]()


def _options(defaults, section: str, values: Mapping[str, str]) -> Iterator[Tuple[dataclasses.Field, object]]:
    """(option, default) of the dataclass, with those of what the values choose after each choice."""
    for option in dataclasses.fields(defaults):
        default = getattr(defaults, option.name)
        yield option, default
        if choices_of(option):
            yield from _options(_choose(option, default, section, values), section, values)


def _filled(defaults, section: str, values: Mapping[str, str]):
    hints = typing.get_type_hints(type(defaults))
    parsed = {}
    for option in dataclasses.fields(defaults):
        default = getattr(defaults, option.name)
        if choices_of(option):
            parsed[option.name] = _filled(_choose(option, default, section, values), section, values)
        elif option.name in values:
            parsed[option.name] = _parse(f"option {section}.{option.name}", hints[option.name], values[option.name])
    try:
        return dataclasses.replace(defaults, **parsed)
    except ValueError as error:
        raise InputError(f"options [{section}]", "values in range", str(error)) from None


def _unknown(cls, section: str, values: Mapping[str, str], key: str, known: List[str]) -> InputError:
    item = f"option {section}.{key}"
    for option, default in _options(cls(), section, values):
        choices = choices_of(option)
        owners = [name for name, other in choices.items() if key in other.__dataclass_fields__]
        if owners:
            chosen = values.get(option.name) or chosen_name(choices, default)
            taken = ", ".join(choices[chosen].__dataclass_fields__)
            return OtherChoice(item, f"an option of {option.name} = {chosen} ({taken})",
                               f"{key}, one of {option.name} = {' or '.join(owners)}")
    alike = difflib.get_close_matches(key, known, 1)
    return InputError(item, f"one of {', '.join(known)}", key + (f"; did you mean {alike[0]}?" if alike else ""))


_TYPES = {int: "a whole number", float: "a number", str: "a text"}


def _parse(item: str, kind, text: str):
    if typing.get_origin(kind) is typing.Union:  # Optional[X]
        if text.lower() in ("none", ""):
            return None
        kind = next(k for k in typing.get_args(kind) if k is not type(None))
    if kind is bool:
        if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
            raise InputError(item, "true or false", repr(text))
        return text.lower() in ("true", "yes", "1")
    if typing.get_origin(kind) is tuple:
        element = typing.get_args(kind)[0]
        return tuple(_parse(item, element, part) for part in text.replace(",", " ").split())
    try:
        value = kind(text)
    except ValueError:
        raise InputError(item, _TYPES[kind], repr(text)) from None
    if kind is float and math.isnan(value):
        raise InputError(item, _TYPES[kind], repr(text))
    return value


def describe_options(cls, section: str, values: Optional[Mapping[str, str]] = None,
                     system: str = "") -> List[List[str]]:
    """Blocks of lines, a title and a line for each option: value, what it is, default.

    The first block holds the values given and defaults, with the options of what is chosen; then come those of each
    other choice.
    """
    values = values or {}
    name = f"[{section}]" + (f" of system {system}" if system else "")
    blocks = [[name] + [_line(section, option, default, values)
                        for option, default in _options(cls(), section, values)]]
    for option, default in _options(cls(), section, values):
        choices = choices_of(option)
        for other in choices:
            if other != (values.get(option.name) or chosen_name(choices, default)):
                blocks.append([f"[{section}] with {option.name} = {other}"] + [
                    _line(section, *pair, {}) for pair in _options(choices[other](), section, {})])
    return blocks


def _line(section: str, option: dataclasses.Field, default, values: Mapping[str, str]) -> str:
    help, choices = option.metadata.get("help", ""), choices_of(option)
    if choices:
        default, help = chosen_name(choices, default), f"{help}: one of {', '.join(choices)}"
    default = ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)
    given = values.get(option.name, default)
    changed = "" if given == default else f" (default {default})"
    return f"  {section}.{option.name} = {given}".ljust(38) + f"  {help}{changed}"
