"""What BaseLattice, structure.py, weights.py and the two classes do."""

import math

import numpy as np

from graphs.lattices.compact_lattice import CompactLattice, compact
from graphs.lattices.structure import connect, depths, reverse, statistics, topological_sort
from graphs.lattices.weights import push, sample_paths, scale
from tests.graphs.lattices.material import any_lattice, deviation, path_deviation, path_list
from tests.graphs.lattices.test_lattice import enumerate_paths
from tests.reference.paths import logsumexp

SETTINGS = [(1.0, 1.0, 0.0), (0.5, 2.0, 1.5), (3.0, 0.1, -2.0)]
SETTING = (1.5, 0.3, 0.7)
SCALES = SETTING[:2]


def best_path(seed):
    lattice, worst = any_lattice(seed), 0.0
    for setting, found in zip(SETTINGS, lattice.best_paths(SETTINGS)):
        paths = path_list(lattice, setting)
        highest = max(path[-1] for path in paths)
        own = [path for path in paths if path[:2] == (tuple(found.word_ids), tuple(found.transition_ids.tolist()))]
        worst = max(worst, deviation(found.score, highest), min(
            deviation((found.acoustic, found.graph, found.score), path[2:]) for path in own))
        alone = lattice.best_path(*setting)
        assert (alone.word_ids, alone.score) == (found.word_ids, found.score)
    return worst


def arc_posteriors(seed):
    lattice, paths, worst = any_lattice(seed), None, 0.0
    paths = enumerate_paths(lattice)
    for setting in SETTINGS:
        scores = lattice.scores(*setting)
        totals = np.array([scores[path].sum() for path in paths])
        expected = np.zeros(lattice.num_arcs)
        for path, share in zip(paths, np.exp(totals - logsumexp(totals.tolist()))):
            expected[path] += share
        found = lattice.arc_posteriors(*setting)
        assert found.max() <= 1.0
        worst = max(worst, deviation(found, expected))
    return worst


def prune(seed):
    """The arcs of good paths are there, and none whose paths are all bad."""
    lattice = any_lattice(seed)
    scores, paths = lattice.scores(*SCALES), enumerate_paths(lattice)
    totals = np.array([scores[path].sum() for path in paths])
    beam = [0.0, 0.7, 3.0, 100.0][seed % 4] * max(1.0, np.abs(totals).max() / 10)
    best = np.full(lattice.num_arcs, -np.inf)
    for path, total in zip(paths, totals):
        best[path] = np.maximum(best[path], total)
    slack = 1e-5 * max(1.0, np.abs(totals).max())
    least, most = (set(np.flatnonzero(best >= totals.max() - beam + edge)) for edge in (slack, -slack))
    kept = lattice.prune(beam, *SCALES)
    kept.check()
    found = path_list(kept, (*SCALES, 0.0))
    assert len(least) <= kept.num_arcs <= len(most) or beam == 0.0 < kept.num_arcs
    expected = {path[:2]: [] for path in found}
    for path in path_list(lattice, (*SCALES, 0.0)):
        if path[:2] in expected:
            expected[path[:2]].append(path[2:])
        else:
            assert path[-1] < totals.max() - beam + slack
    return max(min(deviation(path[2:], row) for row in expected[path[:2]]) for path in found)


def with_dead_ends(lattice):
    """On every third state, and two arcs more: from a state that nothing leads to, and to one without end."""
    arcs = np.append(np.arange(lattice.num_arcs), [0, 0])
    src, dst = 3 * lattice.src[arcs], 3 * lattice.dst[arcs]
    src[-2:], dst[-2:] = (1, 0), (3 * lattice.num_states - 3, 2)
    return lattice.with_arcs(arcs, src, dst)


def connected(seed):
    lattice = any_lattice(seed)
    found = connect(with_dead_ends(lattice))
    found.check()
    assert (found.num_arcs, found.num_states) == (lattice.num_arcs, lattice.num_states)
    assert found.partial == lattice.partial
    return path_deviation(path_list(found), path_list(lattice))


def sort(seed):
    lattice, rng = any_lattice(seed), np.random.default_rng(seed)
    number = np.concatenate([[0], 1 + rng.permutation(lattice.num_states - 2), [lattice.num_states - 1]])
    arcs = rng.permutation(lattice.num_arcs)
    found = topological_sort(lattice.with_arcs(arcs, number[lattice.src[arcs]], number[lattice.dst[arcs]]))
    found.check()
    assert found.num_states == lattice.num_states
    return path_deviation(path_list(found), path_list(lattice))


def reversal(seed):
    lattice = any_lattice(seed)
    found = reverse(lattice)
    found.check()
    turned = [(words[::-1], ids[::-1], *scores) for words, ids, *scores in path_list(lattice)]
    return max(path_deviation(path_list(found), turned),
               path_deviation(path_list(reverse(found)), path_list(lattice)))


def numbers(seed):
    lattice = any_lattice(seed)
    found, paths = statistics(lattice), path_list(lattice)
    assert (found.states, found.arcs) == (lattice.num_states, lattice.num_arcs)
    assert found.words == len({word for words, *_ in paths for word in words})
    assert found.word_arcs == np.count_nonzero(lattice.word_id)
    frames = lattice.state_frames()
    crossing = [sum(begin <= frame < end for begin, end in zip(frames[lattice.src], frames[lattice.dst]))
                for frame in range(lattice.num_frames)]
    assert depths(lattice).tolist() == crossing
    return max(deviation(found.log10_paths, math.log10(len(paths))),
               deviation(found.depth, sum(crossing) / max(1, lattice.num_frames)))


def classes(seed):
    """compact and expand: paths, and the frames of their words."""
    lattice = any_lattice(seed)
    other = lattice.expand() if isinstance(lattice, CompactLattice) else compact(lattice)
    back = compact(other) if isinstance(lattice, CompactLattice) else other.expand()
    for one in (other, back):
        one.check()
        assert one.partial == lattice.partial
    if seed // 2 % 10 != 6:  # where all scores are equal another path may be the best
        assert other.best_path().word_frames == back.best_path().word_frames == lattice.best_path().word_frames
    return max(path_deviation(path_list(one), path_list(lattice)) for one in (other, back))


def scaled(seed):
    lattice = any_lattice(seed)
    found = scale(lattice, *SETTING)
    graph, acoustic, penalty = SETTING
    return path_deviation(path_list(found), [
        (words, ids, acoustic * a, graph * g - penalty * len(words), score)
        for words, ids, a, g, score in path_list(lattice, SETTING)])


def pushed(seed):
    """The same paths, and from each state but the start the best way to the end is free."""
    lattice, setting = any_lattice(seed), (*SCALES, 0.0)
    found = push(lattice, *SCALES)
    size = max(1.0, np.abs(lattice.scores(*SCALES)).max())
    _, backward = found.forward_backward(found.scores(*SCALES), best=True)
    return max(path_deviation(path_list(found, setting), path_list(lattice, setting)),
               deviation(backward[1:] / size, np.zeros(lattice.num_states - 1)))


def sampled(seed):
    """Each path that is drawn is one of the lattice's and has its scores."""
    lattice = any_lattice(seed)
    paths = path_list(lattice, SETTING)
    return max(min(deviation((path.acoustic, path.graph, path.score), own[2:]) for own in paths
                   if own[:2] == (tuple(path.word_ids), tuple(path.transition_ids.tolist())))
               for path in sample_paths(lattice, 5, seed, *SETTING))


CHECKS = {"best_paths": best_path, "arc_posteriors": arc_posteriors, "prune": prune, "connect": connected,
          "topological_sort": sort, "reverse": reversal, "statistics, depths": numbers, "compact, expand": classes,
          "scale": scaled, "push": pushed, "sample_paths": sampled}
