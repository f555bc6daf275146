"""N-best lists come back as they were written; damaged lines are named."""

import math

import pytest

from graphs.errors import InputError
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.nbest_file import Nbest, read_nbest, write_nbest

LISTS = [Nbest("ü1", 9, [Hypothesis((3, 1), (0, 8), -2.5, {"ctc": -2.0, "lm": -1.0}),
                         Hypothesis((), (), -math.inf, {"attention": -math.inf}, False)]),
         Nbest("u2", 0, []), Nbest("u3", 2 ** 31 - 1, [])]


def test_the_file_comes_back(tmp_path):
    write_nbest(tmp_path / "nbest.jsonl", LISTS)
    assert list(read_nbest(tmp_path / "nbest.jsonl")) == LISTS
    assert [path.name for path in tmp_path.iterdir()] == ["nbest.jsonl"]
    (tmp_path / "both").write_bytes(2 * (tmp_path / "nbest.jsonl").read_bytes())
    assert list(read_nbest(tmp_path / "both")) == 2 * LISTS


@pytest.mark.parametrize("old, new", [
    ('"utterance"', '"name"'), ('"u1"', "1"), ('"u1"', '"\\ud800"'), ('"frames": 9', '"frames": 9.0'),
    ('"frames": 9', '"frames": -1'), ("[3, 1]", "[3]"), ("[3, 1]", "[3, true]"), ("[3, 1]", "[3, 2147483648]"),
    ("[0, 8]", '"08"'), ("-2.5", "NaN"), ("-2.5", "Infinity"), ("-2.5", '"-2.5"'), ("-2.5", "true"),
    ("-2.5", "-1" + 400 * "0"),
    ('{"ctc": -2.0}', "[]"), ("-2.0", "null"), ('"finished": true', '"finished": 1'), ("{", ""), ("[{", "{"),
    ('"u1"', '""'), ('"hypotheses": [', '"hypotheses": "", "rest": ['),
    ('"hypotheses": [', '"hypotheses": {}, "rest": [')])
def test_a_line_that_is_none_is_named(old, new, tmp_path):
    write_nbest(tmp_path / "x", [Nbest("u1", 9, [Hypothesis((3, 1), (0, 8), -2.5, {"ctc": -2.0})])])
    text = (tmp_path / "x").read_text()
    assert old in text
    (tmp_path / "x").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match="x:1: expected utterance, frames and hypotheses"):
        list(read_nbest(tmp_path / "x"))
