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
        check(Options(seed=value))
    for value in bad:
        with pytest.raises(ValueError, match=f"seed: expected .*, found {value!r}"):
            check(Options(seed=value))
