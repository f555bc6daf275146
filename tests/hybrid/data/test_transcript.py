"""Transcripts against a lexicon: reasons to reject them, and hints of what is wrong with many."""

import pytest

from graphs.lang.lexicon import Lexicon, Pronunciation
from hybrid.data.transcript import Transcripts, normalise_text

LEXICON = Lexicon([Pronunciation("yes", ("Y", "EH", "S")), Pronunciation("yes", ("Y", "S")),
                   Pronunciation("no", ("N", "OW"))])


def seen(*texts, lexicon=LEXICON):
    transcripts = Transcripts(lexicon, 1.0)
    for text in texts:
        transcripts.check(text, 1e9, count=True)
    return transcripts


@pytest.mark.parametrize("text, frames, reason", [
    ("", 100, ("empty_transcript", "")),
    (" ", 100, ("empty_transcript", "")),
    ("maybe never", 100, ("all_oov", "maybe never")),
    ("x" * 101, 100, ("all_oov", "x" * 100)),
    ("yes no", 4, ("", "")),  # the shorter pronunciation
    ("yes no", 3.6, ("too_short", "4 phones in 4 frames")),
    ("yes maybe", 3, ("", "")),  # an unknown word takes a phone
    ("yes maybe", 2.9, ("too_short", "3 phones in 3 frames")),
])
def test_reasons(text, frames, reason):
    assert Transcripts(LEXICON, 1.0).check(text, frames, count=True) == reason


def test_frames_that_a_phone_takes():
    assert Transcripts(LEXICON, 2.5).check("no", 5, count=True) == ("", "")
    assert Transcripts(LEXICON, 2.5).check("no", 4.9, count=True)[0] == "too_short"


def test_words_are_counted_where_they_count():
    transcripts = seen("yes no maybe", "", "maybe")
    transcripts.check("yes never", 100, count=False)
    assert transcripts.words == {"yes": 1, "no": 1, "maybe": 2} and transcripts.oov == {"maybe": 2}
    transcripts = seen("yes no", lexicon=None)
    assert transcripts.words == {"yes": 1, "no": 1} and not transcripts.oov
    assert transcripts.check("whatever", 0, count=True) == ("", "")


@pytest.mark.parametrize("text, hints", [
    ("YES NO", ["2 of 2 unknown words are in the lexicon in lower case: set data.case=lower"]),
    ("YES NO x", ["2 of 3 unknown words are in the lexicon in lower case: set data.case=lower"]),
    ("YES x", []),  # half of the unknown words
    ("YES x y", []),
    ("NO " + "yes " * 8, ["1 of 1 unknown words are in the lexicon in lower case: set data.case=lower"]),
    ("NO " + "yes " * 9, []),  # a tenth of all words
    ("x y", []),
    ("yes no", []),
])
def test_the_case_of_the_lexicon(text, hints):
    assert seen(text).hints() == hints


def test_the_upper_case_of_the_lexicon():
    lexicon = Lexicon([Pronunciation("YES", ("Y",))])
    assert seen("yes", lexicon=lexicon).hints() == [
        "1 of 1 unknown words are in the lexicon in upper case: set data.case=upper"]


@pytest.mark.parametrize("text, hint", [
    ("A a a B b b C c c D d d", "4 of 12 words of the training transcripts differ from others by case alone "
                                "(a/A, b/B, c/C): data.case=lower makes them one word"),
    ("Aa aa AA aa", "2 of 4 words of the training transcripts differ from others by case alone "
                    "(aa/Aa/AA): data.case=lower makes them one word"),
    ("A a " + "b " * 97, "1 of 99 words of the training transcripts differ from others by case alone "
                         "(A/a): data.case=lower makes them one word"),
    ("A a " + "b " * 98, ""),  # a hundredth
    ("a b", ""),
])
def test_words_in_two_cases(text, hint):
    assert seen(text, lexicon=None).hints() == ([hint] if hint else [])


def test_accents_apart_are_told_beside_the_case():
    lexicon = Lexicon([Pronunciation("cafe\u0301", ("K",)), Pronunciation("a", ("A",))])
    case, accents = seen("A caf\u00e9 a a A", lexicon=lexicon).hints()
    assert case.startswith("2 of 3 unknown words are in the lexicon in lower case")
    assert accents.startswith("1 unknown words (caf\u00e9) are in the lexicon with letters and accents apart")


@pytest.mark.parametrize("case, text", [("keep", "Caf\u00c9 NO"), ("lower", "caf\u00e9 no"), ("upper", "CAF\u00c9 NO")])
def test_one_way_to_write(case, text):
    assert normalise_text(" \ufeffCafE\u0301\t\x07N\u200bO\n", case) == text
