"""Types of the numbers among a program's arguments: what is out of range is refused before the work starts."""

import argparse
import math
from typing import Callable


def at_least(least: int) -> Callable[[str], int]:
    """Whole numbers from `least` up."""
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) >= least):
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, found {text!r}")
        return int(text)
    return number


def share(text: str) -> float:
    return _number(text, "a number from 0 to 1", lambda number: 0 <= number <= 1)


def factor(text: str) -> float:
    return _number(text, "a finite number of at least 0", lambda number: 0 <= number < math.inf)


def finite(text: str) -> float:
    return _number(text, "a finite number", math.isfinite)


def _number(text: str, expected: str, is_in_range: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not is_in_range(number):
        raise argparse.ArgumentTypeError(f"expected {expected}, found {text!r}")
    return number
