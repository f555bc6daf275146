"""All kinds of artefacts, and what a whole work folder is."""

from pathlib import Path
from typing import Iterable, List, Optional, Set

from graphs.errors import InputError
from hybrid.report.results import gather_results, read_results
from tools.artefacts import (
    class_models, comparisons, data, decoding, end_to_end, hmm, lang, language_models, models, nbest_lists, results,
    sweeps, transcripts)
from tools.artefacts.kind import Kind, section
from tools.frame.records import LOG, RECORD, folders_with, stage_records
from tools.frame.unfinished import whole_scores


def describe_work(path: Path, item: Optional[str] = None) -> str:
    """Its results, and its stages."""
    text = results.describe_results(path / "results.json") if (path / "results.json").exists() else ""
    rows = ((str(folder.relative_to(path)), record.get("program"), record.get("state"), record.get("seconds"),
             record.get("peak_memory_mb")) for folder, record in stage_records(path))
    return text + section("stages", ("folder", "program", "state", "seconds", "peak MB"), rows)


def work_problems(path: Path) -> Iterable[str]:
    """Those of every stage's folder, and folders of stages without a record."""
    stages = [folder for folder, _ in stage_records(path)]
    for folder in stages:
        yield from folder_problems(folder)
    for folder in _without_record(path, set(stages)):
        yield f"{folder / RECORD}: expected a stage record, found none; run the stage that makes {folder} again"
    if (path / "results.json").exists():
        yield from results.results_problems(path / "results.json")
        if read_results(path / "results.json") != [one.entry for one in gather_results(whole_scores(path))]:
            yield (f"{path / 'results.json'}: expected what the score folders hold, found other results; run the "
                   "recipe again")


def _without_record(work: Path, stages: Set[Path]) -> List[Path]:
    """Folders in which a stage's log lies, but no record."""
    return sorted(folder for folder in folders_with(work, LOG) if folder not in stages)


def _is_work(path: Path) -> bool:
    return path.is_dir() and any(True for _ in path.glob(f"*/**/{RECORD}"))


KINDS = (
    *transcripts.KINDS, *nbest_lists.KINDS, *data.KINDS, *lang.KINDS, *class_models.KINDS, *language_models.KINDS,
    *end_to_end.KINDS, *hmm.KINDS, *decoding.KINDS, *models.KINDS, *comparisons.KINDS, *sweeps.KINDS, *results.KINDS,
    Kind("work folder", f"a folder with {RECORD} somewhere below", _is_work, describe_work, work_problems),
    Kind("output of a stage", f"a folder with {RECORD}", lambda path: (path / RECORD).is_file(),
         results.describe_output, results.record_problems))


def kind_of(path: Path) -> Kind:
    """Raises InputError, which lists all kinds, for a path that is none of them."""
    if not path.exists():
        raise InputError(str(path), "an existing file or folder", "none")
    for kind in KINDS:
        if kind.matches(path):
            return kind
    known = "\n".join(f"  {kind.name}: {kind.sign}" for kind in KINDS)
    raise InputError(str(path), f"one of these:\n{known}\n", f"neither (it is a "
                     f"{'folder' if path.is_dir() else 'file'})")


def problems_of(path: Path, with_record: bool = True) -> List[str]:
    """What is wrong with the artefact: what its kind's check finds, what its reader stumbles over, and, of a
    stage's folder, what its record tells.

    Args:
      with_record: False leaves the record out, as if the artefact had come without one.
    Raises: InputError for an unknown kind.
    """
    kind = kind_of(path)
    return list(_without_repetition([*_found(kind, path), *(_record_problems(path) if with_record else ())]))


def folder_problems(folder: Path) -> List[str]:
    try:
        return problems_of(folder)
    except InputError as error:
        return [str(error)]


def _found(kind: Kind, path: Path) -> Iterable[str]:
    try:
        yield from kind.problems(path)
    except InputError as error:
        yield str(error)
    except Exception as error:  # a check goes on with the next folder, whatever a reader stumbles over
        yield f"{path}: expected a {kind.name}, found one that cannot be read ({type(error).__name__}: {error})"


def _record_problems(path: Path) -> Iterable[str]:
    return results.record_problems(path) if path.is_dir() and (path / RECORD).is_file() else ()


def _without_repetition(problems: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(problems)
