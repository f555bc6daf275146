"""Words and tokens of an end-to-end system's path have the frames of the hypothesis."""

from dataclasses import replace

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.lattices.base import Path
from graphs.lattices.determinize import determinize
from hybrid.align.alignment import Segment
from hybrid.e2e.nbest_lattice import nbest_lattice
from hybrid.lattices.token_times import TokenTimer
from tests.hybrid.e2e.test_nbest_lattice import NBEST, TOKENS, A, B, C, hypothesis

TIMER = TokenTimer(TOKENS.symbols)


def spans(times):
    return [(word.label, word.start_frame, word.start_frame + word.num_frames) for word in times.words]


def test_words_begin_and_end_with_their_tokens():
    lattice = nbest_lattice("u", NBEST, 8, TOKENS, SymbolTable())
    found = TIMER(lattice.best_path())
    assert spans(found) == [(1, 2, 4), (2, 6, 7)] and found.exact
    assert found.phones == [Segment(A + 1, 2, 1), Segment(B + 1, 3, 1), Segment(2, 4, 1), Segment(C + 1, 6, 1)]
    assert [TIMER.symbol_of(phone.label) for phone in found.phones] == ["a", "b", "\u2581", "c"]
    assert spans(TIMER(lattice.best_path(20.0))) == [] and TIMER(lattice.best_path(20.0)).phones == []
    assert TIMER.phone_ids.tolist() == [0, 1, 2, 3, 4, 5]


def test_labels_may_have_moved():
    """Determinization puts words on other arcs, with other frames."""
    lattice = nbest_lattice("u", [hypothesis([A, 1, B], [1, 2, 6], -1.0), hypothesis([A, 1, C], [1, 3, 4], -2.0)], 8,
                            TOKENS, SymbolTable())
    moved = determinize(lattice, 10.0).lattice.best_path()
    assert moved.word_frames != lattice.best_path().word_frames
    assert spans(TIMER(moved)) == spans(TIMER(lattice.best_path())) == [(1, 1, 2), (2, 6, 7)]


def test_where_tokens_make_other_words_labels_say_the_times():
    path = replace(nbest_lattice("u", NBEST, 8, TOKENS, SymbolTable()).best_path(), word_ids=[5], word_frames=[3])
    found = TIMER(path)
    assert spans(found) == [(5, 3, 8)] and not found.exact and len(found.phones) == 4


@pytest.mark.parametrize("transition_id", [0, 6])
def test_ids_that_are_no_tokens(transition_id):
    with pytest.raises(InputError, match="transition_ids: expected numbers from 1 to below 6"):
        TIMER(Path([], np.array([1, transition_id]), [], 0.0, 0.0, 0.0))
