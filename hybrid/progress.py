"""How far a long piece of work is and how long it will still take: a bar on a terminal, lines in a log."""

import sys
import time
from typing import Optional

FIRST_SECONDS = 5.0  # what is measured until the first estimate
WORTH_SECONDS = 20.0  # shorter work is over before its estimate is read
LINE_SECONDS = 30.0  # between lines, at least; of work of many hours a line each twentieth is enough
SHARE = 0.05


class Progress:
    """
    with Progress(len(items), "align", "utt") as progress:
        for item in items:
            ...
            progress.update()

    Where standard error is no terminal it prints: how long all will take, as soon as that can be told from what
    was measured, and the time left later. Nothing for work that ends within WORTH_SECONDS.
    """

    def __init__(self, total: float, title: str, unit: str = "it", done: float = 0.0):
        """done: of the total, by an earlier run; its time is not known here."""
        self.total, self.title, self.unit = total, title, unit
        self.done = self._before = done
        self._start = time.monotonic()
        self._said: Optional[float] = None  # when
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm
            self._bar = tqdm(total=total, initial=done, desc=title, unit=unit, smoothing=0.05, leave=False,
                             bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}")

    def update(self, amount: float = 1, note: str = "") -> None:
        """note: stands behind the bar."""
        self.done += amount
        if self._bar is not None:
            if note:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(amount)
            return
        now = time.monotonic()
        if self._due(now):
            self._say(now)

    def seconds_left(self) -> float:
        """At the pace of this run so far; infinite before anything was done."""
        done = self.done - self._before
        if done <= 0:
            return float("inf")
        return (time.monotonic() - self._start) / done * max(0.0, self.total - self.done)

    def _due(self, now: float) -> bool:
        elapsed, left = now - self._start, self.seconds_left()
        if self._said is None:
            return elapsed >= FIRST_SECONDS and WORTH_SECONDS <= elapsed + left < float("inf")
        return now - self._said >= max(LINE_SECONDS, SHARE * (elapsed + left)) and self.done < self.total

    def _say(self, now: float) -> None:
        left = self.seconds_left()
        if self._said is None:
            text = f"about {spoken(now - self._start + left)} in all, "
        else:
            text = ""
        self._said = now
        print(f"{self.title}: {text}{100 * self.done / self.total:.0f} % done, about {spoken(left)} left",
              file=sys.stderr, flush=True)

    def hide(self) -> None:
        """Before a line of another kind is printed; the bar comes back with the next update."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error) -> None:
        self.close()


def spoken(seconds: float) -> str:
    """
    >>> [spoken(seconds) for seconds in (7.2, 95, 5000, 200000)]
    ['7 s', '2 min', '1 h 23 min', '2 days 8 h']
    """
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} days {minutes % 1440 // 60} h"
