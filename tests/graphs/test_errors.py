"""Errors come home from another process as they were."""

import pickle

import pytest

from graphs.errors import DamagedInput, InputError, first_line


@pytest.mark.parametrize("error", [InputError("lexicon.txt:7", "phones", "nothing"),
                                   DamagedInput("best.pt", "what was written", "other bytes", "/work/best.pt")])
def test_errors_are_pickled_whole(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and vars(again) == vars(error)
    assert str(again) == str(error) == f"{error.item}: expected {error.expected}, found {error.found}"


def test_an_exception_in_one_line():
    assert first_line(ValueError("\n  one\ttwo \nthree")) == "ValueError: one two"
    assert first_line(ValueError("Details:\n\n because\nof")) == "ValueError: Details: because"
    assert first_line(ValueError("Details:")) == "ValueError: Details:"
    assert first_line(KeyError()) == "KeyError: "
    assert first_line(ValueError("x" * 400)) == "ValueError: " + "x" * 288
