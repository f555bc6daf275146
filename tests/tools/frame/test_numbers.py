"""Numbers among the arguments of programs: those out of range are refused before anything is done."""

import argparse

import pytest

from tools import decode, decode_e2e, decode_on_the_fly, rescore_with_model
from tools.frame.numbers import at_least, factor, finite, share
from tools.lattices import calibrate, compose, convert, draw, nbest, prune, rescore, sample


@pytest.mark.parametrize("kind, text, value", [
    (at_least(1), "1", 1), (at_least(0), "007", 7), (share, "0", 0.0), (share, "1", 1.0), (share, "-0", 0.0),
    (factor, "2.5e1", 25.0), (factor, "0", 0.0), (finite, "0", 0.0), (finite, "-3", -3.0)])
def test_numbers_in_range(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize("kind, texts", [
    (at_least(1), ("0", "-3", "1.5", "x", "", "1e3", "\u0663", "nan")), (share, ("nan", "1.01", "-0.1", "inf", "x")),
    (factor, ("nan", "-1", "inf", "1e400", "")), (finite, ("nan", "-inf", "1e400", "one"))])
def test_others_are_told_with_what_is_expected(kind, texts):
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError, match=f"expected .* number.*, found '{text}'"):
            kind(text)


@pytest.mark.parametrize("program, words", [
    *((program, ["--part-size", "0"]) for program in (decode, decode_e2e, decode_on_the_fly, rescore_with_model,
                                                      convert, rescore)),
    (decode, ["--part-size", "-3"]), (decode, ["--ctc-prior-scale", "nan"]), (draw, ["--number", "-3"]),
    (nbest, ["--number", "0"]), (sample, ["--seed", "-1"]), (prune, ["--beam", "nan"]),
    (prune, ["--max-failed-share", "nan"]), (prune, ["--graph-scale", "1e400"])])
def test_programs_refuse_them(program, words, tmp_path, capsys):
    with pytest.raises(SystemExit) as status:
        program.PROGRAM.run(program.work, ["--out", str(tmp_path / "out"), *words])
    assert status.value.code == 2 and f"argument {words[0]}: expected" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("program, option, least", [
    *((program, "--part-size", 1) for program in (decode, decode_e2e, decode_on_the_fly, rescore_with_model, convert,
                                                  rescore)),
    (calibrate, "--seed", 0), (compose, "--backoff", 0), (draw, "--number", 1), (draw, "--max-states", 0),
    (draw, "--sentences", 1), (nbest, "--number", 1), (sample, "--number", 1), (sample, "--seed", 0)])
def test_the_least_of_whole_numbers_is_told(program, option, least, capsys):
    with pytest.raises(SystemExit):
        program.PROGRAM.parse(["--out", "out", option, str(least - 1)])
    told = capsys.readouterr().err
    assert f"argument {option}: expected a whole number of at least {least}, found '{least - 1}'\n" in told
    with pytest.raises(SystemExit):  # since others are required
        program.PROGRAM.parse([option, str(least)])
    assert option not in capsys.readouterr().err.splitlines()[-1]
