"""Oracle errors at several beams, against the paths that are within them."""

import logging

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from hybrid.lattices.joint_words import JointWords
from hybrid.lattices.oracle import Depth, oracle
from hybrid.recognize.scales import SystemScales
from hybrid.recognize.edit_distance import edit_distance
from hybrid.recognize.text_filter import TextFilter
from hybrid.recognize.wer import Reference
from tests.graphs.lattices.material import path_list, random_of_both

LOG = logging.getLogger("test")
WORDS = SymbolTable(["a", "b", "c"])
SCALES = SystemScales(2.0, 0.5, 0.7)
BEAMS = [2.0, 0.0, 0.5, float("inf")]


def references(count):
    rng = np.random.default_rng(0)
    return {f"u{n}": Reference(tuple(rng.choice(["a", "b", "c", "x"], size=4))) for n in range(count)}


def test_errors_are_those_of_the_nearest_path_within_the_beam():
    lattices, said = [random_of_both(n, f"u{n}") for n in range(12)], references(12)
    rows, hypotheses, outcomes = oracle(lattices, said, JointWords([WORDS]), SCALES, BEAMS, 1, LOG)
    assert [row.beam for row in rows] == sorted(BEAMS) and outcomes.counts == {"done": 12}
    for row in rows:
        expected = 0
        for lattice in lattices:
            paths = [(words, score / 2.0) for words, *_, score in path_list(lattice, (2.0, 0.7, 0.5))]
            best = max(score for _, score in paths)
            # arcs within the beam may make paths beyond it
            within = lattice.select(_within(lattice, best, row.beam))
            expected += min(edit_distance(said[lattice.utterance_id].words, [WORDS.symbol_of(w) for w in words])
                            for words, *_ in path_list(within))
        assert row.counts.errors == expected and row.counts.words == 48
    assert sum(edit_distance(said[key].words, words) for key, words in hypotheses.items()) == rows[-1].counts.errors
    assert [row.counts.errors for row in rows] == sorted((row.counts.errors for row in rows), reverse=True)
    assert rows[-1].frames == sum(lattice.num_frames for lattice in lattices)
    assert rows[-1].arcs == sum(int(lattice.arc_frames.sum()) for lattice in lattices)
    assert rows[-1].words == sum(int((lattice.word_id > 0).sum()) for lattice in lattices)
    assert rows[-1].depth == rows[-1].arcs / rows[-1].frames and rows[-1].density == rows[-1].words / 48


def _within(lattice, best, beam):
    totals, _ = lattice.arc_totals(lattice.scores(1.0, 0.35, 0.25), best=True)
    return totals >= best - beam - 1e-6


def test_nothing_is_lost():
    said = references(4)
    broken = random_of_both(2, "u2")
    broken.graph = np.full(broken.num_arcs, -np.inf, np.float32)
    lattices = [random_of_both(0, "u0"), broken]
    rows, hypotheses, outcomes = oracle(lattices, said, JointWords([WORDS]), SCALES, [1.0], 1, LOG)
    assert outcomes.counts == {"done": 1, "failed": 3} and sorted(hypotheses) == ["u0"]
    own = edit_distance(said["u0"].words, hypotheses["u0"])
    assert (rows[0].counts.words, rows[0].counts.errors) == (16, 12 + own) and rows[0].counts.deletions >= 12
    with pytest.raises(InputError, match="u7"):
        oracle([random_of_both(0, "u7")], said, JointWords([WORDS]), SCALES, [1.0], 1, LOG)
    with pytest.raises(InputError, match="u0: expected each id once"):
        oracle([random_of_both(0, "u0")] * 2, said, JointWords([WORDS]), SCALES, [1.0], 1, LOG)
    for beams in ([], [-1.0], [2.0, -1.0], [float("nan")]):
        with pytest.raises(InputError, match="beams"):
            oracle([], said, JointWords([WORDS]), SCALES, beams, 1, LOG)


def test_of_nothing_there_is_no_depth():
    assert (Depth(1.0).depth, Depth(1.0).density) == (0.0, 0.0)


def test_words_that_are_scored_alike_are_one():
    lattice = random_of_both(0, "u")
    joint = JointWords([SymbolTable(["A", "a", "x"])], TextFilter(fold_case=True, ignore=["x"]))
    rows, hypotheses, _ = oracle([lattice], {"u": Reference(("a",))}, joint, SCALES, [float("inf")], 1, LOG)
    assert set(hypotheses["u"]) <= {"a"} and rows[0].counts.substitutions == 0
