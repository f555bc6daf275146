"""Runs of a recipe in work folders of their own, which share what they have in common.

    WORK/sweeps/NAME/baseline        the recipe with the options that all trials share
    WORK/sweeps/NAME/trial_0007      the same with those of a trial

The folder of each stage of WORK is linked into the baseline, and those of the baseline into each trial
(tools/sweep/links.py). Test sets are left out.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Callable, Iterator, List, Mapping, NamedTuple, Sequence, Set

from graphs.errors import InputError
from hybrid.report.results import read_results
from tools.frame.provenance import ROOT
from tools.frame.unfinished import UNFINISHED
from tools.recipe.check import Planned, check, program_of, read_plan, sections_of
from tools.sweep.links import link_stages
from tools.sweep.options import SweepOptions
from tools.sweep.space import Space
from tools.sweep.trials import TrialFailed
from tools.sweep.watched import last_lines, run_watched

BASELINE = "baseline"
OUTPUT = "output.log"  # what a run printed
REPORT = "tools.report"


class Stages(NamedTuple):
    """The first stage that an option of the space touches, and the last one that is needed for the figure."""

    first: int
    last: int


class RecipeRuns:
    """
    Attributes:
      folder: of the sweep.
    """

    def __init__(self, folder: Path, work: Path, options: SweepOptions, fixed: Sequence[str],
                 arguments: Sequence[str]):
        """arguments: further ones of ./run.sh, such as --nj 2."""
        self.folder, self.work, self.options = folder, work, options
        self.script = find_script(options.recipe)
        seeds = ["--seeds", ",".join(map(str, options.model_seeds))] if options.model_seeds else []
        self._arguments = ["--systems", options.system, *seeds, *arguments]
        self._fixed = list(fixed)

    def command(self, work: Path, overrides: Mapping[str, str], *more: str) -> List[str]:
        """Of ./run.sh in the work folder."""
        words = [f"{key}={text}" for key, text in overrides.items()]
        return ["./run.sh", self.options.recipe, "--work", str(work), *self._arguments, *more, *self._fixed, *words]

    def check(self, space: Space) -> Stages:
        """Every value at the ends of the space, as the recipe checks its options before it starts.

        Raises: InputError for an option that no stage reads, and for a value out of range.
        """
        planned: List[Planned] = []
        for number in range(max(len(values.tried) for values in space.values())):
            planned = self._plan({key: values.tried[min(number, len(values.tried) - 1)]
                                  for key, values in space.items()})
            check(planned, [self.options.system])
        stages = Stages(min(map(int, stages_reading(planned, space))), self._last(planned))
        if stages.first > stages.last:
            raise InputError("[space]", f"options that stages up to {stages.last} read ({self.options.minimize} is "
                             "known after it)", f"those of stage {stages.first} and later")
        return stages

    def _plan(self, overrides: Mapping[str, str]) -> List[Planned]:
        command = self.command(self.folder / BASELINE, overrides)[2:]
        done = subprocess.run(["bash", str(self.script), *command], capture_output=True,
                              env={**os.environ, "RECIPE_MODE": "plan"})
        if done.returncode != 0:
            raise InputError(f"recipe {self.options.recipe}", "a plan of its stages", last_lines(done.stderr))
        return read_plan(done.stdout)

    def _last(self, planned: Sequence[Planned]) -> int:
        """The stage that leaves the figure: the one that gathers results, or the first that trains every model."""
        if self.options.of_results:
            stages, missing = [one.stage for one in planned if one.module == REPORT], f"a stage with {REPORT}"
        else:
            names = {model.name for model in self._models(self.folder)}
            stages = [one.stage for one in planned if _names_of_outputs(one) & names]
            missing = f"a stage that trains {' and '.join(sorted(names))}"
        if not stages:
            raise InputError(f"recipe {self.options.recipe}", missing, "none")
        return max(map(int, stages))

    def _models(self, work: Path) -> List[Path]:
        names = [f"{self.options.system}_seed{seed}" for seed in self.options.model_seeds] or [self.options.system]
        return [work / "exp" / name for name in names]

    def run(self, name: str, overrides: Mapping[str, str], stages: Stages,
            watch: Callable[[Sequence[float]], None] = lambda epochs: None) -> float:
        """Runs the recipe in a folder of the sweep. Returns the figure.

        Args:
          name: baseline, or that of a trial.
          watch: called with the dev figures of the epochs so far; what it raises ends the run.
        Raises: TrialFailed.
        """
        work, first = self.folder / name, [] if name == BASELINE else ["--stage", str(stages.first)]
        link_stages(self.work if name == BASELINE else self.folder / BASELINE, work)
        more = ["--no-tests", "--stop-stage", str(stages.last), *first]
        command = self.command(work, overrides, *more)
        status = run_watched([str(ROOT / "run.sh"), str(self.script.parent), *command[2:]], work / OUTPUT,
                             lambda: watch(self._epochs(work, running=True)))
        if status != 0:
            raise TrialFailed(f"exit status {status}: {last_lines((work / OUTPUT).read_bytes())} ({work / OUTPUT})")
        watch(self._epochs(work, running=False))
        return self._figure(work)

    def _epochs(self, work: Path, running: bool) -> List[float]:
        """Of a single model, the figures of its epochs so far. Raises TrialFailed when there are none at the end."""
        if not self.options.prune_by:
            return []
        (folder,) = self._models(work)  # SweepOptions has it so
        try:
            place = folder.with_name(folder.name + UNFINISHED) if running else folder
            return _dev_figures(place, self.options.prune_by)
        except InputError as error:
            if running:  # not yet
                return []
            raise TrialFailed(str(error)) from None

    def _figure(self, work: Path) -> float:
        try:
            if self.options.of_results:
                return dev_result(work / "results.json", self.options.system, self.options.figure)
            values = [min(_dev_figures(model, self.options.figure)) for model in self._models(work)]
        except InputError as error:
            raise TrialFailed(str(error)) from None
        return sum(values) / len(values)

    def clean_up(self, name: str) -> None:
        """Removes what a trial that was ended early left of its training."""
        for model in self._models(self.folder / name):
            shutil.rmtree(model.with_name(model.name + UNFINISHED), ignore_errors=True)


def stages_reading(planned: Sequence[Planned], space: Space) -> Iterator[str]:
    """Stages with a program that reads an option of the space."""
    swept = {key.rpartition(".")[0] for key in space}
    for one in planned:
        program = program_of(one)
        if program is not None and swept & sections_of(program, program.parse(one.arguments)):
            yield one.stage


def _names_of_outputs(one: Planned) -> Set[str]:
    return {Path(value).name for name, value in zip(one.arguments, one.arguments[1:]) if name == "--out"}


def _dev_figures(model: Path, name: str) -> List[float]:
    """Of each epoch. Raises InputError where there is none of that name."""
    from hybrid.training.journal import read_history
    history = read_history(model)
    figures = [entry["dev"][name] for entry in history if name in entry["dev"]]
    if not figures or len(figures) < len(history):
        known = ", ".join(dict.fromkeys(key for entry in history for key in entry["dev"]))
        raise InputError(f"{model}: dev figure {name}", f"one of {known or 'an epoch'}", name)
    return figures


def dev_result(path: Path, system: str, figure: str) -> float:
    """The mean over seeds, on the set that chose the scales, which is no test set. Raises InputError."""
    own = [entry for entry in read_results(path) if entry["system"] == system]
    values = [entry[figure] for entry in own if entry.get("tuned_on")]
    if not values:
        tests = ", ".join(dict.fromkeys(entry["test"] for entry in own))
        raise InputError(f"{path}: {system}", "a result of the development set (a test set must not choose)",
                         f"those of {tests}" if own else "no result of that system")
    return sum(values) / len(values)


def find_script(recipe: str) -> Path:
    """run.sh of the recipe's folder, relative to the current one or to the project."""
    for folder in (Path(recipe), ROOT / recipe):
        if (folder / "run.sh").is_file() and folder.resolve() != ROOT:
            return (folder / "run.sh").resolve()
    raise InputError("[sweep] recipe", "a folder with run.sh, such as egs/synth", repr(recipe))


def trial_name(number: int) -> str:
    """Of its folder."""
    return f"trial_{number:04d}"
