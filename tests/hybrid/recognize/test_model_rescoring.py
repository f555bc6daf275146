"""Scores of two systems together, by hand."""

import math

import numpy as np
import pytest

from graphs.errors import InputError
from hybrid.recognize.model_rescoring import ModelRescoringOptions, Scored, read_weight, write_weight
from hybrid.recognize.nbest import best_paths, side_by_side
from tests.graphs.lattices.material import path_list, random_compact_lattice


def scored(scores=(-3.0, -np.inf, -0.5), reason=""):
    lattice = random_compact_lattice(1)
    sentences, paths = best_paths(lattice, 3)
    return sentences, Scored("utt", *side_by_side(lattice, paths), np.array(scores), reason)


@pytest.mark.parametrize("weight, factor", [(0.25, 10.0), (1.0, 2.0), (0.5, 1.0)])
def test_acoustic_scores_are_those_of_both(weight, factor):
    sentences, one = scored()
    lattice = one.lattice_of(weight, factor)
    lattice.check()
    found = {words: (acoustic, graph) for words, _, acoustic, graph, _ in path_list(lattice)}
    assert found == {sentence.word_ids: pytest.approx(
        ((1 - weight) * sentence.acoustic + weight * factor * score, sentence.graph), abs=1e-4)
        for sentence, score in zip(sentences, one.scores) if score > -np.inf}
    name, changed = one.changed(weight, factor)
    assert (name, changed[1:]) == ("utt", ("done", "")) and path_list(changed.lattice) == path_list(lattice)


def test_without_weight_lattices_stay_as_they_are():
    sentences, one = scored()
    assert {path[0] for path in path_list(one.lattice_of(0.0, 10.0))} == {sentence.word_ids for sentence in sentences}
    assert path_list(one.lattice_of(0.0, 10.0)) == path_list(one.lattice)


def test_where_no_sentence_has_a_score_the_own_ones_stay_and_that_is_told():
    _, one = scored([-np.inf] * 3, "too short")
    assert not one.is_scored and path_list(one.lattice_of(0.7, 10.0)) == path_list(one.lattice)
    _, changed = one.changed(0.7, 10.0)
    assert changed.lattice is not None and changed[1:] == ("unscored", "too short")
    assert Scored("u", None, reason="broken").changed(0.5, 1.0) == ("u", (None, "failed", "broken"))


@pytest.mark.parametrize("change, message", [
    ({"nbest": 0}, "nbest"), ({"weight": -0.1}, "weight"), ({"weight": 1.1}, "weight"),
    ({"weight": math.nan}, "weight"),
    ({"factor": 0.0}, "factor"), ({"factor": 1e31}, "factor"), ({"ctc_weight": 1.5}, "ctc_weight"),
    ({"ctc_weight": -0.5}, "ctc_weight"), ({"max_failed_share": 1.0}, "max_failed_share")])
def test_options_are_checked(change, message):
    with pytest.raises(ValueError, match=message):
        ModelRescoringOptions(**change)
    ModelRescoringOptions(1, 0.0, 1e-9, 0.0, 0.0)
    ModelRescoringOptions(weight=1.0, ctc_weight=1.0)


def test_the_weight_comes_back(tmp_path):
    for weight in (0.25, 0, 1):
        write_weight(tmp_path, weight)
        assert read_weight(tmp_path) == weight


@pytest.mark.parametrize("text", ["{}", '{"weight": true}', '{"weight": -1}', '{"weight": 1.5}',
                                  '{"weight": NaN}', '{"weight": "1"}'])
def test_a_damaged_weight_is_refused(tmp_path, text):
    (tmp_path / "model_weight.json").write_text(text)
    with pytest.raises(InputError, match="model_weight.json: expected the weight that tools.rescore_with_model wrote"):
        read_weight(tmp_path)


def test_a_weight_that_was_never_chosen(tmp_path):
    with pytest.raises(InputError, match="model_weight.json: expected an existing file, found none"):
        read_weight(tmp_path)
