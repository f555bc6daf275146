"""Options that are chosen by name, and the checks that options share."""

import math
from dataclasses import dataclass, field, fields
from typing import Tuple

import pytest

from graphs.options import (check_at_least, check_between, check_choice, check_positive, check_power_of_2, check_share,
                            choice, choices_of, chosen_name, flat)


@dataclass(frozen=True)
class Small:
    splice: int = 3


@dataclass(frozen=True)
class Large:
    layers: Tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Options:
    arch: object = choice({"small": Small, "large": Large}, "large", "network")
    seed: int = field(default=0, metadata={"help": "of all"})


@dataclass(frozen=True)
class OfAnyType:
    seed: object


def test_a_choice_stands_beside_its_own_options():
    assert flat(Options()) == {"arch": "large", "layers": [1, 2], "seed": 0}
    assert flat(Options(arch=Small(5), seed=7)) == {"arch": "small", "splice": 5, "seed": 7}
    arch, seed = fields(Options)
    assert list(choices_of(arch)) == ["small", "large"] and choices_of(seed) == {}
    assert arch.metadata["help"] == "network" and chosen_name(choices_of(arch), Small()) == "small"
    with pytest.raises(ValueError, match="expected options of small, large, found 3"):
        flat(Options(arch=3))


@pytest.mark.parametrize("check, good, bad", [
    (lambda options: check_at_least(2, options, "seed"), (2, 3, math.inf), (1, -1, math.nan)),
    (lambda options: check_positive(options, "seed"), (1e-9, 5), (0, -1, math.inf, math.nan)),
    (lambda options: check_between(-2, 3.5, options, "seed"), (-2, 0, 3.5), (-2.1, 3.6, -math.inf, math.nan)),
    (lambda options: check_choice(("two", "three"), options, "seed"), ("two", "three"), (2, "", "t")),
    (lambda options: check_choice((0, 1), options, "seed"), (0, 1), (2, 0.5)),
    (lambda options: check_power_of_2(options, "seed"), (1, 2, 64), (3, 6, 65)),
    (lambda options: check_share(options, "seed"), (0, 0.5, 0.999), (-0.1, 1, 1.5, math.nan))])
def test_checks_name_the_option(check, good, bad):
    for value in good:
        check(OfAnyType(value))
    for value in bad:
        with pytest.raises(ValueError, match=f"seed: expected .*, found {value!r}"):
            check(OfAnyType(value))


@dataclass(frozen=True)
class Numbers:
    whole: int = 3
    share: float = 0.5

    def __post_init__(self):
        check_at_least(1, self, "whole")
        check_share(self, "share")


@pytest.mark.parametrize("given, message", [
    ({"whole": 2.5}, "whole: expected a whole number, found 2.5"), ({"whole": "3"}, "whole: expected a whole number"),
    ({"whole": None}, "found None"), ({"whole": math.nan}, "whole: expected at least 1, found nan"),
    ({"share": "0.5"}, "share: expected a number, found '0.5'"), ({"share": None}, "share: expected a number")])
def test_options_of_another_type_are_named(given, message):
    assert Numbers(whole=3.0).whole == 3 and Numbers(whole=math.inf, share=0).share == 0
    with pytest.raises(ValueError, match=message):
        Numbers(**given)
