"""Processes that end together, each tried in processes of its own."""

import signal
import subprocess
import sys

import pytest

from hybrid.processes import ProcessDied, how_it_ended

ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs prctl")
HEAD = "import multiprocessing, os, signal, sys, time\nfrom hybrid import processes\n"


def run(script):
    """(exit status, what it said) of a Python process."""
    done = subprocess.run([sys.executable, "-c", HEAD + script], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout.split() or done.stderr


@pytest.mark.parametrize("exit_code, said", [
    (0, "ended before its work did (exit status 0)"), (3, "ended before its work did (exit status 3)"),
    (-9, "was killed (signal 9), most likely for want of memory: fewer processes (--nj) need less"),
    *((-number, f"crashed (signal {number}), which a full disk, too little memory or a broken package can do; "
                "./run.sh doctor tries the packages")
      for number in map(int, (signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV))),
    (-15, "was ended by someone (signal 15)"), (-1, "was ended by someone (signal 1)")])
def test_an_end_is_told_with_its_likely_cause(exit_code, said):
    assert how_it_ended(exit_code) == said
    assert str(ProcessDied("worker 3", exit_code)) == f"worker 3 {said}"


@pytest.mark.parametrize("platform, look_seconds", [pytest.param("linux", 60, marks=ON_LINUX), ("another", 0.01)])
def test_a_process_ends_as_its_parent_is_killed(platform, look_seconds):
    """The child gets the signal that was asked for, long before its work is done; Linux needs no look for that."""
    child = HEAD + f"""
def end(*arguments):
    print("told", flush=True)
    os._exit(0)
sys.platform, processes.LOOK_SECONDS = {platform!r}, {look_seconds}
signal.signal(signal.SIGUSR1, end)
processes.die_with_parent(os.getppid(), signal.SIGUSR1)
print("ready", flush=True)
time.sleep(20)
print("worked", flush=True)
"""
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        first = parent.stdout.readline()
        parent.kill()
        assert [first, *parent.stdout] == ["ready\n", "told\n"]  # to the end of the child, which holds it open


@pytest.mark.parametrize("platform", [pytest.param("linux", marks=ON_LINUX), "another"])
def test_a_process_whose_parent_lives_ends_with_its_own_work(platform):
    assert run(f"sys.platform = {platform!r}; processes.die_with_parent(os.getppid()); print('done')") == (0, ["done"])


@pytest.mark.parametrize("call, status", [
    ("die_with_parent(os.getpid())", 128 + 9), ("die_with_parent(os.getpid(), signal.SIGTERM)", 128 + 15),
    ("work_for_parent(os.getpid())", 128 + 9)])
def test_a_process_that_has_lost_its_parent_by_then_ends_there(call, status):
    assert run(f"processes.{call}; print('worked')") == (status, "")


def test_the_interrupt_key_is_for_the_parent():
    script = "processes.work_for_parent(os.getppid()); os.kill(os.getpid(), signal.SIGINT); print('worked')"
    assert run(script) == (0, ["worked"])


def test_children_are_killed_those_that_are_named_or_all():
    assert run("""
context = multiprocessing.get_context("fork")
children = [context.Process(target=time.sleep, args=(20,)) for _ in range(3)]
for child in children:
    child.start()
processes.kill_children(children[1:2])
children[1].join()
print(*(child.exitcode for child in children))
processes.kill_children([])
processes.kill_children()
for child in children:
    child.join()
print(*(child.exitcode for child in children))
""") == (0, ["None", "-9", "None", "-9", "-9", "-9"])
