import pytest

from graphs.errors import TooManyFailures
from hybrid.outcomes import Outcomes


def outcomes(*each):
    found = Outcomes()
    for number, outcome in enumerate(each):
        found.add(f"u{number}", outcome, "why")
    return found


@pytest.mark.parametrize("each, share, message", [
    (["done", "failed"], 0.49, "x: 1 of 2 items failed, more than the allowed share of 49%"),
    (["failed", "lost"], 1.0, "x: 2 of 2 items failed"), ([], 1.0, "x: expected at least one item, found none")])
def test_too_many_failures(each, share, message):
    with pytest.raises(TooManyFailures, match=message):
        outcomes(*each).check(share, "x")


def test_as_many_as_are_allowed():
    outcomes("done", "failed").check(0.5, "x")
    outcomes("partial", "retried").check(0.0, "x")
