import gzip
import time

import pytest

from graphs.errors import InputError
from graphs.lang.graphemes import grapheme_lexicon, graphemes
from graphs.lang.lexicon import Lexicon, Pronunciation


def read(tmp_path, data, name="lexicon.txt", form="auto"):
    path = tmp_path / name
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return Lexicon.read(path, form)


def test_plain_form(tmp_path):
    lexicon = read(tmp_path, "A AH\nA\tEY \n\nAND  AE N D\n")
    assert lexicon.entries == (Pronunciation("A", ("AH",)), Pronunciation("A", ("EY",)),
                               Pronunciation("AND", ("AE", "N", "D")))
    assert lexicon.words == ["A", "AND"] and lexicon.phones == ["AE", "AH", "D", "EY", "N"]
    assert [e.phones for e in lexicon.pronunciations("A")] == [("AH",), ("EY",)]
    assert lexicon.notes == [] and "AN" not in lexicon


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match="form: expected one of auto, plain, prob, cmu, found 'x'"):
        read(tmp_path, "A AH\n", form="x")


def test_phones_may_look_a_little_like_reserved_ones(tmp_path):
    assert read(tmp_path, "A <sil> #a # #1a 1#\n").phones == ["#", "#1a", "#a", "1#", "<sil>"]


def test_lexicons_are_equal_by_their_entries():
    one, same, other = (Lexicon([Pronunciation("a", (phone,))]) for phone in "AAB")
    assert one == same and one != other and one != 1 and not one == same.entries
    assert len(one) == 1 and "a" in one and one.with_entries(other.entries).entries == one.entries + other.entries


def test_probabilities_round_trip(tmp_path):
    lexicon = read(tmp_path, "A 0.7 AH\nA 1 EY\nB 1e-3 B IY\n", "lexiconp.txt")
    assert [e.probability for e in lexicon] == [0.7, 1.0, 0.001]
    lexicon.write(tmp_path / "again.txt")
    assert Lexicon.read(tmp_path / "again.txt", "prob") == lexicon


def test_cmu_form(tmp_path):
    text = (";;; a comment\nA                    AH\nA(2)   EY\n'TIS T IH Z\n(PAREN P AH\n"
            "d'artagnan D AA # foreign\n")
    lexicon = read(tmp_path, text, "an4.dic", "cmu")
    assert lexicon.words == ["A", "'TIS", "(PAREN", "d'artagnan"]
    assert len(lexicon.pronunciations("A")) == 2
    assert lexicon.pronunciations("d'artagnan")[0].phones == ("D", "AA")
    # the plain form takes the same word as it stands
    plain = read(tmp_path, "A AH\nA(2) EY\nB(2) B\n")
    assert plain.words == ["A", "A(2)", "B(2)"]
    assert "1 words look like variants in a CMU dictionary (A(2))" in plain.notes[0]
    (note,) = read(tmp_path, ";;; a comment\nA AH\n").notes
    assert "1 words look like comments in a CMU dictionary (;;;)" in note


def test_repeated_lines_are_merged_counted_and_told(tmp_path):
    lexicon = read(tmp_path, "A 0.2 AH\nB 1 B\nA 0.9 AH\nB 0.5 B\n", "lexiconp.txt")
    assert [(e.word, e.probability) for e in lexicon] == [("A", 0.9), ("B", 1.0)]
    assert lexicon.duplicates == 2
    assert lexicon.notes == ["2 repeated pronunciations merged (A, B)"]


def test_byte_order_mark_and_dos_ends_are_mended_and_told(tmp_path):
    lexicon = read(tmp_path, b"\xef\xbb\xbfA AH\r\nB B IY\r")
    assert lexicon.words == ["A", "B"] and lexicon.pronunciations("B")[0].phones == ("B", "IY")
    path = tmp_path / "lexicon.txt"
    assert lexicon.notes == [f"{path}:1: byte-order mark removed",
                             f"{path}: carriage return at the end of 2 lines removed"]


def test_reads_gzip_by_content(tmp_path):
    assert read(tmp_path, gzip.compress(b"A AH\n")).words == ["A"]
    with pytest.raises(InputError, match="a whole gzip file"):
        read(tmp_path, gzip.compress(b"A AH\n" * 100)[:-10])


@pytest.mark.parametrize("data, message", [
    ("A AH\nB\n", "lexicon.txt:2: expected phones after the word B, found nothing"),
    ("A AH\n\n<eps> AH\n", "lexicon.txt:3: expected a word other than the reserved <eps>, #0, <s>, </s>"),
    ("<s> SIL\n", "lexicon.txt:1: expected a word other than the reserved"),
    ("#0 SIL\n", "lexicon.txt:1: expected a word other than the reserved"),
    ("A AH #1\n", "lexicon.txt:1: expected phones other than <eps> and disambiguation symbols"),
    ("A <eps>\n", "lexicon.txt:1: expected phones other than <eps>"),
    (b"A AH\nB \xe9\n", "lexicon.txt:2: expected utf-8 text, found byte 0xe9 at column 3"),
    ("A AH\nB\u00a0B IY\n", "lexicon.txt:2: expected no blanks but spaces and tabs"),
    ("A AH\nB\u3000B IY\n", "U+3000 (IDEOGRAPHIC SPACE) at column 2"),
    ("A AH\nB\u200bC B IY\n", "U+200B (ZERO WIDTH SPACE) at column 2"),
    ("A AH\x00\n", "U+0000 (a control character)"),
    ("A AH\nB\nC\nD\n",
     "lexicon.txt:2: expected phones after the word B, found nothing (and 2 more problems: "),
    ("", "expected at least one pronunciation, found none"),
    ("A 0.5 AH\nB 1.0 B\n", "is this a lexiconp.txt (lexicon_form=prob)? 'A 0.5 AH'"),
])
def test_bad_lines_are_named(tmp_path, data, message):
    with pytest.raises(InputError) as error:
        read(tmp_path, data)
    assert message in str(error.value)


@pytest.mark.parametrize("line, message", [
    ("A", "expected a probability after the word A, found nothing"),
    ("A AH", "expected a probability after the word A, found AH"),
    ("A 0 AH", "expected a probability above 0 and at most 1, found 0"),
    ("A 1.5 AH", "found 1.5"),
    ("A nan AH", "found nan"),
    ("A 0.5", "expected phones after the word A"),
])
def test_bad_probabilities_are_named(tmp_path, line, message):
    with pytest.raises(InputError) as error:
        read(tmp_path, f"B 1 B\n{line}\n", "lexiconp.txt")
    assert "lexiconp.txt:2: " in str(error.value) and message in str(error.value)


def test_missing_file_and_entries_made_in_code():
    with pytest.raises(InputError, match="no_such: expected an existing file, found none"):
        Lexicon.read("no_such")
    for phones in ((), ("",)):
        with pytest.raises(InputError, match="lexicon entry of 'A'"):
            Lexicon([Pronunciation("A", phones)])


def test_stress_digits():
    lexicon = Lexicon([Pronunciation("A", ("AH0",)), Pronunciation("A", ("AH1",)),
                       Pronunciation("B", ("B", "x1"))])
    assert [e.phones for e in lexicon.without_stress()] == [("AH",), ("B", "x1")]
    assert lexicon.without_stress().duplicates == 1


@pytest.mark.parametrize("word, units", [
    ("Na\u00efve", ["n", "a", "\u00ef", "v", "e"]),
    ("nai\u0308ve", ["n", "a", "\u00ef", "v", "e"]),  # decomposed: the same units
    ("\u0928\u092e\u0938\u094d\u0924\u0947",  # Devanagari
     ["\u0928", "\u092e", "\u0938\u094d", "\u0924\u0947"]),
    ("\u05e9\u05c1\u05dc", ["\u05e9\u05c1", "\u05dc"]),  # Hebrew point
    ("\u4f60\u597d", ["\u4f60", "\u597d"]),
    ("\u0645\u06cc\u200c\u062e", ["\u0645", "\u06cc\u200c", "\u062e"]),  # Persian joiner
    ("don't", ["d", "o", "n", "'", "t"]),
])
def test_graphemes_of_scripts(word, units):
    assert graphemes(word) == units


def test_grapheme_options():
    assert graphemes("\u0938\u094d", attach_marks=False) == ["\u0938", "\u094d"]
    assert graphemes("Ab", lowercase=False) == ["A", "b"]
    lexicon = grapheme_lexicon(["b", "Ab", "b"])
    assert lexicon.entries == (Pronunciation("Ab", ("a", "b")), Pronunciation("b", ("b",)))
    with pytest.raises(InputError):
        grapheme_lexicon(["<s>"])


def test_a_word_of_many_variant_marks_takes_no_time(tmp_path):
    (tmp_path / "dict").write_text(100_000 * "(1)" + " AH\n")
    start = time.monotonic()
    assert Lexicon.read(tmp_path / "dict", "cmu").words == [99_999 * "(1)"]
    assert time.monotonic() - start < 10


def test_a_comment_of_nothing_says_how_it_is_read(tmp_path):
    with pytest.raises(InputError, match="after the word ;;;, found nothing: a comment.*lexicon_form=cmu leaves out"):
        read(tmp_path, "A AH\n;;;\n")
