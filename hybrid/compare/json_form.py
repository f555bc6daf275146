"""Dataclasses as JSON objects, by the types of their fields, and back with a complaint about what does not fit.

Fields may be str, int, float, bool, list, Optional or Union of these, Tuple[X, ...], Tuple[X, Y], Dict[str, X] and
other dataclasses. Numbers are finite. A field that the JSON lacks has its default; one that the dataclass lacks is
refused.
"""

import json
import os
import sys
import typing
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from pathlib import Path

from graphs.errors import InputError

_NAMES = {str: "a text", int: "a whole number", float: "a finite number", bool: "true or false", list: "a list",
          type(None): "null"}


def to_json(value):
    """JSON-able: dataclasses are objects, tuples lists."""
    if is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {name: to_json(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(inner) for inner in value]
    return value


def write_json(path: Path, value) -> None:
    """One line a top-level field; the file appears only when it is whole. Raises ValueError for a number that is not
    finite, which JSON has no word for."""
    lines = [f"{json.dumps(name)}: {json.dumps(inner, ensure_ascii=False, allow_nan=False)}"
             for name, inner in to_json(value).items()]
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text("{" + ",\n ".join(lines) + "}\n", encoding="utf-8")
    os.replace(temporary, path)


def from_json(kind, value, item: str):
    """The value as an instance of the type. Raises InputError that names the place, such as `FILE: systems[2].seed`."""
    if is_dataclass(kind):
        return _object(kind, value, item)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Union:
        return _one_of(inner, value, item)
    if origin is dict:
        _check(isinstance(value, dict), item, "an object", value)
        return {name: from_json(inner[1], part, f"{item}.{name}") for name, part in value.items()}
    if origin is tuple:
        _check(isinstance(value, list), item, "a list", value)
        return _tuple(inner, value, item)
    _check(_is(kind, value), item, _NAMES[kind], value)
    return float(value) if kind is float else value


def _object(kind, value, item: str):
    _check(isinstance(value, dict), item, "an object", value)
    hints = _hints(kind)
    strangers = sorted(set(value) - set(hints))
    _check(not strangers, item, f"the fields {', '.join(hints)}", strangers)
    lacking = [f.name for f in fields(kind) if f.name not in value and f.default is MISSING
               and f.default_factory is MISSING]
    _check(not lacking, item, f"the fields {', '.join(lacking)}", list(value))
    return kind(**{name: from_json(hints[name], part, f"{item}.{name}") for name, part in value.items()})


def _tuple(inner, value, item: str) -> tuple:
    if inner[-1] is Ellipsis:
        return tuple(from_json(inner[0], part, f"{item}[{number}]") for number, part in enumerate(value))
    _check(len(value) == len(inner), item, f"{len(inner)} values", value)
    return tuple(from_json(kind, part, f"{item}[{number}]") for number, (kind, part) in enumerate(zip(inner, value)))


def _one_of(kinds, value, item: str):
    """What is of one of the types stays so; a whole number may stand for a float; else the only other type's."""
    if any(kind in _NAMES and _is(kind, value) and type(value) is kind for kind in kinds):
        return value
    if float in kinds and type(value) is int:
        return float(value)
    others = [kind for kind in kinds if kind is not type(None)]
    _check(len(others) == 1, item, " or ".join(_NAMES.get(kind, "another") for kind in kinds), value)
    return from_json(others[0], value, item)


def _is(kind, value) -> bool:
    if kind is float:
        return type(value) in (int, float) and abs(value) <= sys.float_info.max
    if kind is int:
        return type(value) is int and abs(value) < 2 ** 63
    return type(value) is kind


def _check(fits: bool, item: str, expected: str, found) -> None:
    if not fits:
        raise InputError(item, expected, repr(found)[:80])


@lru_cache(maxsize=None)
def _hints(kind) -> dict:
    return typing.get_type_hints(kind)
