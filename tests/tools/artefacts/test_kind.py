"""What all kinds of artefacts have in common."""

import pytest

from graphs.errors import InputError
from tests.tools.work_folder import stage
from tools.artefacts.kind import (
    Kind, facts, file_starting, folder_with, input_of, not_found, read_problem, section, some, text_of_file)


def test_facts_stand_under_each_other():
    """Pairs without a value are left out; 0 and False are values."""
    pairs = ("a", 1), ("longer", "x"), ("none", None), ("empty", ""), ("share", 1 / 3), ("no", False), ("n", 0)
    assert facts(*pairs) == "a:      1\nlonger: x\nshare:  0.333333\nno:     False\nn:      0\n"
    assert facts() == facts(("a", None)) == ""


def test_a_section_is_a_table_under_a_title_and_nothing_without_rows():
    assert section("sizes", ("n", "word"), ((n, "w" * n) for n in (1, 10))) == (
        "\nsizes\n n  word\n--  ----------\n 1  w\n10  wwwwwwwwww\n")
    assert section("sizes", ("n", "word"), iter(())) == ""


def test_some_of_many():
    assert some(map(str, range(8))) == "0, 1, 2, 3, 4, 5, 6, 7"
    assert some(map(str, range(9))) == "0, 1, 2, 3, 4, 5, 6, 7, ... (9 in all)"
    assert (some("ab", 2), some("abc", 2), some(())) == ("a, b", "a, b, ... (3 in all)", "")
    assert str(not_found("folder", "a word", "z", iter("abcd"))) == (
        "folder: expected a word such as a, b, c, ... (4 in all), found z")


def test_folders_and_files_are_known_by_what_they_hold(tmp_path):
    (tmp_path / "one.txt").write_bytes(b" \n" * 95 + b"<Topology>")
    (tmp_path / "two.txt").write_bytes(b" \n" * 95 + b" <Topology>")  # beyond the first 200 bytes
    assert folder_with("one.*", "two.txt")(tmp_path) and not folder_with("one.*", "three.*")(tmp_path)
    assert not folder_with("one.*")(tmp_path / "one.txt") and not folder_with("one.*")(tmp_path / "nothing")
    starts = file_starting("<Topology>")
    assert [starts(tmp_path / name) for name in ("one.txt", "two.txt", "three.txt", "")] == [True, False, False, False]
    kind = Kind("a", "b", starts, str, list)
    assert (kind.draw, kind.item) == (None, "")


def test_the_nearest_input_of_a_name(tmp_path):
    """The folder's own, else that of the stage that made it, of those that made its inputs, and so on."""
    for name in ("lang", "features", "align", "model"):
        (tmp_path / name).mkdir()
    for file in ("lang/phones.txt", "lang/words.txt", "features/words.txt", "features/cuts", "align/ali"):
        (tmp_path / file).write_text("x\n")
    stage(tmp_path / "features", "f", [tmp_path / "lang/words.txt"])
    inputs = ("gone/phones.txt", "features/cuts", "lang/phones.txt")
    stage(tmp_path / "align", "a", [tmp_path / name for name in inputs])
    stage(tmp_path / "model", "m", [tmp_path / "align/ali"])
    assert input_of(tmp_path / "features", "words.txt") == tmp_path / "features/words.txt"
    assert input_of(tmp_path / "model", "phones.txt") == tmp_path / "lang/phones.txt"
    assert input_of(tmp_path / "model", "words.txt") == tmp_path / "lang/words.txt"  # what features was made from
    assert input_of(tmp_path / "model", "HCLG.npz") is None and input_of(tmp_path / "lang", "cuts") is None


def test_files_that_cannot_be_read_raise(tmp_path):
    (tmp_path / "good").write_text("ü\n", encoding="utf-8")
    (tmp_path / "odd").write_bytes(b"\xff")
    assert text_of_file(tmp_path / "good") == "ü\n" and read_problem(text_of_file)(tmp_path / "good") == []
    for name, message in (("odd", "expected utf-8 text"), ("gone", "expected an existing file")):
        with pytest.raises(InputError, match=message):
            read_problem(text_of_file)(tmp_path / name)
