import pytest

from hybrid.data.copies import copy_id, of_original, original_of


@pytest.mark.parametrize("name, original", [
    ("a-aug1", "a"), ("a-aug10", "a"), ("a-aug1-aug2", "a-aug1"), ("a\nb-aug9", "a\nb"), ("a", "a"), ("a-aug", "a-aug"),
    ("a-aug0", "a-aug0"), ("a-aug01", "a-aug01"), ("-aug1", "-aug1"), ("a-aug1 ", "a-aug1 "), ("a-aug1x", "a-aug1x"),
    ("a-sp0.9", "a-sp0.9"), ("a-sp0.9-aug3", "a-sp0.9"), ("", "")])
def test_the_original_of_an_id(name, original):
    assert original_of(name) == original


def test_a_copy_is_told_by_its_id():
    for number in (1, 9, 10, 123):
        assert copy_id("a-b", number) == f"a-b-aug{number}" and original_of(copy_id("a-b", number)) == "a-b"


def test_what_a_copy_has_of_its_own_counts_first():
    values = {"a": 1, "a-aug2": 0, "b-aug1": 3}
    assert [of_original(values, name) for name in ("a", "a-aug1", "a-aug2", "b", "b-aug1", "b-aug2", "c")] == [
        1, 1, 0, None, 3, None, None]
