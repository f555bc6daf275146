"""Everything that was scored on one test set."""

import math
from typing import Dict, List, NamedTuple, Sequence

from graphs.errors import InputError
from hybrid.compare.bench import Bench, benches
from hybrid.compare.options import CompareOptions
from hybrid.compare.scored import Scored


class OnTest(NamedTuple):
    """All that was scored on a test set: system -> Scored; the benches of their references."""

    name: str
    scored: Dict[str, Scored]
    benches: List[Bench]

    def bench(self, key: str) -> Bench:
        return next(bench for bench in self.benches if key in bench.keys)

    @property
    def largest(self) -> Bench:
        """The bench of most systems."""
        return max(self.benches, key=lambda bench: len(bench.keys))

    @property
    def families(self) -> Dict[str, List[str]]:
        """Family -> keys, the worst mean WER first."""
        found: Dict[str, List[str]] = {}
        for key, one in sorted(self.scored.items(), key=lambda item: item[1].system.seed or 0):
            found.setdefault(one.system.family, []).append(key)
        for family, keys in found.items():
            if any(self.bench(key) is not self.bench(keys[0]) for key in keys):
                raise InputError(f"{family} on {self.name}", "the same references for all seeds", "others")
        return dict(sorted(found.items(), key=lambda item: (-self.bench(item[1][0]).percent(item[1]), item[0])))


def on_tests(scored: Sequence[Scored], options: CompareOptions) -> List[OnTest]:
    """By test set, those that scales were chosen on last."""
    found: Dict[str, Dict[str, Scored]] = {}
    for one in sorted(scored, key=lambda one: (bool(one.entry.get("tuned_on")), one.test)):
        found.setdefault(one.test, {})[one.system.key] = one
    return [_on_test(test, own, options) for test, own in found.items()]


def _on_test(test: str, scored: Dict[str, Scored], options: CompareOptions) -> OnTest:
    num_families = len({one.system.family for one in scored.values()})
    options = options.for_pairs(math.comb(num_families, 2))
    return OnTest(test, scored, benches({key: one.score for key, one in scored.items()}, options))
