"""Minimum Bayes risk decoding, against the published algorithm state by state and against all paths."""

from dataclasses import replace

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices import mbr
from graphs.lattices.compact_lattice import CompactLattice
from graphs.lattices.lattice import Lattice
from graphs.lattices.mbr import Voter, consensus
from hybrid.recognize.edit_distance import edit_distance
from tests.graphs.lattices.material import random_of_both
from tests.graphs.lattices.test_lattice import enumerate_paths, random_lattice


def voter(lattice, scale=1.0):
    return Voter(lattice, scale * lattice.scores(0.7, 1.2, 0.3))


def sentences(one):
    """(words, probability) of every path."""
    paths = enumerate_paths(one.lattice)
    scores = np.array([one.scores[path].sum() for path in paths])
    return [(tuple(int(w) for w in one.lattice.word_id[path] if w), float(p))
            for path, p in zip(paths, np.exp(scores - np.logaddexp.reduce(scores)))]


def expected_errors(hypothesis, said):
    return sum(p * edit_distance(hypothesis, words) for words, p in said)


def with_gaps(word_ids):
    return [0, *(label for word_id in word_ids for label in (word_id, 0))]


def tree_of(said, utterance_id="u"):
    """A lattice of sentences that meet at the end only: there the recursion is exact."""
    arcs, number = [], 1
    for words, probability in said:
        state = 0
        for place, word in enumerate(words):
            arcs.append([state, number, 1, word, float(np.log(probability)) if place == 0 else 0.0])
            state, number = number, number + 1
        arcs.append([state, -1, 0, 0, 0.0])
    for arc in arcs:
        arc[1] = number if arc[1] < 0 else arc[1]
    src, dst, transition_id, word_id, score = zip(*arcs)
    return Lattice(utterance_id, 3, src, dst, transition_id, word_id, np.zeros(len(arcs)), np.array(score))


@pytest.mark.parametrize("seed", range(25))
def test_the_risk_falls_and_is_a_bound_on_that_of_all_paths(seed):
    one = voter(random_of_both(seed))
    best, said = consensus([one], decode=False), sentences(one)
    found = consensus([one])
    assert found.risk <= best.risk + 1e-9
    for result in (best, found):
        assert expected_errors(result.word_ids, said) <= result.risk + 1e-9
    fixed = consensus([one], start=found.word_ids, decode=False)
    assert fixed.bins == found.bins and fixed.risk == found.risk
    tops = [place.words[0].word_id for place in found.bins]
    assert [word_id for word_id in tops if word_id] == found.word_ids


def long_lattice(num_words, seed, whole=0.0):
    """In place of each word three others or two short ones; whole: probability of one word in place of all of them."""
    rng = np.random.default_rng(seed)
    arcs = []
    for state in range(0, 2 * num_words, 2):
        weights = np.log(rng.dirichlet(np.ones(4)))
        arcs += [(state, state + 2, 2, word, weight) for word, weight in zip(rng.integers(1, 50, size=3), weights)]
        arcs += [(state, state + 1, 1, rng.integers(1, 50), weights[3]), (state + 1, state + 2, 1, 50, 0.0)]
    if whole:
        arcs.append((0, 2 * num_words, 2 * num_words, 51, np.log(whole / (1 - whole))))
    src, dst, frames, word_id, score = map(np.array, zip(*arcs))
    one = CompactLattice("u", 2 * num_words, src, dst, word_id, score, np.zeros(len(arcs)), np.ones(frames.sum(), int),
                         np.cumsum(frames))
    return Voter(one, one.scores())


@pytest.mark.parametrize("whole", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(2))
def test_places_around_a_state_are_enough(monkeypatch, seed, whole):
    """48 of some 170, and more where an arc is as long as all words; a second lattice has other times."""
    voters = [long_lattice(80, seed, whole), long_lattice(76, seed)._replace(frame_shift=80 / 76)]
    start = consensus([long_lattice(80, seed)], decode=False).word_ids if whole else None
    expected = consensus(voters, start=start)
    widths = []
    monkeypatch.setattr(mbr, "WIDTH", 48)
    monkeypatch.setattr(mbr._View, "add", lambda view, errors, sums, add=mbr._View.add: (
        widths.append(errors.shape[1]), add(view, errors, sums)))
    found = consensus(voters, start=start)
    assert widths[-1] == 48 and (widths[-2] == 48) == (not whole)
    assert found.word_ids == expected.word_ids and found.risk == pytest.approx(expected.risk, abs=1e-6)
    for one, other in zip(found.bins, expected.bins, strict=True):
        likely = [[word for word in bin.words if word.probability > 1e-4] for bin in (one, other)]
        assert [word.word_id for word in likely[0]] == [word.word_id for word in likely[1]]
        np.testing.assert_allclose([word[1:] for word in likely[0]], [word[1:] for word in likely[1]], atol=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_where_paths_meet_at_the_end_only_the_risk_is_exact(seed):
    rng = np.random.default_rng(seed)
    said = [(tuple(rng.integers(1, 5, size=3).tolist()), p) for p in rng.dirichlet(np.ones(5))]
    one = Voter(tree_of(said), tree_of(said).scores())
    for start in ([1, 2, 3], [4], [2, 2, 1, 1]):
        found = consensus([one], start=start, decode=False)
        assert found.risk == pytest.approx(expected_errors(start, said), abs=1e-3)
    assert expected_errors(consensus([one]).word_ids, said) <= min(
        expected_errors(words, said) for words, _ in said) + 0.02


def test_a_vote_on_words_wins_over_the_likeliest_sentence():
    said = [((1, 2, 3), 0.4), ((1, 4, 5), 0.35), ((6, 2, 5), 0.25)]
    one = Voter(tree_of(said), tree_of(said).scores())
    found = consensus([one])
    assert consensus([one], decode=False).word_ids == [1, 2, 3] and found.word_ids == [1, 2, 5]
    assert [word.probability for word in found.words] == pytest.approx([0.75, 0.65, 0.6])
    assert found.risk == pytest.approx(0.25 + 0.35 + 0.4, abs=1e-4)
    assert [[word.word_id for word in place.words] for place in found.bins] == [[1, 6], [2, 4], [5, 3]]
    for places in (found.words, found.bins):
        assert [time for place in places for time in (place.start, place.end)] == pytest.approx([0, 1, 1, 2, 2, 3])


def test_words_that_mostly_are_not_said_have_a_place_of_their_own():
    said = [((1, 2), 0.55), ((3, 1, 2), 0.3), ((1, 2, 4), 0.15)]
    found = consensus([Voter(tree_of(said), tree_of(said).scores())])
    assert found.word_ids == [1, 2]
    assert [[(word.word_id, pytest.approx(word.probability)) for word in place.words] for place in found.bins] == [
        [(0, 0.7), (3, 0.3)], [(1, 1.0)], [(2, 1.0)], [(0, 0.85), (4, 0.15)]]


def test_what_is_certain_has_no_probability_above_1():
    for seed in range(10):
        said = [((1,), p) for p in np.random.default_rng(seed).dirichlet(np.ones(7))]
        assert 1.0 - 1e-9 < consensus([Voter(tree_of(said), tree_of(said).scores())]).words[0].probability <= 1.0


def test_a_place_without_a_word_has_the_times_of_its_arc():
    """The same where another path has word 2, which lasts to the end."""
    src, dst, word_id = [0, 1, 1, 2], [1, 2, 2, 3], [1, 2, 0, 0]
    lattice = Lattice("u", 3, src, dst, [1, 1, 1, 1], word_id, np.zeros(4), np.log([1, 0.6, 0.4, 1]))
    _, second = consensus([Voter(lattice, lattice.scores())]).bins
    assert second.words == ((2, pytest.approx(0.6), 1.0, 3.0), (0, pytest.approx(0.4), 1.0, 2.0))


def test_of_equally_likely_words_the_first_by_number_stands_first():
    said = [((2, 4), 0.5), ((1, 3), 0.5)]
    found = consensus([Voter(tree_of(said), tree_of(said).scores())])
    assert [[word.word_id for word in place.words] for place in found.bins] == [[1, 2], [3, 4]]
    assert found.word_ids in ([2, 4], [1, 3])


@pytest.mark.parametrize("seed", range(5))
def test_of_several_lattices_the_gammas_are_the_weighted_means(seed):
    voters = [voter(random_of_both(seed + n)) for n in (0, 51)]
    start = [1, 2, 1]
    both = consensus(voters, [1.0, 3.0], start, decode=False)
    each = [consensus([one], start=start, decode=False) for one in voters]
    assert both.risk == pytest.approx(0.25 * each[0].risk + 0.75 * each[1].risk)
    for i, word in enumerate(both.words):
        mean = 0.25 * each[0].words[i].probability + 0.75 * each[1].words[i].probability
        assert word.probability == pytest.approx(mean, abs=1e-8)
    same = consensus([voters[0], voters[0]])
    assert same.word_ids == consensus(voters[:1]).word_ids
    assert consensus(voters, [1.0, 0.0]) == consensus(voters[:1])


def test_the_start_is_the_likeliest_path_of_all_lattices():
    one, other = (Voter(tree_of(said), tree_of(said).scores())
                  for said in ([((1, 2, 3), 0.6), ((4, 4, 4), 0.4)], [((5, 6, 7), 0.9), ((8, 8, 8), 0.1)]))
    assert consensus([one, other], decode=False).word_ids == [5, 6, 7]
    assert consensus([one, other], [2.0, 1.0], decode=False).word_ids == [1, 2, 3]


def test_a_word_lasts_until_the_next_on_average():
    """Words 1 (frame 0) and 2 (frame 2 with 0.75, frame 3 else), 4 frames; all paths have a factor of 3."""
    rows = [(0, 1, 1, 1), (1, 2, 1, 0), (2, 3, 1, 2), (2, 4, 1, 0), (3, 5, 1, 0), (4, 5, 1, 2)]
    src, dst, transition_id, word_id = zip(*rows)
    lattice = Lattice("u", 4, src, dst, transition_id, word_id, np.zeros(6), np.log([1, 1, 0.75, 0.25, 3, 3]))
    first, second = consensus([Voter(lattice, lattice.scores())]).words
    assert (first.start, first.end) == (0.0, pytest.approx(2.25))
    assert (second.start, second.end) == (pytest.approx(2.25), 4.0)
    assert first.probability == second.probability == pytest.approx(1.0)


def test_bins_follow_each_other_in_time():
    for seed in range(10):
        bins = consensus([voter(random_lattice(seed, num_frames=6))]).bins
        for before, after in zip(bins, bins[1:]):
            assert before.end <= after.start + 1e-9
        for one in bins:
            assert sum(word.probability for word in one.words) == pytest.approx(1.0, abs=1e-6)


def test_a_lattice_without_words_has_no_bins():
    lattice = random_lattice(0)
    silent = replace(lattice, word_id=np.zeros(lattice.num_arcs, np.int32))
    found = consensus([voter(silent)])
    assert found.bins == [] and found.words == [] and found.risk == pytest.approx(0.0, abs=1e-12)


def test_states_that_no_path_enters_do_no_harm():
    lattice = Lattice("u", 1, [0, 1, 0], [3, 3, 2], [1, 2, 3], [5, 6, 7], np.zeros(3), np.zeros(3))
    found = consensus([Voter(lattice, lattice.scores())])
    assert found.word_ids == [5] and found.words[0].probability == 1.0


def test_a_lattice_without_a_path_is_named():
    lattice = random_lattice(1, name="lost")
    with pytest.raises(InputError, match="lattice lost: expected a path"):
        consensus([Voter(lattice, np.full(lattice.num_arcs, -np.inf))])
    with pytest.raises(InputError, match="weights: expected 1 numbers"):
        consensus([voter(lattice)], [1.0, 1.0])


def test_voters_that_cannot_vote_together_are_named():
    one, other = (random_lattice(1, name=name) for name in ("one", "other"))
    scores = one.scores()
    for message, ask in {
            "weights: expected at least one thing to weigh, found none": lambda: consensus([]),
            "lattice other: expected lattices of one, as the first": lambda: consensus([voter(one), voter(other)]),
            "scores of lattice one: expected shape": lambda: consensus([Voter(one, scores[:-1])]),
            r"scores of lattice one: expected .*, found \(3, 2\)": lambda: consensus([Voter(one, np.zeros((3, 2)))]),
            "frame shift of lattice one: expected a number": lambda: consensus([Voter(one, scores, np.nan)]),
            "words to start from: expected whole numbers": lambda: consensus([voter(one)], start=["a"]),
            "weights: expected 1 numbers from 0 up": lambda: consensus([voter(one)], ["1"])}.items():
        with pytest.raises(InputError, match=message):
            ask()
    assert consensus([Voter(one, scores.tolist())]).risk == consensus([Voter(one, scores)]).risk
