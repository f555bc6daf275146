"""Archives of alignments and what is read off them."""

from types import SimpleNamespace

import numpy as np
import pytest

from graphs.errors import InputError
from hybrid.align.alignment import Alignment, Segment, phone_segments, read_alignments, write_alignments

# two phones of two states each: transition_ids of a state are (self-loop, forward)
TRANSITIONS = SimpleNamespace(
    phone_id=np.array([-1, 1, 1, 1, 1, 2, 2, 2, 2]),
    is_phone_start=np.array([False, False, True, False, False, False, True, False, False]),
    pdf_id=np.array([-1, 0, 0, 1, 1, 2, 2, 3, 3]), num_pdfs=4)


def _alignment(utterance_id, transition_ids, words=()):
    return Alignment(utterance_id, np.array(transition_ids, np.int32), -1.5, words, 0.0125)


def test_archive_round_trip_in_two_parts(tmp_path):
    first = [_alignment("a", [2, 1, 4], (Segment(7, 0, 2), Segment(9, 2, 1))), _alignment("ü-2", [6, 8])]
    second = [_alignment("c", [2])]
    write_alignments(tmp_path, first, "1")
    write_alignments(tmp_path, second, "2")
    found = read_alignments(tmp_path)
    assert list(found) == ["a", "ü-2", "c"]
    for expected in first + second:
        actual = found[expected.utterance_id]
        assert actual.transition_ids.dtype == np.int32
        assert actual.transition_ids.tolist() == expected.transition_ids.tolist()
        assert actual.words == expected.words
        assert (actual.log_likelihood_per_frame, actual.frame_shift) == (-1.5, 0.0125)


def test_an_empty_archive_is_read_as_such(tmp_path):
    write_alignments(tmp_path, [])
    assert read_alignments(tmp_path) == {}


def test_missing_damaged_and_repeated_archives_are_named(tmp_path):
    with pytest.raises(InputError, match="alignments.npz"):
        read_alignments(tmp_path)
    path = write_alignments(tmp_path, [_alignment("a", [2])], "1")
    write_alignments(tmp_path, [_alignment("a", [6])], "2")
    with pytest.raises(InputError, match="a: expected each utterance once"):
        read_alignments(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="1.npz: expected what was written"):
        read_alignments(tmp_path)


def test_phone_segments_split_a_repeated_phone():
    #                          phone 1 | phone 1 again | phone 2
    alignment = _alignment("a", [2, 1, 4, 3, 2, 4, 6, 8, 7])
    assert phone_segments(alignment, TRANSITIONS) == [(1, 0, 4), (1, 4, 2), (2, 6, 3)]
    assert phone_segments(_alignment("b", []), TRANSITIONS) == []


def test_a_partial_path_may_begin_inside_a_phone():
    assert phone_segments(_alignment("a", [3, 3, 6, 8]), TRANSITIONS) == [(1, 0, 2), (2, 2, 2)]


def test_pdf_ids():
    assert _alignment("a", [2, 1, 4, 6, 8]).pdf_ids(TRANSITIONS).tolist() == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("transition_ids", [[2, 9], [2, -1]])
def test_an_alignment_of_another_model_is_named(transition_ids):
    alignment = _alignment("a", transition_ids)
    for use in (alignment.pdf_ids, lambda transitions: phone_segments(alignment, transitions)):
        with pytest.raises(InputError, match="alignment of a, transition_ids: expected numbers from 0 to below 9"):
            use(TRANSITIONS)
