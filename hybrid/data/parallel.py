"""One function over many items: in order, over processes, with a progress bar."""

import multiprocessing
import sys
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from typing import Callable, Iterator, Optional, Sequence, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")


def _one_thread() -> None:
    import torch
    torch.set_num_threads(1)  # the processes are the parallelism; a forked OpenMP pool would hang


def ordered_map(function: Callable[[Item], Result], items: Sequence[Item], nj: int, title: str,
                size: Optional[Callable[[Item], float]] = None, unit: str = "it") -> Iterator[Result]:
    """`function` of each item, in the order of the items whatever `nj` is.

    At most a few items for each process are under way, so results never pile up.

    Args:
      function: picklable; runs in another process when nj > 1.
      nj: processes; 1 runs in this process.
      title: of the progress bar, which is shown on a terminal only.
      size, unit: what an item counts on the bar, and in which unit.
    """
    total = sum(map(size, items)) if size else len(items)
    bar = tqdm(total=round(total), desc=title, unit=unit, disable=not sys.stderr.isatty(), smoothing=0.05)
    with bar:
        for item, result in zip(items, _results(function, items, nj)):
            bar.update(round(size(item)) if size else 1)
            yield result


def _results(function, items, nj) -> Iterator:
    if nj <= 1 or len(items) <= 1:
        yield from map(function, items)
        return
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(min(nj, len(items)), mp_context=context, initializer=_one_thread) as pool:
        waiting = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 3 * nj:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
