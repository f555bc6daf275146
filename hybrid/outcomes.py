"""What became of each item of a job: nothing is lost silently."""

from pathlib import Path
from typing import Dict, Tuple

from graphs.errors import TooManyFailures
from graphs.text_file import read_lines

GOOD = ("done", "retried", "partial")


class Outcomes:
    """Counts the outcome of each item; items that did not simply succeed are kept with a reason.

    Outcomes: ``done``, ``retried`` (a wider setting was needed), ``partial`` (an incomplete result,
    marked as such), ``failed``, and any other word of the caller's for kinds of failure.
    """

    def __init__(self, log=None):
        self.counts: Dict[str, int] = {}
        self.notable: Dict[str, tuple] = {}
        self._log = log

    def add(self, item: str, outcome: str = "done", reason: str = "") -> None:
        self.counts[outcome] = self.counts.get(outcome, 0) + 1
        if outcome != "done":
            self.notable[item] = (outcome, reason)
            if self._log is not None:
                self._log.warning("%s: %s: %s", item, outcome, reason)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def failures(self) -> int:
        return sum(count for outcome, count in self.counts.items() if outcome not in GOOD)

    def summary(self) -> str:
        return f"{self.total} items: " + ", ".join(f"{n} {name}" for name, n in sorted(self.counts.items()))

    def write(self, path: Path) -> None:
        """One line each for items that are not plainly done: item, outcome, reason (tab-separated)."""
        lines = (f"{item}\t{outcome}\t{reason}\n" for item, (outcome, reason) in sorted(self.notable.items()))
        path.write_text("item\toutcome\treason\n" + "".join(lines), encoding="utf-8")

    def check(self, allowed_share: float, what: str) -> None:
        """Raises TooManyFailures above the share (0 to 1), when every item failed, and when there was none."""
        if not self.total:
            raise TooManyFailures(f"{what}: expected at least one item, found none")
        failed = f"{what}: {self.failures} of {self.total} items failed"
        if self.failures > allowed_share * self.total:
            raise TooManyFailures(f"{failed}, more than the allowed share of {allowed_share:.0%} ({self.summary()})")
        if self.failures == self.total:
            first, why = next(iter(self.notable.items()))
            raise TooManyFailures(f"{failed}, {first} among them: {': '.join(why)} ({self.summary()})")


def read_outcomes(path: Path) -> Dict[str, Tuple[str, str]]:
    """Item -> (outcome, reason) of those that are in a file of Outcomes, or of rejected cuts; {} without one."""
    if not path.exists():
        return {}
    rows = ((line.split("\t") + ["", ""])[:3] for _, line in read_lines(path)[0][1:])
    return {item: (outcome, reason) for item, outcome, reason in rows}
