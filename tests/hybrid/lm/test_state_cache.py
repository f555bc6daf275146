"""States of a neural LM: numbers, room, and in which order and together with what they are computed."""

import numpy as np
import pytest
import torch

from hybrid.lm import state_cache
from hybrid.lm.network import shifted_right
from hybrid.lm.spelling import SpellingTree
from hybrid.lm.state_cache import StateCache
from tests.hybrid.lm.material import make_network

UNIT = np.array([1, 2, 3])


class Watched:
    """Steps of a network: how many states, and how many before each."""

    def __init__(self, network, monkeypatch):
        self.calls = []
        step = network.step

        def watched(units, past, known):
            assert not torch.is_grad_enabled()
            self.calls.append((len(units), past.shape[1], known.sum(dim=1).tolist()))
            return step(units, past, known)
        monkeypatch.setattr(network, "step", watched)


def test_states_are_numbered_in_the_order_in_which_they_come():
    cache = StateCache(make_network("lstm")[0])
    assert len(cache) == 1
    assert cache.add(np.array([0, 0]), np.array([1, 2])).tolist() == [1, 2]
    assert cache.add(np.array([], np.int64), np.array([], np.int64)).tolist() == []
    assert cache.add(np.array([1, 2, 2]), np.array([1, 1, 2])).tolist() == [3, 4, 5] and len(cache) == 6


@pytest.mark.parametrize("kind", [("lstm_2", "full"), ("transformer", "classes"), ("transformer_near", "full"),
                                  ("feed_forward", "tied"), ("bigram", "full")])
def test_scores_are_those_of_the_forward_pass(kind):
    """Of more states than there is room for at first, in trees of a random shape."""
    network, vocabulary = make_network(*kind)
    cache, rng = StateCache(network), np.random.default_rng(0)
    paths = [()]
    for number in (3, 40, 300, 41):  # 256 have room at first, then a quarter more
        parents = rng.integers(0, len(paths), number)
        cache.compute(np.unique(parents))
        units = rng.integers(1, vocabulary.num_units, number)
        assert cache.add(parents, units).tolist() == list(range(len(paths), len(paths) + number))
        paths += [(*paths[parent], unit) for parent, unit in zip(parents.tolist(), units.tolist())]
    states = rng.integers(0, len(paths), 20)
    states[0] = max(range(len(paths)), key=lambda state: len(paths[state]))
    cache.compute(np.unique(states))
    cache.compute(np.unique(states))  # again, which changes nothing
    units = rng.integers(0, vocabulary.num_units, 20)
    found = cache.scores(states, units)
    for state, unit, score in zip(states.tolist(), units.tolist(), found.tolist()):
        seen = shifted_right(torch.tensor([[*paths[state], 0]]))
        with torch.no_grad():
            expected = network.output.log_probs(network(seen)[0])[-1, unit]
        assert score == pytest.approx(float(expected), abs=1e-9), paths[state]


def test_states_are_computed_once_and_with_what_their_network_recalls(monkeypatch):
    for net, recalled in (("transformer", [0, 1, 2]), ("transformer_near", [0, 1, 2]), ("lstm", [0, 1, 1]),
                          ("bigram", [0, 0, 0]), ("feed_forward", [0, 1, 2])):
        network, _ = make_network(net)
        watched, cache = Watched(network, monkeypatch), StateCache(network)
        states = np.zeros(1, np.int64)
        for _ in range(3):
            cache.compute(states)
            cache.compute(states)
            states = cache.add(states[[0, 0]], np.array([1, 2]))[:1]
        assert watched.calls == [(1, past, [past]) for past in recalled], net
    network, _ = make_network("transformer_near")  # which recalls two
    watched, cache = Watched(network, monkeypatch), StateCache(network)
    state = np.zeros(1, np.int64)
    for _ in range(4):
        cache.compute(state)
        state = cache.add(state, np.array([1]))
    cache.compute(np.append(cache.add(np.zeros(1, np.int64), np.array([2])), state))
    assert watched.calls[3:] == [(1, 2, [2]), (2, 2, [1, 2])]  # a short one beside a long one


@pytest.mark.parametrize("most, sizes", [(None, [3]), (10 ** 6, [3]), (90, [2, 1]), (89, [1, 1, 1]), (1, [1, 1, 1])])
def test_what_is_computed_at_once_is_limited(monkeypatch, most, sizes):
    """A state of an LSTM has an entry of 2 times 9 numbers, recalls one more, and a hidden vector of 9: 45 in all."""
    network, _ = make_network("lstm")
    cache = StateCache(network)
    cache.compute(np.zeros(1, np.int64))
    states = cache.add(np.zeros(3, np.int64), UNIT)
    watched = Watched(network, monkeypatch)
    if most is not None:
        monkeypatch.setattr(state_cache, "MOST_NUMBERS", most)
    cache.compute(states)
    assert [size for size, _, _ in watched.calls] == sizes


@pytest.mark.parametrize("most, calls", [
    (2 * 136 - 1, [(1, 1, [1]), (1, 1, [1]), (1, 2, [2]), (1, 3, [3])]), (2 * 136, [(2, 1, [1, 1]), (2, 3, [2, 3])]),
    (4 * 136, [(4, 3, [1, 1, 2, 3])])])
def test_the_longest_that_waits_tells_how_many_are_computed_at_once(monkeypatch, most, calls):
    """Short ones come first. A state of this Transformer has an entry of 2 blocks, keys and values of 8 numbers, and a
    hidden vector of 8: with three states before it that are 4 times 32 and 8."""
    network, _ = make_network("transformer")
    cache, state, waiting = StateCache(network), np.zeros(1, np.int64), []
    for _ in range(3):
        cache.compute(state)
        waiting += cache.add(state, np.array([2])).tolist()
        state = cache.add(state, np.array([1]))
    short = cache.add(np.zeros(1, np.int64), np.array([3])).tolist()
    watched = Watched(network, monkeypatch)
    monkeypatch.setattr(state_cache, "MOST_NUMBERS", most)
    cache.compute(np.array([*reversed(waiting), *short]))
    assert watched.calls == calls


def test_spellings_normalize_where_there_is_a_tree():
    network, vocabulary = make_network("lstm", units="character")
    cache = StateCache(network, SpellingTree(vocabulary.spelling))
    cache.compute(np.zeros(1, np.int64))
    may_follow = sorted({spelling[0] for spelling in vocabulary.spelling if spelling} | {0})
    scores = cache.scores(np.zeros(len(may_follow), np.int64), np.array(may_follow))
    assert float(scores.exp().sum()) == pytest.approx(1.0) and not scores.requires_grad
    inside = next(unit for unit in may_follow if vocabulary.units[unit].endswith(" +"))
    after = cache.add(np.zeros(1, np.int64), np.array([inside]))
    cache.compute(after)
    follow = sorted({spelling[1] for spelling in vocabulary.spelling if spelling[:1] == (inside,)})
    scores = cache.scores(np.repeat(after, len(follow)), np.array(follow))
    assert 1 <= len(follow) < len(may_follow) and float(scores.exp().sum()) == pytest.approx(1.0)
