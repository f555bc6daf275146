"""Made-up lattices, and what enumeration of their paths tells."""

from collections import defaultdict

import numpy as np
from scipy.optimize import linear_sum_assignment

from graphs.lattices.compact_lattice import CompactLattice
from tests.graphs.lattices.test_lattice import random_lattice


def random_compact_lattice(seed, num_states=7, name="utt"):
    """A chain of states, so that each is on a path, and arcs beyond it; states stand on frames of their own."""
    rng = np.random.default_rng(seed)
    frame = np.append(0, np.cumsum(rng.integers(0, 4, num_states - 1)))
    arcs = [(state, state + 1) for state in range(num_states - 1)]
    arcs += [(src, dst) for src in range(num_states) for dst in range(src + 1, num_states) if rng.random() < 0.5]
    src, dst = np.array(arcs)[rng.permutation(len(arcs))].T
    counts = frame[dst] - frame[src]
    return CompactLattice(name, int(frame[-1]), src, dst, rng.integers(0, 4, len(arcs)), rng.normal(size=len(arcs)),
                          rng.normal(size=len(arcs)), rng.integers(1, 9, counts.sum()), np.cumsum(counts))


def random_of_both(seed, name="utt"):
    """A Lattice for even seeds, a CompactLattice for odd ones."""
    return random_compact_lattice(seed, name=name) if seed % 2 else random_lattice(seed, 2 + seed % 3, 2, name)


def any_lattice(seed, name="utt"):
    """Of both classes in turn and of all kinds: partial, without words, of one arc, with arcs without frames among the
    others, with scores that are huge, tiny, equal, or all below 0."""
    lattice = random_of_both(seed, name)
    kind = seed // 2 % 10
    if kind == 1:
        lattice.partial = True
    elif kind == 2:
        lattice.word_id[:] = 0
    elif kind == 3:
        lattice = one_arc(lattice)
    elif kind in (4, 5, 6):
        size = {4: 1e4, 5: 1e-3, 6: 0.0}[kind]
        lattice.acoustic, lattice.graph = (np.float32(size) * one for one in (lattice.acoustic, lattice.graph))
    elif kind == 7:
        lattice.acoustic, lattice.graph = -100 * np.abs(lattice.acoustic) - 50, -np.abs(lattice.graph) - 1
    elif kind == 8:
        lattice = random_compact_lattice(seed, 6, name)
        lattice = lattice if seed % 2 else lattice.expand()
    return lattice


def one_arc(lattice):
    if isinstance(lattice, CompactLattice):
        return CompactLattice(lattice.utterance_id, 2, [0], [1], lattice.word_id[:1], lattice.acoustic[:1],
                              lattice.graph[:1], [3, 4], [2])
    return type(lattice)(lattice.utterance_id, 1, [0], [1], [3], lattice.word_id[:1], lattice.acoustic[:1],
                         lattice.graph[:1])


def path_list(lattice, setting=(1.0, 1.0, 0.0)):
    """(words, transition_ids, acoustic, graph, score) of every path."""
    leaving = [[] for _ in range(lattice.num_states)]
    entries = lattice.frame_entries()
    strings = [tuple(part.tolist()) for part in np.split(
        entries.transition_ids, np.searchsorted(entries.rows, np.arange(1, lattice.num_arcs)))]
    for src, dst, word, string, *scores in zip(
            lattice.src.tolist(), lattice.dst.tolist(), lattice.word_id.tolist(), strings, lattice.acoustic.tolist(),
            lattice.graph.tolist(), lattice.scores(*setting).tolist()):
        leaving[src].append((dst, (word,) if word else (), string, *scores))
    found = [[] for _ in range(lattice.num_states)]
    found[0] = [((), (), 0.0, 0.0, 0.0)]
    for state, arcs in enumerate(leaving):
        for dst, word, string, acoustic, graph, score in arcs:
            found[dst] += [(w + word, s + string, a + acoustic, g + graph, c + score)
                           for w, s, a, g, c in found[state]]
    return found[-1]


def rounded(paths, digits=4):
    """Sorted, so that they can be compared."""
    return sorted((words, ids, *(round(value, digits) for value in scores)) for words, ids, *scores in paths)


def same_paths(found, expected):
    """Asserts that the paths are equal, scores to 1e-4."""
    found, expected = (sorted(paths, key=lambda path: (path[:2], round(path[-1], 3))) for paths in (found, expected))
    assert [path[:2] for path in found] == [path[:2] for path in expected]
    assert np.allclose([path[2:] for path in found], [path[2:] for path in expected], rtol=0.0, atol=1e-4)


def deviation(found, expected):
    """The largest of numbers side by side, as a share of the largest of them where that is above 1."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max(initial=0.0) / np.abs(expected).max(initial=1.0))


def path_deviation(found, expected):
    """Of all scores, the paths paired as they fit best. Asserts that their words and transition_ids are the same."""
    groups = [defaultdict(list), defaultdict(list)]
    for group, paths in zip(groups, (found, expected)):
        for words, ids, *scores in paths:
            group[words, ids].append(scores)
    assert {key: len(rows) for key, rows in groups[0].items()} == {key: len(rows) for key, rows in groups[1].items()}
    pairs = []
    for key, rows in groups[1].items():
        ours, theirs = np.array(groups[0][key]), np.array(rows)
        one, other = linear_sum_assignment(np.abs(ours[:, None] - theirs).max(axis=2))
        pairs.append((ours[one], theirs[other]))
    return deviation(*map(np.concatenate, zip(*pairs)))


def best_deviation(found, expected):
    """The same of the best scores: dictionaries of rows of numbers (or of numbers) with the same keys."""
    assert found.keys() == expected.keys()
    return deviation([found[key] for key in expected], list(expected.values()))


def best_of_sentences(lattice, setting=(1.0, 1.0, 0.0)):
    """words -> (transition_ids, acoustic, graph, score) of the best path."""
    best = {}
    for words, *path in path_list(lattice, setting):
        if words not in best or path[-1] > best[words][-1]:
            best[words] = path
    return best
