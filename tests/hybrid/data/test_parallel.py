"""Work over processes: order, errors, and processes that die."""

import multiprocessing
import multiprocessing.util
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

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


def test_one_item_needs_no_other_process():
    assert list(ordered_map(late_first, ["a"], 3, "toy")) == [("a", os.getpid())]
    ((_, process),) = ordered_map(late_first, iter(["a"]), 3, "toy", total=1)  # so many come, nobody knows
    assert process != os.getpid()


def itself(item):
    return item


@pytest.mark.parametrize("nj, ahead", [(1, 1), (2, 7), (3, 10)])
def test_no_more_is_drawn_than_is_worked_on_soon(nj, ahead):
    """Three items for each process and one."""
    drawn = []
    items = (drawn.append(number) or number for number in range(50))
    for number in ordered_map(itself, items, nj, "toy", total=50):
        assert min(50, number + nj) <= len(drawn) <= min(50, number + ahead)
    assert drawn == list(range(50))


@pytest.mark.parametrize("nj", [1, 2])
def test_how_far_it_is_is_told_by_the_size_of_what_is_done(nj, monkeypatch, capsys):
    for name in ("FIRST_SECONDS", "WORTH_SECONDS", "LINE_SECONDS", "SHARE"):
        monkeypatch.setattr(f"hybrid.progress.{name}", 0.0)
    for size, total, shares in ((None, None, [25, 50, 75]), (len, None, [10, 30, 60]), (len, 20, [5, 15, 30, 50])):
        assert list(ordered_map(itself, ["a", "bb", "ccc", "dddd"], nj, "toy", size, total=total)) == [
            "a", "bb", "ccc", "dddd"]
        lines = capsys.readouterr().err.splitlines()
        assert [line[:line.index("% done")].split()[-1] for line in lines] == [str(share) for share in shares]
        assert all(line.startswith("toy: ") for line in lines)


def threads_of(place):
    return torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS"), os.environ.get("MKL_NUM_THREADS")


def test_each_process_has_one_thread():
    usual = torch.get_num_threads()
    torch.set_num_threads(2)
    before = threads_of("here")
    try:
        assert set(ordered_map(threads_of, range(2), 2, "toy")) == {(1, "1", "1")} and threads_of("here") == before
    finally:
        torch.set_num_threads(usual)


def test_processes_of_others_are_left_alone():
    other = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,), daemon=True)
    other.start()
    assert list(ordered_map(itself, range(5), 2, "toy")) == list(range(5))
    with pytest.raises(ProcessDied):
        list(ordered_map(ends, [(3, 0)] * 5, 2, "toy"))
    assert multiprocessing.active_children() == [other] and other.is_alive()
    other.kill()
    other.join()


def ends(how):
    status, number = how
    if number:
        os.kill(os.getpid(), number)
    elif status:
        os._exit(status)


@pytest.mark.parametrize("how, message", [
    ((3, 0), "ended before its work did (exit status 3)"),
    ((0, signal.SIGTERM), f"was ended by someone (signal {signal.SIGTERM:d})"),
    ((0, signal.SIGUSR1), f"was ended by someone (signal {signal.SIGUSR1:d})")])
def test_how_a_process_died_is_told(how, message):
    """The others are ended by a signal, too, which is not the cause."""
    with pytest.raises(ProcessDied) as died:
        list(ordered_map(ends, [(0, 0), (0, 0), how, (0, 0)], 3, "toy"))
    assert str(died.value) == f"a process of `toy` {message}"


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


def waits_for(item):
    """Whether there is the file, within half a minute; nobody waits for that of the first."""
    number, path = item
    for _ in range(3000 * bool(number)):
        if os.path.exists(path):
            return True
        time.sleep(0.01)
    return number == 0


def test_a_result_comes_as_soon_as_it_is_there(tmp_path):
    path = tmp_path / "go"
    results = ordered_map(waits_for, [(number, str(path)) for number in range(3)], 3, "toy")
    assert next(results)
    path.touch()
    assert list(results) == [True, True]


def test_nobody_waits_when_all_have_ended(monkeypatch):
    monkeypatch.setattr("hybrid.data.parallel.PATIENCE", 1e6)
    assert list(ordered_map(itself, range(3), 2, "toy")) == [0, 1, 2]
    with pytest.raises(ProcessDied):
        list(ordered_map(ends, [(3, 0), (0, 0)], 2, "toy"))


def leaves_word(path):
    multiprocessing.util.Finalize(None, path.touch, exitpriority=0)


def test_processes_end_by_themselves_when_all_is_done(tmp_path):
    """What they have to do at their end is done when the last result is there."""
    paths = [tmp_path / str(number) for number in range(4)]
    list(ordered_map(leaves_word, paths, 2, "toy"))
    assert all(path.exists() for path in paths)


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
    time.sleep(30)
    os.write(1, b"still here\\n")
    os._exit(1)
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
