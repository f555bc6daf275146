"""What is asked of words: nearest path, other language models, least expected errors; and the text forms."""

import math
from types import SimpleNamespace

import numpy as np

from graphs.grammar.grammar_fst import make_grammar_fst
from graphs.grammar.grammar_lm import GrammarLm
from graphs.grammar.arpa import read_arpa
from graphs.grammar.ngram_lm import NgramLm
from graphs.grammar.weighted_lm import Term
from graphs.lattices.kaldi_text import read_kaldi_text, to_kaldi_text
from graphs.lattices.lattice_io import read_lattices, write_lattices
from graphs.lattices.mbr import Voter, consensus
from graphs.lattices.oracle import oracle_path
from graphs.lattices.rescore import rescore
from graphs.lattices.slf import to_slf
from hybrid.recognize.edit_distance import edit_distance
from tests.graphs.arpas import arpa_text, oracle_score, random_entries
from tests.graphs.grammar.test_grammar_fst import Walker
from tests.graphs.lattices.material import any_lattice, deviation, path_deviation, path_list
from tests.graphs.lattices.test_compose import WORDS
from tests.reference.sausages import statistics
from tests.reference.slf import read_slf

SETTING = (0.7, 1.3, 0.5)
BACKOFF, LOG_10 = WORDS.id_of("#0"), math.log(10.0)


def nearest(seed):
    """The fewest errors, and of the paths with as few the best score."""
    lattice, rng = any_lattice(seed), np.random.default_rng(seed)
    said = rng.integers(1, 4, size=rng.integers(0, 8)).tolist()
    paths = path_list(lattice, SETTING)
    errors = [edit_distance(said, list(path[0])) for path in paths]
    best = max(path[-1] for path, number in zip(paths, errors) if number == min(errors))
    found = oracle_path(lattice, said, *SETTING)
    assert found.errors == min(errors) == edit_distance(said, found.path.word_ids)
    assert found.path.score == lattice.scores(*SETTING)[found.arcs].sum()
    return deviation(found.path.score, best)


def model(seed, order, folder):
    entries = random_entries(seed, order, ("a", "b", "c"), 0.6)
    (folder / "lm.arpa").write_text(arpa_text(entries))
    return entries, read_arpa(folder / "lm.arpa")[0]


def with_other_lms(seed, folder):
    """Every path has the new model's score instead of the old one's; with the old model again it is what it was."""
    lattice = any_lattice(seed)
    old, (entries, new) = model(seed, 2, folder)[1], model(seed + 1000, 1 + seed % 4, folder)
    arcs = make_grammar_fst(old, WORDS)
    walker, terms = Walker(arcs, BACKOFF), [Term(GrammarLm(arcs, BACKOFF), -1.0), Term(NgramLm(new, WORDS), 1.0)]

    def ending(words):
        ended = LOG_10 * oracle_score(entries, [WORDS.symbol_of(word) for word in words]) - walker.best(words)
        return 0.0 if lattice.partial else ended
    if lattice.partial:  # which has no sentence ends to score: the old model goes out and comes in again
        terms = [terms[0], Term(GrammarLm(make_grammar_fst(old, WORDS), BACKOFF), 1.0)]
    expected = [(words, ids, a, g + ending(words), s + ending(words)) for words, ids, a, g, s in path_list(lattice)]
    found = rescore(lattice, terms)
    found.check()
    same = rescore(lattice, [terms[0], Term(GrammarLm(make_grammar_fst(old, WORDS), BACKOFF), 1.0)])
    return max(path_deviation(path_list(found), expected), path_deviation(path_list(same), path_list(lattice)))


def least_risk(seed):
    """Probabilities of words, and expected errors, by the published recursion state by state; the risk of what is found
    is a bound on that of all paths."""
    lattice = any_lattice(seed)
    one = Voter(lattice, lattice.scores(*SETTING))
    start = [[1, 2], [2], [], [1, 1, 2, 1, 2], [7, 2]][seed % 5]
    fixed, found = consensus([one], start=start, decode=False), consensus([one])
    _, backward = lattice.forward_backward(one.scores)
    log_probs = one.scores + backward[lattice.dst] - backward[lattice.src]  # the same posteriors
    risk, gamma = statistics(list(zip(lattice.src.tolist(), lattice.dst.tolist(), lattice.word_id.tolist(),
                                      log_probs.tolist())), lattice.num_states,
                             [0, *(label for word_id in start for label in (word_id, 0))])
    own = [word.probability for word in fixed.words]
    expected = [table.get(word_id, 0.0) for word_id, table in zip(start, gamma[1::2])]
    totals = np.array([path[-1] for path in path_list(lattice, SETTING)])
    shares = np.exp(totals - np.logaddexp.reduce(totals))
    errors = sum(share * edit_distance(found.word_ids, list(path[0]))
                 for share, path in zip(shares, path_list(lattice, SETTING)))
    assert errors <= found.risk + 1e-6 and found.risk <= consensus([one], decode=False).risk + 1e-9
    return max(deviation(own, expected), deviation(fixed.risk, risk))


def files(seed, folder):
    """Folders of lattices and Kaldi's text: what is written is read again."""
    lattice, worst = any_lattice(seed), 0.0
    write_lattices(folder, 0, [lattice])
    (folder / "lat.txt").write_text(to_kaldi_text(lattice, WORDS.symbols), encoding="utf-8")
    for again in (*read_lattices(folder), *read_kaldi_text(folder / "lat.txt", WORDS)):
        assert type(again) is type(lattice) and again.num_frames == lattice.num_frames
        worst = max(worst, path_deviation(path_list(again), path_list(lattice)))
    return worst


def htk(seed):
    """The sentences of HTK's form, and the frames of its nodes."""
    lattice = any_lattice(seed)
    slf = read_slf(to_slf(lattice, WORDS.symbols, frame_shift=0.03))
    arcs = [(int(link["S"]), int(link["E"]), 0 if link["W"] == "!NULL" else WORDS.id_of(link["W"]),
             float(link["a"]), float(link["l"])) for link in slf.links]
    src, dst, word_id, acoustic, graph = (np.array(column) for column in zip(*sorted(arcs)))
    again = SimpleNamespace(src=src, dst=dst, word_id=word_id, acoustic=acoustic, graph=graph)
    worst = deviation([float(node["t"]) for node in slf.nodes], 0.03 * lattice.state_frames())
    ours, order = sorted(zip(lattice.src, lattice.dst, lattice.word_id, lattice.acoustic, lattice.graph)), again
    assert [row[:3] for row in ours] == list(zip(order.src, order.dst, order.word_id))
    return max(worst, deviation([row[3:] for row in ours], list(zip(order.acoustic, order.graph))))


CHECKS = {"oracle_path": nearest, "rescore": with_other_lms, "consensus": least_risk, "files": files, "to_slf": htk}
