import pytest

from graphs.errors import InputError
from hybrid.data.units import PieceModel
from hybrid.e2e.tokens import SPACE, SPELLINGS, TOKENS, Spelled, TokenTable
from tests.graphs.langs import small_lang

TEXT = [["go", "on"], ["no", "go"], [], ["ne\u0301"]]
CHARACTERS = TokenTable.characters(TEXT)


@pytest.fixture(scope="module")
def pieces():
    return TokenTable.of_pieces(PieceModel.train(["go on and on", "no going", "on and off we go"] * 5, 30))


@pytest.fixture(scope="module")
def phones(toy_lang):
    return TokenTable.phones(toy_lang)


@pytest.fixture(scope="module")
def toy_lang():
    return small_lang([("NO", "n ow", 1.0), ("GO", "g ow", 1.0), ("NO", "n n", 0.5)])


def test_characters_are_sorted_after_blank_and_space_and_composed():
    assert CHARACTERS.symbols == ["<blk>", SPACE, "g", "n", "o", "\u00e9"]
    assert CHARACTERS.num_tokens == 6


def test_a_space_stands_between_words_only():
    assert CHARACTERS.encode(["go", "on"]) == [2, 4, 1, 4, 3]
    assert CHARACTERS.encode([]) == []


def test_what_cannot_be_spelled_is_none():
    assert CHARACTERS.encode(["go", "by"]) is None


def test_what_would_come_back_as_other_words_cannot_be_spelled(pieces):
    for word in (f"g{SPACE}o", f"{SPACE}go", SPACE):
        assert CHARACTERS.encode([word]) is pieces.encode([word]) is None


def test_words_and_their_places():
    assert CHARACTERS.words([2, 4, 1, 4, 3]) == [Spelled("go", 0, 1), Spelled("on", 2, 4)]
    assert CHARACTERS.words([]) == []


def test_spaces_without_words_are_nothing():
    assert CHARACTERS.words([1, 1, 2, 1, 1, 3, 1]) == [Spelled("g", 1, 2), Spelled("n", 4, 5)]


def test_composed_and_decomposed_letters_are_one():
    assert CHARACTERS.encode(["n\u00e9"]) == CHARACTERS.encode(["ne\u0301"]) == [3, 5]


@pytest.mark.parametrize("words", [["go", "on"], ["off", "we", "going"], []])
def test_pieces_give_their_words_back(pieces, words):
    token_ids = pieces.encode(words)
    assert 0 not in token_ids
    spelled = pieces.words(token_ids)
    assert [one.word for one in spelled] == words
    assert [one.first for one in spelled] == [place for place, t in enumerate(token_ids) if pieces.starts_word(t)]
    assert [one.last + 1 for one in spelled][:-1] == [one.first for one in spelled][1:]


def test_pieces_cannot_spell_characters_that_they_lack(pieces):
    assert pieces.encode(["go", "\u00fcber"]) is None


def test_phones_are_numbered_as_in_the_lang_folder(phones, toy_lang):
    assert phones.symbols[1:] == toy_lang.phones.symbols[1:toy_lang.num_phones + 1]
    assert phones.encode(["GO", "NO"]) == toy_lang.phone_ids("GO NO")
    assert phones.encode(["GO", "OTHER"]) is None
    with pytest.raises(ValueError, match="decoding graph"):
        phones.words([1])


@pytest.mark.parametrize("name", ["characters", "pieces", "phones"])
def test_what_is_written_is_read(name, request, tmp_path):
    table = CHARACTERS if name == "characters" else request.getfixturevalue(name)
    table.write(tmp_path)
    found = TokenTable.read(tmp_path, table.kind)
    assert (found.kind, found.symbols, found.spellings) == (table.kind, table.symbols, table.spellings)
    assert found.encode(["GO"]) == table.encode(["GO"]) and found.encode(["go"]) == table.encode(["go"])


@pytest.mark.parametrize("text, line", [("<blk> 0\na 2\n", 2), ("<blk> 0\na b 1\n", 2), ("<blk> 1\n", 1)])
def test_bad_lines_of_tokens_are_named(text, line, tmp_path):
    (tmp_path / TOKENS).write_text(text)
    with pytest.raises(InputError, match=f"{TOKENS}:{line}:"):
        TokenTable.read(tmp_path, "character")


@pytest.mark.parametrize("text", ["<blk> 0\n", "a 0\nb 1\n", "<blk> 0\na 1\na 2\n"])
def test_tokens_are_blank_and_others_once(text, tmp_path):
    (tmp_path / TOKENS).write_text(text)
    with pytest.raises(InputError, match="<blk> first"):
        TokenTable.read(tmp_path, "character")


@pytest.mark.parametrize("text, line", [("GO\n", 1), ("GO a\nGO a\n", 2), ("GO a\nNO b\n", 2), ("GO <blk>\n", 1)])
def test_bad_spellings_are_named(text, line, tmp_path):
    (tmp_path / TOKENS).write_text("<blk> 0\na 1\n")
    (tmp_path / SPELLINGS).write_text(text)
    with pytest.raises(InputError, match=f"{SPELLINGS}:{line}:"):
        TokenTable.read(tmp_path, "phone")


@pytest.mark.parametrize("arguments", [("letter", ["<blk>", "a"]), ("piece", ["<blk>", "a"]),
                                       ("phone", ["<blk>", "a"])])
def test_kinds_and_what_belongs_to_them(arguments):
    with pytest.raises(InputError):
        TokenTable(*arguments)


def test_a_text_without_words_has_no_characters():
    with pytest.raises(InputError, match="at least one word"):
        TokenTable.characters([[]])
