import pytest

from graphs.errors import InputError
from hybrid.align.times.ctm import ScoredSymbol
from hybrid.lattices.confident import FilterOptions, at_thresholds, confident, judged_words, utterance_confidence
from hybrid.recognize.wer import Reference


def words(text):
    return [ScoredSymbol(field.split(":")[0], 0.1 * n, 0.1 * n + 0.1, float(field.split(":")[1]))
            for n, field in enumerate(text.split())]


WORDS = {"u1": words("a:0.9 b:0.7"), "u2": words("c:1.0 x:0.4 d:0.7"), "u3": []}
REFERENCES = {"u1": Reference(("a", "b")), "u2": Reference(("c", "d", "e")), "u3": Reference(("f",)),
              "u4": Reference(("g",))}


def test_confidence_of_an_utterance():
    assert utterance_confidence(WORDS["u1"], "mean") == pytest.approx(0.8)
    assert utterance_confidence(WORDS["u2"], "least") == 0.4
    assert utterance_confidence([], "mean") == utterance_confidence([], "least") == 0.0


@pytest.mark.parametrize("options, kept", [
    (dict(confidence=0.75), {"u1": "a b"}), (dict(confidence=0.7), {"u1": "a b", "u2": "c x d"}),
    (dict(confidence=0.4, measure="least"), {"u1": "a b", "u2": "c x d"}),
    (dict(confidence=0.41, measure="least"), {"u1": "a b"}),
    (dict(confidence=0.0), {"u1": "a b", "u2": "c x d", "u3": ""}),
    (dict(confidence=0.9, unit="words"), {"u1": "a", "u2": "c", "u3": ""}),
    (dict(), {})])
def test_what_is_kept(options, kept):
    found = confident(WORDS, FilterOptions(**options))
    assert {key: " ".join(word.symbol for word in said) for key, said in found.items()} == kept


def test_words_are_judged_by_the_alignment():
    assert [(word.symbol, correct) for word, correct in judged_words(WORDS, REFERENCES)] == [
        ("a", True), ("b", True), ("c", True), ("x", False), ("d", True)]
    with pytest.raises(InputError, match="u9"):
        judged_words({"u9": []}, REFERENCES)


def test_thresholds():
    none, some, most, all_but_none = at_thresholds(WORDS, REFERENCES, [0.0, 0.7, 0.75, 1.01])
    assert (none.utterances, none.words, none.correct) == (3, 5, 0.8)
    assert (none.counts.errors, none.counts.words) == (3, 6)  # x inserted, e and f deleted
    assert (some.utterances, some.words, some.correct, some.counts.errors) == (2, 4, 1.0, 2)
    assert (most.utterances, most.words, most.counts.wer) == (1, 2, 0.0)
    assert (all_but_none.utterances, all_but_none.words, all_but_none.correct) == (0, 0, 1.0)
    least = at_thresholds(WORDS, REFERENCES, [0.5], "least")[0]
    assert least.utterances == 1


@pytest.mark.parametrize("bad", [{"confidence": 1.5}, {"confidence": -0.1}, {"unit": "phones"}, {"measure": "median"}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        FilterOptions(**bad)
