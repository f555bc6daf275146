"""N-best lists as lattices: words, frames and scores of each path are those of the hypothesis."""

import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.nbest_lattice import nbest_lattice, own_frames
from hybrid.e2e.tokens import TokenTable
from tests.graphs.lattices.material import path_list

TOKENS = TokenTable.characters([["ab", "c"]])  # <blk> U+2581 a b c
SPACE, A, B, C = 1, 2, 3, 4


def hypothesis(tokens, frames, ctc, lm=0.0, score=None, finished=True, **parts):
    parts = {"ctc": ctc, **({"lm": lm} if lm else {}), **parts}
    return Hypothesis(tuple(tokens), tuple(frames), ctc + lm if score is None else score, parts, finished)


NBEST = [hypothesis([A, B, SPACE, C], [2, 3, 4, 6], -1.0, -2.0), hypothesis([C, SPACE, A], [0, 1, 7], -3.0, -0.5),
         hypothesis([], [], -9.0)]


def test_paths_are_the_hypotheses():
    words = SymbolTable(["c", "x"])
    lattice = nbest_lattice("u", NBEST, 8, TOKENS, words)
    lattice.check()
    assert words.symbols == ["<eps>", "c", "x", "ab", "a"] and not lattice.partial
    assert sorted(path[:4] for path in path_list(lattice)) == [
        ((), (1,) * 8, -9.0, 0.0),
        ((1, 4), (C + 1, SPACE + 1, 1, 1, 1, 1, 1, A + 1), -3.0, -0.5),
        ((3, 1), (1, 1, A + 1, B + 1, SPACE + 1, 1, C + 1, 1), -1.0, -2.0)]
    assert lattice.best_path().word_frames == [2, 6]  # the word after a space begins with its first letter
    assert lattice.best_path(0.0, 1.0).word_ids == [3, 1] and lattice.best_path(20.0, 1.0).word_ids == []
    assert lattice.best_path(3.0, 1.0).word_ids == [1, 4] and lattice.best_path(3.0, 1.0).word_frames == [0, 7]


def test_arcs_begin_with_the_words():
    found = nbest_lattice("u", NBEST, 8, TOKENS, SymbolTable())
    columns = (found.src, found.dst, found.word_id, found.arc_frames)
    assert sorted(zip(*(column.tolist() for column in columns))) == [
        (0, 1, 0, 2), (0, 3, 2, 7), (0, 4, 0, 8), (1, 2, 1, 4), (2, 4, 2, 2), (3, 4, 3, 1)]


def test_an_utterance_without_words():
    for num_frames in (0, 5):
        lattice = nbest_lattice("u", [hypothesis([], [], -1.0)], num_frames, TOKENS, SymbolTable())
        lattice.check()
        assert lattice.best_path().word_ids == [] and lattice.num_arcs == 1 and lattice.num_frames == num_frames


def test_weights_of_the_parts():
    both = hypothesis([A], [0], -1.0, -2.0, attention=-4.0)
    plain = nbest_lattice("u", [both], 1, TOKENS, SymbolTable())
    assert (plain.best_path().acoustic, plain.best_path().graph) == (-5.0, -2.0)
    weighted = nbest_lattice("u", [both], 1, TOKENS, SymbolTable(), {"ctc": 0.25, "attention": 0.75, "lm": 9.0})
    assert (weighted.best_path().acoustic, weighted.best_path().graph) == (-3.25, -2.0)


def test_hypotheses_of_the_same_words():
    spaced = [hypothesis([C], [1], -1.0, -0.5), hypothesis([SPACE, C], [0, 2], -0.5, -0.75, score=-3.0),
              hypothesis([A], [0], -4.0)]
    best = nbest_lattice("u", spaced, 3, TOKENS, SymbolTable())
    assert sorted(path[:4] for path in path_list(best)) == [
        ((1,), (1, C + 1, 1), -1.0, -0.5), ((2,), (A + 1, 1, 1), -4.0, 0.0)]
    summed = sorted(path_list(nbest_lattice("u", spaced[::-1], 3, TOKENS, SymbolTable(["c"]), merge="sum")))
    assert summed[0][:2] == ((1,), (1, C + 1, 1)) and summed[0][3] == -0.5
    assert summed[0][2] == pytest.approx(np.logaddexp(-1.0, -0.5)) and summed[1][2:4] == (-4.0, 0.0)
    with pytest.raises(InputError, match="merge: expected one of best, sum"):
        nbest_lattice("u", spaced, 3, TOKENS, SymbolTable(), merge="both")


def test_scores_that_are_none():
    lattice = nbest_lattice("u", [NBEST[0], hypothesis([C], [0], -math.inf), hypothesis([A], [0], -1.0, -math.inf)], 8,
                            TOKENS, SymbolTable())
    lattice.check()
    assert len(path_list(lattice)) == 1
    summed = nbest_lattice("u", [hypothesis([C], [0], -1.0), hypothesis([SPACE, C], [0, 1], -math.inf)], 8, TOKENS,
                           SymbolTable(), merge="sum")
    assert summed.best_path().acoustic == -1.0
    for bad in ([], [hypothesis([C], [0], -math.inf)]):
        with pytest.raises(InputError, match="utterance u: expected a hypothesis with a finite score, found none"):
            nbest_lattice("u", bad, 8, TOKENS, SymbolTable())


def test_broken_off():
    assert nbest_lattice("u", [NBEST[0]._replace(finished=False), NBEST[1]], 8, TOKENS, SymbolTable()).partial
    assert not nbest_lattice("u", [NBEST[0], NBEST[1]._replace(finished=False)], 8, TOKENS, SymbolTable()).partial


@pytest.mark.parametrize("given, num_frames, expected", [
    ([0, 0, 0, 5], 8, [0, 1, 2, 5]), ([6, 7, 7], 8, [5, 6, 7]), ([2, 2, 3], 8, [2, 3, 4]), ([0, 0, 1], 3, [0, 1, 2]),
    ([0, 0, 1], 2, [0, 0, 1]), ([], 0, []), ([4], 5, [4])])
def test_a_frame_for_each_token(given, num_frames, expected):
    assert own_frames("u", given, num_frames).tolist() == expected


@pytest.mark.parametrize("given, num_frames", [([0, 3, 2], 8), ([8], 8), ([-1, 2], 8), ([0], 0)])
def test_frames_that_cannot_be(given, num_frames):
    with pytest.raises(InputError, match=f"u: expected frames of tokens from 0 to below {num_frames}"):
        own_frames("u", given, num_frames)


def test_more_tokens_than_frames():
    """As transducers may emit them: every word comes out, those of one frame with none of their own."""
    lattice = nbest_lattice("u", [hypothesis([A, SPACE, B, SPACE, C], [0, 0, 1, 1, 1], -1.0)], 2, TOKENS, SymbolTable())
    lattice.check()
    path = lattice.best_path()
    assert path.word_ids == [1, 2, 3] and path.word_frames == [0, 1, 1]


def test_hypotheses_that_cannot_be():
    with pytest.raises(InputError, match="2 frames, one of each token, found 1"):
        nbest_lattice("u", [hypothesis([A, B], [0], -1.0)], 8, TOKENS, SymbolTable())
    odd = TokenTable("character", ["<blk>", "<eps>"])
    with pytest.raises(InputError, match="other words than <eps>"):
        nbest_lattice("u", [hypothesis([1], [0], -1.0)], 8, odd, SymbolTable())


def test_pieces():
    table = TokenTable("character", ["<blk>", "\u2581ab", "c", "\u2581"])  # pieces are split in the same way
    lattice = nbest_lattice("u", [hypothesis([1, 2, 1, 3, 2], [1, 2, 5, 6, 7], -1.0)], 9, table, SymbolTable(["abc"]))
    assert lattice.best_path().word_ids == [1, 2, 3] and lattice.best_path().word_frames == [1, 5, 7]
