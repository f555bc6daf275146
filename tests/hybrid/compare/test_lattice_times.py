import pytest

from graphs.lattices.lattice_io import write_lattices
from hybrid.compare.lattice_times import lattice_times
from hybrid.lattices.word_times import Timer
from tests.hybrid.lattices.material import LANG, TRANSITIONS, lattice_of

SAID = [("bad add b", "SIL B A D A D D B", 0.4), ("b add bad", "B SIL A D D B A D", 0.6)]


def times(folder, timer, scales=(1.0, 1.0, 0.0)):
    return lattice_times(folder, scales, timer, LANG.words, 0.01)


def test_words_of_the_best_path_have_the_times_of_their_phones(tmp_path):
    write_lattices(tmp_path, 0, [lattice_of(SAID, "u0"), lattice_of(SAID[:1], "u1")])
    found = times(tmp_path, Timer(TRANSITIONS, LANG))
    assert found.source == str(tmp_path) and found.ends_known and list(found.words) == ["u0", "u1"]
    assert [(w.symbol, round(w.start, 3), round(w.end, 3)) for w in found.words["u0"]] == [
        ("b", 0.0, 0.03), ("add", 0.06, 0.15), ("bad", 0.15, 0.24)]
    assert [w.symbol for w in found.words["u1"]] == ["bad", "add", "b"]


def test_labels_alone_tell_no_ends(tmp_path):
    write_lattices(tmp_path, 0, [lattice_of(SAID, "u0")])
    found = times(tmp_path, Timer())
    assert not found.ends_known and [w.start for w in found.words["u0"]] == pytest.approx([0.0, 0.03, 0.06])


def test_scales_choose_the_path(tmp_path):
    write_lattices(tmp_path, 0, [lattice_of([("bad add", "B A D A D D", 0.4), ("b", "B B A D A D", 0.6)], "u0")])
    for penalty, words in ((0.0, ["b"]), (-1.0, ["bad", "add"])):
        found = times(tmp_path, Timer(), (1.0, 1.0, penalty))
        assert [word.symbol for word in found.words["u0"]] == words
