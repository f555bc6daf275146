"""What differs between two systems beside what is compared: a difference of WER has one cause only where the rest is
matched."""

from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from hybrid.compare.comparison import Setting, System

ALIKE = 1.1  # parameters that are nearer than by this factor are matched
ALIKE_TIME = 1.25  # times of training: the same training takes other times
OF_A_RUN = ("seed", "device", "tensorboard", "checkpoint_seconds")  # options that may differ between seeds


def unlike(a: Sequence[System], b: Sequence[System]) -> Tuple[str, ...]:
    """`WHAT ONE and OTHER` of the things that are to be matched; a, b: the seeds of two families."""
    places = [places_of(side) for side in (a, b)]
    elsewhere = all(places) and places[0] != places[1]
    pairs = [("parameters", _size, ALIKE, [_mean(s.parameters for s in side) for side in (a, b)]),
             ("epochs", _general, 1.0, [_mean(s.epochs for s in side) for side in (a, b)]),
             ("training min", _minutes, float("inf") if elsewhere else ALIKE_TIME,
              [_mean(s.training_seconds for s in side) for side in (a, b)]),
             ("% of the data", _percent, 1.0, [_mean(s.share for s in side) for side in (a, b)]),
             ("number of seeds", _general, 1.0, [len(a), len(b)])]
    found = [f"{name} {text(left)} and {text(right)}" for name, text, factor, (left, right) in pairs
             if left is not None and right is not None and max(left, right) > factor * min(left, right)]
    return (*found, *([f"trained on {' and '.join(places)}"] if elsewhere else []))


def several_places(systems: Iterable[System]) -> bool:
    """Were some trained on another processor or GPU than others?"""
    return len({system.trained_on for system in systems}) > 1


def places_of(systems: Iterable[System]) -> str:
    """What the systems were trained on, '' where that is not known of all."""
    found = sorted({system.trained_on for system in systems})
    return "" if "" in found else ", ".join(found)


def _mean(values: Iterable[Optional[float]]) -> Optional[float]:
    values = list(values)
    return None if None in values else sum(values) / len(values)


def _size(number: float) -> str:
    return f"{number / 1e6:.2f} M"


def _general(number: float) -> str:
    return f"{number:g}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:g}"


def unlike_seeds(systems: Iterable[System]) -> List[str]:
    """Sentences on families whose systems differ in more than the seed."""
    families: Dict[str, List[System]] = {}
    for system in systems:
        families.setdefault(system.family, []).append(system)
    return [f"{family}: its seeds differ in {', '.join(names[:5])}{', ...' if names[5:] else ''}, too"
            for family, own in families.items() for names in [differing(own)] if names]


def differing(systems: Sequence[System]) -> List[str]:
    """Options of which the systems have several values, those of a single run left out."""
    tables: List[Dict[str, Setting]] = [system.configuration for system in systems]
    names = dict.fromkeys(name for table in tables for name in table if name.rpartition(".")[2] not in OF_A_RUN)
    return [name for name in names if any(table.get(name) != tables[0].get(name) for table in tables)]
