"""Transcripts: one way to write them, and reasons to reject them."""

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
    ("<s> yes </s>", 100, ("reserved_word", "<s> yes </s>")),
    ("yes #0", 100, ("reserved_word", "yes #0")),
    ("<eps>" + " yes" * 30, 100, ("reserved_word", "<eps>" + " yes" * 23 + " ye")),
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


@pytest.mark.parametrize("case, text", [("keep", "Caf\u00c9 NO"), ("lower", "caf\u00e9 no"), ("upper", "CAF\u00c9 NO")])
def test_one_way_to_write(case, text):
    assert normalise_text(" \ufeffCafE\u0301\t\x07N\u200bO\n", case) == text


def test_punctuation_goes_where_asked_but_for_known_words():
    assert normalise_text("'Em  a. B!", "lower") == "'em a. b!"
    assert normalise_text("'Em  a. B!", "lower", "remove", known={"'em", "a."}) == "'em a. b"


def test_what_is_invisible_makes_no_other_word():
    """Soft hyphens and marks of direction go, with words that are nothing else; joiners write words."""
    assert normalise_text("\u202bni\u00adne\u202c \u200e \u2067yes\u2069\u061c no\u200f") == "nine yes no"
    assert normalise_text("\u0645\u06cc\u200c\u062e a\u200db") == "\u0645\u06cc\u200c\u062e a\u200db"
