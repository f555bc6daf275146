import pytest

from graphs.errors import InputError
from hybrid.lattices.confusions import Confusion, confusions, expected_confusions, made_errors
from hybrid.lattices.sausages import Sausage, Slot
from hybrid.recognize.wer import Reference

SAUSAGES = [Sausage("u1", [Slot({"a": 0.6, "b": 0.3, "<eps>": 0.1}, 0, 1), Slot({"<eps>": 0.8, "c": 0.2}, 1, 1)], 0.5),
            Sausage("u2", [Slot({"a": 0.7, "b": 0.3}, 0, 1), Slot({"d": 1.0}, 1, 2)], 0.3)]
REFERENCES = {"u1": Reference(("b",)), "u2": Reference(("a", "e", "d"))}


def test_expected_confusions_are_sums_of_the_others_probabilities():
    assert expected_confusions(SAUSAGES) == {("a", "b"): pytest.approx(0.6), ("a", "***"): pytest.approx(0.1),
                                             ("***", "c"): pytest.approx(0.2)}


def test_errors_are_those_of_the_likeliest_words():
    assert made_errors(SAUSAGES, REFERENCES) == {("a", "b"): 1, ("***", "e"): 1}
    with pytest.raises(InputError, match="u2"):
        made_errors(SAUSAGES, {"u1": Reference(("b",))})


def test_the_table():
    rows = confusions(expected_confusions(SAUSAGES), made_errors(SAUSAGES, REFERENCES), least=0.15)
    assert rows == [Confusion("a", "b", pytest.approx(0.6), 1), Confusion("***", "c", pytest.approx(0.2), 0),
                    Confusion("***", "e", 0.0, 1)]
    assert len(confusions(expected_confusions(SAUSAGES), {}, least=0.1)) == 3
