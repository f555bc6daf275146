import pytest

from graphs.errors import InputError
from hybrid.recognize.text_filter import TextFilter, read_rules


def test_without_options_only_unicode_is_composed():
    assert TextFilter()(["e\u0301", "<unk>", "A"]) == ["\u00e9", "<unk>", "A"]


def test_ignored_words_go():
    assert TextFilter(ignore=("<unk>", "[noise]"))("a <unk> [noise] b".split()) == ["a", "b"]


def test_folded_case_holds_for_rules_and_ignored_words():
    text_filter = TextFilter(fold_case=True, ignore=("<UNK>",), rules={("O", "K"): ("Okay",)})
    assert text_filter("o K <unk> STRASSE straße".split()) == ["okay", "strasse", "strasse"]


def test_the_longest_rule_wins_and_its_output_is_left_alone():
    text_filter = TextFilter(rules={("a",): ("b",), ("b",): ("c",), ("a", "b"): ("x",), ("x",): ("y",)})
    assert text_filter("a b a a c x".split()) == ["x", "b", "b", "c", "y"]


def test_a_rule_without_right_side_drops_the_words():
    assert TextFilter(rules={("uh", "huh"): ()})("well uh huh uh".split()) == ["well", "uh"]


def test_a_map_may_lead_to_an_ignored_word():
    assert TextFilter(ignore=("%h",), rules={("uh",): ("%h",)})("uh yes".split()) == ["yes"]


def test_rules_are_read_from_a_file(tmp_path):
    path = tmp_path / "map.glm"
    path.write_text("* name 'x'\n;; a comment\n\n[ALL RIGHT] => [ALRIGHT] ;; more\nUH =>\ncan't => can not\n")
    assert read_rules(path) == {("ALL", "RIGHT"): ("ALRIGHT",), ("UH",): (), ("can't",): ("can", "not")}


@pytest.mark.parametrize("line", ["no arrow", "=> x", "a => { b / c }", "a => b\na => c"])
def test_a_bad_rule_is_named_with_its_line(tmp_path, line):
    path = tmp_path / "map.glm"
    path.write_text(f"x => y\n{line}\n")
    with pytest.raises(InputError, match=r"map\.glm:[23]"):
        read_rules(path)
