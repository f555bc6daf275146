"""Runs of a recipe in work folders of their own, which share what they have in common.

    WORK/sweeps/NAME/baseline        the recipe with the options that all trials share
    WORK/sweeps/NAME/trial_0007      the same with those of a trial

The folder of each stage of WORK is linked into the baseline, and those of the baseline into each trial. A stage looks
by options and content whether what is linked is up to date: then it is shared; if not it makes its output anew in
the place of the link, and what the link leads to stays as it was. Test sets are left out.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from graphs.errors import InputError
from hybrid.processes import die_with_parent
from hybrid.report.results import read_results
from tools.frame.provenance import ROOT
from tools.frame.records import RECORD
from tools.frame.unfinished import UNFINISHED, is_unfinished
from tools.recipe.check import Planned, check, read_plan
from tools.sweep.options import SweepOptions
from tools.sweep.space import Space
from tools.sweep.trials import TrialFailed

SWEEPS = "sweeps"
BASELINE = "baseline"
OUTPUT = "output.log"  # what a run printed
LOOK_SECONDS = 1.0
PATIENCE = 15.0  # seconds from asking a run to end to killing it
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

    def __init__(self, folder: Path, work: Path, options: SweepOptions, fixed: Sequence[str], arguments: Sequence[str]):
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
            tried = {key: values.tried[min(number, len(values.tried) - 1)] for key, values in space.items()}
            planned = self._plan(tried)
            check(planned, [self.options.system])
        return Stages(min(map(int, self._reading(planned, space))), self._last(planned))

    def _plan(self, overrides: Mapping[str, str]) -> List[Planned]:
        command = self.command(self.folder / BASELINE, overrides)[2:]
        done = subprocess.run(["bash", str(self.script), *command], capture_output=True,
                              env={**os.environ, "RECIPE_MODE": "plan"})
        if done.returncode != 0:
            raise InputError(f"recipe {self.options.recipe}", "a plan of its stages",
                             last_lines(done.stderr.decode("utf-8", "replace")))
        return read_plan(done.stdout)

    def _reading(self, planned: Sequence[Planned], space: Space) -> Iterator[str]:
        """Stages with a program that reads an option of the space."""
        sections = {key.rpartition(".")[0] for key in space}
        for one in planned:
            words = one.arguments
            system = next((value for name, value in zip(words, words[1:]) if name == "--system"), "")
            named = next((value for name, value in zip(words, words[1:]) if name == "--section"), None)
            program = sys.modules[one.module].PROGRAM if hasattr(sys.modules.get(one.module), "PROGRAM") else None
            own = [named or name for name in (program.sections() if program else ())]
            if sections & {*own, *(f"{name}.{system}" for name in own)}:
                yield one.stage

    def _last(self, planned: Sequence[Planned]) -> int:
        if self.options.of_results:
            wanted = [one.stage for one in planned if one.module == REPORT]
            missing = f"a stage with {REPORT} (`results`)"
        else:
            names = {model.name for model in self._models(self.folder)}
            wanted = [one.stage for one in planned
                      if any(Path(value).name in names or Path(value).name == self.options.system
                             for name, value in zip(one.arguments, one.arguments[1:]) if name == "--out")]
            missing = f"a stage that trains {self.options.system}"
        if not wanted:
            raise InputError(f"recipe {self.options.recipe}", missing, "none")
        return max(map(int, wanted)) if self.options.of_results else min(map(int, wanted))

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
        command = [*self.command(work, overrides, *more)]
        status = run_watched([str(ROOT / "run.sh"), str(self.script.parent), *command[2:]], work / OUTPUT,
                             lambda: watch(self._epochs(work, running=True)))
        if status != 0:
            raise TrialFailed(f"exit status {status}: {last_lines(read_text(work / OUTPUT))} ({work / OUTPUT})")
        watch(self._epochs(work, running=False))
        return self._figure(work)

    def _epochs(self, work: Path, running: bool) -> List[float]:
        """Of a single model, the figures of its epochs so far; [] while there are none."""
        if not self.options.prune_by:
            return []
        folder = self._models(work)[0]
        try:
            return _dev_figures(folder.with_name(folder.name + UNFINISHED) if running else folder, self.options.prune_by)
        except InputError:
            return []

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
        raise InputError(f"{path}: {system}", "a result of the development set (a test set that chooses is none any more)",
                         f"those of {tests}" if own else "no result of that system")
    return sum(values) / len(values)


def find_script(recipe: str) -> Path:
    """run.sh of the recipe's folder, relative to the current one or to the project."""
    for folder in (Path(recipe), ROOT / recipe):
        if (folder / "run.sh").is_file() and folder.resolve() != ROOT:
            return (folder / "run.sh").resolve()
    raise InputError("[sweep] recipe", "a folder with run.sh, such as egs/synth", repr(recipe))


def link_stages(source: Path, work: Path) -> None:
    """Links the folder of each stage of the source into the work folder, where nothing is in its place."""
    work.mkdir(parents=True, exist_ok=True)
    for folder in stage_folders(source):
        place = work / folder.relative_to(source)
        if not (place.exists() or place.is_symlink()):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(folder.resolve())


def stage_folders(work: Path) -> Iterator[Path]:
    """Folders with a stage record, links to such ones included; not those that are being written, nor of sweeps."""
    for entry in sorted(work.iterdir()) if work.is_dir() else ():
        if entry.name == SWEEPS or not entry.is_dir() or is_unfinished(entry):
            continue
        if (entry / RECORD).is_file():
            yield entry
        elif not entry.is_symlink():
            yield from stage_folders(entry)


def run_watched(command: Sequence[str], output: Path, look: Callable[[], None]) -> int:
    """Runs the command, which prints into the file, and looks now and then; its exit status. What `look` raises ends
    the command, as an interrupt does."""
    parent = os.getpid()
    with open(output, "ab") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
            env={**os.environ, "HYBRID_ASR_PYTHON": sys.executable},
            preexec_fn=lambda: die_with_parent(parent, signal.SIGTERM))
    try:
        while True:
            try:
                return process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                look()
    finally:
        stop(process)


def stop(process: subprocess.Popen) -> None:
    """Asks it to end, and sees to it that it does."""
    if process.poll() is not None:
        return
    process.terminate()
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    if process.poll() is None:
        process.kill()
        process.wait()


def read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def last_lines(text: str, number: int = 3) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-number:]) or "no output"


def free_name(number: int) -> str:
    """The name of a trial's folder."""
    return f"trial_{number:04d}"
