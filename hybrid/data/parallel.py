"""One function over many items: in order, over processes, with word of how far it is."""

import itertools
import multiprocessing
import os
import sys
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Callable, Deque, Iterable, Iterator, List, Optional, Tuple, TypeVar

from hybrid.processes import ProcessDied, kill_children, work_for_parent
from hybrid.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")
PATIENCE = 5.0  # seconds for the processes of a broken pool to end


def ordered_map(function: Callable[[Item], Result], items: Iterable[Item], nj: int, title: str,
                size: Optional[Callable[[Item], float]] = None, unit: str = "it",
                total: Optional[float] = None) -> Iterator[Result]:
    """`function` of each item, in the order of the items whatever `nj` is.

    At most a few items for each process are under way, so neither items nor results pile up. The processes die
    with this one, and the first error of one of them ends all.

    Args:
      function: picklable; runs in another process when nj > 1.
      items: a sequence, or any iterable when `total` is given.
      nj: processes; 1 runs in this process.
      title, size, unit: for hybrid.progress.Progress: what an item counts, and in which unit.
      total: of all items.
    Raises: what `function` raises; ProcessDied when a process was killed.
    """
    if total is None:
        total = sum(map(size, items)) if size else len(items)
        nj = min(nj, len(items))
    with Progress(total, title, unit) as progress:
        for item, result in _results(function, items, nj, title):
            progress.update(size(item) if size else 1)
            yield result


def _results(function, items, nj, title) -> Iterator[Tuple[Item, Result]]:
    if nj <= 1:
        for item in items:
            yield item, function(item)
        return
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(nj, multiprocessing.get_context(method), _start, (os.getpid(),))
    children: List[multiprocessing.process.BaseProcess] = []
    under_way: Deque = deque()
    items = iter(items)
    try:
        while True:
            for item in itertools.islice(items, 3 * nj + 1 - len(under_way)):
                under_way.append((item, pool.submit(function, item)))
            children = children or list(set(multiprocessing.active_children()) - others)
            if not under_way:
                break
            _wait_for_first([future for _, future in under_way])
            item, future = under_way.popleft()
            yield item, future.result()
        pool.shutdown()
    except BrokenProcessPool:
        _wait_for_end(children)
        raise ProcessDied(f"a process of `{title}`", _cause(children)) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        kill_children(child for child in children if child.is_alive())
        _wait_for_end(children)


def _start(parent: int) -> None:
    """One thread each: the processes are the parallelism, and a forked OpenMP pool would hang."""
    work_for_parent(parent)
    if "torch" in sys.modules:
        import torch
        torch.set_num_threads(1)
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")  # for what is loaded later


def _wait_for_first(futures) -> None:
    """Until the first of them is done. Raises the error of any of them."""
    while True:
        for future in futures:
            if future.done() and future.exception() is not None:
                raise future.exception()
        if futures[0].done():
            return
        wait([future for future in futures if not future.done()], return_when=FIRST_COMPLETED)


def _wait_for_end(children) -> None:
    """Not by joining them, which a thread of the pool does at the same time."""
    deadline = time.monotonic() + PATIENCE
    while any(child.exitcode is None for child in children) and time.monotonic() < deadline:
        time.sleep(0.01)


def _cause(children) -> int:
    """The exit code of the process that broke the pool; the pool itself ends the others by SIGTERM (-15)."""
    codes = [child.exitcode for child in children if child.exitcode]
    return next((code for code in codes if code != -15), -15)
