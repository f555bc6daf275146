"""What programs over lattices make of an end-to-end system's: N-best lists over characters whose times are known."""

import json

import numpy as np
import pytest

from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import read_lattices, write_lattices
from hybrid.e2e.nbest_lattice import nbest_lattice
from hybrid.e2e.tokens import TokenTable
from hybrid.lattices.frames import Frames
from hybrid.recognize.texts import read_text
from tests.graphs.arpas import arpa_text
from tests.hybrid.e2e.test_nbest_lattice import hypothesis
from tests.hybrid.lattices.material import LANG, TRANSITIONS, lattice_of
from tools import combine, rover, score
from tools.artefacts.registry import kind_of, problems_of
from tools.lattices import (
    compose, convert, ctm, determinize, draw, join, mbr, nbest, oracle, prune, rescore, reshape, sample, scale, statistics)
from tools.show import main as show

TOKENS = TokenTable.characters([["abde"]])
SCALES = ["score.lm_scale=1", "score.acoustic_scale=1"]
# words, frame of each character and space, score of the model: `bead` is no word of the lang
SAID = [("bad add", [2, 3, 4, 5, 9, 10, 11], 0.4), ("bad bead", [2, 3, 4, 5, 8, 9, 10, 11], 0.35),
        ("b add", [4, 6, 9, 10, 11], 0.25)]


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
    entries = {("<s>",): (-99.0, 0.0), **{(word,): (p, 0.0) for word, p in (
        ("bad", -0.5), ("add", -0.5), ("b", -2.0), ("<unk>", -1.5), ("</s>", -0.3))}}
    (tmp_path / "lm.arpa").write_text(arpa_text(entries))
    return tmp_path


def run(program, folder, out, *arguments, options=(), lattices="e2e"):
    words = [str(folder / word[1:]) if word.startswith("@") else word for word in arguments]
    source = ["--lattices", str(folder / lattices)] if lattices else []
    return program.PROGRAM.run(program.work, [*source, *words, "--out", str(folder / out), "--nj", "1", *options])


def text(folder, name):
    return (folder / name).read_text(encoding="utf-8")


def paths(folder):
    """utterance_id -> {words: (acoustic, graph)}"""
    from hybrid.recognize.nbest import best_sentences
    words = SymbolTable.read(folder / "words.txt")
    return {one.utterance_id: {" ".join(map(words.symbol_of, s.word_ids)): pytest.approx((s.acoustic, s.graph), abs=1e-4)
                               for s in best_sentences(one, 9)} for one in read_lattices(folder)}


@pytest.mark.parametrize("more", [[], ["--lang", "@lang"]])
def test_words_and_tokens_have_seconds_of_the_encoder(folder, more):
    from graphs.lang.lang_folder import write_lang
    write_lang(LANG, folder / "lang")
    assert run(ctm, folder, "ctm", *more, options=SCALES) == 0
    assert text(folder, "ctm/words.ctm").splitlines() == [
        "u0 1 0.0800 0.1200 bad 0.750000", "u0 1 0.3600 0.1200 add 0.650000"]
    assert text(folder, "ctm/phones.ctm").splitlines()[:4] == [
        "u0 1 0.0800 0.0400 b 0.750000", "u0 1 0.1200 0.0400 a 0.750000", "u0 1 0.1600 0.0400 d 1.000000",
        "u0 1 0.2000 0.0400 \u2581 0.750000"][:2] + text(folder, "ctm/phones.ctm").splitlines()[2:4]
    assert json.loads(text(folder, "ctm/.stage.json"))["facts"]["times_by_label"] == 0
    assert run(mbr, folder, "shifted", "--frame-shift", "0.01", options=SCALES) == 0
    assert text(folder, "shifted/words.ctm").startswith("u0 1 0.0200 0.0300 bad 0.750000")
