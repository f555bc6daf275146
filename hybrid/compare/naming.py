"""Names of systems that come from several work folders, seeds and shares of the training data."""

from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Sequence, Set, Tuple

from hybrid.compare.comparison import System


def with_names(systems: Sequence[System], works: Sequence[str]) -> List[System]:
    """The systems with keys and families: NAME (SHARE %, of WORK, seed SEED), where each part tells some apart.

    Args:
      systems: their key and family are made anew.
      works: name of the work folder of each; it stands in a name only where two folders have the same system, share of
        the data and seed.
    """
    homes: Dict[Tuple, Set[str]] = {}
    for system, work in zip(systems, works):
        homes.setdefault((system.name, system.share, system.seed), set()).add(work)
    several = {(name, share) for (name, share, _), found in homes.items() if len(found) > 1}
    parts = [_parts(system, work if (system.name, system.share) in several else "")
             for system, work in zip(systems, works)]
    families = [_joined(system.name, own) for system, own in zip(systems, parts)]
    seeds: Dict[str, set] = {}
    for system, family in zip(systems, families):
        seeds.setdefault(family, set()).add(system.seed)
    return [replace(system, family=family, key=family if len(seeds[family]) == 1 else
                    _joined(system.name, [*own, f"seed {'unknown' if system.seed is None else system.seed}"]))
            for system, family, own in zip(systems, families, parts)]


def _parts(system: System, work: str) -> List[str]:
    return [f"{100 * system.share:g} %"] * (system.share < 1) + [f"of {work}"] * bool(work)


def _joined(name: str, parts: Sequence[str]) -> str:
    return f"{name} ({', '.join(parts)})" if parts else name


def work_names(works: Sequence[Path]) -> List[str]:
    """The folders' own names; as much of their paths as tells them apart."""
    paths = [Path(work).resolve() for work in works]
    for length in range(1, max((len(path.parts) for path in paths), default=1) + 1):
        names = [str(Path(*path.parts[-length:])) for path in paths]
        if len(set(names)) == len(set(paths)):
            break
    return names
