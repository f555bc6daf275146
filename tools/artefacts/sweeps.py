"""Sweeps over options of a recipe."""

import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Dict, Iterable, List, Optional

from graphs.errors import InputError
from graphs.text_file import decode, read_bytes, to_float
from tools.artefacts.kind import Kind, facts, folder_with, not_found, section
from tools.sweep.report import PICTURE, TABLE
from tools.sweep.study import FILE, read_described
from tools.sweep.trials import DATABASE, STATES

BEFORE, AFTER = ["trial", "state"], ["epochs", "seconds", "note"]  # columns around the figure and the options


def read_trials(folder: Path, figure: str) -> List[Dict[str, str]]:
    """The rows of a sweep's table; figure: the name of its column. Raises InputError that names the line."""
    path = folder / TABLE
    header, *rows = [line.split("\t") for line in decode(str(path), read_bytes(path)).split("\n") if line] or [[]]
    if header[:3] != [*BEFORE, figure] or header[-3:] != AFTER or len(set(header)) < max(7, len(header)):
        raise InputError(f"{path}:1", f"trial, state, {figure}, options, epochs, seconds, note", " ".join(header)[:80])
    for number, row in enumerate(rows, 2):
        if len(row) != len(header) or row[0] != str(number - 2) or row[1] not in STATES or not _is_figure(row[2]):
            raise InputError(f"{path}:{number}", f"trial {number - 2}, {' or '.join(STATES)}, in {len(header)} columns",
                             repr("\t".join(row))[:80])
    return [dict(zip(header, row)) for row in rows]


def _is_figure(text: str) -> bool:
    """A number, or nothing."""
    try:
        return not text or math.isfinite(to_float(text))
    except ValueError:
        return False


def describe_sweep(path: Path, item: Optional[str] = None) -> str:
    """item: the number of a trial."""
    study = read_described(path)
    figure = study["options"]["minimize"]
    trials = read_trials(path, figure)
    if item is not None:
        found = [trial for trial in trials if trial["trial"] == item]
        if not found:
            raise not_found(path, "the number of a trial", item, (trial["trial"] for trial in trials))
        return facts(*found[0].items())
    order = sorted(trials, key=lambda trial: float(trial[figure] or "inf"))
    return facts(*study["options"].items(), ("shared options", " ".join(study["fixed"])), ("picture", path / PICTURE)) \
        + section("options that are swept over", ("option", "values"), study["space"].items()) \
        + section("trials, the best first", list(trials[0]) if trials else [], (list(one.values()) for one in order))


def sweep_problems(path: Path) -> Iterable[str]:
    """Beside what the readers find: trials that have a figure and should not, or the other way round, and a file of
    trials that a sweep could not go on with."""
    figure = read_described(path)["options"]["minimize"]
    trials = read_trials(path, figure)
    if (path / DATABASE).exists():
        yield from _database_problems(path / DATABASE, len(trials))
    for trial in trials:
        if bool(trial.get(figure)) != (trial["state"] == "complete"):
            yield (f"{path / TABLE}: trial {trial['trial']}: expected a figure of a complete trial alone, found "
                   f"{trial.get(figure) or 'none'} of one that is {trial['state']}")


def _database_problems(path: Path, num_trials: int) -> Iterable[str]:
    """num_trials: of the table that was made from it."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            told, = connection.execute("PRAGMA quick_check(1)").fetchone()
            found, = connection.execute("SELECT count(*) FROM trials").fetchone()
    except sqlite3.Error as error:
        told, found = str(error), num_trials
    if told != "ok":
        yield f"{path}: expected an SQLite file of trials, found one that is damaged: {told.splitlines()[-1]}"
    elif found < num_trials:
        yield f"{path}: expected {num_trials} trials or more, as many as {TABLE} has, found {found}"


KINDS = (Kind("sweep", f"a folder with {FILE} and {TABLE}", folder_with(FILE, TABLE), describe_sweep, sweep_problems,
              item="number of a trial"),)
