"""What becomes of items: counted, kept with a reason, and too many failures."""

import logging

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
    (["failed", "lost"], 1.0, "x: 2 of 2 items failed, u0 among them: failed: why .2 items: 1 failed, 1 lost.$"),
    ([], 1.0, "x: expected at least one item, found none")])
def test_too_many_failures(each, share, message):
    with pytest.raises(TooManyFailures, match=message):
        outcomes(*each).check(share, "x")


def test_as_many_as_are_allowed():
    outcomes("done", "failed").check(0.5, "x")
    outcomes("partial", "retried").check(0.0, "x")
    outcomes("done", "failed", "failed").check(1.0, "x")


def test_what_did_not_simply_succeed_is_kept_with_its_reason(caplog, tmp_path):
    found = Outcomes(logging.getLogger("outcomes"))
    for item, *more in (("b", "retried", "a wider beam"), ("c",), ("a", "lost", "naïve"), ("d", "done", "quietly")):
        found.add(item, *more)
    assert found.counts == {"retried": 1, "done": 2, "lost": 1} and (found.total, found.failures) == (4, 1)
    assert found.notable == {"b": ("retried", "a wider beam"), "a": ("lost", "naïve")}
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("WARNING", "b: retried: a wider beam"), ("WARNING", "a: lost: naïve")]
    assert found.summary() == "4 items: 2 done, 1 lost, 1 retried"
    found.write(tmp_path / "outcomes.tsv")
    assert (tmp_path / "outcomes.tsv").read_text(encoding="utf-8") == (
        "item\toutcome\treason\na\tlost\tnaïve\nb\tretried\ta wider beam\n")


def test_the_error_tells_all_outcomes():
    with pytest.raises(TooManyFailures) as caught:
        outcomes("done", "lost", "partial", "failed", "lost").check(0.5, "alignment")
    assert str(caught.value) == ("alignment: 3 of 5 items failed, more than the allowed share of 50% "
                                 "(5 items: 1 done, 1 failed, 2 lost, 1 partial)")
