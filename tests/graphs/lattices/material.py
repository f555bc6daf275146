"""Made-up lattices, and what enumeration of their paths tells."""

import numpy as np

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


def best_of_sentences(lattice, setting=(1.0, 1.0, 0.0)):
    """words -> (transition_ids, acoustic, graph, score) of the best path."""
    best = {}
    for words, *path in path_list(lattice, setting):
        if words not in best or path[-1] > best[words][-1]:
            best[words] = path
    return best
