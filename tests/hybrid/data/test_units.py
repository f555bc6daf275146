import gzip
import json

import pytest

from graphs.errors import InputError
from graphs.lang.graphemes import grapheme_lexicon
from graphs.lang.make_lang import LangOptions
from hybrid.data.sentences import read_sentences, unmarked_sentences
from hybrid.data.units import PieceModel, piece_lexicon, unit_lexicon

TEXT = ["the cat sat on the mat", "the rat sat on the cat", "a hat and a bat", "that cat and that hat"] * 5


def test_pieces_spell_their_word():
    model = PieceModel.train(TEXT, num_pieces=25)
    lexicon = piece_lexicon({w for line in TEXT for w in line.split()}, model)
    assert "cat" in lexicon and len(lexicon) == len(lexicon.words) == 11
    for entry in lexicon:
        assert "".join(entry.phones) == "\u2581" + entry.word
        assert set(entry.phones) <= set(model.pieces)
    assert max(len(entry.phones) for entry in lexicon) > 1


def test_unknown_characters_are_left_out_and_told():
    lexicon = piece_lexicon(["cat", "d\u00f6g", "\u0436"], PieceModel.train(TEXT, 25))
    assert lexicon.words == ["cat"]
    assert lexicon.notes == ["2 words left out, the pieces lack their characters: d\u00f6g, \u0436"]


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_training_is_deterministic_and_round_trips(tmp_path, model_type):
    first, second = (PieceModel.train(TEXT, 25, model_type) for _ in range(2))
    assert first.pieces == second.pieces
    first.write(tmp_path / "pieces.model")
    assert PieceModel.read(tmp_path / "pieces.model").split("mat") == first.split("mat")


def test_decomposed_letters_are_composed():
    model = PieceModel.train(["caf\u00e9 ol\u00e9"] * 3, 12)
    assert model.split("cafe\u0301") == model.split("caf\u00e9") is not None


def test_numbers_of_pieces_that_do_not_fit():
    with pytest.raises(InputError, match="option lang.num_pieces for unigram: expected a number that fits the text, "
                       "found 3: Vocabulary size is smaller than required_chars. 3 vs 14"):
        PieceModel.train(TEXT, 3)
    assert len(PieceModel.train(TEXT, 5000).pieces) < 200  # an upper limit
    for nothing in ([], [""], [" ", "\t", ""]):
        with pytest.raises(InputError, match="text for sentencepiece: expected at least one sentence, found none"):
            PieceModel.train(nothing, 10)
    assert set(PieceModel.train([" ", "ab", ""], 10).pieces) >= {"a", "b"}


def test_no_model(tmp_path):
    for data in (b"no model", b""):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(InputError, match="expected a sentencepiece model"):
            PieceModel.read(tmp_path / "x")
    with pytest.raises(InputError, match="expected an existing file"):
        PieceModel.read(tmp_path / "none")


def test_unit_lexicons():
    sentences = [line.split() for line in TEXT]
    lexicon, model = unit_lexicon(LangOptions(unit="grapheme"), sentences, ["zoo"])
    assert model is None and lexicon.pronunciations("zoo")[0].phones == ("z", "o", "o")
    lexicon, model = unit_lexicon(LangOptions(unit="sentencepiece", num_pieces=25), sentences)
    assert lexicon == piece_lexicon(lexicon.words, model)
    assert unit_lexicon(LangOptions(unit="sentencepiece"), sentences, (), model)[0] == lexicon
    with pytest.raises(InputError, match="grapheme units: expected other names .* found s"):
        unit_lexicon(LangOptions(unit="grapheme", silence_phones=("s",)), sentences)
    with pytest.raises(InputError, match="at least one word"):
        unit_lexicon(LangOptions(unit="grapheme"), [])


def test_pieces_are_of_the_text_alone():
    """No sentence marks; a character that comes once among thousands, too; and as it is written, in NFC."""
    model = PieceModel.train(["the cat sat on the mat " * 20] * 20 + ["\u0416 \ufb01n caf\u0065\u0301"], 40)
    assert not {"<s>", "</s>", "<unk>", "<pad>"} & set(model.pieces)
    assert set("".join(model.pieces)) == set("thecasonm\u2581\u0416\ufb01nf\u00e9")
    assert "".join(model.split("\ufb01n")) == "\u2581\ufb01n"


def test_a_long_sentence_counts_as_others():
    """sentencepiece itself would leave it out."""
    words = "ab ba " * 1000
    assert set("".join(PieceModel.train(["ab", words + "z\u00e9"], 30).pieces)) == set("abz\u00e9\u2581")


def test_one_unknown_character_makes_a_word_unknown():
    model = PieceModel.train(TEXT, 25)
    assert model.split("cat") and model.split("c7t") is None and model.split("777") is None and model.split("") == ()
    lexicon = piece_lexicon([f"{i}{i}" for i in range(9)] + ["cat", "bat", "cat"], model)
    assert lexicon.words == ["bat", "cat"]
    assert lexicon.notes == ["9 words left out, the pieces lack their characters: 00, 11, 22, 33, 44, 55, 66, 77"]
    assert piece_lexicon(["cat"], model).notes == []


def test_a_model_is_written_whole(tmp_path):
    model = PieceModel.train(TEXT, 25)
    model.write(tmp_path / "pieces.model")
    assert [path.name for path in tmp_path.iterdir()] == ["pieces.model"]
    again = PieceModel.read(str(tmp_path / "pieces.model"))
    assert again.serialized == model.serialized and again.pieces == model.pieces


def test_options_of_units_are_heeded():
    sentences = [line.split() for line in TEXT]
    for model_type in ("unigram", "bpe"):
        options = LangOptions(unit="sentencepiece", num_pieces=22, piece_model=model_type)
        assert unit_lexicon(options, sentences)[1].pieces == PieceModel.train(TEXT, 22, model_type).pieces
    words = ["Ne\u0301\u0301", "Ne"]
    for marks in (True, False):
        for lower in (True, False):
            options = LangOptions(unit="grapheme", attach_marks=marks, lowercase=lower)
            assert unit_lexicon(options, [], iter(words))[0] == grapheme_lexicon(words, marks, lower)
    with pytest.raises(InputError, match=r"grapheme units: expected other names than lang.silence_phones and lang.oov_"
                                         r"phone have \(choose those differently\), found a, s$"):
        unit_lexicon(LangOptions(unit="grapheme", silence_phones=("SIL", "s"), oov_phone="a"), sentences)
    assert unit_lexicon(LangOptions(unit="grapheme", silence_phones=("SIL", "x")), sentences)[0].words


def test_sentences_of_texts_and_manifests(tmp_path):
    (tmp_path / "text.gz").write_bytes(gzip.compress("a  b\n\nc\tn\u00e9\n".encode()))
    assert list(read_sentences(tmp_path / "text.gz")) == [
        (f"{tmp_path}/text.gz:1", ["a", "b"]), (f"{tmp_path}/text.gz:3", ["c", "n\u00e9"])]
    entries = [{"id": "1", "supervisions": [{"text": "a b"}, {"text": "c"}]}, {"supervisions": [{}]},
               {"id": "x", "text": "d"}]
    (tmp_path / "cuts.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    assert [words for _, words in read_sentences(tmp_path / "cuts.jsonl")] == [["a", "b"], ["c"], ["d"]]
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\n[1]\n')
    with pytest.raises(InputError, match="bad.jsonl:2: expected a cut"):
        list(read_sentences(tmp_path / "bad.jsonl"))


def test_reserved_words_of_a_text_are_told_with_their_line(tmp_path):
    (tmp_path / "text").write_text("a b\n\nc </s> <eps>\n")
    assert [words for _, words in read_sentences(tmp_path / "text")] == [["a", "b"], ["c", "</s>", "<eps>"]]
    with pytest.raises(InputError, match="text:3: expected no reserved words .*, found </s>"):
        list(unmarked_sentences(tmp_path / "text"))
