"""In what the configurations of systems differ."""

from typing import List

from hybrid.compare.comparison import Comparison, Setting, System
from hybrid.report.page.tables import Cell, Column, Table, text

ABSENT = object()


def one_of_each_name(comparison: Comparison) -> List[System]:
    """The training with the most data, the first of its seeds."""
    best = {}
    for system in comparison.systems:
        if system.name not in best or system.share > best[system.name].share:
            best[system.name] = system
    return list(best.values())


def settings_table(comparison: Comparison) -> Table:
    """Options that differ, a column for each system; blank: the system has no such option."""
    systems = one_of_each_name(comparison)
    keys = sorted({key for system in systems for key in system.configuration})
    differing = [key for key in keys if len({written(s.configuration.get(key, ABSENT)) for s in systems}) > 1]
    rows = [(text(key), *(Cell(written(s.configuration.get(key, ABSENT))) for s in systems)) for key in differing]
    alike = len(keys) - len(differing)
    columns = (Column("option", False), *(Column(system.name, False) for system in systems))
    return Table("settings", f"Options in which systems differ ({alike} more are the same in all); blank: the system "
                 "has no such option.", columns, tuple(rows), sortable=False)


def written(value: Setting) -> str:
    if value is ABSENT:
        return ""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return ", ".join(written(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
