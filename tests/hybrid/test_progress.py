"""What a long piece of work says in a log: how long it takes, and the time left now and then."""

import io
import sys
import time

import pytest

from hybrid import progress
from hybrid.progress import Progress, spoken


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


@pytest.mark.parametrize("seconds_each, lines", [
    (5.0, [" 1 % done", " 7 % done", " 13 % done"]), (0.25, [" 20 % done"]), (4.75, [" 2 % done", " 9 % done"])])
def test_the_first_line_comes_after_five_seconds_and_others_thirty_apart(clock, capsys, seconds_each, lines):
    found = said(clock, capsys, 100, seconds_each)[:len(lines)]
    assert len(found) == len(lines) and all(line in text for line, text in zip(lines, found))


def test_nothing_is_done_at_first_unless_told(clock, capsys):
    with Progress(4, "toy") as work:
        clock.now += 10
        work.update()
    assert capsys.readouterr().err == "toy: about 40 s in all, 25 % done, about 30 s left\n"


def test_the_end_needs_no_line(clock, capsys):
    assert len(said(clock, capsys, 65, 1.0)) == 2 and len(said(clock, capsys, 66, 1.0)) == 3  # after 5, 35 and 65 s


def test_lines_of_long_work_are_a_twentieth_apart(clock, capsys):
    """Of 1,000 s, that is 50 s."""
    found = [line.split("toy: ")[1].split(" %")[0] for line in said(clock, capsys, 100, 10.0)]
    assert found[0].endswith(", 1") and found[1:] == [str(done) for done in range(6, 100, 5)]


def test_work_of_just_twenty_seconds_is_worth_a_line(clock, capsys):
    assert said(clock, capsys, 10, 2.0) == ["toy: about 20 s in all, 30 % done, about 14 s left"]
    assert said(clock, capsys, 10, 1.99) == []


def test_the_time_left_is_known_once_something_is_done(clock, capsys):
    with Progress(10, "toy", done=4) as work:
        assert work.seconds_left() == float("inf")
        clock.now += 60
        work.update(0)
        assert capsys.readouterr().err == ""
        work.update(2)
        assert work.seconds_left() == pytest.approx(60 / 2 * 4)
        assert capsys.readouterr().err == "toy: about 3 min in all, 60 % done, about 2 min left\n"
        work.update(5)  # more than was to be done
        assert work.seconds_left() == 0.0


@pytest.mark.parametrize("seconds, words", [
    (0, "0 s"), (7.2, "7 s"), (59.4, "59 s"), (59.5, "1 min"), (95, "2 min"), (59.4 * 60, "59 min"),
    (59.6 * 60, "1 h 0 min"), (5000, "1 h 23 min"), (3600 * 47.99, "47 h 59 min"), (3600 * 48, "2 days 0 h"),
    (3600 * 71.9, "2 days 23 h"), (3600 * 73, "3 days 1 h")])
def test_times_are_spoken_in_units_of_their_size(seconds, words):
    assert spoken(seconds) == words


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_has_a_bar_in_place_of_lines(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(8, "toy", "utt", done=2) as work:
        assert "toy:  25%|" in terminal.getvalue()
        time.sleep(0.11)  # the bar is drawn anew at most ten times a second
        work.update(2, "loss 0.5")
        drawn = terminal.getvalue().split("\r")[-1]
        assert drawn.startswith("toy:  50%|") and drawn.rstrip().endswith(", loss 0.5")
        work.hide()
        assert terminal.getvalue().split("\r")[-2].isspace()
        time.sleep(0.11)
        work.update(3)
        assert "toy:  88%|" in terminal.getvalue().split("\r")[-1]
    assert terminal.getvalue().split("\r")[-2].isspace() and "\n" not in terminal.getvalue()
