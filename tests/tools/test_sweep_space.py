"""The values that a sweep tries."""

import pytest

from graphs.errors import InputError
from tools.sweep.space import Choices, Range, read_space


@pytest.mark.parametrize("text, expected", [
    ("0.1 .. 0.4", Range(0.1, 0.4)), ("1e-4..1e-2 log", Range(1e-4, 1e-2, log=True)), ("-1 .. 1.", Range(-1, 1.0)),
    ("128 .. 512 step 64", Range(128, 512, step=64)), ("1 .. 2 step 1", Range(1, 2, step=1)),
    ("1.0 .. 2 step 0.25", Range(1.0, 2, step=0.25)), ("0 .. 1e300", Range(0, 1e300)),
    ("1 .. 64 log", Range(1, 64, log=True)),
    ("2, 4, 6", Choices(("2", "4", "6"))), ("1, 1, 3 | 1, 2", Choices(("1, 1, 3", "1, 2"))),
    ("true, false", Choices(("true", "false"))),
])
def test_ranges_and_values(text, expected):
    assert read_space({"am.x": text}) == {"am.x": expected}


def test_ranges_of_whole_numbers_are_whole():
    assert Range(1, 8).whole and not Range(1, 8.0).whole and not Range(0.5, 2).whole


class Asked:
    """In place of a trial: the arguments of what it is asked for."""

    def __getattr__(self, kind):
        return lambda *words, **more: (kind, *words, more)


@pytest.mark.parametrize("values, tried, asked", [
    (Range(1, 8), ["1", "8"], ("suggest_int", "am.x", 1, 8, {"log": False, "step": 1})),
    (Range(4, 8, step=2), ["4", "8"], ("suggest_int", "am.x", 4, 8, {"log": False, "step": 2})),
    (Range(0.5, 8, log=True), ["0.5", "8"], ("suggest_float", "am.x", 0.5, 8, {"log": True, "step": None})),
    (Choices(("a", "b")), ["a", "b"], ("suggest_categorical", "am.x", ["a", "b"], {})),
])
def test_what_a_trial_is_asked_for_and_what_is_tried_before(values, tried, asked):
    assert (values.tried, values.suggest(Asked(), "am.x")) == (tried, asked)


@pytest.mark.parametrize("key, text", [
    ("am.x", "0.4 .. 0.1"), ("am.x", "0.1 .. 0.1"), ("am.x", "0 .. 1 log"), ("am.x", "1 .. 2 step 0"),
    ("am.x", "0.0 .. 2.0 step 1e-300"),
    ("am.x", "1 .. 2 step 2"), ("am.x", "1 .. 8 step 0.5"), ("am.x", "1 .. 2.. 3, 4"),
    ("am.x", "1 .. 9 log step 2"), ("am.x", "one"), ("am.x", "a, a"), ("am.x", "a, , b"),
    ("am.x", "0.1 .. b"), ("am.x", "1 .. 1e999"), ("am.x", ""), ("x", "1 .. 2")])
def test_what_is_no_space_is_named(key, text):
    with pytest.raises(InputError, match=rf"\[space\] {key}"):
        read_space({key: text})
    with pytest.raises(InputError, match="section .space."):
        read_space({})
