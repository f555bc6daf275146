"""What a long piece of work says in a log: how long it takes, and the time left now and then."""

import pytest

from hybrid import progress
from hybrid.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when they are told to."""
    clock = type("Clock", (), {"now": 100.0, "monotonic": lambda self: self.now})()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def said(clock, capsys, total, seconds_each, done=0.0):
    with Progress(total, "toy", done=done) as work:
        for _ in range(int(total - done)):
            clock.now += seconds_each
            work.update()
    return capsys.readouterr().err.splitlines()


def test_short_work_says_nothing(clock, capsys):
    assert said(clock, capsys, 18, 1.0) == []


def test_the_first_estimate_comes_soon_and_then_a_line_each_half_minute(clock, capsys):
    assert said(clock, capsys, 100, 1.0) == [
        "toy: about 2 min in all, 5 % done, about 2 min left", "toy: 35 % done, about 1 min left",
        "toy: 65 % done, about 35 s left", "toy: 95 % done, about 5 s left"]


def test_work_of_a_day_says_a_line_each_twentieth(clock, capsys):
    lines = said(clock, capsys, 1000, 86.4)
    assert lines[0] == "toy: about 24 h 0 min in all, 0 % done, about 23 h 59 min left" and 20 <= len(lines) <= 21


def test_the_pace_is_that_of_this_run(clock, capsys):
    assert said(clock, capsys, 100, 2.0, done=80)[0] == "toy: about 40 s in all, 83 % done, about 34 s left"
