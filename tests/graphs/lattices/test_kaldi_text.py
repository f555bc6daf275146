"""Kaldi's text form: round trips, and texts as lattice-copy writes them."""

import gzip

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.lattices.compact_lattice import CompactLattice
from graphs.lattices.kaldi_text import read_kaldi_text, to_kaldi_text
from graphs.lattices.lattice import Lattice
from tests.graphs.lattices.material import path_list, random_of_both

WORDS = SymbolTable(["yes", "no", "1,2,3"])


def read(path, text, words=None):
    path.write_text(text, encoding="utf-8")
    return list(read_kaldi_text(path, words))


@pytest.mark.parametrize("words", [None, WORDS])
@pytest.mark.parametrize("seed", range(12))
def test_the_round_trip_is_exact(seed, words, tmp_path):
    lattice = random_of_both(seed, f"utt-{seed}")
    symbols = words and words.symbols
    text = to_kaldi_text(lattice, symbols)
    (found,) = read(tmp_path / "lat.txt", text, words)
    order = np.argsort(lattice.src, kind="stable")
    assert type(found) is type(lattice)
    assert (found.utterance_id, found.num_frames) == (lattice.utterance_id, lattice.num_frames)
    for name in ("src", "dst", "word_id", "acoustic", "graph", "arc_frames"):
        assert getattr(found, name).tolist() == getattr(lattice, name)[order].tolist(), name
    assert found.frame_entries().transition_ids.tolist() == lattice.frame_entries(order).transition_ids.tolist()
    assert to_kaldi_text(found, symbols) == text


COMPACT = """utt1
0\t1\tyes\t1.5,-2.25,3_3_4
0\t2\tno
1\t3\t<eps>\t0,1e-05,5
2\t4.5,1,7_7_7_8
3

utt2
0\t1\t<eps>\t1,2,
1

"""


def test_a_compact_lattice_with_two_finals(tmp_path):
    one, other = read(tmp_path / "lat.txt", COMPACT, WORDS)
    assert isinstance(one, CompactLattice) and (one.num_frames, one.partial) == (4, False)
    expected = [((1,), (3, 3, 4, 5), 2.25 - 1e-5, -1.5, 0), ((2,), (7, 7, 7, 8), -1.0, -4.5, 0)]
    for found, wanted in zip(sorted(path_list(one)), expected):
        assert found[:2] == wanted[:2] and found[2:4] == pytest.approx(wanted[2:4])
    assert (other.utterance_id, other.num_frames, other.acoustic.tolist()) == ("utt2", 0, [-2.0])


def test_a_lattice_whose_states_are_in_no_order_and_start_elsewhere(tmp_path):
    text = "u \n5\t0\t7\t2\t1,2\n0\t3\t8\t0\n3\t1\t9\t1\t0.5,0.25\n1\n5\t3\t4\t0\t9,9\n5\t8\t4\t0\t9,9\n"
    text = text.replace("5\t3\t4\t0\t9,9\n", "")
    (lattice,) = read(tmp_path / "lat.txt", text)
    assert isinstance(lattice, Lattice) and lattice.num_frames == 3 and lattice.num_states == 4
    assert path_list(lattice) == [((2, 1), (7, 8, 9), -2.25, -1.5, -3.75)]
    assert to_kaldi_text(lattice) == "u \n0\t1\t7\t2\t1,2\n1\t2\t8\t0\n2\t3\t9\t1\t0.5,0.25\n3\n\n"


def test_a_final_state_that_goes_on_is_not_the_last(tmp_path):
    (lattice,) = read(tmp_path / "lat.txt", "u\n0 1 3 1 1,1\n1 2 0 2 1,1\n1\n2 0.5,0\n")
    assert sorted(path_list(lattice)) == [((1,), (3,), -1.0, -1.0, -2.0), ((1, 2), (3,), -2.0, -2.5, -4.5)]


@pytest.mark.parametrize("text, paths", [
    ("0 1 3 1 1,1\n1 0.5,0\n", [((1,), (3,), -1.0, -1.5, -2.5)]),
    ("0 1 1 1,1,3\n1 0,0,7_8\n", [((1,), (3, 7, 8), -1.0, -1.0, -2.0)]),
    ("0 0.5,0,7\n", [((), (7,), 0.0, -0.5, -0.5)]),
    ("0 1 3 1 1,1\n1 2 3 1 1,1\n0\n", [((), (), 0.0, 0.0, 0.0)]),
])
def test_a_final_state_that_is_the_only_one_keeps_what_it_has(text, paths, tmp_path):
    (lattice,) = read(tmp_path / "lat.txt", f"u\n{text}")
    assert path_list(lattice) == paths


@pytest.mark.parametrize("text, kind", [
    ("0 1 3 yes 1,1\n1 2 4 1,2,3\n2\n", Lattice), ("0 0.5,0\n0 1 0 1,2,3\n1\n", Lattice),
    ("0 1 3 yes\n1\n", Lattice), ("0 1 yes\n1\n", CompactLattice), ("0 1 yes 1,1,\n1\n", CompactLattice),
])
def test_the_first_line_that_tells_the_class_does(text, kind, tmp_path):
    (lattice,) = read(tmp_path / "lat.txt", f"u\n{text}", WORDS)
    assert type(lattice) is kind


def test_the_largest_cost_of_32_bits(tmp_path):
    (lattice,) = read(tmp_path / "lat.txt", f"u\n0 1 3 1 0,{float(np.finfo(np.float32).max)}\n1\n")
    assert lattice.acoustic.tolist() == [-np.finfo(np.float32).max]


def test_a_weight_that_is_none_where_no_line_tells_the_class(tmp_path):
    with pytest.raises(InputError, match="lat.txt:3: expected .* found '1 7' .the weight '7'"):
        read(tmp_path / "lat.txt", "u\n0 1 3 1\n1 7\n")


def test_the_text_as_kaldi_writes_it():
    lattice = CompactLattice("u", 3, [0, 1], [1, 2], [1, 0], [-0.5, 0.0], [0.25, 0.0], [3, 4, 4], [3, 3])
    assert to_kaldi_text(lattice) == "u \n0\t1\t1\t-0.25,0.5,3_4_4\n1\t2\t0\n2\n\n"
    assert to_kaldi_text(lattice, WORDS.symbols).splitlines()[1:3] == ["0\t1\tyes\t-0.25,0.5,3_4_4", "1\t2\t<eps>"]


def test_the_first_line_tells_the_start_of_a_final_state_too(tmp_path):
    (lattice,) = read(tmp_path / "lat.txt", "u\n1 0.5,0,\n0 2 no 1,1,\n1 0 yes 1,1,\n2\n", WORDS)
    assert sorted(path_list(lattice)) == [((), (), 0.0, -0.5, -0.5), ((1, 2), (), -2.0, -2.0, -4.0)]


def test_states_and_ids_of_31_bits(tmp_path):
    text = "u\n0 2147483646 2147483646 2147483646\n2147483646\n"
    (lattice,) = read(tmp_path / "lat.txt", text)
    assert (lattice.dst.tolist(), lattice.transition_id.tolist(), lattice.word_id.tolist()) == (
        [1], [2147483646], [2147483646])
    for place in range(text.count("46")):
        parts = text.split("46")
        with pytest.raises(InputError, match="2147483647, which is no state or id"):
            read(tmp_path / "lat.txt", "46".join(parts[:place + 1]) + "47" + "46".join(parts[place + 1:]))


def test_a_byte_order_mark_is_no_part_of_the_first_utterance(tmp_path):
    (lattice,) = read(tmp_path / "lat.txt", "\ufeffu\n0 1 3 1\n1\n")
    assert lattice.utterance_id == "u"
    with pytest.raises(InputError, match="lat.txt:2: "):
        read(tmp_path / "lat.txt", "u\n\ufeff0 1 3 1\n1\n")


def test_a_damaged_gzip_file_is_told(tmp_path):
    (tmp_path / "lat.gz").write_bytes(gzip.compress(COMPACT.encode())[:-12])
    with pytest.raises(InputError, match="lat.gz: expected a whole gzip file"):
        list(read_kaldi_text(tmp_path / "lat.gz", WORDS))


def test_gzip_dos_line_ends_and_no_empty_line_at_the_end(tmp_path):
    (tmp_path / "lat.gz").write_bytes(gzip.compress(COMPACT.rstrip("\n").replace("\n", "\r\n").encode()))
    assert [lattice.utterance_id for lattice in read_kaldi_text(tmp_path / "lat.gz", WORDS)] == ["utt1", "utt2"]


@pytest.mark.parametrize("old, new, message", [
    ("1.5,-2.25,3_3_4", "1.5,3_3_4", "lat.txt:2: expected `src dst word"),
    ("1.5,-2.25,3_3_4", "1.5,x,3_3_4", "lat.txt:2: expected .* found '0.*' .expected a finite number, found 'x'.$"),
    ("1.5,-2.25,3_3_4", "1.5,1e39,3_3_4", "lat.txt:2: .* found .* .the weight"),
    ("1.5,-2.25,3_3_4", "1.5,-2.25,3_0_4", "lat.txt:2: .* found .* .a transition_id 0"),
    ("0\t2\tno", "0\t2\tmaybe", "lat.txt:3: .* found .* .'maybe', a word that is not in the table"),
    ("0\t2\tno", "0\t-2\tno", "lat.txt:3: .* found '0.*' .-2, which is no state or id.$"),
    ("0\t2\tno", "0\t-1\tno", "lat.txt:3: .* found '0.*' .-1, which is no state or id.$"),
    ("0\t2\tno", "0\t2\tn\u200bo", "lat.txt:3: .* U.200B"),
    ("4.5,1,7_7_7_8", "4.5,1", "lat.txt:5: .* found .* .the weight '4.5,1'"),
    ("0\t2\tno", "0\t2\tno\t1,2,3\t7", "lat.txt:3: expected `src"),
    ("3\n\nutt2", "3\n3\n\nutt2", "lat.txt:7: .* found .* .state 3, which was final before"),
    ("1\t3\t<eps>", "1\t0\t<eps>", "lat.txt:2: expected a lattice without cycles"),
    ("0,1e-05,5", "0,1e-05,", "lat.txt:1: lattice utt1: expected all paths into a state of one length"),
    ("1\n\n", "", "lat.txt:8: lattice utt2: expected a final state, found none"),
    ("0\t1\t<eps>\t1,2,\n1\n", "", "lat.txt:8: lattice utt2: expected a final state, found an empty lattice"),
    ("utt2\n", "utt2 0\n", "lat.txt:8: expected an utterance alone, after an empty line"),
    ("1\n\n", "7\n\n", "lat.txt:8: lattice utt2: expected an arc on a path from start to end"),
])
def test_what_is_wrong_is_named_with_its_line(old, new, message, tmp_path):
    assert old in COMPACT
    text = COMPACT.replace(old, new, 1) if old != "1\n\n" else COMPACT[:COMPACT.rindex(old)] + new
    with pytest.raises(InputError, match=message):
        read(tmp_path / "lat.txt", text, WORDS)
