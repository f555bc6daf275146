import json
import shlex

import pytest

from graphs.grammar.arpa import read_arpa
from graphs.lang.lang_folder import read_lang, write_lang
from graphs.lang.lexicon import Lexicon
from tools import prepare_lang, train_ngram
from tools.frame.records import read_record

LEXICON = "A AH\nA EY\nAND AE N D\nBE B IY\nBEE B IY\n"


def run(module, tmp_path, *arguments, out="out"):
    return module.PROGRAM.run(module.work, ["--out", str(tmp_path / out), *map(str, arguments)])


def facts(tmp_path, out="out"):
    return json.loads((tmp_path / out / ".stage.json").read_text())["facts"]


@pytest.fixture
def lexicon(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text(LEXICON)
    return path


def test_from_a_lexicon(tmp_path, lexicon, capsys):
    text = tmp_path / "text"
    text.write_text("A BEE\nAND A COW\n")
    assert run(prepare_lang, tmp_path, "--lexicon", lexicon, "--text", text, "lang.silence_prob=0.3",
               "topology.speech=1state") == 0
    lang = read_lang(tmp_path / "out")
    assert lang.silence_prob == 0.3 and len(lang.topology.entry(2)) == 1
    assert facts(tmp_path) == {"words": 5, "pronunciations": 6, "phones": 9, "disambiguation_symbols": 4,
                               "oov_word": "<unk>", "text_words": 5, "oov_words": 1}
    said = capsys.readouterr().err
    assert "1 of 5 words of the text (20.00 %) are not in the lexicon: COW" in said
    assert "5 words, 6 pronunciations, 9 phones, 4 disambiguation symbols\n" in said
    assert run(prepare_lang, tmp_path, "--lexicon", lexicon, "--text", text, "lang.silence_prob=0.3",
               "topology.speech=1state") == 0
    assert "is up to date" in capsys.readouterr().out


def test_cmu_dictionary_and_notes(tmp_path, capsys):
    path = tmp_path / "words.dic"
    path.write_bytes(b"A AH\r\nA(2) EY\r\nA(3) AH\r\n")
    assert run(prepare_lang, tmp_path, "--lexicon", path, "lang.lexicon_form=cmu") == 0
    assert read_lang(tmp_path / "out").lexicon.words == ["A", "<unk>"]
    said = capsys.readouterr().err
    assert "carriage return" in said and "1 repeated pronunciations merged (A)" in said


@pytest.mark.parametrize("unit, phones", [("grapheme", ["SIL", "SPN", "a", "b", "c", "e"]),
                                          ("sentencepiece", None)])
def test_units_made_from_text(tmp_path, unit, phones):
    (tmp_path / "text").write_text("abba cab\nbabe\n" * 5)
    (tmp_path / "lm").write_text("\\data\\\nngram 1=3\n\\1-grams:\n-1\tace\n-1\t</s>\n-1\t<unk>\n\\end\\\n")
    assert run(prepare_lang, tmp_path, "--text", tmp_path / "text", "--lm", tmp_path / "lm",
               f"lang.unit={unit}", "lang.num_pieces=9", "topology.silence=silence5") == 0
    lang = read_lang(tmp_path / "out")
    assert lang.lexicon.words == ["abba", "ace", "babe", "cab", "<unk>"]
    assert phones is None or sorted(lang.phones.symbols[1:lang.num_phones + 1]) == phones
    assert (tmp_path / "out" / "pieces.model").exists() == (unit == "sentencepiece")
    if unit == "sentencepiece":  # the model may be used again
        assert run(prepare_lang, tmp_path, "--text", tmp_path / "text", "lang.unit=sentencepiece", "--pieces",
                   tmp_path / "out" / "pieces.model", "--like", tmp_path / "out", out="second") == 0
        assert read_lang(tmp_path / "second").phones.symbols == lang.phones.symbols


def test_a_made_lexicon_wants_the_words_of_the_language_model_but_for_the_unknown_one(tmp_path):
    (tmp_path / "text").write_text("abba\n")
    assert run(prepare_lang, tmp_path, "--text", tmp_path / "text", "--lm", arpa_of(tmp_path / "lm", "ace", "<UNK>"),
               "lang.unit=grapheme") == 0
    assert read_lang(tmp_path / "out").lexicon.words == ["abba", "ace", "<unk>"]
    assert facts(tmp_path) == {"words": 3, "pronunciations": 3, "phones": 6, "disambiguation_symbols": 2,
                               "oov_word": "<unk>"}  # a, b, c, e; no text_words: none can be unknown


def test_several_lexicons_and_texts_are_one(tmp_path, lexicon, capsys):
    (tmp_path / "more").write_text("BEE B IY\nBEA B IY AH\n")
    (tmp_path / "one").write_text("BEA X\n")
    (tmp_path / "two").write_text("Y BEE\n")
    for arguments in (("--lexicon", lexicon, tmp_path / "more", "--text", tmp_path / "one", tmp_path / "two"),
                      ("--lexicon", lexicon, "--text", tmp_path / "one", "--lexicon", tmp_path / "more", "--text",
                       tmp_path / "two")):
        assert run(prepare_lang, tmp_path, *arguments) == 0
    told = capsys.readouterr()
    assert "is up to date" in told.out  # which comes to the same
    assert "lexicon: 1 repeated pronunciations merged (BEE)" in told.err
    assert "2 of 4 words of the text (50.00 %) are not in the lexicon: X, Y" in told.err
    first, both = Lexicon.read(lexicon), read_lang(tmp_path / "out").lexicon
    assert both.words == [*first.words, "BEA", "<unk>"]
    again = shlex.split(read_record(tmp_path / "out")["command"])[3:]
    assert prepare_lang.PROGRAM.parse(again).lexicon == [lexicon, tmp_path / "more"]


def test_words_that_are_said_often_have_phones_of_their_own(tmp_path, lexicon, capsys):
    (tmp_path / "text").write_text("A BEE\nAND BEE\n")
    arguments = ("--lexicon", lexicon, "lang.word_phones=2")
    assert run(prepare_lang, tmp_path, *arguments) == 2
    assert "--text: expected a text, since lang.word_phones counts its words, found none" in capsys.readouterr().err
    assert run(prepare_lang, tmp_path, *arguments, "--text", tmp_path / "text") == 0
    assert [phone for phone in read_lang(tmp_path / "out").nonsilence_phones if "(" in phone] == ["B(BEE)", "IY(BEE)"]
    assert run(prepare_lang, tmp_path, *arguments, "--like", tmp_path / "out", out="other") == 0  # no text
    bee, = [entry.phones for entry in read_lang(tmp_path / "other").lexicon if entry.word == "BEE"]
    assert bee == ("B(BEE)", "IY(BEE)")


def test_unknown_words_are_told_once_and_eight_at_most(tmp_path, lexicon, capsys):
    """Of several texts, in the order of the alphabet."""
    (tmp_path / "one").write_text("W9 A W8 W7 W6 W5 W4 W3\n")
    (tmp_path / "two").write_text("W2 W1 A W1\nW9\n\n")
    texts = ("--text", tmp_path / "one", "--text", tmp_path / "two")
    assert run(prepare_lang, tmp_path, "--lexicon", lexicon, *texts) == 0
    assert ("11 of 13 words of the text (84.62 %) are not in the lexicon: W1, W2, W3, W4, W5, W6, W7, W8\n"
            in capsys.readouterr().err)
    assert (facts(tmp_path)["text_words"], facts(tmp_path)["oov_words"]) == (13, 11)


@pytest.mark.parametrize("arguments, message", [
    ([], "--lexicon: expected a lexicon file, since lang.unit is lexicon, found none"),
    (["lang.unit=grapheme"], "--text: expected a text, since lang.unit is grapheme, found none"),
    (["lang.silence_prob=2"], "silence_prob: expected 0 to below 1"),
    (["lang.silence=2"], "did you mean silence_prob?"),
])
def test_bad_calls_end_with_status_2_and_a_message(tmp_path, capsys, arguments, message):
    assert run(prepare_lang, tmp_path, *arguments) == 2
    assert message in capsys.readouterr().err


def arpa_of(path, *words):
    ngrams = [f"-1\t{word}\n" for word in ("<unk>", "<s>", "</s>", *words)]
    path.write_text(f"\\data\\\nngram 1={len(ngrams)}\n\\1-grams:\n{''.join(ngrams)}\\end\\\n")
    return path


def test_a_language_model_of_other_words_is_told_before_anything_is_trained(tmp_path, lexicon, capsys):
    (tmp_path / "text").write_text("A BEE\nAND BEE\n")
    assert run(prepare_lang, tmp_path, "--lexicon", lexicon, "--lm", arpa_of(tmp_path / "lm", "a", "bee")) == 2
    assert (f"--lm {tmp_path}/lm: expected words of the lexicon, such as A, AND, BE, BEE, found none of them; "
            "it has a, bee") in capsys.readouterr().err
    for words, said in (("A", "BEE"), "1 of 4 words of the text (25.00 %) are not in the language model: AND"), (
            ("A", "AND", "BEE"), None):
        assert run(prepare_lang, tmp_path, "--lexicon", lexicon, "--text", tmp_path / "text",
                   "--lm", arpa_of(tmp_path / "lm", *words)) == 0
        found = capsys.readouterr().err
        assert said in found if said else "language model" not in found


def test_what_was_written_is_looked_at(tmp_path, lexicon, capsys, monkeypatch):
    """A folder that no later stage could use is refused where it is made."""
    def damaged(lang, folder):
        write_lang(lang, folder)
        (folder / "oov.txt").write_text("zebra\n")
    monkeypatch.setattr("graphs.lang.lang_folder.write_lang", damaged)
    assert run(prepare_lang, tmp_path, "--lexicon", lexicon) == 2
    assert "oov.txt:1: expected a word of words.txt, found zebra" in capsys.readouterr().err


def test_bad_lexicon_line_is_named(tmp_path, lexicon, capsys):
    lexicon.write_text(LEXICON + "COW\n")
    assert run(prepare_lang, tmp_path, "--lexicon", lexicon) == 2
    assert f"{lexicon}:6: expected phones after the word COW, found nothing" in capsys.readouterr().err


def test_ngram_program(tmp_path, lexicon):
    (tmp_path / "text").write_text("A BE AND\nBE A BEE\n" * 4)
    (tmp_path / "dev").write_text("A BE\n")
    assert run(prepare_lang, tmp_path, "--lexicon", lexicon, out="lang") == 0
    assert run(train_ngram, tmp_path, "--text", tmp_path / "text", "--text", tmp_path / "dev", "lm.order=2",
               "--lang", tmp_path / "lang", "--dev", tmp_path / "dev", out="lm") == 0
    model, report = read_arpa(tmp_path / "lm" / "lm.arpa")
    assert model.order == 2 and sorted(model.words) == ["</s>", "<s>", "<unk>", "A", "AND", "BE", "BEE"]
    assert facts(tmp_path, "lm")["ngrams"] == report.ngrams and facts(tmp_path, "lm")["perplexity"] > 1


def test_ngram_program_refuses_bad_orders(tmp_path, capsys):
    (tmp_path / "text").write_text("A\n")
    assert run(train_ngram, tmp_path, "--text", tmp_path / "text", "lm.order=0") == 2
    assert "order: expected at least 1, found 0" in capsys.readouterr().err
