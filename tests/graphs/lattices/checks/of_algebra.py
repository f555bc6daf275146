"""Determinization, minimization, composition, projection."""

import math
from collections import defaultdict

import numpy as np

from graphs.errors import InputError
from graphs.grammar.grammar_fst import make_grammar_fst
from graphs.grammar.arpa import read_arpa
from graphs.lattices.compact_lattice import CompactLattice
from graphs.lattices.compose import compose, intersect, union
from graphs.lattices.determinize import determinize
from graphs.lattices.minimize import minimize
from graphs.lattices.project import to_transition_ids, to_words
from tests.graphs.arpas import arpa_text, random_entries
from tests.graphs.lattices.material import (
    any_lattice, best_deviation, best_of_sentences, deviation, path_deviation, path_list)
from tests.graphs.lattices.test_compose import (
    WORDS, BackoffModel, accepted_score, best_of_paths, random_acceptor)
from tests.reference.paths import all_paths, logsumexp

SCALES = (1.5, 0.3)
SETTING = (*SCALES, 0.0)


def is_deterministic(lattice):
    """No two arcs of one word out of a state; arcs without a word lead to the end alone."""
    pairs = list(zip(lattice.src.tolist(), lattice.word_id.tolist()))
    return len(set(pairs)) == len(pairs) and (lattice.dst[lattice.word_id == 0] == lattice.num_states - 1).all()


def determinized(seed):
    """Each sentence once, with its best path: one of the lattice's, of the best score."""
    lattice = any_lattice(seed)
    found = determinize(lattice, 1e6, *SCALES)
    assert found.beam == 1e6 and is_deterministic(found.lattice) and found.lattice.partial == lattice.partial
    found.lattice.check()
    return max(_sentence_deviations(found.lattice, lattice, -math.inf))


def determinized_within_a_beam(seed):
    """The same of sentences within the beam; every arc is on a path within it."""
    lattice = any_lattice(seed)
    best = max(path[-1] for path in path_list(lattice, SETTING))
    beam = (0.5 + seed % 4) * (1.0 if abs(best) < 1e3 else 1e4)
    found = determinize(lattice, beam, *SCALES).lattice
    found.check()
    size = max(1.0, abs(best))
    assert (found.arc_totals(found.scores(*SCALES), best=True)[0] >= best - beam - 1e-4 * size).all()
    return max(_sentence_deviations(found, lattice, best - beam + 1e-5 * size))


def _sentence_deviations(found, lattice, least):
    """Of each sentence of `found`; those of the lattice from `least` up must be there."""
    paths, every = path_list(found, SETTING), path_list(lattice, SETTING)
    best = best_of_sentences(lattice, SETTING)
    words = [path[0] for path in paths]
    assert len(set(words)) == len(words) and set(words) <= best.keys()
    assert set(words) >= {one for one, path in best.items() if path[-1] >= least}
    size = max(1.0, max(abs(path[-1]) for path in every))
    for path in paths:
        yield abs(path[-1] - best[path[0]][-1]) / size
        yield min(max(abs(a - b) for a, b in zip(path[2:], own[2:])) / size for own in every if own[:2] == path[:2])


def minimized(seed):
    lattice = any_lattice(seed)
    if seed % 3:
        lattice = determinize(lattice, 1e6, *SCALES).lattice
    found = minimize(lattice, *SCALES)
    found.check()
    assert found.num_states <= lattice.num_states
    again = minimize(found, *SCALES)
    assert (again.num_states, again.num_arcs) == (found.num_states, found.num_arcs)
    return path_deviation(path_list(found, SETTING), path_list(lattice, SETTING))


def composed(seed):
    """With an acceptor that has epsilons and cycles of words."""
    lattice, acceptor = any_lattice(seed), random_acceptor(seed)
    paths = path_list(lattice)
    accepted = {words: accepted_score(acceptor, words) for words, *_ in paths}
    expected = {(words, ids): score + 2.0 * accepted[words] for (words, ids), score in best_of_paths(paths).items()
                if accepted[words] > -math.inf}
    if not expected:
        return _nothing(lambda: compose(lattice, acceptor))
    found = compose(lattice, acceptor, 2.0)
    found.check()
    return best_deviation(best_of_paths(path_list(found)), expected)


def _nothing(operation):
    """0 where the operation says that no path is left."""
    try:
        operation()
    except InputError as error:
        assert "expected a path" in str(error)
        return 0.0
    raise AssertionError("paths out of nowhere")


def grammar(seed, folder):
    entries = random_entries(seed, words=("a", "b", "c"))
    (folder / "lm.arpa").write_text(arpa_text(entries))
    return entries, make_grammar_fst(read_arpa(folder / "lm.arpa")[0], WORDS)


def composed_with_g(seed, folder):
    """With the failure arcs of G, and with the language model that it stands for; and taken out again."""
    lattice, backoff = any_lattice(seed), WORDS.id_of("#0")
    entries, arcs = grammar(seed, folder)
    model = BackoffModel(entries)
    kept = [path for path in path_list(lattice) if model._score(path[0]) > -math.inf]
    if not kept:
        return _nothing(lambda: compose(lattice, arcs, backoff=backoff))
    expected = [(words, ids, a, g + model._score(words), s + model._score(words)) for words, ids, a, g, s in kept]
    found = compose(lattice, arcs, backoff=backoff)
    return max(path_deviation(path_list(found), expected),
               path_deviation(path_list(compose(lattice, model)), expected),
               path_deviation(path_list(compose(found, arcs, -1.0, backoff)), kept))


def intersected(seed):
    """With another lattice, which is determinized in two of three."""
    lattice, other = any_lattice(seed), any_lattice(seed + 1)
    if seed % 3:
        other = determinize(other, 1e6).lattice
    best = best_of_sentences(other)
    expected = [(words, ids, a + 0.5 * best[words][1], g + 0.5 * best[words][2], s + 0.5 * best[words][3])
                for words, ids, a, g, s in path_list(lattice) if words in best]
    if not expected:
        return _nothing(lambda: intersect(lattice, other))
    found = intersect(lattice, other, 0.5)
    found.check()
    if seed % 3:
        return path_deviation(path_list(found), expected)
    return best_deviation(best_of_paths(path_list(found)), best_of_paths(expected))


def united(seed):
    """Posteriors of paths are the weighted means; their logarithms are compared, in which scores are added."""
    one = any_lattice(seed)
    parts = [one, *(on_as_many_frames(any_lattice(seed + more), one) for more in (1, 20))]
    weights = [(), (3.0, 1.0, 0.0), (1.0, 0.0, 2.0)][seed % 3]
    found = union(parts, weights, *SCALES)
    found.check()
    assert found.partial == any(part.partial for part in parts)
    expected, size = defaultdict(list), 1.0
    shares = np.array(weights or (1.0, 1.0, 1.0))
    for part, share in zip(parts, shares / shares.sum()):
        paths = path_list(part, SETTING)
        whole, size = logsumexp([path[-1] for path in paths]), max(size, *(abs(path[-1]) for path in paths))
        for words, ids, *_, score in paths if share else ():
            expected[words, ids].append(math.log(share) + score - whole)
    total = defaultdict(list)
    for words, ids, *_, score in path_list(found, SETTING):
        total[words, ids].append(score)
    return best_deviation(*({path: logsumexp(scores) / size for path, scores in one.items()}
                            for one in (total, expected)))


def on_as_many_frames(lattice, model):
    """Arcs of the lattice, in pairs, one pair after the other; the first consumes all the frames of the model."""
    pairs = min(lattice.num_arcs // 2, 2)
    if not pairs:
        return model
    src = np.repeat(np.arange(pairs), 2)
    frames = np.where(src == 0, model.num_frames, 0)
    return CompactLattice(model.utterance_id, model.num_frames, src, src + 1, *(
        getattr(lattice, name)[:len(src)] for name in ("word_id", "acoustic", "graph")),
        np.arange(frames.sum()) % 8 + 1, np.cumsum(frames), lattice.partial)


def projected(seed):
    lattice, setting, worst = any_lattice(seed), (*SCALES, 0.7), 0.0
    paths = path_list(lattice, setting)
    for project, column in ((to_words, 0), (to_transition_ids, 1)):
        found = [(labels, (), score) for labels, _, score in all_paths(project(lattice, *setting), 99)]
        worst = max(worst, path_deviation(found, [(path[column], (), path[-1]) for path in paths]))
    frames = lattice.expand() if isinstance(lattice, CompactLattice) else lattice
    return max(worst, deviation(to_words(lattice).score, lattice.scores()),
               deviation(to_transition_ids(lattice).score, frames.scores()))


CHECKS = {"determinize": determinized, "determinize, within a beam": determinized_within_a_beam,
          "minimize": minimized, "compose": composed, "compose, G and its model": composed_with_g,
          "intersect": intersected, "union": united, "to_words, to_transition_ids": projected}
