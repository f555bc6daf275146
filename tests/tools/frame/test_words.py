from argparse import Namespace
from pathlib import Path

import pytest

from graphs.errors import InputError
from tools.frame.words import GRAPH, LANG, SEARCH, OtherWords

LEXICON, LM, TEXT = Path("/new/lexicon.txt"), Path("/new/lm.arpa"), Path("/new/text")


def lang_args(lexicon=("/old/lexicon.txt",), **more):
    given = {"lexicon": [Path(path) for path in lexicon] or None, "text": [Path("/old/text")], "lm": None,
             "pieces": None, "like": None, **more}
    return Namespace(**given)


def test_without_any_nothing_is_changed():
    words = OtherWords()
    assert not words
    for program, args in ((GRAPH, Namespace(arpa="a", classes="c")), (SEARCH, Namespace(lm="a"))):
        before = vars(args).copy()
        assert not words.change(program, args, Path("/old"))
        assert vars(args) == before
    words.check_used(Path("/old"))


def test_pronunciations_come_beside_those_of_then_with_its_phones(tmp_path):
    words, args = OtherWords(lexicon=LEXICON), lang_args()
    assert words and words.change(LANG, args, tmp_path)
    assert args == lang_args(("/old/lexicon.txt", LEXICON), like=tmp_path)
    words.check_used(tmp_path)
    args = lang_args(like=Path("/older"))
    assert words.change(LANG, args, tmp_path) and args.like == Path("/older")
    graph = Namespace(arpa="a", classes=None)
    assert words.change(GRAPH, graph, tmp_path) is False  # unless its lang folder is another


def test_the_language_model_stands_in_the_place_of_that_of_graphs_and_searches(tmp_path):
    words, args = OtherWords(lm=LM), Namespace(arpa=Path("/old/lm.arpa"), classes=Path("/old/classes.txt"))
    with pytest.raises(InputError, match=f"--lm {LM}: expected a system that has a language model, found {tmp_path}"):
        words.check_used(tmp_path)
    assert words.change(GRAPH, args, tmp_path)
    assert args == Namespace(arpa=LM, classes=None)
    words.check_used(tmp_path)
    args = Namespace(lm=Path("/old/lm"))
    assert words.change(SEARCH, args, tmp_path) and args.lm == LM
    args = Namespace(lm=None)  # a search without one stays so
    assert not OtherWords(lm=LM).change(SEARCH, args, tmp_path) and args.lm is None
    assert not words.change("tools.decode", Namespace(lm=None), tmp_path)
    args = lang_args()
    assert not words.change(LANG, args, tmp_path) and args.lexicon == lang_args().lexicon


@pytest.mark.parametrize("program", ["tools.lattices.rescore", "tools.decode_on_the_fly"])
def test_which_of_several_language_models_is_not_guessed(program, tmp_path):
    with pytest.raises(InputError, match=f"--lm {LM}: expected .* a single language model, found {tmp_path}"):
        OtherWords(lm=LM).change(program, Namespace(), tmp_path)
    assert not OtherWords(lexicon=LEXICON).change(program, Namespace(), tmp_path)


def test_lang_folders_that_spell_take_words_of_texts_and_of_the_language_model(tmp_path):
    args = lang_args(())
    assert OtherWords(lm=LM, texts=[TEXT]).change(LANG, args, tmp_path)
    assert args == lang_args((), text=[Path("/old/text"), TEXT], lm=LM, like=tmp_path)
    (tmp_path / "pieces.model").write_text("")
    args = lang_args((), lm=Path("/old/lm"))
    assert OtherWords(texts=[TEXT]).change(LANG, args, tmp_path)
    assert (args.lm, args.pieces) == (Path("/old/lm"), tmp_path / "pieces.model")
    with pytest.raises(InputError, match=f"--lexicon {LEXICON}: expected .* with a lexicon, found {tmp_path}, whose"):
        OtherWords(lexicon=LEXICON).change(LANG, lang_args(()), tmp_path)


def test_texts_are_nothing_to_lang_folders_with_a_lexicon(tmp_path):
    words, args = OtherWords(texts=[TEXT]), lang_args()
    assert words and not words.change(LANG, args, tmp_path)
    assert (args.lexicon, args.text) == (lang_args().lexicon, lang_args().text)
    words.check_used(tmp_path)


def test_a_lexicon_that_nothing_reads_is_told(tmp_path):
    with pytest.raises(InputError, match=f"--lexicon {LEXICON}: expected .* that has a lexicon, found {tmp_path}"):
        OtherWords(lexicon=LEXICON).check_used(tmp_path)
