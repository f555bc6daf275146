"""Determinized lattices against enumeration of every path, and against OpenFst."""

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.determinize import DeterminizeOptions, determinize
from graphs.lattices.lattice import Lattice
from graphs.lattices.project import to_words
from tests.graphs.lattices.checks.of_algebra import is_deterministic
from tests.graphs.lattices.material import best_of_sentences, path_list, random_of_both
from tests.graphs.lattices.test_lattice import random_lattice
from tests.reference import openfst
from tests.reference.paths import best_scores

SCALES = 1.5, 0.3


def test_longer_lattices_keep_the_best_path_and_their_sentences():
    for seed in range(2):
        lattice = random_lattice(seed, num_frames=20)
        found = determinize(lattice, 3.0, *SCALES).lattice
        best, expected = found.best_path(*SCALES), lattice.best_path(*SCALES)
        assert best.word_ids == expected.word_ids and np.array_equal(best.transition_ids, expected.transition_ids)
        assert (best.acoustic, best.graph) == pytest.approx((expected.acoustic, expected.graph), abs=1e-4)
        assert is_deterministic(found)


def test_equal_scores_leave_one_path_for_a_sentence():
    for seed in range(20):
        lattice = random_of_both(seed)
        lattice.acoustic[:], lattice.graph[:] = 0.0, -1.0
        found = determinize(lattice, 1e4).lattice
        paths, every = path_list(found), path_list(lattice)
        assert len({words for words, *_ in paths}) == len(paths)
        best = best_of_sentences(lattice)
        known = {(words, ids, graph) for words, ids, _, graph, _ in every}
        for words, ids, _, graph, _ in paths:
            assert graph == pytest.approx(best[words][2]) and (words, ids, round(graph)) in known


def test_the_last_words_lead_to_the_end():
    """Words 1 2 and 3: no further arcs."""
    lattice = Lattice("u", 2, [0, 1, 0, 3], [1, 4, 3, 4], [1, 1, 1, 1], [1, 2, 0, 3], np.zeros(4), -np.arange(4.0))
    found = determinize(lattice, 100.0).lattice
    assert (found.num_states, sorted(found.word_id.tolist())) == (3, [1, 2, 3])


def test_determinized_again_nothing_changes():
    for seed in range(20):
        once = determinize(random_of_both(seed), 3.0).lattice
        again = determinize(once, 3.0).lattice
        assert (again.num_states, again.num_arcs) == (once.num_states, once.num_arcs)


def test_a_result_that_is_too_large_is_made_with_a_narrower_beam():
    lattice = random_lattice(5, num_frames=12)
    whole = determinize(lattice, 8.0)
    found = determinize(lattice, 8.0, max_arcs=whole.lattice.num_arcs // 2)
    assert found.beam in [8.0 * 0.75 ** n for n in range(1, 20)]
    assert found.lattice.num_arcs <= whole.lattice.num_arcs // 2
    same = determinize(lattice, found.beam).lattice
    assert (same.num_states, same.num_arcs) == (found.lattice.num_states, found.lattice.num_arcs)
    assert found.lattice.best_path().word_ids == lattice.best_path().word_ids
    with pytest.raises(InputError, match="lattice utt: expected at most 1 arcs, found more on its best path alone"):
        determinize(lattice, 8.0, max_arcs=1)


def test_as_many_arcs_as_are_allowed_are_not_too_many():
    lattice = random_lattice(5, num_frames=4)
    whole = determinize(lattice, 1e4).lattice
    assert determinize(lattice, 1e4, max_arcs=whole.num_arcs).beam == 1e4
    assert determinize(lattice, 1e4, max_arcs=whole.num_arcs - 1).beam < 1e4


@pytest.mark.parametrize("beam", [-1.0, np.nan, np.inf])
def test_a_beam_that_means_nothing_is_refused(beam):
    with pytest.raises(InputError, match="^beam: expected a number from 0"):
        determinize(random_lattice(1), beam)


def test_options_are_checked():
    assert DeterminizeOptions() == DeterminizeOptions(8.0, 500_000)
    for wrong in (dict(beam=0.0), dict(beam=np.inf), dict(max_arcs=0)):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            DeterminizeOptions(**wrong)


@openfst.needs_openfst
def test_openfst_determinizes_to_the_same_sentences_and_scores():
    lattice = random_lattice(2, num_frames=3)
    theirs = openfst.run({"a": to_words(lattice)}, [("rmepsilon", "a"), ("determinize", "a")], ["a"])["a"]
    expected = {words: score for (words, _), score in best_scores(theirs, 99).items()}
    found = {words: path[-1] for words, path in best_of_sentences(determinize(lattice, 1e4).lattice).items()}
    assert found.keys() == expected.keys()
    # OpenFst takes residuals for equal that differ by 1/1024
    assert all(found[words] == pytest.approx(score, abs=2e-3) for words, score in expected.items())
