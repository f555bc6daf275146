"""Words, times and confidences of lattices in which all are known."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import write_lattices
from hybrid.lattices.folders import grouped, transcribe
from hybrid.lattices.joint_words import JointWords
from hybrid.lattices.transcribe import Entry, MbrOptions, Transcriber, frame_shares
from hybrid.lattices.word_times import Timer
from hybrid.recognize.scales import SystemScales
from tests.graphs.lattices.material import random_of_both
from tests.graphs.lattices.test_lattice import enumerate_paths
from tests.hybrid.lattices.material import LANG, TRANSITIONS, lattice_of

LOG = logging.getLogger("test")
ONE = SystemScales(1.0, 0.0, 1.0)
SAID = [("bad add", "SIL B A D A D D", 0.4), ("bee add", "SIL SIL B B A D D", 0.35),
        ("bad b", "B A D SIL SIL SIL B", 0.25)]


def transcriber(tables=(LANG.words,), scales=(ONE,), **options):
    return Transcriber(scales, JointWords(tables), MbrOptions(**options),
                       [Timer(TRANSITIONS, LANG, LANG.phones) for _ in tables], [0.01] * len(tables))


def spoken(words):
    return [(word.symbol, round(word.start, 4), round(word.end, 4), round(word.confidence, 4)) for word in words]


def test_the_best_path_has_the_times_of_its_phones_and_the_votes_of_all_paths():
    found = transcriber(hypothesis="best")([Entry(0, 1.0, lattice_of(SAID))])
    assert spoken(found.words) == [("bad", 0.03, 0.12, 0.65), ("add", 0.12, 0.21, 0.75)]
    assert (found.utterance_id, found.exact, found.partial) == ("u", True, False)
    assert spoken(found.phones) == [
        ("SIL", 0.0, 0.03, 0.75), ("B", 0.03, 0.06, 0.4), ("A", 0.06, 0.09, 0.4), ("D", 0.09, 0.12, 0.4),
        ("A", 0.12, 0.15, 0.75), ("D", 0.15, 0.18, 0.75), ("D", 0.18, 0.21, 0.75)]
    assert found.sausage.risk == pytest.approx(0.35 + 0.25, abs=1e-4)
    assert [slot.best for slot in found.sausage.slots] == ["bad", "add"]


def test_words_that_no_path_has_together_take_the_times_of_the_nearest_path():
    said = [("bad add b", "SIL B A D A D D B", 0.4), ("bad bee bad", "B A D B SIL B A D", 0.35),
            ("b add bad", "B SIL A D D B A D", 0.25)]
    found = transcriber()([Entry(0, 1.0, lattice_of(said))])
    assert [word.symbol for word in found.words] == ["bad", "add", "bad"]
    assert [word.confidence for word in found.words] == pytest.approx([0.75, 0.65, 0.6], abs=1e-4)
    assert spoken(found.words)[0][1:3] == (0.03, 0.12) and spoken(found.words)[2][1:3] == (0.21, 0.24)
    for before, after in zip(found.words, found.words[1:]):
        assert before.start <= before.end <= after.start <= after.end


def test_scales_and_beam():
    lattice = lattice_of(SAID)
    sharp = transcriber(hypothesis="best", posterior_scale=3.0)([Entry(0, 1.0, lattice)])
    cubes = np.array([0.4, 0.35, 0.25]) ** 3
    assert sharp.words[0].confidence == pytest.approx((cubes[0] + cubes[2]) / cubes.sum())
    narrow = transcriber(hypothesis="best", beam=0.2)([Entry(0, 1.0, lattice)])
    assert narrow.words[0].confidence == pytest.approx(0.4 / 0.75)
    longer = lattice_of([("bad", "SIL B A D", 0.5), ("b b", "B SIL SIL B", 0.5)])
    words = transcriber(scales=[SystemScales(2.0, 3.0, 1.0)], hypothesis="best")([Entry(0, 1.0, longer)]).words
    assert words[0].confidence == pytest.approx(1 / (1 + np.exp(-1.5)))


@pytest.mark.parametrize("acoustic_scale, start", [(0.1, 0.0), (1.0, 0.03)])
def test_of_several_alignments_the_best_by_the_scales_says_the_times(acoustic_scale, start):
    """The second is better by 3 acoustically and worse by 1 in the graph."""
    lattice = lattice_of([("bad", "B A D SIL", 0.5), ("bad", "SIL B A D", 0.5)])
    arcs = np.arange(lattice.num_arcs)  # each sentence has five
    lattice = replace(lattice, acoustic=np.where(arcs == 0, -3.0, 0.0), graph=np.where(arcs == 5, -1.0, 0.0))
    found = transcriber(scales=[SystemScales(1.0, 0.0, acoustic_scale)], hypothesis="best")([Entry(0, 1.0, lattice)])
    assert spoken(found.words) == [("bad", start, round(start + 0.09, 2), 1.0)]


def test_systems_vote_with_their_weights_and_words_of_their_own_tables():
    other = SymbolTable(["add", "bad", "bee"])
    both = transcriber([LANG.words, other], [ONE, ONE])
    one, two = lattice_of([("bad", "B A D", 1.0)]), lattice_of([("bee", "SIL SIL B", 1.0)], words=other, partial=True)
    first = both([Entry(0, 2.0, one), Entry(1, 1.0, two)])
    assert [(word.symbol, round(word.confidence, 4)) for word in first.words] == [("bad", 0.6667)] and first.partial
    second = both([Entry(0, 1.0, one), Entry(1, 2.0, two)])
    assert [(word.symbol, round(word.confidence, 4)) for word in second.words] == [("bee", 0.6667)]
    alone = both([Entry(1, 1.0, two)])
    assert spoken(alone.words) == [("bee", 0.06, 0.09, 1.0)]


@pytest.mark.parametrize("seed", range(6))
def test_shares_of_phones_are_those_of_all_paths(seed):
    lattice, phone_ids = random_of_both(seed), np.array([0, 1, 2, 1, 3, 2, 2, 1, 3])
    scores = lattice.scores(0.7, 1.1)
    expected = np.zeros((lattice.num_frames, 4))
    paths = enumerate_paths(lattice)
    totals = np.array([scores[path].sum() for path in paths])
    for path, share in zip(paths, np.exp(totals - np.logaddexp.reduce(totals))):
        phones = phone_ids[lattice.frame_entries(np.array(path, int)).transition_ids]
        expected[np.arange(lattice.num_frames), phones] += share
    assert frame_shares(lattice, scores, phone_ids) == pytest.approx(expected)


@pytest.fixture
def folders(tmp_path):
    write_lattices(tmp_path / "a", 0, [lattice_of(SAID, name) for name in ("u0", "u1")])
    write_lattices(tmp_path / "a", 1, [lattice_of(SAID, "u2", partial=True)])
    write_lattices(tmp_path / "b", 0, [lattice_of(SAID, name) for name in ("u3", "u1", "u0")])
    return [tmp_path / "a", tmp_path / "b"]


def test_lattices_of_an_utterance_come_together(folders):
    assert [(entries[0].lattice.utterance_id, [(e.system, e.weight) for e in entries]) for entries in grouped(
        folders, [1.0, 3.0])] == [("u0", [(0, 1.0), (1, 3.0)]), ("u1", [(0, 1.0), (1, 3.0)]), ("u2", [(0, 1.0)]),
                                  ("u3", [(1, 3.0)])]
    assert [len(entries) for entries in grouped(folders[:1])] == [1, 1, 1]
    assert [entries[0].lattice.utterance_id for entries in grouped(folders, [0.0, 1.0])] == ["u3", "u1", "u0"]
    write_lattices(folders[0], 2, [lattice_of(SAID, "u1")])
    with pytest.raises(InputError, match="u1: expected each id once"):
        list(grouped(folders[:1]))


def test_nothing_is_lost(folders):
    both = transcriber([LANG.words, LANG.words], [ONE, ONE])
    found, outcomes = transcribe(folders, [], both, ["u0", "u1", "u2", "u3", "u4"], 1, LOG)
    assert [one.utterance_id for one in found] == ["u0", "u1", "u2", "u3"]
    assert outcomes.counts == {"done": 2, "partial": 2, "failed": 1}
    assert outcomes.notable["u4"] == ("failed", "no lattice")
    assert outcomes.notable["u2"][1] == "the search did not reach the end of the graph; not all systems have a lattice"
    assert outcomes.notable["u3"][1] == "not all systems have a lattice"
    with pytest.raises(InputError, match="u2: expected an utterance of the cuts"):
        transcribe(folders, [], both, ["u0", "u1", "u3"], 1, LOG)


def test_without_cuts_the_lattices_are_counted(folders, monkeypatch, capsys):
    monkeypatch.setattr("hybrid.progress.FIRST_SECONDS", 0.0)
    monkeypatch.setattr("hybrid.progress.WORTH_SECONDS", 0.0)
    assert len(transcribe(folders[:1], [], transcriber(), None, 1, LOG)[0]) == 3
    assert "33 % done" in capsys.readouterr().err


def test_a_lattice_that_leads_nowhere_fails_alone(tmp_path):
    broken = lattice_of(SAID, "bad")
    broken = replace(broken, graph=np.full(broken.num_arcs, -np.inf))
    write_lattices(tmp_path, 0, [lattice_of(SAID, "good"), broken])
    found, outcomes = transcribe([tmp_path], [], transcriber(), None, 1, LOG)
    assert [one.utterance_id for one in found] == ["good"] and outcomes.notable["bad"][0] == "failed"


@pytest.mark.parametrize("bad", [{"hypothesis": "worst"}, {"posterior_scale": 0.0}, {"beam": -1.0},
                                 {"max_failed_share": 1.0}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        MbrOptions(**bad)
