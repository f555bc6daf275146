"""What the arguments of programs over lattices change, and the figures that they tell, on lattices that are known."""

import re
import shutil

import numpy as np
import pytest

from graphs.lattices.lattice_io import read_lattices, write_lattices
from hybrid.recognize.nbest import best_sentences
from tests.graphs.arpas import arpa_text
from tests.hybrid.lattices.material import LANG, lattice_of
from tests.tools.test_lattice_programs import SAID, SCALES, folder, run, text, transcribed  # noqa: F401
from tools import decode_on_the_fly
from tools.frame.program import Job
from tools.frame.records import read_record
from tools.lattices import calibrate, compose, confusions, draw, join, reshape, rescore, scale, statistics


def facts(folder, out):  # noqa: F811
    return read_record(folder / out)["facts"]


@pytest.mark.parametrize("more, expected", [
    ([], {"bad add b": "0.40", "bad bee bad": "0.35", "b add bad": "0.25"}),
    (["score.lm_scale=3", "score.acoustic_scale=3"], {"bad add b": "0.40", "bad bee bad": "0.35", "b add bad": "0.25"}),
    (["score.lm_scale=1", "score.acoustic_scale=2"], {"bad add b": "0.37", "bad bee bad": "0.34", "b add bad": "0.29"}),
    (["--max-states", "1", "--sentences", "1"], {"bad": "1.00", "add": "1.00", "b": "1.00"}),
    (["--max-states", "2", "--sentences", "1"], {"bad add b": "0.40", "bad bee bad": "0.35", "b add bad": "0.25"})])
def test_probabilities_in_pictures(folder, monkeypatch, more, expected):  # noqa: F811
    """Of paths, by the scales over the larger of both; in a lattice of too many states, of its best sentences alone."""
    monkeypatch.setattr(shutil, "which", lambda name: None)  # matplotlib writes texts into comments, Graphviz does not
    write_lattices(folder / "one", 0, [lattice_of(SAID, "u0")])
    assert run(draw, folder, "out", "--lattices", "@one", "--format", "svg", options=[*SCALES, *more]) == 0
    found = re.findall(r"<!-- ([^-]*?) -->", text(folder, "out/u0.svg"))
    assert {word: p for word, p in zip(found, found[1:]) if re.fullmatch("[a-z]+( [a-z]+)*", word)} == expected


def test_expected_errors_have_two_digits(folder):  # noqa: F811
    write_lattices(folder / "one", 0, [lattice_of([("bad", "B A D", 0.623), ("add", "A D D", 0.377)], "u0")])
    assert transcribed(folder) == 0 and facts(folder, "mbr")["expected_errors"] == 0.38
    assert run(confusions, folder, "pairs", "--sausages", "@mbr") == 0
    assert facts(folder, "pairs") == {"pairs": 1, "expected": 0.38, "errors": 0}
    assert text(folder, "pairs/confusions.tsv").splitlines()[1:] == ["bad\tadd\t0.377\t0"]


def test_the_picture_is_that_of_the_last_set(folder, monkeypatch):  # noqa: F811
    from hybrid.report import reliability_picture
    drawn, draw_reliability = [], reliability_picture.draw_reliability
    monkeypatch.setattr(reliability_picture, "draw_reliability",
                        lambda title, sets: drawn.append((title, sets["as they are"])) or draw_reliability(title, sets))
    (folder / "dev.ctm").write_text("u0 1 0 1 bad 0.9\nu0 1 1 1 add 0.5\n")
    (folder / "test.ctm").write_text("u0 1 0 1 b 0.25\n")
    for more in ([], ["--test-ctm", "@test.ctm", "--test-cuts", "@said.txt"]):
        assert run(calibrate, folder, "out", "--ctm", "@dev.ctm", "--cuts", "@said.txt", *more) == 0
    assert drawn == [("dev set", ([0.9, 0.5], [True, True])), ("test set", ([0.25], [False]))]


def even_model(**log10):
    """An ARPA file whose words are all alike, but those that are given."""
    words = {**dict.fromkeys(("bad", "add", "b", "bee"), -0.6), **log10}
    return arpa_text([[(-99.0, "<s>", None), (-0.5, "</s>", None), *((p, word, None) for word, p in words.items())]])


# --- seconds, arcs and frames

@pytest.mark.parametrize("program, more", [
    (scale, []), (reshape, ["--steps", "sort"]), (rescore, ["--lm", "@lm.arpa", "rescore.beam=100"])])
def test_seconds_of_the_search_and_those_of_this(folder, monkeypatch, program, more):  # noqa: F811
    """Lattices that no search tells of have taken none."""
    monkeypatch.setattr(Job, "seconds", lambda job: 1.23456)
    (folder / "lm.arpa").write_text(even_model())
    assert run(program, folder, "first", "--lattices", "@one", *more) == 0
    assert facts(folder, "first")["search_seconds"] == 1.23
    assert run(program, folder, "second", "--lattices", "@first", *more) == 0
    assert facts(folder, "second")["search_seconds"] == 2.46


def test_arcs_a_frame(folder, capsys):  # noqa: F811
    """Of seven frames, of one, and of none, which count as one."""
    for number, expected in ((7, 2 / 7), (1, 2.0), (0, 2.0)):
        src, dst, ids = np.array([0, 1]), np.array([1, 2]), np.arange(1, number + 1)
        lattice = lattice_of([("b", "B", 1.0)], "u")
        lattice = type(lattice)("u", number, src, dst, [1, 0], [0.0, 0.0], [0.0, 0.0], ids, [number, number])
        write_lattices(folder / "one", 0, [lattice])
        assert run(scale, folder, "out", "--lattices", "@one") == 0
        assert facts(folder, "out")["arcs_per_frame"] == round(expected, 3) and facts(folder, "out")["frames"] == number
        assert f"{number} frames, {expected:.2f} lattice arcs a frame\n" in capsys.readouterr().err
        assert run(statistics, folder, "sizes", "--lattices", "@one") == 0
        assert facts(folder, "sizes")["depth"] == min(1, number) and facts(folder, "sizes")["frames"] == number


# --- language models

def paths(folder):  # noqa: F811
    """words -> graph score, of the lattice u0."""
    lattice = next(lattice for lattice in read_lattices(folder) if lattice.utterance_id == "u0")
    return {" ".join(map(LANG.words.symbol_of, one.word_ids)): one.graph for one in best_sentences(lattice, 9)}


def test_the_word_that_stands_for_unknown_ones(folder):  # noqa: F811
    (folder / "lm.arpa").write_text(arpa_text([[
        (-99.0, "<s>", None), (-0.25, "</s>", None), (-0.5, "bad", None), (-1.0, "b", None), (-2.0, "<unk>", None)]]))
    more = ["--lattices", "@one", "--arpa", "@lm.arpa", "--max-failed-share", "1"]
    assert run(compose, folder, "with", *more, "--oov-word", "add") == 0
    gain = {"bad add b": -0.5 - 2.0 - 1.0 - 0.25, "b add bad": -1.0 - 2.0 - 0.5 - 0.25}
    expected = {said: np.log(share) + np.log(10) * gain[said] for said, _, share in SAID if said in gain}
    assert paths(folder / "with") == pytest.approx(expected, abs=1e-4)  # no path with bee
    assert run(compose, folder, "without", *more) == 2  # no path at all


def test_weights_to_choose_from_are_rescored_by_their_mean(folder):  # noqa: F811
    """By it the beam cuts; what it leaves is scored by the one that is chosen."""
    (folder / "even.arpa").write_text(even_model())
    (folder / "odd.arpa").write_text(even_model(bad=-0.2, add=-0.7, b=-1.5, bee=-0.9))

    def rescored(out, *more):
        assert run(rescore, folder, out, "--lattices", "@one", "--graph-lm", "@even.arpa", "--lm", "@odd.arpa", *more,
                   options=["rescore.beam=2.6", "rescore.acoustic_scale=1"]) == 0
        return paths(folder / out)
    (folder / "two.txt").write_text("u0 bad bee bad\nu1 bad bee bad\n")
    left = {weight: set(rescored(f"by_{weight}", f"rescore.lm_weight={weight}")) for weight in ("0.5", "1", "2")}
    assert left["0.5"] > left["1"] > left["2"]  # or the next line would say little
    found = rescored("chosen", "--weights", "0.5", "1.5", "--cuts", "@two.txt", "score.lm_scales=1",
                     "score.word_insertion_penalties=0")
    assert set(found) == left["1"] and facts(folder, "chosen")["lm_weight"] in (0.5, 1.5)


def test_weights_of_mixtures_have_six_digits(folder):  # noqa: F811
    for name in ("one", "two"):
        (folder / f"{name}.arpa").write_text(even_model())
    assert run(rescore, folder, "out", "--lattices", "@one", "--lm", "@one.arpa", "@two.arpa", "--mixture",
               "0.1234567", "0.8765433") == 0
    assert facts(folder, "out")["mixture"] == [0.123457, 0.876543]


@pytest.mark.parametrize("program, may_lack", [(rescore, True), (decode_on_the_fly, False)])
def test_whether_lattices_may_lack_a_model_is_told(program, may_lack, capsys):
    assert program.PROGRAM.run(program.work, ["--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert ("default: the lattices have no language model" in told) == may_lack


def test_lattices_without_a_table_of_words_are_joined(folder):  # noqa: F811
    write_lattices(folder / "two", 0, [lattice_of([("b bee", "B SIL B SIL B SIL B SIL", 1.0)], "u0")])
    (folder / "two/words.txt").unlink()
    assert run(join, folder, "out", "--lattices", "@one", "--others", "@two", "--how", "union") == 0
    assert set(paths(folder / "out")) == {*(said for said, *_ in SAID), "b bee"}
