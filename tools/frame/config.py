"""Options from a conf file (INI sections) and from `section.key=value` words on the command line."""

import configparser
import dataclasses
import typing
from pathlib import Path
from typing import Dict, Iterable, Optional, Type, TypeVar

from graphs.errors import InputError

# every section that a program reads, so that a misspelled one is found at once
SECTIONS = (
    "corpus", "data", "features", "lang", "topology", "ctc", "bootstrap", "dnn", "am", "align", "graph",
    "search", "score", "lm",
)

Options = TypeVar("Options")
Config = Dict[str, Dict[str, str]]


def read_config(conf: Optional[Path], overrides: Iterable[str] = ()) -> Config:
    """Section -> key -> text. The overrides win over the file.

    Raises InputError for an unknown section, a file that does not parse or a malformed override.
    """
    config: Config = {}
    confs = conf if isinstance(conf, list) else [conf]
    for conf in [c for c in confs if c]:
        parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=("#",))
        parser.optionxform = str
        try:
            with open(conf, encoding="utf-8") as stream:
                parser.read_file(stream)
        except FileNotFoundError:
            raise InputError(f"--conf {conf}", "an existing file", "none") from None
        except configparser.Error as error:
            raise InputError(f"--conf {conf}", "sections of `key = value` lines", str(error)) from None
        for section in parser.sections():
            config.setdefault(section, {}).update(parser[section])
    for override in overrides:
        name, equals, value = override.partition("=")
        section, dot, key = name.rpartition(".")
        if not (equals and dot and section and key):
            raise InputError(f"argument {override!r}", "section.key=value", repr(override))
        config.setdefault(section, {})[key] = value
    for section in config:
        if section.partition('.')[0] not in SECTIONS:
            raise InputError(f"options section {section!r}", f"one of {', '.join(SECTIONS)}", section)
    return config


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
        return kind(text)
    except ValueError:
        raise InputError(item, f"a value of type {kind.__name__}", repr(text)) from None


def make_options(cls: Type[Options], section: str, values: Dict[str, str]) -> Options:
    """An instance of the options dataclass from texts.

    Args:
      cls: a dataclass whose fields are str, int, float, bool, Optional of these, or Tuple[X, ...].
        Its ``__post_init__`` raises ValueError for a value out of range.
      section: for messages.
    Raises: InputError for an unknown key, a text that does not parse, a value out of range.
    """
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    parsed = {}
    for key, text in values.items():
        if key not in names:
            raise InputError(f"option {section}.{key}", f"one of {', '.join(names)}", key)
        parsed[key] = _parse(f"option {section}.{key}", hints[key], text)
    try:
        return cls(**parsed)
    except ValueError as error:
        raise InputError(f"options [{section}]", "values in range", str(error)) from None


def resolve(config, section, system=None):
    merged = {}
    for name in (section, f"{section}.{system}"):
        merged.update(config.get(name, {}))
    return merged


def describe_options(cls, section, values=None):
    return [f"  {section}.{f.name} = {(values or {}).get(f.name, f.default)}   {f.metadata.get('help', '')}" for f in dataclasses.fields(cls)]
