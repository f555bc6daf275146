"""Scored systems of work folders, with what their stage records tell of them."""

from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, List, Sequence

from graphs.errors import InputError
from hybrid.compare.comparison import System
from hybrid.compare.naming import with_names, work_names
from hybrid.compare.scored import Scored, read_score
from hybrid.recognize.scoring import ScoreOptions
from hybrid.report.results import Result, gather_results
from tools.comparison.lineage import Lineage, lineage_of
from tools.comparison.look_ahead import look_ahead
from tools.experiments.records import Records
from tools.frame.records import read_record, verified_digests
from tools.frame.unfinished import whole_scores


def gather(works: Sequence[Path], systems: Sequence[str] = (), tests: Sequence[str] = (),
           told: Callable[[str], None] = lambda line: None) -> List[Scored]:
    """Every system of the work folders on every test set.

    Args:
      systems: names of those that are wanted; all without.
      tests: test sets; without, those that scales were not chosen on, and where there is none the others.
      told: called with a line about each result that does not count.
    Raises: InputError for a name that nothing has, and for score folders that do not fit together.
    """
    found = [(work, result) for work in works for result in _results(work, told)]
    _check_known("--systems", systems, [result.entry["system"] for _, result in found])
    _check_known("--tests", tests, [result.entry["test"] for _, result in found])
    untuned = [result for _, result in found if not result.entry.get("tuned_on")]
    wanted = [(work, result) for work, result in found
              if (not systems or result.entry["system"] in systems)
              and (result.entry["test"] in tests if tests else not (untuned and result.entry.get("tuned_on")))]
    names = dict(zip(works, work_names(works)))
    records = Records(works)
    scored = [_scored(records, result, [other.entry["test"] for _, other in found]) for _, result in wanted]
    named = with_names([one.system for one in scored], [names[work] for work, _ in wanted])
    return [one._replace(system=system) for one, system in zip(scored, _one_each(named))]


def _results(work: Path, told: Callable[[str], None]) -> List[Result]:
    folders = whole_scores(work)
    verified_digests(folders)
    results = gather_results(folders, told)
    if not results:
        raise InputError(f"--work {work}", "a result (score_*/result.json)", "none")
    return results


def _check_known(item: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if name not in known:
            raise InputError(item, f"one of {', '.join(dict.fromkeys(known))}", name)


def _scored(records: Records, result: Result, tests: Sequence[str]) -> Scored:
    entry, folder = result.entry, result.details.parent
    lineage = lineage_of(records, folder, entry["test"], tests)
    config = read_record(folder).get("config", {}).get("score", {})
    options = ScoreOptions(alignment=config.get("alignment", "kaldi"))
    decoded = lineage.decodings[0] if lineage.decodings else None
    return Scored(_system(entry, lineage), entry, read_score(result, options.costs, config.get("count_spaces", True)),
                  result.details, str(decoded[0]) if decoded else "")


def _system(entry: Dict, lineage: Lineage) -> System:
    """Without a name of its own yet."""
    memory = [record.get("peak_memory_mb") for _, record in lineage.decodings[:1]]
    training = [record.get("peak_memory_mb") or 0 for _, record in lineage.trainings]
    return System(
        "", "", entry["system"], lineage.kind, "", entry["seed"], lineage.share, lineage.hours,
        lineage.parameters or entry.get("parameters"), lineage.training_seconds or entry.get("training_seconds"),
        lineage.epochs, *look_ahead(lineage), *(memory or [None]), max(training, default=0) or None,
        lineage.configuration(), lineage.commands(), lineage.trained_on)


def _one_each(systems: Sequence[System]) -> List[System]:
    """Systems of one key are one, of several test sets: the memory of the search is the most that it took."""
    found: Dict[str, System] = {}
    for system in systems:
        known = found.setdefault(system.key, system)
        found[system.key] = replace(known, memory_mb=max(known.memory_mb or 0, system.memory_mb or 0) or None)
    return [found[system.key] for system in systems]
