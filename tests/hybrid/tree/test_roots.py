"""Roots: Kaldi's file, the lang's own, and what cannot be roots."""

import pytest

from graphs.errors import InputError
from graphs.hmm.topology import Topology, left_to_right
from hybrid.tree.roots import Root, check_roots, default_roots, read_roots, write_roots
from tests.hybrid.tree.material import small_lang


def test_each_speech_phone_has_a_root_and_silence_is_not_split():
    lang = small_lang("A B")
    assert lang.phones.symbols[:5] == ["<eps>", "SIL", "A", "B", "SPN"]
    assert default_roots(lang) == [Root((1,), False, False), Root((2,)), Root((3,)), Root((4,))]


def test_position_variants_share_a_root():
    lang = small_lang("A B", position_dependent=True)
    found = [[lang.phones.symbol_of(i) for i in root.phone_ids] for root in default_roots(lang)]
    assert found == [["SIL", "SIL_B", "SIL_E", "SIL_I", "SIL_S"], *(
        [f"{phone}_{place}" for place in "BEIS"] for phone in ("A", "B", "SPN"))]
    check_roots(default_roots(lang), lang.topology)


def test_files_are_kaldis(tmp_path):
    lang, path = small_lang("A B"), tmp_path / "roots.txt"
    path.write_text("not-shared not-split SIL SPN\nshared split B\n\nshared not-split A\n")
    roots = read_roots(path, lang.phones)
    assert roots == [Root((1, 4), False, False), Root((3,)), Root((2,), True, False)]
    write_roots(tmp_path / "again.txt", roots, lang.phones)
    assert (tmp_path / "again.txt").read_text() == path.read_text().replace("\n\n", "\n")
    path.write_text("not-shared split B A B\n")  # in any order, and twice
    assert read_roots(path, lang.phones) == [Root((2, 3), False, True)]


@pytest.mark.parametrize("line, message", [
    ("shared A", "expected `shared|not-shared split|not-split PHONE ...`"),
    ("shared split", "expected `shared"), ("split", "expected `shared"), ("shared maybe A", "expected `shared"),
    ("split shared A", "expected `shared"), ("shared split A X", "expected phones of the lang, found X")])
def test_a_bad_line_is_named(tmp_path, line, message):
    (tmp_path / "roots.txt").write_text(f"shared split B\n{line}\n")
    with pytest.raises(InputError) as caught:
        read_roots(tmp_path / "roots.txt", small_lang("A B").phones)
    assert f"roots.txt:2: {message}" in str(caught.value)


@pytest.mark.parametrize("roots, message", [
    ([Root((1,)), Root((2, 1))], "phone_id 1: expected one root, found two"),
    ([Root((1,))], "phone_id 2: expected a root, found none"), ([], "phone_id 1: expected a root, found none"),
    ([Root((2,)), Root((2, 3))], "phone_id 2: expected one root, found two"),
    ([Root((1,)), Root((2, 3))], "phone_id 3: expected a phone of the topology"),
    ([Root((1, 2))], "phone_ids 1 2: expected phones with as many pdf classes, found 1 and 3")])
def test_what_cannot_be_roots(roots, message):
    with pytest.raises(InputError, match=message):
        check_roots(roots, Topology({1: left_to_right(1), 2: left_to_right(3)}))
