"""Scaled and pushed scores and drawn paths against enumeration."""

import collections
import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.weights import push, sample_paths, scale
from tests.graphs.lattices.material import path_list, random_of_both, same_paths
from tests.graphs.lattices.test_lattice import by_hand
from tests.reference.paths import logsumexp

SEEDS = range(60)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_paths_are_drawn_by_their_posteriors(seed):
    lattice, setting, number = random_of_both(seed), (1.5, 0.3, 0.7), 4000
    paths = path_list(lattice, setting)
    whole = logsumexp([path[-1] for path in paths])
    expected = collections.Counter()
    for words, ids, *_, score in paths:
        expected[words, ids] += math.exp(score - whole)
    drawn = sample_paths(lattice, number, 7, *setting)
    found = collections.Counter((tuple(path.word_ids), tuple(path.transition_ids)) for path in drawn)
    assert sum(found.values()) == number and set(found) <= set(expected)
    for path, share in expected.items():
        assert abs(found[path] / number - share) < 5 * math.sqrt(share * (1 - share) / number) + 1e-3
    one = drawn[0]
    assert one.score == pytest.approx(1.5 * one.graph + 0.3 * one.acoustic - 0.7 * len(one.word_ids))
    assert min(abs(one.score - score) for *_, score in paths) < 1e-6


def test_the_seed_decides():
    lattice = random_of_both(1)

    def words(seed):
        return [path.word_ids for path in sample_paths(lattice, 20, seed)]
    assert words(1) == words(1) != words(2)
    scores = [path.score for path in sample_paths(lattice, 20, 1)]
    assert scores == [path.score for path in sample_paths(lattice, 20, 1, 1.0, 1.0, 0.0)]
    assert len(sample_paths(lattice, 1, 1)) == 1
    with pytest.raises(InputError, match="number of paths: expected at least 1, found 0"):
        sample_paths(lattice, 0, 1)


def test_scales_are_one_unless_said_and_what_cannot_be_is_refused():
    for seed in range(4):
        lattice = random_of_both(seed)
        same_paths(path_list(scale(lattice)), path_list(lattice))
        same_paths(path_list(push(lattice)), path_list(push(lattice, 1.0, 1.0)))
    with pytest.raises(InputError, match="graph_scale: expected a number from 0"):
        scale(lattice, -1.0)
    with pytest.raises(InputError, match="every state leads to the end, found one that does not"):
        push(by_hand(1, src=[0, 1, 0], dst=[3, 3, 2], transition_id=[1, 2, 3]))


def test_the_best_path_pays_at_once():
    lattice = random_of_both(3)
    found, best = push(lattice, 1.5, 0.3), lattice.best_path(1.5, 0.3)
    top = np.argmax(np.where(found.src == 0, found.scores(1.5, 0.3), -np.inf))
    assert (found.acoustic[top], found.graph[top]) == pytest.approx((best.acoustic, best.graph), abs=1e-4)


@pytest.mark.parametrize("number", [0, -1, 2.5, math.nan, math.inf, None, "3"])
def test_a_number_of_paths_that_is_none_is_refused(number):
    with pytest.raises(InputError, match=f"number of paths: expected at least 1, found {number}"):
        sample_paths(by_hand(), number, seed=1)
