import gzip
import json

import pytest

from graphs.errors import InputError
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
    with pytest.raises(InputError, match="option lang.num_pieces for unigram: .* 3: .*required_chars"):
        PieceModel.train(TEXT, 3)
    assert len(PieceModel.train(TEXT, 5000).pieces) < 200  # an upper limit
    with pytest.raises(InputError, match="at least one sentence"):
        PieceModel.train([], 10)


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
