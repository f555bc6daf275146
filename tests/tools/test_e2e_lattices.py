"""What programs over lattices make of an end-to-end system's: N-best lists over characters whose times are known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import read_lattices, write_lattices
from hybrid.data.manifest import write_cuts
from hybrid.e2e.nbest_file import Nbest, write_nbest
from hybrid.e2e.nbest_lattice import nbest_lattice
from hybrid.e2e.tokens import TokenTable
from hybrid.lattices.frames import Frames
from hybrid.lattices.sausages import read_sausages
from hybrid.nn.model_folder import write_description
from hybrid.nn.tdnn import TdnnOptions
from tests.graphs.arpas import arpa_text
from tests.hybrid.data.material import ready_corpus
from tests.hybrid.e2e.test_nbest_lattice import hypothesis
from tests.hybrid.lattices.material import LANG, TRANSITIONS, lattice_of
from tests.reference.slf import read_slf
from tools import combine, rover, score
from tools.artefacts.registry import kind_of, problems_of
from tools.frame.records import write_record
from tools.lattices import (
    convert, ctm, determinize, draw, join, mbr, nbest, oracle, prune, rescore, reshape, sample, scale, statistics)
from tools.show import main as show

TOKENS = TokenTable.characters([["abde"]])
SCALES = ["score.lm_scale=1", "score.acoustic_scale=1"]
# words, frame of each character and space, score of the model: `bead` is no word of the lang
SAID = [("bad add", [2, 3, 4, 5, 9, 10, 11], 0.4), ("bad bead", [2, 3, 4, 5, 8, 9, 10, 11], 0.35),
        ("b add", [4, 6, 9, 10, 11], 0.25)]
LM = {"bad": -0.5, "add": -0.75, "b": -2.0, "<unk>": -1.5, "</s>": -0.25}  # log10


def lattice(name, said=SAID, words=None):
    hypotheses = [hypothesis(TOKENS.encode(text.split()), frames, float(np.log(share))) for text, frames, share in said]
    return nbest_lattice(name, hypotheses, 15, TOKENS, words)


@pytest.fixture
def folder(tmp_path):
    words = SymbolTable(LANG.words.symbols)
    lattices = [lattice("u0", words=words), lattice("u1", [("", [], 1.0)], words)]
    write_lattices(tmp_path / "e2e", 0, lattices)
    words.write(tmp_path / "e2e" / "words.txt")
    Frames(0.04, tuple(TOKENS.symbols)).write(tmp_path / "e2e")
    write_lattices(tmp_path / "hybrid", 0, [lattice_of([("bad bee", "SIL B A D SIL SIL B SIL", 1.0)], name)
                                            for name in ("u0", "u1")])
    LANG.words.write(tmp_path / "hybrid" / "words.txt")
    TRANSITIONS.write(tmp_path / "hybrid" / "transitions")
    (tmp_path / "said.txt").write_text("u0 bad bead\nu1\n")
    (tmp_path / "lm.arpa").write_text(arpa_text([[(-99.0, "<s>", None), *(
        (p, word, None) for word, p in LM.items())]]))
    return tmp_path


def run(program, folder, out, *arguments, options=(), lattices="e2e"):
    words = [str(folder / word[1:]) if word.startswith("@") else word for word in arguments]
    source = ["--lattices", str(folder / lattices)] if lattices else []
    return program.PROGRAM.run(program.work, [*source, *words, "--out", str(folder / out), "--nj", "1", *options])


def text(folder, name):
    return (folder / name).read_text(encoding="utf-8")


def paths(folder):
    """utterance_id -> {words: [acoustic, graph]}"""
    from hybrid.recognize.nbest import best_sentences
    words = SymbolTable.read(folder / "words.txt")
    return {one.utterance_id: {" ".join(map(words.symbol_of, s.word_ids)): np.round([s.acoustic, s.graph], 3).tolist()
                               for s in best_sentences(one, 9)} for one in read_lattices(folder)}


@pytest.mark.parametrize("more", [[], ["--lang", "@lang"]])
def test_words_and_tokens_have_seconds_of_the_encoder(folder, more):
    from graphs.lang.lang_folder import write_lang
    write_lang(LANG, folder / "lang")
    assert run(ctm, folder, "ctm", *more, options=SCALES) == 0
    assert text(folder, "ctm/words.ctm").splitlines() == [
        "u0 1 0.0800 0.1200 bad 0.750000", "u0 1 0.3600 0.1200 add 0.650000"]
    phones = [line.split() for line in text(folder, "ctm/phones.ctm").splitlines()]
    assert [(row[4], row[2], row[5]) for row in phones] == [
        ("b", "0.0800", "0.750000"), ("a", "0.1200", "0.750000"), ("d", "0.1600", "0.750000"),
        ("\u2581", "0.2000", "0.750000"), ("a", "0.3600", "0.650000"), ("d", "0.4000", "0.650000"),
        ("d", "0.4400", "1.000000")]
    assert {row[3] for row in phones} == {"0.0400"}
    assert json.loads(text(folder, "ctm/.stage.json"))["facts"]["times_by_label"] == 0
    assert run(mbr, folder, "shifted", "--frame-shift", "0.01", options=SCALES) == 0
    assert text(folder, "shifted/words.ctm").startswith("u0 1 0.0200 0.0300 bad 0.750000")


def test_systems_vote_each_with_its_own_frames(folder, capsys):
    """A hybrid system's frames last a quarter; what is heard at the same time stands in one place."""
    assert run(mbr, folder, "none", "@hybrid", options=SCALES) == 2  # whose frame shift nobody tells
    assert "hybrid: expected the model.json" in capsys.readouterr().err
    fine = lattice_of([("bad bee", "SIL SIL B A D SIL SIL SIL SIL SIL SIL SIL B SIL SIL SIL", 1.0)], "u0")
    write_lattices(folder / "hybrid", 0, [fine])
    write_description(folder, TdnnOptions(), 1, 1, frame_shift=0.01)
    write_record(folder / "hybrid", {"state": "done", "facts": {}, "inputs": {str(folder / "model.json"): [0, 0, ""]}})
    assert run(mbr, folder, "both", "@hybrid", "--weights", "2", "1", options=SCALES) == 0
    sausage = next(read_sausages(folder / "both" / "sausages.jsonl"))
    assert [slot.best for slot in sausage.slots] == ["bad", "add"]
    begins = [0.08 * 0.75 + 0.16 * 0.25, 0.36 * 0.65 + 0.32 * 0.35]  # labels of the words in both readings
    assert sausage.slots[0].start == pytest.approx((2 * begins[0] + 0.0) / 3, abs=1e-3)
    assert [line.split()[2:5] for line in text(folder, "both/words.ctm").splitlines()] == [
        ["0.0800", "0.1200", "bad"], ["0.3600", "0.1200", "add"]]
    assert run(mbr, folder, "turned", "@e2e", "--weights", "1", "0.1", options=SCALES, lattices="hybrid") == 0
    assert text(folder, "turned/words.ctm").splitlines()[0].split()[2:5] == ["0.0000", "0.0300", "bad"]


def test_words_of_both_kinds_vote(folder):
    for name in ("e2e", "hybrid"):
        assert run(ctm, folder, f"ctm_{name}", "--frame-shift", "0.01", options=SCALES, lattices=name) == 0
    assert run(rover, folder, "rover", "--ctm", "@ctm_e2e", "@ctm_hybrid", lattices="") == 0
    assert text(folder, "rover/hyp.txt") == "u0 bad bee\nu1 bad bee\n"  # the hybrid is sure of `bee`


@pytest.mark.parametrize("lm_scale, expected", [(0, "bad add"), (4, "b add")])
def test_combined_with_a_scale_of_0_as_well(folder, lm_scale, expected):
    """Graph scores, of which `b add` has the best, count four times or not at all."""
    cuts = ready_corpus(folder / "corpus", number=1, shortest=30, longest=40)
    one = lattice(cuts[0].id, words=SymbolTable(LANG.words.symbols))
    graph = np.where((one.src == 0) & (one.acoustic < np.log(0.3)), 0.0, np.where(one.src == 0, -3.0, 0.0))
    write_lattices(folder / "e2e", 0, [replace(one, graph=graph)])
    write_cuts(folder / "cuts.jsonl.gz", cuts)
    assert run(combine, folder, "combined", "--cuts", "@cuts.jsonl.gz", options=[
        f"score.lm_scale={lm_scale}", "combine.risk=sentence"]) == 0
    assert text(folder, "combined/hyp.txt") == f"{cuts[0].id} {expected}\n"


def test_scores(folder):
    """`bead` was said; the sweep has a scale of 0, at which the language model does not matter."""
    assert run(score, folder, "score", "--dev", "@e2e", "--dev-cuts", "@said.txt", lattices="", options=[
        "score.lm_scales=0", "score.word_insertion_penalties=-1,0,1", "score.resamples=100"]) == 0
    entry, = json.loads(text(folder, "score/result.json"))
    assert (entry["lm_scale"], entry["errors"], entry["words"]) == (0.0, 1, 2)
    assert text(folder, "score/said/hyp.txt") == "u0 bad add\nu1\n"
    assert run(mbr, folder, "mbr", "--scores", "@score", options=()) == 0
    assert "0.1200 bad 0.750000" in text(folder, "mbr/words.ctm")
    assert run(oracle, folder, "oracle", "--cuts", "@said.txt", "--scores", "@score", "--beams", "0", "0.2") == 0
    assert [line.split("\t")[4] for line in text(folder, "oracle/oracle.tsv").splitlines()] == ["errors", "1", "0"]
    assert run(draw, folder, "pictures", "--scores", "@score", "--format", "svg", "--utterances", "u0") == 0
    assert "bead" in text(folder, "pictures/u0.svg")


def test_a_language_model_comes_later(folder):
    """Words that it lacks are unknown to it, not lost, and may cost more."""
    log10 = {"bad add": -0.5 - 0.75 - 0.25, "bad bead": -0.5 - 1.5 - 0.25, "b add": -2.0 - 0.75 - 0.25}
    wide = ["rescore.acoustic_scale=1", "rescore.beam=100"]
    for out, more in (("lm", 0.0), ("costly", -1.0 - 4 * 0.5)):
        options = ["rescore.unknown_penalty=-1", "rescore.unknown_character=-0.5"] if more else []
        assert run(rescore, folder, out, "--lm", "@lm.arpa", options=[*wide, *options]) == 0
        found = paths(folder / out)
        assert found["u1"] == {"": [0.0, pytest.approx(-0.25 * np.log(10), abs=1e-3)]} and len(found["u0"]) == 3
        for words, _, share in SAID:
            expected = [np.log(share), log10[words] * np.log(10) + more * ("bead" in words)]
            assert found["u0"][words] == pytest.approx(expected, abs=1e-3)
    assert (folder / out / "frames.json").exists() and problems_of(folder / out) == []
    assert run(scale, folder, "without", "--graph-factor", "0", lattices="lm") == 0
    assert paths(folder / "without") == paths(folder / "e2e")


@pytest.mark.parametrize("program, more", [
    (determinize, ()), (prune, ("--beam", "20")), (reshape, ("--steps", "minimize", "sort")),
    (reshape, ("--steps", "expand", "compact")), (scale, ("--graph-factor", "2"))])
def test_changed_lattices_keep_sentences_scores_and_seconds(folder, program, more):
    assert run(program, folder, "out", *more) == 0
    before, after = paths(folder / "e2e"), paths(folder / "out")
    assert after == before and problems_of(folder / "out") == []
    for name in ("e2e", "out"):
        assert run(ctm, folder, f"ctm_{name}", options=SCALES, lattices=name) == 0
    assert text(folder, "ctm_out/words.ctm") == text(folder, "ctm_e2e/words.ctm")


def test_systems_over_one_table_of_words_are_joined(folder):
    assert run(join, folder, "out", "--others", "@e2e", "--how", "union") == 0
    assert {key: list(found) for key, found in paths(folder / "out").items()} == {
        "u0": ["bad add", "bad bead", "b add"], "u1": [""]}
    assert problems_of(folder / "out") == []
    assert run(join, folder, "none", "--others", "@hybrid", "--how", "union") == 2  # other words


def test_tables(folder):
    assert run(nbest, folder, "nbest") == 0 and run(sample, folder, "sample", "--number", "3") == 0
    rows = [line.split("\t") for line in text(folder, "nbest/nbest.tsv").splitlines()[1:]]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("u0", "1", "bad add"), ("u0", "2", "bad bead"), ("u0", "3", "b add"), ("u1", "1", "")]
    assert [float(row[2]) for row in rows[:3]] == pytest.approx(np.log([0.4, 0.35, 0.25]), abs=1e-4)
    assert len(text(folder, "sample/samples.tsv").splitlines()) == 7
    assert run(statistics, folder, "statistics") == 0
    assert "u0\t15\t8\t9\t6\t4\t3.00\t0.48" in text(folder, "statistics/statistics.tsv")


def test_other_programs_forms(folder):
    assert run(convert, folder, "slf", "--to", "slf") == 0
    assert float(read_slf(text(folder, "slf/u0.slf")).nodes[-1]["t"]) == pytest.approx(15 * 0.04)
    assert run(convert, folder, "kaldi", "--to", "kaldi") == 0
    assert run(convert, folder, "back", "--text", "@kaldi/lattices.txt", "--words", "@e2e/words.txt", lattices="") == 0
    assert paths(folder / "back") == paths(folder / "e2e")


def test_nbest_lists_are_shown_and_checked(folder, capsys):
    lists = [Nbest("u0", 15, [hypothesis([2, 1, 3], [1, 4, 4], -1.5, -0.25), hypothesis([2], [14], -7.0)._replace(
        finished=False)]), Nbest("u1", 9, [hypothesis([], [], -2.0)]), Nbest("u2", 3, [])]
    path = folder / "e2e" / "nbest.jsonl"
    write_nbest(path, lists)
    assert kind_of(path).name == "N-best lists" and problems_of(folder / "e2e") == []
    assert show([str(path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for part in ("utterances: 3", "without a hypothesis: 1", "hypotheses an utterance: 1.0", "broken off: 1",
                 "parts of scores: ctc, lm", "u0 15 2 -1.75 a b", "u1 9 1 -2.00"):
        assert part in shown
    assert show([str(path), "u0"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "1 -1.75 -1.50 -0.25 1 to 4 a b" in shown and "2 -7.00 -7.00 broken off 14 to 14 a" in shown
    assert show([str(path), "u9"]) == 2 and "an utterance such as u0" in capsys.readouterr().err
    (folder / "e2e" / "frames.json").rename(folder / "away.json")
    assert show([str(path), "u0"]) == 0 and " 2 1 3" in capsys.readouterr().out


@pytest.mark.parametrize("lists, problem", [
    ([Nbest("u0", 15, [hypothesis([2], [1], -1.0)])], "expected lattices of the utterances of nbest.jsonl, found 0 "
                                                      "without and 1 others"),
    ([Nbest("u2", 15, [hypothesis([2], [1], -1.0)])], "found 1 without and 2 others"),
    ([Nbest("u0", 15, [])] * 2, "u0: expected once"),
    ([Nbest("u0", 15, [hypothesis([2], [1], -2.0), hypothesis([3], [1], -1.0)])], "in the order of their scores"),
    ([Nbest("u0", 15, [hypothesis([2, 3], [4, 15], -2.0)])], "hypothesis 1: expected frames below 15"),
    ([Nbest("u0", 15, [hypothesis([2, 3], [4, 3], -2.0)])], "never falling, found [4, 3]"),
    ([Nbest("u0", 15, [hypothesis([2, 0], [3, 4], -2.0)])], "expected tokens from 1 to 5, found [2, 0]"),
    ([Nbest("u0", 15, [hypothesis([6], [3], -2.0)])], "expected tokens from 1 to 5, found [6]")])
def test_problems_of_nbest_lists(folder, lists, problem):
    write_nbest(folder / "e2e" / "nbest.jsonl", lists)
    assert any(problem in found for found in problems_of(folder / "e2e"))


def test_shown_and_checked(folder, capsys):
    assert kind_of(folder / "e2e").name == "lattices" and problems_of(folder / "e2e") == []
    assert show([str(folder / "e2e")]) == 0
    shown = capsys.readouterr().out
    assert "frame shift:    0.04 s" in shown and "acoustic scale: 1\n" in shown and "bad add" in shown
    assert show([str(folder / "e2e"), "u0"]) == 0 and "bad bead" in capsys.readouterr().out
    Frames(0.04, ("<blk>", "a")).write(folder / "e2e")
    assert any("u0: expected transition_ids below 3" in problem for problem in problems_of(folder / "e2e"))
    (folder / "e2e" / "frames.json").write_text("{}")
    assert any("frames.json: frame_shift: expected seconds" in problem for problem in problems_of(folder / "e2e"))
