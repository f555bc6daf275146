"""What can be asked of an experiment by name: its figures, facts and options; conditions and orders over these.

    system work folder seed state program models      what it is
    dev.wer test.wer test.cer dev.lm_scale ...        of the results: SET.FIELD; dev is the set that chose the scales
    am.dropout search.beam features.kind ...          options: SECTION.KEY; KEY alone for those of its models
    parameters dev_loss training_seed seconds ...     facts that its models' stages left
    commit code started ended device recipe nj        of the run that made the model
    version.torch version.k2 ...                      of packages, in that run
"""

import difflib
import fnmatch
import operator
import re
from typing import Dict, List, NamedTuple, Optional, Sequence

from graphs.errors import InputError
from tools.experiments.experiment import Experiment

DEFAULT = ("system", "folder", "seed", "arch", "parameters", "training_minutes", "dev.wer")
_OF_RUN = ("commit", "code", "started", "ended", "device", "recipe", "nj")
_COMPARE = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
            ">=": operator.ge}
NONE = "none"


def columns_of(experiment: Experiment) -> Dict[str, object]:
    """Every column and its value; those of models' options once more without their section."""
    made = experiment
    values: Dict[str, object] = {
        "system": made.name, "work": str(made.work), "folder": _folder(made), "seed": made.seed,
        "state": made.record.get("state"), "program": made.record.get("program"),
        "models": " ".join(model.name for model in made.models) or None,
        **{name: made.run.get(name) for name in _OF_RUN},
        **{f"version.{name}": found for name, found in made.run.get("versions", {}).items()}}
    for test, entry in [(made.dev and "dev", made.results.get(made.dev or ""))] + list(made.results.items()):
        values.update({f"{test}.{name}": value for name, value in (entry or {}).items()
                       if name not in ("system", "test")})
    values.update(made.config)
    for section in made.own:
        short = {key.partition(".")[2]: value for key, value in made.config.items() if key.startswith(f"{section}.")}
        values = {**short, **values}
    facts = {**made.facts, "training_minutes": _minutes(made)}
    return {**values, **{name: value for name, value in facts.items() if values.get(name) is None}}


def _folder(made: Experiment) -> str:
    try:
        return str(made.folder.relative_to(made.work.resolve()))
    except ValueError:
        return str(made.folder)


def _minutes(made: Experiment) -> Optional[float]:
    seconds = made.facts.get("seconds")
    return None if seconds is None or not made.models else round(seconds / 60, 2)


class Condition(NamedTuple):
    """COLUMN = VALUE and the like: numbers as numbers, texts with * and ? as wild cards where they are to be equal."""

    column: str
    sign: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        found = re.fullmatch(r"\s*([^\s=<>!]+)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", text)
        if not found:
            raise InputError(f"--where {text}", "COLUMN=VALUE (or !=, <, <=, >, >=)", repr(text))
        return cls(*found.groups())

    def holds(self, values: Dict[str, object]) -> bool:
        """An experiment without the column has the value none."""
        found = values.get(self.column)
        missing, asked = found is None, self.value.lower() == NONE
        if missing or asked:
            return {"=": missing == asked, "!=": missing != asked}.get(self.sign, False)
        number, bound = _number(found), _number(self.value)
        if self.sign not in ("=", "!=") and bound is None:
            raise InputError(f"--where {self.column}{self.sign}{self.value}", "a number to compare with", self.value)
        if number is not None and bound is not None:
            return _COMPARE[self.sign](number, bound)
        return self.sign in ("=", "!=") and fnmatch.fnmatchcase(as_text(found), self.value) == (self.sign == "=")


def _number(value) -> Optional[float]:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def as_text(value) -> str:
    """As a conf file has it."""
    if isinstance(value, list):
        return ", ".join(map(as_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def check_columns(names: Sequence[str], known: Sequence[str], what: str) -> None:
    """Raises InputError for a column that no experiment has."""
    for name in names:
        if name not in known:
            alike = difflib.get_close_matches(name, known, 3)
            raise InputError(f"{what} {name}", "a column that an experiment has (`columns` lists them)",
                             name + (f"; did you mean {' or '.join(alike)}?" if alike else ""))


def select(rows: Sequence[Dict[str, object]], where: Sequence[str], sort: Sequence[str],
           descending: bool = False) -> List[Dict[str, object]]:
    """The rows for which all conditions hold, sorted by the columns; what lacks one comes last.

    Args:
      rows: as columns_of.
      where: texts of conditions.
    Raises: InputError for a condition that is none, or a column that no row has.
    """
    known = list(dict.fromkeys(name for row in rows for name in row))
    conditions = [Condition.parse(text) for text in where]
    check_columns([condition.column for condition in conditions], known, "--where")
    check_columns(sort, known, "--sort")
    kept = [row for row in rows if all(condition.holds(row) for condition in conditions)]
    for column in reversed(sort):
        there = sorted((row for row in kept if row.get(column) is not None), key=lambda row: _order(row[column]),
                       reverse=descending)
        kept = there + [row for row in kept if row.get(column) is None]
    return kept


def _order(value):
    """Numbers before texts."""
    number = _number(value)
    return (1, 0.0, as_text(value)) if number is None else (0, number, "")
