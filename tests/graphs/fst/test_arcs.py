"""Transducers made by hand, in OpenFst's text, and what is refused."""

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.fst.arcs import Arcs

SMALL = dict(src=[0, 0], dst=[1, 1], ilabel=[1, 2], olabel=[0, 3], score=[-1.0, 0.0], final_state=[1],
             final_score=[0.5], num_states=2)


def test_arrays_have_their_types_and_whole_floats_are_ids():
    arcs = Arcs(**{**SMALL, "src": np.zeros(2), "dst": np.ones(2, np.int64)})
    assert arcs.src.dtype == arcs.final_olabel.dtype == np.int32 and arcs.score.dtype == np.float32
    assert arcs.num_arcs == 2 and arcs.final_olabel.tolist() == [0]


@pytest.mark.parametrize("change, message", [
    (dict(src=[0]), r"arcs of a transducer: expected arrays of one length, found src of 1, dst of 2"),
    (dict(final_score=[0.0, 1.0]), "finals of a transducer: expected arrays of one length"),
    (dict(src=[0, 0.5]), "transducer, src: expected whole numbers"),
    (dict(src=["a", "b"]), "transducer, src: expected whole numbers"),
    (dict(score=["a", "b"]), "transducer, score: expected numbers, found <U1"),
    (dict(dst=[1, 2]), "transducer, dst: expected numbers from 0 to below 2, found 1 to 2"),
    (dict(dst=[-1, 1]), "transducer, dst: expected numbers from 0 to below 2, found -1 to 1"),
    (dict(final_state=[2]), "transducer, final_state: expected numbers from 0 to below 2"),
    (dict(ilabel=[1, 2 ** 31]), "transducer, ilabel: expected numbers from 0 to below 2147483648"),
    (dict(olabel=[[1, 2]]), r"transducer, olabel: expected an array of one dimension, found shape \(1, 2\)"),
    (dict(olabel=[[1], [2, 3]]), "transducer, olabel: expected an array of one dimension"),
    (dict(score=[0.0, np.nan]), "transducer, score 1: expected a finite number, found nan"),
    (dict(final_score=[-np.inf]), "transducer, final_score 0: expected a finite number, found -inf"),
])
def test_what_is_no_transducer_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        Arcs(**{**SMALL, **change})
    Arcs(**{**SMALL, "ilabel": [1, 2 ** 31 - 1]})


def test_from_lists_counts_the_states():
    lists = [(0, 2, 1, 1, -0.5), (2, 1, 4, 0, 0.0)], [(1, 0.0)]
    arcs = Arcs.from_lists(*lists)
    assert arcs.num_states == 3 and arcs.ilabel.tolist() == [1, 4] and arcs.final_state.tolist() == [1]
    assert Arcs.from_lists(*lists, num_states=7).num_states == 7
    assert Arcs.from_lists([(3, 0, 9, 9, 0.0)], [(0, 0.0)]).num_states == 4
    assert Arcs.from_lists([], [(4, -1.0)]).num_states == 5
    empty = Arcs.from_lists([], [])
    assert empty.num_states == empty.num_arcs == 0


def test_openfst_text_round_trip_starts_with_the_start_state():
    arcs = Arcs.from_lists([(2, 1, 4, 0, 0.25), (1, 2, 3, 0, 0.0), (0, 2, 1, 7, -0.5)], [(1, -2.0), (2, 0.0)])
    text = arcs.to_openfst_text()
    assert text.splitlines() == ["0 2 1 7 0.5", "1 2 3 0 -0", "2 1 4 0 -0.25", "1 2", "2 -0"]
    again = Arcs.from_openfst_text(text)
    for name in ("src", "dst", "ilabel", "olabel", "score", "final_state", "final_score"):
        assert getattr(again, name).tolist() == getattr(arcs.sorted_by_source(), name).tolist()


def test_openfst_text_takes_weights_as_costs_and_may_leave_them_out():
    arcs = Arcs.from_openfst_text("0 1 5 6\n\n0 1 5 6 1.5\n1\n0 2.5\n")
    assert arcs.score.tolist() == [0.0, -1.5]
    assert (arcs.final_state.tolist(), arcs.final_score.tolist()) == ([1, 0], [0.0, -2.5])


@pytest.mark.parametrize("line", ["0 1 5", "0 1 5 6 7 8", "0 1 a 6", "x", "0 1.5 2 3", "0 -1 5 6", "0 2147483648 5 6",
                                  "0 1 5 6 nan", "1 inf", "0 1_0 5 6"])
def test_other_text_is_named_by_its_line(line):
    with pytest.raises(InputError, match=f"G.txt:2: expected `src dst ilabel olabel .*found '{line}'"):
        Arcs.from_openfst_text(f"0 1 2 3\n{line}\n", "G.txt")


def test_openfst_text_has_no_place_for_words_on_finals():
    arcs = Arcs([0], [1], [1], [1], [0.0], [1], [0.0], 2, [3])
    with pytest.raises(ValueError, match="no output on final states"):
        arcs.to_openfst_text()


def test_arcs_in_another_order():
    arcs = Arcs(**SMALL).reordered(np.array([1, 0]))
    assert (arcs.ilabel.tolist(), arcs.olabel.tolist(), arcs.score.tolist()) == ([2, 1], [3, 0], [0.0, -1.0])
    assert (arcs.final_state.tolist(), arcs.num_states) == ([1], 2)
