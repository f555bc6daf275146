"""comparison.json: written whole or not at all, and checked when it is read."""

from pathlib import Path
from typing import Iterable, Iterator, Tuple

from graphs.checks import check_each_once
from graphs.errors import InputError
from graphs.text_file import read_json_object
from hybrid.compare.comparison import DRAWN, FORMAT, KINDS, VERDICTS, Comparison
from hybrid.compare.json_form import from_json, write_json

FILE = "comparison.json"


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Raises InputError for a comparison that `check` refuses."""
    check(comparison, str(path))
    write_json(path, comparison)


def read_comparison(path: Path) -> Comparison:
    """path: the file, or a folder with comparison.json. Raises InputError that names the place of what does not fit."""
    path = Path(path) / FILE if Path(path).is_dir() else Path(path)
    content = read_json_object(path)
    if content.get("format") != FORMAT:
        raise InputError(f"{path}: format", str(FORMAT), repr(content.get("format"))[:40])
    comparison = from_json(Comparison, content, str(path))
    check(comparison, str(path))
    return comparison


def check(comparison: Comparison, item: str) -> None:
    """Raises InputError for names that nothing has, for what is there twice, and for numbers out of range."""
    check_each_once(f"{item}: systems", (system.key for system in comparison.systems))
    check_each_once(f"{item}: tests", (test.name for test in comparison.tests))
    check_each_once(f"{item}: results", (f"{one.system} on {one.test}" for one in comparison.results))
    check_each_once(f"{item}: utterances", (f"{one.utterance_id} of {one.test}" for one in comparison.utterances))
    for place, found, known in _names(comparison):
        if found not in known:
            raise InputError(f"{item}: {place}", f"one of {', '.join(known)}"[:400], repr(found)[:80])
    for family in comparison.families:
        if not family.systems:
            raise InputError(f"{item}: families, {family.family}", "at least one system", "none")
    for system in comparison.systems:
        if not 0 < system.share <= 1:
            raise InputError(f"{item}: system {system.key}, share", "above 0, at most 1", str(system.share))


def _names(c: Comparison) -> Iterator[Tuple[str, str, Iterable[str]]]:
    """(place, name, the names that may stand there)."""
    keys, families = [s.key for s in c.systems], list(dict.fromkeys(s.family for s in c.systems))
    tests, names = [t.name for t in c.tests], list(dict.fromkeys(s.name for s in c.systems))
    yield from ((f"system {s.key}, kind", s.kind, KINDS) for s in c.systems)
    yield from ((f"test {t.name}, drawn", t.drawn, DRAWN) for t in c.tests)
    for place, parts in (("results", c.results), ("families", c.families), ("pairs", c.pairs),
                         ("breakdowns", c.breakdowns), ("agreements", c.agreements), ("curves", c.curves),
                         ("alignments", c.alignments), ("utterances", c.utterances)):
        yield from ((f"{place}, test", part.test, tests) for part in parts)
    yield from (("results, system", r.system, keys) for r in c.results)
    yield from (("families, systems", key, keys) for f in c.families for key in f.systems)
    yield from (("families, family", f.family, families) for f in c.families)
    yield from ((f"pairs, {side}", getattr(p, side), families) for p in c.pairs for side in "ab")
    yield from (("pairs, verdict", p.verdict, VERDICTS) for p in c.pairs)
    yield from (("breakdowns, rates", key, keys) for b in c.breakdowns for row in b.rows for key in row.rates)
    yield from (("agreements, systems", key, keys) for a in c.agreements for key in a.systems)
    yield from (("curves, name", curve.name, names) for curve in c.curves)
    yield from (("curves, family", p.family, families) for curve in c.curves for p in curve.points)
    yield from ((f"utterance {u.utterance_id}, hypotheses", h.system, keys) for u in c.utterances for h in u.hypotheses)
