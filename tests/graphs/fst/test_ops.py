"""Output labels of several words, and the way to k2 and back."""

import numpy as np

from graphs.fst.arcs import Arcs
from graphs.fst.ops import from_k2, to_k2
from graphs.fst.word_sequences import WordSequences


def test_labels_of_sequences_are_new_numbers_that_spell_their_words():
    sequences = WordSequences(10, [(3, 4), (5, 6, 7), (3, 4)])
    assert sequences.sequences == [(3, 4), (5, 6, 7)]
    assert [sequences.label(words) for words in ((), (9,), (3, 4), (5, 6, 7), (4, 3))] == [0, 9, 10, 11, 12]
    assert [sequences.words(label) for label in (0, 1, 9, 10, 11, 12)] == [(), (1,), (9,), (3, 4), (5, 6, 7), (4, 3)]


def test_joined_labels_spell_the_first_and_then_the_second():
    sequences = WordSequences(10, [(3, 4)])
    joined = sequences.join(np.array([0, 5, 0, 5, 10, 10]), np.array([0, 0, 6, 6, 10, 1]))
    assert [sequences.words(int(label)) for label in joined] == [(), (5,), (6,), (5, 6), (3, 4, 3, 4), (3, 4, 1)]


def test_ragged_labels_leave_out_epsilons_and_final_marks():
    sequences = WordSequences(10)
    rows = [[], [4], [0, 4, -1], [2, 0, 3], [-1], [9, 1, 2]]
    labels = sequences.labels(np.cumsum([0, *map(len, rows)]), np.concatenate(rows).astype(np.int32))
    assert [sequences.words(int(label)) for label in labels] == [(), (4,), (4,), (2, 3), (), (9, 1, 2)]
    assert labels.dtype == np.int32


ARCS = Arcs([1, 0, 0, 1], [2, 1, 1, 0], [3, 2, 1, 0], [0, 7, 8, 9], [-1.0, -0.5, 0.25, 0.0], [2, 1], [-0.125, 0.0], 3,
            [0, 6])


def test_to_k2_and_back():
    again = from_k2(to_k2(ARCS), WordSequences(10))
    assert again.num_states == 3
    rows = sorted(zip(*(getattr(again, n).tolist() for n in ("src", "dst", "ilabel", "olabel", "score"))))
    assert rows == sorted(zip(*(getattr(ARCS, n).tolist() for n in ("src", "dst", "ilabel", "olabel", "score"))))
    finals = sorted(zip(again.final_state.tolist(), again.final_score.tolist(), again.final_olabel.tolist()))
    assert finals == [(1, 0.0, 6), (2, -0.125, 0)]


def test_a_graph_of_nothing_has_a_state():
    assert from_k2(to_k2(Arcs.from_lists([], [(0, -1.0)])), WordSequences(3)).num_states == 1
