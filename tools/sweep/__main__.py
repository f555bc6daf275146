"""Sweeps over options of a recipe: trains a system with other options again and again, and says what mattered.

    python -m tools.sweep dropout.conf --work egs/synth/work --nj 2

dropout.conf is a conf file with two sections of its own; what stands in others holds for all trials:

    [sweep]
    recipe = egs/synth
    system = tdnn
    minimize = dev.wer
    trials = 20

    [space]
    am.dropout = 0.0 .. 0.4
    am.learning_rate = 5e-4 .. 1e-2 log
    am.tdnn.hidden_dim = 128 .. 512 step 64
    am.tdnn.dilations = 1, 1, 2, 3, 3, 3 | 1, 2, 3, 3, 3, 3

    [am]
    epochs = 4

Everything is written into WORK/sweeps/dropout: SWEEP.md (what mattered, all trials, the command that runs the best),
sweep.png, trials.tsv, trials.db (Optuna's, which its dashboard reads, too), and a work folder for the baseline (the
recipe without the options of the space) and for each trial. These share by links whatever does not depend on the
options: corpus, features, alignments, graphs. What else is in WORK stays as it is.

Only the development set is decoded: a test set that chooses options is none any more. A sweep that was cut off is
gone on with by the same command, and ends as if it had not been. More trials: sweep.trials=40. The same study file
with another space or other options is another sweep and wants another name.

Options of [sweep]:

"""

import argparse
import fcntl
import shlex
import sys
from pathlib import Path
from typing import List, Optional, Sequence

from graphs.errors import InputError
from tools.frame.printing import printing


def main(argv: Optional[Sequence[str]] = None) -> int:
    argv = sys.argv[1:] if argv is None else list(argv)
    args = parser().parse_intermixed_args(argv)
    return printing("tools.sweep", lambda: sweep(args, f"python -m tools.sweep {shlex.join(argv)}"), unread=141)


def parser() -> argparse.ArgumentParser:
    from tools.frame.config import describe_options
    from tools.frame.numbers import at_least
    from tools.sweep.options import SweepOptions
    (lines,) = describe_options(SweepOptions, "sweep")
    options = "\n".join(lines[1:])
    made = argparse.ArgumentParser(prog="python -m tools.sweep", description=__doc__ + options,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("study", type=Path, help="conf file with [sweep] and [space]; its name is the sweep's")
    made.add_argument("--work", type=Path, required=True, help="work folder of the recipe, finished or not yet there")
    made.add_argument("--conf", type=Path, help="options file of the recipe; default: its own")
    made.add_argument("--corpus", type=Path, help="where the corpus lies")
    made.add_argument("--nj", type=at_least(1), help="number of processes")
    made.add_argument("overrides", nargs="*", metavar="section.key=value", help="options that win over the study file")
    return made


def sweep(args: argparse.Namespace, command: str) -> None:
    """Raises InputError, TooManyFailures; KeyboardInterrupt leaves what can be gone on with."""
    from tools.sweep.links import SWEEPS
    from tools.sweep.recipe_run import RecipeRuns
    from tools.sweep.study import check_same, read_study
    from tools.sweep.trials import Trials, import_optuna
    study = read_study(args.study, args.overrides)
    import_optuna()
    folder = args.work / SWEEPS / study.name
    runs = RecipeRuns(folder.absolute(), args.work.absolute(), study.options, study.fixed, arguments(args))
    stages = runs.check(study.space)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"sweep {folder}", "no other run of it", "one that is at work") from None
        check_same(study, folder)
        Sweep(study, runs, stages, Trials(folder, study.options, study.space), folder, command).run()


def arguments(args: argparse.Namespace) -> List[str]:
    """Those that ./run.sh gets, too."""
    given = [("--conf", args.conf), ("--corpus", args.corpus), ("--nj", args.nj)]
    paths = [(flag, value.absolute() if isinstance(value, Path) else value) for flag, value in given]
    return [word for flag, value in paths if value is not None for word in (flag, str(value))]


class Sweep:
    """Runs a sweep and tells how it goes."""

    def __init__(self, study, runs, stages, trials, folder: Path, command: str):
        self.study, self.runs, self.stages, self.trials = study, runs, stages, trials
        self.folder, self.command = folder, command
        self.baseline: Optional[float] = None

    def run(self) -> None:
        from tools.sweep.recipe_run import BASELINE
        from tools.sweep.trials import TrialFailed
        said = f"baseline: {self.folder / BASELINE}, the recipe without the options of the space"
        print(f"{said}; trials from its stage {self.stages.first} to {self.stages.last}", flush=True)
        try:
            self.baseline = self.runs.run(BASELINE, {}, self.stages)
        except TrialFailed as error:
            raise InputError("the baseline", "a run of the recipe to its end", str(error)) from None
        print(f"baseline: {self.study.options.minimize} {self.baseline:.4f}", flush=True)
        self.report()
        self.trials.run(self.one, self.tell)
        print(f"more in {self.folder / 'SWEEP.md'}")

    def one(self, number: int, overrides, watch) -> float:
        from tools.sweep.recipe_run import trial_name
        from tools.sweep.trials import Ended
        values = " ".join(f"{key}={text}" for key, text in overrides.items())
        print(f"trial {number} of {self.study.options.trials}: {values}", flush=True)
        try:
            return self.runs.run(trial_name(number), overrides, self.stages, watch)
        except Ended:
            self.runs.clean_up(trial_name(number))
            raise

    def tell(self, trial) -> None:
        """Of a trial that has ended."""
        from tools.sweep.trials import best
        found = best(self.trials.all())
        figure = trial.state if trial.value is None else f"{self.study.options.minimize} {trial.value:.4f}"
        if trial.state == "pruned":
            figure = f"ended early, after epoch {max(trial.epochs)}"
        note = f" ({trial.note})" if trial.note else ""
        so_far = "" if found is None else f"; best so far {found.value:.4f}, trial {found.number}"
        seconds = "" if trial.seconds is None else f" in {trial.seconds:.0f} s"
        print(f"trial {trial.number}: {figure}{note}{seconds}{so_far}", flush=True)
        self.report()

    def report(self) -> None:
        from tools.sweep.report import write_report
        from tools.sweep.trials import as_texts, best
        trials = self.trials.all()
        found = best(trials)
        again = self.runs.command(self.runs.work, as_texts(found.params) if found else {})
        write_report(self.folder, self.study, trials, self.trials.importances(), self.baseline, self.command, again)


if __name__ == "__main__":
    sys.exit(main())
