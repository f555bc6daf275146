import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.push import best_ahead, push_scores
from tests.graphs.fst.test_epsilon import random_graph
from tests.reference.paths import all_paths, best_scores


@pytest.mark.parametrize("seed", range(12))
def test_paths_keep_their_scores_and_the_best_way_on_costs_nothing(seed):
    graph = random_graph(np.random.default_rng(seed))
    result = push_scores(graph)
    before, after = best_scores(graph, 3), best_scores(result, 3)
    assert after == pytest.approx(before, abs=1e-5) and len(before) > 3
    ahead = best_ahead(result)
    assert ahead[1:] == pytest.approx(np.zeros(len(ahead) - 1), abs=1e-5)
    assert ahead[0] == pytest.approx(best_ahead(graph)[0], abs=1e-5)


def test_the_best_score_ahead_is_that_of_the_best_path():
    for seed in range(12):
        graph = random_graph(np.random.default_rng(seed), 5, 6)
        ahead = best_ahead(graph)
        assert ahead[0] == pytest.approx(max(score for _, _, score in all_paths(graph, 8)), abs=1e-5)
    no_end = Arcs.from_lists([(0, 1, 7, 7, -1.0), (0, 2, 7, 7, -3.0)], [(2, -0.5), (2, -0.25)])
    assert best_ahead(no_end).tolist() == [-3.25, -math.inf, -0.25]


def test_a_start_that_is_entered_again_keeps_its_scores_once():
    graph = Arcs.from_lists([(0, 1, 7, 7, -1.0), (1, 0, 8, 8, -2.0)], [(0, -0.5)])
    result = push_scores(graph)
    assert (result.score.tolist(), result.final_score.tolist()) == ([-3.5, 0.5], [-0.5])


def test_without_a_best_score_nothing_can_be_pushed():
    with pytest.raises(InputError, match="an end ahead of every state"):
        push_scores(Arcs.from_lists([(0, 1, 7, 7, -1.0), (0, 2, 7, 7, 0.0)], [(2, 0.0)]))
    with pytest.raises(InputError, match="a cycle that gains"):
        push_scores(Arcs.from_lists([(0, 1, 7, 7, -1.0), (1, 0, 7, 7, 1.25)], [(1, 0.0)]))
    push_scores(Arcs.from_lists([(0, 1, 7, 7, -1.0), (1, 0, 7, 7, 1.0)], [(1, 0.0)]))
    for length in (10_000, 10_001):
        chain = Arcs.from_lists([(s, s + 1, 7, 7, -1.0) for s in range(length)], [(length, 0.0)])
        if length == 10_000:
            assert push_scores(chain).score[0] == -length
        else:
            with pytest.raises(InputError, match="at most 10000 arcs"):
                push_scores(chain)
