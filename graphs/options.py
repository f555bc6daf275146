"""Options dataclasses whose fields may be choices: other options dataclasses, one of which is chosen by name.

    arch: object = choice(ARCHITECTURES, "tdnn", "network")

holds an instance of ARCHITECTURES["tdnn"] or of another. In conf files and records the keys are flat: `arch = dnn`
stands beside `splice = 3`, which is the DNN's (tools/frame/config.py reads them).
"""

from dataclasses import Field, field, fields
from numbers import Real
from typing import Dict, Mapping


def choice(choices: Mapping[str, type], default: str, help: str):
    """A dataclass field. choices: name -> options dataclass."""
    return field(default=choices[default](), metadata={"help": help, "choices": choices})


def choices_of(option: Field) -> Mapping[str, type]:
    """Empty for a field that is no choice."""
    return option.metadata.get("choices", {})


def chosen_name(choices: Mapping[str, type], value) -> str:
    """The name under which the value's class can be chosen. Raises ValueError for a value of another class."""
    names = [name for name, cls in choices.items() if type(value) is cls]
    if not names:
        raise ValueError(f"expected options of {', '.join(choices)}, found {value!r}")
    return names[0]


def flat(options) -> Dict[str, object]:
    """Key -> value, JSON-able: a choice's name and then its own keys; tuples are lists."""
    values: Dict[str, object] = {}
    for option in fields(options):
        value = getattr(options, option.name)
        if choices_of(option):
            values.update({option.name: chosen_name(choices_of(option), value)}, **flat(value))
        else:
            values[option.name] = list(value) if isinstance(value, tuple) else value
    return values


def from_flat(cls, values: Mapping[str, object]):
    """The options that `flat` made the values of, among which others may stand.

    Raises: KeyError, TypeError or ValueError when there are none of that class.
    """
    found = {}
    for option in fields(cls):
        value = values[option.name]
        if choices_of(option):
            value = from_flat(choices_of(option)[value], values)
        found[option.name] = tuple(value) if isinstance(value, list) else value
    return cls(**found)


def part_of(cls, options):
    """The options of the class among those of a subclass of it."""
    return cls(**{option.name: getattr(options, option.name) for option in fields(cls)})


def check_chosen(options) -> None:
    """Raises ValueError for a choice that holds no options of its classes, but a name, say."""
    for option in fields(options):
        if choices_of(option):
            try:
                chosen_name(choices_of(option), getattr(options, option.name))
            except ValueError as error:
                raise ValueError(f"{option.name}: {error}") from None


def _number(options, name: str):
    """The value of an option. Raises ValueError for what is no number, or no whole one where that is its type."""
    value = getattr(options, name)
    is_whole = any(option.name == name and option.type is int for option in fields(options))
    if not isinstance(value, Real) or is_whole and 0 < value % 1:
        raise ValueError(f"{name}: expected a {'whole ' * is_whole}number, found {value!r}")
    return value


def check_at_least(least: float, options, *names: str) -> None:
    """Raises ValueError for an option that is smaller, or no number."""
    for name in names:
        if not _number(options, name) >= least:
            raise ValueError(f"{name}: expected at least {least}, found {getattr(options, name)}")


def check_positive(options, *names: str) -> None:
    """Raises ValueError for an option that is not a finite number above 0."""
    for name in names:
        if not 0 < _number(options, name) < float("inf"):
            raise ValueError(f"{name}: expected a finite number above 0, found {getattr(options, name)}")


def check_between(least: float, largest: float, options, *names: str) -> None:
    """Raises ValueError for an option that is not from least to largest, both among them."""
    for name in names:
        if not least <= _number(options, name) <= largest:
            raise ValueError(f"{name}: expected {least:g} to {largest:g}, found {getattr(options, name)}")


def check_power_of_2(options, *names: str) -> None:
    """Raises ValueError for an option that is not 1, 2, 4, 8 ..., of those from 1 up."""
    for name in names:
        if _number(options, name) & (getattr(options, name) - 1):
            raise ValueError(f"{name}: expected a power of 2, found {getattr(options, name)}")


def check_choice(choices, options, *names: str) -> None:
    """Raises ValueError for an option that is none of the choices."""
    for name in names:
        if getattr(options, name) not in choices:
            known = ", ".join(map(str, choices))
            raise ValueError(f"{name}: expected one of {known}, found {getattr(options, name)!r}")


def check_share(options, *names: str) -> None:
    """Raises ValueError for an option that is not from 0 to below 1."""
    for name in names:
        if not 0 <= _number(options, name) < 1:
            raise ValueError(f"{name}: expected 0 <= {name} < 1, found {getattr(options, name)}")
