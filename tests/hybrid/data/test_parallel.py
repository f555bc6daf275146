"""Work over processes: order, errors, and processes that die."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from graphs.errors import InputError
from hybrid.data.parallel import ordered_map
from hybrid.processes import ProcessDied
from tests.tools.test_frontdoor import ROOT


def late_first(number):
    time.sleep(0.2 if number == 0 else 0.0)
    return number, os.getpid()


@pytest.mark.parametrize("nj", [1, 3])
@pytest.mark.parametrize("lazy", [False, True])
def test_results_come_in_order_from_processes_that_end(nj, lazy):
    items = range(40)
    results = list(ordered_map(late_first, iter(items) if lazy else items, nj, "toy", total=40 if lazy else None))
    assert [number for number, _ in results] == list(items)
    assert (os.getpid() in {pid for _, pid in results}) == (nj == 1)
    assert not multiprocessing.active_children()


def test_no_items_are_no_work():
    assert list(ordered_map(late_first, [], 2, "toy")) == []


def fails_while_another_sleeps(number):
    if number == 3:
        raise InputError("item 3", "a good one", "a bad one")
    time.sleep(30 if number == 0 else 0)


def is_killed(number):
    if number == 3:
        os.kill(os.getpid(), 9)
    time.sleep(30 if number == 0 else 0)


@pytest.mark.parametrize("function, error, message", [
    (fails_while_another_sleeps, InputError, "item 3: expected a good one"),
    (is_killed, ProcessDied, "a process of `toy` was killed (signal 9), most likely for want of memory"),
])
def test_an_error_ends_all_at_once(function, error, message):
    began = time.monotonic()
    with pytest.raises(error) as caught:
        list(ordered_map(function, range(10), 2, "toy"))
    assert message in str(caught.value) and time.monotonic() - began < 10
    assert not multiprocessing.active_children()


def sleeps(number):
    time.sleep(30 if number else 0)


def test_who_stops_reading_ends_all():
    results = ordered_map(sleeps, range(10), 2, "toy")
    next(results)
    results.close()
    deadline = time.monotonic() + 5
    while multiprocessing.active_children():
        assert time.monotonic() < deadline


PARENT = """
import os, sys, time
from hybrid.data.parallel import ordered_map
def say_and_sleep(number):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(60)
list(ordered_map(say_and_sleep, range(2), 2, "toy"))
"""


@pytest.mark.parametrize("number, status", [(signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGINT, 1)])
def test_processes_die_with_their_parent(number, status):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(2):
        assert int(parent.stdout.readline()) != parent.pid
    parent.send_signal(number)
    assert parent.stdout.read() == b""  # until the last of them is gone
    assert parent.wait(5) in (status, -number)
    errors = parent.stderr.read().decode()
    assert errors.count("KeyboardInterrupt") == (1 if number == signal.SIGINT else 0)
    parent.stdout.close(), parent.stderr.close()
