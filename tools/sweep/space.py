"""The values that a sweep tries for an option: a range, or some values.

    am.dropout = 0.1 .. 0.4              numbers between, both ends included
    am.learning_rate = 1e-4 .. 1e-2 log  spread evenly by their logarithm
    am.hidden_dim = 128 .. 512 step 64   whole numbers, when both ends are
    am.num_layers = 2, 4, 6              these
    am.dilations = 1, 1, 3 | 1, 2, 3     these, where a value is itself a list
"""

import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Tuple, Union

from graphs.errors import InputError

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})(\s+log)?(?:\s+step\s+({_NUMBER}))?")
MOST_STEPS = 1e9
_EXPECTED = "LOW .. HIGH, then `log` or `step SIZE` if wanted, or values between commas (or |)"


@dataclass(frozen=True)
class Range:
    """Numbers from low to high; whole ones if both are."""

    low: float
    high: float
    log: bool = False
    step: Optional[float] = None

    def __post_init__(self):
        if not self.low < self.high:
            raise ValueError(f"a range that rises, not {self.low} .. {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log: numbers above 0, and no step")
        if self.step is not None and not (self.high - self.low) / MOST_STEPS <= self.step <= self.high - self.low:
            raise ValueError(f"a step that fits the range once at least, {MOST_STEPS:g} times at most, not {self.step}")
        if self.whole and isinstance(self.step, float):
            raise ValueError(f"a whole step from one whole number to another (1.0 is none), not {self.step}")

    @property
    def whole(self) -> bool:
        return all(isinstance(number, int) for number in (self.low, self.high))

    @property
    def tried(self) -> List[str]:
        """Values that stand for all others when options are checked."""
        return [str(self.low), str(self.high)]

    def suggest(self, trial, name: str) -> Union[int, float]:
        """The value of an Optuna trial."""
        if self.whole:
            return trial.suggest_int(name, self.low, self.high, log=self.log, step=self.step or 1)
        return trial.suggest_float(name, self.low, self.high, log=self.log, step=self.step)


@dataclass(frozen=True)
class Choices:
    """Texts, as they stand in a conf file."""

    values: Tuple[str, ...]

    def __post_init__(self):
        if len(set(self.values)) < max(2, len(self.values)) or "" in self.values:
            raise ValueError("two or more values, each once")

    @property
    def tried(self) -> List[str]:
        return list(self.values)

    def suggest(self, trial, name: str) -> str:
        return trial.suggest_categorical(name, list(self.values))


Space = Dict[str, Union[Range, Choices]]  # SECTION.KEY -> what is tried


def read_space(values: Mapping[str, str]) -> Space:
    """Raises InputError that names the option, for a text that is neither a range nor values, and without any."""
    if not values:
        raise InputError("section [space]", "options with the values to try, such as am.dropout = 0.1 .. 0.4", "none")
    return {key: _read(key, text.strip()) for key, text in values.items()}


def _read(key: str, text: str) -> Union[Range, Choices]:
    if "." not in key:
        raise InputError(f"[space] {key}", "SECTION.KEY or SECTION.SYSTEM.KEY", key)
    found = _RANGE.fullmatch(text)
    try:
        if found:
            low, high, log, step = found.groups()
            return Range(_number(low), _number(high), bool(log), None if step is None else _number(step))
        if ".." in text:
            raise ValueError(_EXPECTED)
        return Choices(tuple(value.strip() for value in text.split("|" if "|" in text else ",")))
    except ValueError as error:
        raise InputError(f"[space] {key}", str(error), repr(text)[:200]) from None


def _number(text: str) -> Union[int, float]:
    """Raises ValueError for what overflows."""
    number = int(text) if re.fullmatch(r"[-+]?\d{1,15}", text) else float(text)
    if abs(number) > 1e300:
        raise ValueError(f"finite numbers, not {text[:40]}")
    return number
