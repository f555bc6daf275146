"""Combining systems by lattices, against sums over all paths."""

import logging
from pathlib import Path

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.lattice_io import write_lattices
from hybrid.recognize.combine import (
    CombineOptions, System, combine, combined, least_risk, sentence_posteriors)
from hybrid.recognize.edit_distance import edit_distance
from tests.graphs.lattices.test_lattice import enumerate_paths, random_lattice

LOG = logging.getLogger("test")
WIDE = CombineOptions(nbest=1000, beam=1000.0)


class Letters:
    """Words of word_ids; picklable."""

    def __call__(self, word_ids):
        return [f"w{word_id}" for word_id in word_ids]


def system(folder="lattices", lm_scale=2.0, penalty=0.5):
    return System(Path(folder), lm_scale, penalty, 0.8, Letters())


@pytest.mark.parametrize("seed", range(3))
def test_posteriors_are_those_of_the_best_paths_of_all_sentences(seed):
    lattice = random_lattice(seed)
    scores = lattice.scores(2.0, 0.8, 0.5) / 2.0 * 1.5  # by lm_scale, and by posterior_scale
    best = {}
    for path in enumerate_paths(lattice):
        words = tuple(f"w{w}" for w in lattice.word_id[path] if w)
        best[words] = max(best.get(words, -np.inf), scores[path].sum())
    total = np.logaddexp.reduce(list(best.values()))
    found = sentence_posteriors(lattice, system(), CombineOptions(nbest=1000, beam=1000.0, posterior_scale=1.5))
    expected = {words: pytest.approx(float(np.exp(score - total)), abs=1e-9) for words, score in best.items()}
    assert dict(found) == expected
    few = sentence_posteriors(lattice, system(), CombineOptions(nbest=3, beam=1000.0, posterior_scale=1.5))
    assert [words for words, _ in few] == sorted(best, key=lambda words: -best[words])[:3]
    assert sum(posterior for _, posterior in few) == pytest.approx(1.0)


def test_sentences_that_are_scored_alike_are_one():
    class Nothing:
        def __call__(self, word_ids):
            return []
    lattice = random_lattice(1)
    assert sentence_posteriors(lattice, system()._replace(to_words=Nothing()), WIDE) == [((), pytest.approx(1.0))]


def test_least_risk_is_a_vote_on_words():
    sentences = [(("a", "b", "c"), 0.4), (("a", "x", "d"), 0.3), (("a", "b", "d"), 0.2), (("y", "x", "d"), 0.1)]
    risks = {words: sum(p * edit_distance(words, other) for other, p in sentences) for words, _ in sentences}
    assert least_risk(sentences, "words") == min(risks, key=risks.get) == ("a", "b", "d")
    assert least_risk(sentences, "sentence") == ("a", "b", "c")
    assert least_risk([(("a",), 0.5), (("b",), 0.5)], "words") == ("a",)


def test_weights():
    one, other = [(("a",), 0.6), (("b",), 0.4)], [(("b",), 0.9), (("c",), 0.1)]
    assert combined([(1.0, one), (0.0, other)]) == one
    assert combined([(2.0, one), (2.0, one)]) == one
    assert dict(combined([(3.0, one), (1.0, other)])) == {
        ("a",): pytest.approx(0.45), ("b",): pytest.approx(0.525), ("c",): pytest.approx(0.025)}
    assert [words for words, _ in combined([(3.0, one), (1.0, other)])] == [("b",), ("a",), ("c",)]


@pytest.fixture
def folders(tmp_path):
    """Two systems' lattices of u0 to u3; the second lacks u2, both lack u3."""
    for name, seeds in (("a", (0, 1, 2)), ("b", (5, 6))):
        write_lattices(tmp_path / name, 0, [random_lattice(seed, name=f"u{n}") for n, seed in enumerate(seeds)])
    return [system(tmp_path / name) for name in "ab"]


IDS = ["u0", "u1", "u2", "u3"]


def test_a_system_with_itself_or_with_one_of_no_weight_is_the_system(folders):
    alone, _ = combine(folders[:1], [], IDS, WIDE, 1, LOG)
    assert combine([folders[0], folders[0]], [], IDS, WIDE, 1, LOG)[0] == alone
    assert combine(folders, [1.0, 0.0], IDS, WIDE, 1, LOG)[0] == alone
    best, _ = combine(folders[:1], [], IDS, CombineOptions(risk="sentence"), 1, LOG)
    for n in range(3):
        path = random_lattice(n).best_path(2.0, 0.8, 0.5)
        assert best[f"u{n}"] == tuple(Letters()(path.word_ids))


def test_hypotheses_are_of_both_and_nothing_is_lost(folders):
    found, outcomes = combine(folders, [1.0, 2.0], IDS, WIDE, 1, LOG)
    both = [(1.0, sentence_posteriors(random_lattice(1), folders[0], WIDE)),
            (2.0, sentence_posteriors(random_lattice(6), folders[1], WIDE))]
    assert found["u1"] == least_risk(combined(both), "words")
    assert sorted(found) == ["u0", "u1", "u2"]
    assert outcomes.counts == {"done": 2, "partial": 1, "failed": 1}
    assert outcomes.notable["u2"] == ("partial", f"no lattice in {folders[1].lattices}")


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [-1.0, 2.0], [float("nan"), 1.0]])
def test_weights_that_cannot_be(folders, weights):
    with pytest.raises(InputError, match="2 numbers from 0 up"):
        combine(folders, weights, IDS, WIDE, 1, LOG)


def test_lattices_of_other_utterances_are_refused(folders):
    with pytest.raises(InputError, match="u1: expected an utterance of the cuts"):
        combine(folders, [], ["u0", "u2"], WIDE, 1, LOG)


@pytest.mark.parametrize("bad", [{"nbest": 0}, {"beam": 0.0}, {"risk": "frames"}, {"posterior_scale": 0.0},
                                 {"max_failed_share": 1.0}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        CombineOptions(**bad)
