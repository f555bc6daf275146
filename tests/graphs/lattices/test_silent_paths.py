"""Ways through arcs without words, against enumeration of them."""

import math

import numpy as np
import pytest

from graphs.lattices.silent_paths import SilentArcs, SilentPaths
from tests.graphs.lattices.material import random_of_both
from tests.graphs.lattices.test_lattice import by_hand


def mostly_silent(seed):
    lattice = random_of_both(seed)
    lattice.word_id[np.random.default_rng(seed).random(lattice.num_arcs) < 0.6] = 0
    return lattice


def ways_from(lattice, state):
    """Every (arcs, the last with a word) of silent paths from a state; num_arcs for the end of the lattice."""
    if state == lattice.num_states - 1:
        yield [lattice.num_arcs]
    for arc in np.flatnonzero(lattice.src == state).tolist():
        if lattice.word_id[arc]:
            yield [arc]
        else:
            yield from ([arc, *rest] for rest in ways_from(lattice, lattice.dst[arc]))


def random_sets(lattice, seed):
    """column, state, score of elements of three sets."""
    rng = np.random.default_rng(seed)
    column, state = np.divmod(rng.permutation(3 * lattice.num_states)[:lattice.num_states + 2], lattice.num_states)
    return column, state, rng.normal(size=len(state))


@pytest.mark.parametrize("beam", [math.inf, 1.5])
@pytest.mark.parametrize("seed", range(12))
def test_each_set_has_its_best_way_to_each_word(seed, beam):
    lattice = mostly_silent(seed)
    scores = lattice.scores()
    gain, dst = np.append(scores, 0.0), np.append(lattice.dst, lattice.num_states)
    rest = np.append(lattice.forward_backward(scores, best=True)[1], 0.0)
    least = rest[0] - beam
    paths = SilentPaths(SilentArcs(lattice, scores), rest, least)
    for again in range(3):
        column, state, score = random_sets(lattice, 10 * seed + again)
        expected = {}
        for element, (one, start, before) in enumerate(zip(column.tolist(), state.tolist(), score.tolist())):
            for arcs in ways_from(lattice, start):
                way = before + gain[arcs].sum(), element, [arc for arc in arcs if arc < lattice.num_arcs]
                expected[one, arcs[-1]] = max(way, expected.get((one, arcs[-1]), way))
        expected = {key: way for key, way in expected.items() if way[0] + rest[dst[key[1]]] >= least}
        ways = paths.follow(column, state, score)
        origin, arcs, ends = paths.trace(ways)
        found = {(one, arc): (total, first, taken.tolist()) for one, arc, total, first, taken in zip(
            ways.column.tolist(), ways.arc.tolist(), ways.score, origin.tolist(), np.split(arcs, ends)[:-1])}
        assert len(found) == len(ways.arc) and found.keys() == expected.keys()
        for key, (total, *way) in expected.items():
            assert found[key][0] == pytest.approx(total) and list(found[key][1:]) == way


@pytest.mark.parametrize("seed", range(12))
def test_levels_that_words_leave_and_enter(seed):
    lattice = mostly_silent(seed)
    arcs, level = SilentArcs(lattice, lattice.scores()), lattice.levels.of_state
    src = np.append(lattice.src, lattice.num_states - 1)
    words = [{way[-1] for way in ways_from(lattice, state)} for state in range(lattice.num_states)]
    assert arcs.last_level.tolist() == [max(level[src[list(one)]]) for one in words]
    beyond = level.max() + 1
    nearest = [min((level[lattice.dst[arc]] for arc in one if arc < lattice.num_arcs), default=beyond) for one in words]
    begins = [0, *lattice.dst[lattice.word_id > 0].tolist()]
    assert arcs.next_level.tolist() == [
        min((nearest[state] for state in begins if level[state] >= number), default=beyond) for number in range(beyond)]


def test_room_is_made_for_many_pairs():
    count = 150
    lattice = by_hand(count, src=np.arange(count), dst=np.arange(count) + 1, transition_id=[1] * count,
                      word_id=[0] * (count - 1) + [5], acoustic=-np.ones(count), graph=np.zeros(count))
    paths = SilentPaths(SilentArcs(lattice, lattice.scores()), np.zeros(count + 2), -math.inf)
    column = np.arange(150)
    ways = paths.follow(column, np.zeros(150, np.int64), column + 0.5)
    assert ways.column.tolist() == column.tolist() and ways.score.tolist() == (column + 0.5 - count).tolist()
    origin, arcs, ends = paths.trace(ways)
    assert origin.tolist() == column.tolist() and arcs.tolist() == 150 * list(range(count))
    assert ends.tolist() == (count * (column + 1)).tolist()
