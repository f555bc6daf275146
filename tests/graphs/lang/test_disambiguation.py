import pytest

from graphs.lang.disambiguation import disambiguation_numbers


@pytest.mark.parametrize("pronunciations, numbers", [
    (["a", "ab"], [1, 0]),  # a single phone that begins another
    (["ab", "abc", "abcd"], [1, 1, 0]),
    (["a", "b", "a", "ab", "a"], [1, 0, 2, 0, 3]),
    (["ab", "ab"], [1, 2]),
    (["ba", "a", "cab"], [0, 0, 0]),  # an end or an inner part is no beginning
    (["abc", "ab", "ab", "a", "abc"], [1, 1, 2, 1, 2]),
    ([], []),
])
def test_homophones_and_beginnings_are_numbered(pronunciations, numbers):
    assert disambiguation_numbers([tuple(phones) for phones in pronunciations]) == numbers
