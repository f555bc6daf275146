"""Which systems are drawn: a chart holds few, tables hold all."""

from typing import Dict, List, Sequence, Tuple

from hybrid.compare.comparison import Comparison, FamilyResult
from hybrid.report.page.overview import families_of

MOST_DRAWN = 6


def drawn_families(comparison: Comparison, test: str, most: int = MOST_DRAWN) -> List[FamilyResult]:
    """The best of each kind on all the data there is, then the next best; in the order of their WER."""
    systems = {system.key: system for system in comparison.systems}
    families = [family for family in families_of(comparison, test) if family.systems and family.systems[0] in systems]
    largest = max((systems[family.systems[0]].share for family in families), default=None)
    whole = [family for family in families if systems[family.systems[0]].share == largest]
    best: Dict[str, FamilyResult] = {}
    for family in whole:
        best.setdefault(systems[family.systems[0]].kind, family)
    first = list(best.values())
    wanted = (first + [family for family in whole if family not in first])[:most]
    return [family for family in families if family in wanted]


def drawn_systems(comparison: Comparison, test: str, having: Sequence[str],
                  most: int = MOST_DRAWN) -> List[Tuple[str, str]]:
    """(key, name in the legend): of each drawn family its first training among those that there are figures of."""
    found = []
    for family in drawn_families(comparison, test, most):
        keys = [key for key in family.systems if key in having]
        if keys:
            found.append((keys[0], family.family))
    return found
