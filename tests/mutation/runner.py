"""Runs pytest on copies of the tree, each run in a forked child of a process that has the heavy packages loaded."""

import gc
import importlib
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Tuple

from tests.mutation.mutants import Mutant

FOLDERS = ("graphs", "hybrid", "tools", "egs", "tests")
HEAVY = ("numpy", "torch", "k2", "pytest", "hypothesis", "matplotlib.pyplot", "lhotse", "scipy.stats", "optuna")
NOTICED, TIMED_OUT, SURVIVED, NO_TESTS = "noticed", "timed out", "survived", "no tests"
LEAST_SECONDS = 5.0  # of CPU, where the tests take next to nothing
WAITING = 5  # a mutant that sleeps, or a busy machine: the limit by the clock is so many times that of the CPU
MEMORY = 2 * 2 ** 30  # bytes of address space beyond what is there already


class Copies:
    """As many copies of the tree as there are jobs, in a temporary folder."""

    def __init__(self, root: Path, jobs: int):
        self.root = root
        self._folder = tempfile.TemporaryDirectory(prefix="mutation-")
        self.paths = [Path(self._folder.name) / str(n) for n in range(jobs)]
        for path in self.paths:
            for folder in FOLDERS:
                shutil.copytree(root / folder, path / folder, ignore=shutil.ignore_patterns("work", ".hypothesis"))
            for file in root.iterdir():
                if file.is_file() and file.name != ".git":
                    shutil.copy2(file, path)

    def __enter__(self) -> "Copies":
        return self

    def __exit__(self, *error) -> None:
        self._folder.cleanup()


def load_heavy_packages() -> None:
    os.environ.update(OMP_NUM_THREADS="1", MPLBACKEND="Agg", PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True  # a mutant and its original may have one size and one second
    for name in HEAVY:
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    gc.freeze()  # a child need not look through them at its end


class _Durations:
    """pytest plugin: seconds of each test file."""

    def __init__(self):
        self.seconds: Dict[str, float] = {}

    def pytest_runtest_logreport(self, report):
        file = report.nodeid.split("::")[0]
        self.seconds[file] = self.seconds.get(file, 0.0) + report.duration


def _child(copy: Path, tests: List[str], cpu_seconds: float = math.inf, durations: Path = None) -> None:
    """Never returns."""
    status = 3
    try:
        os.setpgid(0, 0)
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        if cpu_seconds < math.inf:
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(cpu_seconds), math.ceil(cpu_seconds)))
        os.chdir(copy)
        sys.path[0] = str(copy)
        for name in [name for name in sys.modules if name.split(".")[0] in FOLDERS]:
            del sys.modules[name]
        import pytest
        plugin = _Durations()
        status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--tb=no", "--assert=plain", *tests],
                                 plugins=[plugin]))
        if durations is not None:
            durations.write_text("\n".join(f"{s} {file}" for file, s in plugin.seconds.items()))
    finally:
        os._exit(status)


def _start(*arguments) -> int:
    pid = os.fork()
    if not pid:
        _child(*arguments)
    return pid


def seconds_of_tests(copy: Path, tests: List[str]) -> Dict[str, float]:
    """Seconds of each test file, unmutated. RuntimeError when one fails."""
    file = copy / "durations.txt"
    status = os.waitstatus_to_exitcode(os.waitpid(_start(copy, tests, math.inf, file), 0)[1])
    if status:
        raise RuntimeError(f"the unmutated tests fail (pytest's status {status}): pytest {' '.join(tests)}")
    lines = [line.split(" ", 1) for line in file.read_text().splitlines()]
    return {name: float(seconds) for seconds, name in lines}


def run(copies: Copies, mutants: Iterable[Mutant], tests_of: Dict[str, List[str]],
        seconds: Dict[str, float]) -> Iterator[Tuple[Mutant, str]]:
    """(mutant, outcome), as they end.

    Args:
      tests_of: test files to ask for each file that mutants are of, the first one first.
      seconds: of each test file; a mutant's limit, in CPU time, is ten times that of its tests.
    """
    waiting, free = list(mutants)[::-1], list(copies.paths)
    running: Dict[int, tuple] = {}
    while waiting or running:
        while waiting and free:
            mutant = waiting.pop()
            first, rest = tests_of[mutant.file][:1], tests_of[mutant.file][1:]
            if not first:
                yield mutant, NO_TESTS
                continue
            tests = first + sorted(rest, key=lambda test: seconds.get(test, 0.0))
            copy = free.pop()
            original = (copy / mutant.file).read_text(encoding="utf-8")
            (copy / mutant.file).write_text(mutant.source, encoding="utf-8")
            limit = max(LEAST_SECONDS, 10 * sum(seconds.get(test, 0.0) for test in tests))
            running[_start(copy, tests, limit)] = (mutant, copy, original, time.monotonic() + WAITING * limit)
        for pid, (mutant, copy, original, deadline) in list(running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            late = not ended and time.monotonic() > deadline
            if not (ended or late):
                continue
            _kill_group(pid)
            if late:
                os.waitpid(pid, 0)
            del running[pid]
            (copy / mutant.file).write_text(original, encoding="utf-8")
            free.append(copy)
            late = late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL))
            yield mutant, TIMED_OUT if late else NOTICED if status else SURVIVED
        time.sleep(0.01)


def _kill_group(pid: int) -> None:
    """The child and what it has started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
