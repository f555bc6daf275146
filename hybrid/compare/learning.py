"""Learning curves: the error rate of one system against the data that it was trained on."""

from typing import Dict, List, Sequence

from hybrid.compare.comparison import CurvePoint, FamilyResult, LearningCurve, System


def learning_curves(systems: Sequence[System], families: Sequence[FamilyResult]) -> List[LearningCurve]:
    """A curve for each test set and name with several shares of the training data, least data first."""
    known = {system.family: system for system in systems}
    found: Dict[tuple, List[FamilyResult]] = {}
    for family in families:
        found.setdefault((family.test, known[family.family].name), []).append(family)
    curves = []
    for (test, name), own in found.items():
        points = sorted((_point(known[one.family], one) for one in own), key=lambda point: point.share)
        if len({point.share for point in points}) > 1:
            curves.append(LearningCurve(test, name, known[own[0].family].kind, tuple(points)))
    return curves


def _point(system: System, family: FamilyResult) -> CurvePoint:
    return CurvePoint(system.share, system.hours, family.family, family.rate, family.deviation)
