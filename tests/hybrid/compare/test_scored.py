"""Scores read back from the folders that tools.score leaves."""

from dataclasses import asdict

import pytest

from graphs.errors import InputError
from hybrid.compare.comparison import System
from hybrid.compare.scored import Scored, read_score
from hybrid.recognize.edit_distance import Costs
from hybrid.recognize.scoring import ScoreOptions, outcomes_of, result_entry, score_set, write_details
from hybrid.recognize.sweep import Hypothesis, Scales
from hybrid.recognize.wer import Reference, score
from hybrid.report.results import Result

SAID = {"u1": Reference(("a", "b", "c", "d"), "anna"), "u2": Reference(("e",), "bob"), "u3": Reference((), "anna")}
FOUND = {"u1": ("a", "x", "d", "f"), "u3": ("e",)}


@pytest.fixture
def made(tmp_path):
    """A score folder, and the score that it holds."""
    options = ScoreOptions(resamples=100)
    found = {key: Hypothesis(list(words), False) for key, words in FOUND.items()}
    result = score_set(SAID, found, options)
    write_details(tmp_path / "test", SAID, found, result)
    entry = result_entry("a", "test", result, outcomes_of(result, found), Scales(None, None), options)
    return Result(entry, tmp_path / "test"), score(SAID, FOUND)


def test_a_score_comes_back_with_speakers_and_alignments(made):
    result, expected = made
    found = read_score(result)
    assert [asdict(one) for one in found.utterances] == [asdict(one) for one in expected.utterances]
    assert [one.speaker for one in found.utterances] == ["anna", "bob", "anna"]
    assert Scored(System("a", "a", "a", "ctc"), result.entry, found, result.details).test == "test"


def test_it_is_scored_as_it_was_asked_for(made):
    """Spaces among the characters, and what errors cost."""
    result, _ = made
    with_spaces, without = read_score(result), read_score(result, count_spaces=False)
    assert [one.characters for one in with_spaces.utterances] == [7, 1, 0]  # a b c d
    assert [one.characters for one in without.utterances] == [4, 1, 0]
    with pytest.raises(InputError, match="found 6 of 5 in ref.txt"):  # b, x and c on their own
        read_score(result, Costs(substitution=10, deletion=1, insertion=1, diagonal_first=False))


@pytest.mark.parametrize("name, old, new, message", [
    ("ref.txt", "u2 e", "u4 e", "per_utt.tsv: expected the 3 utterances of ref.txt, found 3"),
    ("ref.txt", "u2 e\n", "", "per_utt.tsv: expected the 2 utterances of ref.txt, found 3"),
    ("hyp.txt", "u1 a x", "u1 a b", "test: expected 5 errors of 5 words, as in result.json, found 4 of 5 in ref.txt"),
    ("ref.txt", "u1 a b c d", "u1 a x d f y", "test: expected 5 errors of 5 words, as in result.json, found")])
def test_files_that_do_not_fit_are_refused(made, name, old, new, message):
    result, _ = made
    text = (result.details / name).read_text()
    assert old in text
    (result.details / name).write_text(text.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_score(result)
