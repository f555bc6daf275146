"""Numbers and lines of text files."""

import pytest

from graphs.text_file import to_float, to_int


@pytest.mark.parametrize("text, value", [("1", 1.0), ("-0.5", -0.5), (".5", 0.5), ("5.", 5.0), ("+1.5e-3", 0.0015)])
def test_numbers(text, value):
    assert to_float(text) == value


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e999", "1_000", "١", " 1", "1.2.3", ".", "e5", "0x10",
                                  pytest.param("9" * 10**6 + "x", id="long")])
def test_what_is_no_number(text):
    """A long one takes no longer than its length (once it took the square of that)."""
    with pytest.raises(ValueError, match="expected a finite number"):
        to_float(text)


@pytest.mark.parametrize("text", ["", "1.0", "1_000", "١", " 1", "9" * 19, "--1"])
def test_what_is_no_integer(text):
    with pytest.raises(ValueError, match="expected a whole number"):
        to_int(text)


def test_integers():
    assert [to_int(text) for text in ("0", "-3", "+7", "9" * 18)] == [0, -3, 7, 10**18 - 1]
