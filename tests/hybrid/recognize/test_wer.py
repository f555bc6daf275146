import random

import pytest

from graphs.errors import InputError
from hybrid.recognize.edit_distance import SCLITE
from hybrid.recognize.wer import Counts, Reference, characters, error_rate, score, score_utterance

ALPHABET = "a b c d e ab abc".split()


def random_corpus(number, seed):
    draw = random.Random(seed)

    def text(shortest):
        return tuple(draw.choice(ALPHABET) for _ in range(draw.randint(shortest, 12)))
    references = {f"u{n}": Reference(text(1), f"s{n % 3}") for n in range(number)}
    return references, {utterance_id: list(text(0)) for utterance_id in references}


def test_wer_and_cer_are_those_of_jiwer():
    jiwer = pytest.importorskip("jiwer")
    references, hypotheses = random_corpus(150, seed=0)
    result = score(references, hypotheses)
    said = [" ".join(reference.words) for reference in references.values()]
    heard = [" ".join(hypotheses[utterance_id]) for utterance_id in references]
    assert result.wer == pytest.approx(100 * jiwer.wer(said, heard), abs=1e-9)
    assert result.cer == pytest.approx(100 * jiwer.cer(said, heard), abs=1e-9)


def test_the_errors_of_utterances_and_of_speakers_add_up():
    references, hypotheses = random_corpus(60, seed=1)
    result = score(references, hypotheses)
    assert result.counts.words == sum(len(reference.words) for reference in references.values())
    assert result.counts.errors == sum(u.counts.errors for u in result.utterances)
    assert sum((own.counts for own in result.by_speaker().values()), Counts()) == result.counts
    assert list(result.by_speaker()) == ["s0", "s1", "s2"]
    wrong = sum(hypotheses[u] != list(references[u].words) for u in references)
    assert result.ser == pytest.approx(100 * wrong / 60)


def test_correct_words_and_hypothesis_words_follow_from_the_counts():
    references, hypotheses = random_corpus(60, seed=2)
    for utterance in score(references, hypotheses).utterances:
        c = utterance.counts
        assert c.correct + c.substitutions + c.insertions == len(hypotheses[utterance.utterance_id])


def test_a_missing_hypothesis_counts_as_deletions_and_is_named():
    references = {"u1": Reference(("a", "b", "c")), "u2": Reference(("d",))}
    result = score(references, {"u2": ["d"]})
    assert (result.counts.deletions, result.counts.words) == (3, 4)
    assert result.missing == ["u1"]
    assert result.wer == 75.0
    assert result.cer == pytest.approx(100 * 5 / 6)  # "a b c" of "a b c" and "d"


def test_an_empty_hypothesis_is_not_a_missing_one():
    assert score({"u": Reference(("a",))}, {"u": []}).missing == []


def test_an_empty_reference_counts_its_insertions():
    result = score({"u1": Reference(()), "u2": Reference(("a", "b"))}, {"u1": ["x"], "u2": ["a", "b"]})
    assert (result.counts.insertions, result.counts.words, result.wer, result.ser) == (1, 2, 50.0, 50.0)


def test_rates_without_a_reference_word():
    assert error_rate(0, 0) == 0.0
    assert error_rate(1, 0) == float("inf")
    assert score({"u": Reference(())}, {"u": []}).wer == 0.0


def test_a_hypothesis_without_reference_is_refused_by_name():
    with pytest.raises(InputError, match="stranger"):
        score({"u": Reference(("a",))}, {"u": ["a"], "stranger": ["b"]})


def test_characters_are_composed_and_spaces_count_when_asked():
    assert characters(["e\u0301", "a"]) == "\u00e9 a"
    assert characters(["你", "好"], count_spaces=False) == "你好"
    references = {"u": Reference(("你好",))}
    assert score(references, {"u": ["你", "好"]}).cer == 50.0
    assert score(references, {"u": ["你", "好"]}, count_spaces=False).cer == 0.0


def test_an_utterance_scored_alone_counts_spaces_and_least_errors():
    found = score_utterance("u", Reference(("a", "b"), "ann"), ["ab"])
    assert (found.characters, found.character_errors, found.missing, found.speaker) == (3, 1, False, "ann")
    assert found.counts == Counts(words=2, substitutions=1, deletions=1) and found.counts.correct == 0
    found = score_utterance("u", Reference(("a", "b")), None, count_spaces=False)
    assert (found.characters, found.character_errors, found.missing) == (2, 2, True)
    assert score({"u": Reference(("a", "b"))}, {"u": ["ab"]}).cer == pytest.approx(100 / 3)


def test_sclite_costs_keep_more_words_correct():
    references = {"u": Reference(tuple("abcdef"))}
    hypotheses = {"u": list("xxabcy")}
    kaldi, sclite = (score(references, hypotheses, **more).counts for more in ({}, {"costs": SCLITE}))
    assert kaldi.errors <= sclite.errors
    assert sclite.correct >= kaldi.correct


def test_a_string_is_not_taken_for_its_characters():
    for reference, hypothesis, item in ((("a", "b"), "a b", "hypothesis of u"), ("a b", ["a"], "reference of u")):
        with pytest.raises(InputError, match=f"{item}: expected a sequence of words, found the string 'a b'"):
            score({"u": Reference(reference)}, {"u": hypothesis})
