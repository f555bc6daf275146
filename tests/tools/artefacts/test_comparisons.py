from dataclasses import replace

import pytest

from graphs.errors import InputError
from hybrid.compare.comparison_file import FILE, write_comparison
from tests.hybrid.compare.material import FULL
from tests.tools.artefacts.shown import lines_of
from tools.artefacts.comparisons import KINDS, comparison_problems, describe_comparison


@pytest.fixture
def written(tmp_path):
    def write(found=FULL):
        write_comparison(tmp_path / FILE, found)
        return tmp_path
    return write


def test_rates_and_pairs(written):
    """A system that was not tested has no row."""
    assert lines_of(describe_comparison(written())) == [
        "title: tiny", "command: ./run.sh egs/tiny", "systems: 2", "tests: test", "utterances: 1",
        "note: epochs differ", "word error rates",
        "system kind seed % of data parameters test WER %", "a hybrid 1 100 1000 test 10.00",
        "pairs", "test system against difference of WER p (Holm) it is", "test a b (25 %) 1.00 0.06 worse"]


def test_an_utterance_of_two_test_sets(written):
    (one,) = FULL.utterances
    other = replace(one, test="noisy", speaker="", conditions={}, audio="")
    tests = (*FULL.tests, replace(FULL.tests[0], name="noisy"))
    shown = describe_comparison(written(replace(FULL, tests=tests, utterances=(one, other))), "u1")
    own = ["utterance: u1", "test: test", "speaker: s1", "seconds: 1.5", "noise: pink", "snr: 10", "audio: u1.wav"]
    said = ["reference: one two", "hypotheses", "system errors words", "a 2 one ten"]
    assert lines_of(shown) == [*own, *said, "utterance: u1", "test: noisy", "seconds: 1.5", *said]
    assert "one ten\n\nutterance:" in shown
    with pytest.raises(InputError, match="expected an utterance such as u1, u1, found u2"):
        describe_comparison(written(replace(FULL, tests=tests, utterances=(one, other))), "u2")


def test_results_are_those_of_the_utterances(written):
    """Insertions, deletions and substitutions; what has no utterances is believed."""
    (utterance,), (result,) = FULL.utterances, FULL.results
    pairs = (("one", "won"), ("two", None), (None, "a"), (None, "b"))
    said = replace(utterance, hypotheses=(replace(utterance.hypotheses[0], pairs=pairs),))
    counts = {"insertions": 2, "deletions": 1, "substitutions": 1}
    fits = replace(FULL, results=(replace(result, **counts),), utterances=(said,))
    assert list(comparison_problems(written(fits))) == list(comparison_problems(written())) == []
    assert list(comparison_problems(written(replace(FULL, results=(replace(result, words=9),), utterances=())))) == []
    for change, known in (({"substitutions": 2}, "5 errors of 2"), ({"words": 3}, "4 errors of 3")):
        (problem,) = comparison_problems(written(replace(fits, results=(replace(result, **{**counts, **change}),))))
        assert problem.endswith(
            f"a on test: expected {known} words, as the result says, found 4 of 2 in the utterances")


def test_a_comparison_is_a_folder_or_the_file(written):
    folder, matches = written(), KINDS[0].matches
    (folder / "other.json").write_text("{}")
    assert matches(folder) and matches(folder / FILE) and not matches(folder / "other.json")
