"""The best sentences against enumeration of every path."""

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.lattice import Lattice
from hybrid.recognize.nbest import best_paths, best_sentences, side_by_side
from tests.graphs.lattices.material import path_list, random_compact_lattice, same_paths
from tests.graphs.lattices.test_lattice import random_lattice


def test_the_first_is_the_best_path():
    lattice = random_lattice(7, num_frames=30)
    path = lattice.best_path(2.0, 0.5)
    (sentence,) = best_sentences(lattice, 1, 2.0, 0.5)
    assert list(sentence.word_ids) == path.word_ids
    assert sentence.score == pytest.approx(path.score)


def test_no_path_and_no_number_are_refused():
    lattice = random_lattice(1)
    with pytest.raises(InputError, match="number of sentences: expected at least 1, found 0"):
        best_sentences(lattice, 0)
    lattice.dst[lattice.dst == lattice.num_states - 1] += 1
    cut = Lattice("u", 4, *(getattr(lattice, name) for name in (
        "src", "dst", "transition_id", "word_id", "acoustic", "graph")))
    cut.src = np.where(cut.dst == cut.num_states - 1, cut.num_states - 2, cut.src)
    with pytest.raises(InputError, match="lattice u: expected a path from start to end, found none"):
        best_sentences(cut, 2)


def test_scales_are_one_and_nothing_is_subtracted_unless_said():
    lattice = random_lattice(3)
    assert best_sentences(lattice, 5) == best_sentences(lattice, 5, 1.0, 1.0, 0.0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [random_lattice, random_compact_lattice])
def test_the_paths_of_the_best_sentences_stand_side_by_side(make, seed):
    lattice, setting = make(seed), (1.5, 0.3, 0.7)
    sentences, paths = best_paths(lattice, 4, *setting)
    assert sentences == best_sentences(lattice, 4, *setting) and best_paths(lattice, 4)[0] == best_sentences(lattice, 4)
    for sentence, path in zip(sentences, paths):
        assert lattice.scores(*setting)[path].sum() == pytest.approx(sentence.score)
        assert tuple(lattice.word_id[path][lattice.word_id[path] > 0].tolist()) == sentence.word_ids
    alone, which = side_by_side(lattice, paths)
    alone.check()
    assert which.tolist() == [number for number, path in enumerate(paths) for _ in path]
    assert alone.num_states == 2 + sum(len(path) - 1 for path in paths)
    assert len(alone.levels.into) == max(map(len, paths))  # gone through at once, not one after the other
    expected = [tuple(lattice.path(path, 0.0).word_ids) for path in paths]
    assert sorted(words for words, *_ in path_list(alone)) == sorted(expected)
    same_paths(path_list(alone, setting), [found for found in path_list(lattice, setting) if any(
        found[0] == sentence.word_ids and abs(found[-1] - sentence.score) < 1e-4 for sentence in sentences)])


@pytest.mark.parametrize("number", [0, -1, 2.5, None, "3"])
def test_a_number_of_sentences_that_is_none_is_refused(number):
    for ask in (best_sentences, best_paths):
        with pytest.raises(InputError, match=f"number of sentences: expected at least 1, found {number}"):
            ask(random_lattice(1), number)
