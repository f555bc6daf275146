"""The trials of a sweep, kept in an SQLite file by Optuna: asked for, run, told, and gone on with.

A sweep that was cut off goes on with the trial that it was at, and ends with the same trials as one that was not:
the sampler is seeded anew for each trial, from the seed and the trial's number, and sees nothing else than the trials
before it; whether a trial is ended early follows from the figures of its epochs, in their order, and not from when
they were seen. (A trial that fails for reasons of its own, such as a full disk, is the exception.)
"""

import itertools
import math
import time
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from graphs.errors import InputError, TooManyFailures, first_line
from tools.sweep.options import SweepOptions
from tools.sweep.space import Range, Space

DATABASE = "trials.db"
STATES = ("complete", "pruned", "failed", "running")


class TrialFailed(Exception):
    """A trial came to no figure. The message says why."""


class Ended(Exception):
    """A trial was ended early."""


class Trial(NamedTuple):
    """
    Attributes:
      state: complete, pruned (ended early), failed or running.
      value: the figure, lower is better; None where there is none.
      epochs: epoch -> figure by which trials are ended.
    """

    number: int
    params: Dict[str, object]
    state: str
    value: Optional[float]
    epochs: Dict[int, float]
    seconds: Optional[float]
    note: str


# (number, options, watch) -> figure; watch is called with the figures of all epochs so far, and raises Ended
Run = Callable[[int, Dict[str, str], Callable[[Sequence[float]], None]], float]


def import_optuna():
    """Raises InputError that says what to do where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise InputError("package optuna", "it installed (python -m pip install 'hybrid-asr[sweep]', or optuna alone)",
                         f"none ({error})") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _storage(optuna, path: Path):
    """Raises InputError where the file is none of Optuna's."""
    from sqlalchemy.exc import SQLAlchemyError
    try:
        return optuna.storages.RDBStorage(f"sqlite:///{path.absolute()}")
    except (SQLAlchemyError, RuntimeError) as error:
        raise InputError(str(path), "trials that this version of Optuna reads", first_line(error)) from None


class Trials:
    def __init__(self, folder: Path, options: SweepOptions, space: Space, storage=None):
        """
        Args:
          folder: where the file of trials lies or is made.
          storage: of Optuna, instead of that file.
        """
        self.optuna = import_optuna()
        self.options, self.space = options, space
        self._storage = storage or _storage(self.optuna, folder / DATABASE)
        pruner = self.optuna.pruners.NopPruner()
        if options.prune_by:
            pruner = self.optuna.pruners.MedianPruner(options.prune_after, options.prune_from)
        self.study = self.optuna.create_study(
            storage=self._storage, study_name="sweep", load_if_exists=True, pruner=pruner, direction="minimize")

    def run(self, run: Run, told: Callable[[Trial], None] = lambda trial: None) -> None:
        """Runs trials until there are as many as asked for.

        Args:
          told: called with each trial when it has ended.
        Raises: TooManyFailures.
        """
        failed = 0
        while True:
            trial = self._unfinished() or self._new()
            if trial is None:
                return
            self._run_one(trial, run)
            ended = self.all()[trial.number]
            told(ended)
            failed += ended.state == "failed"
            if failed > self.options.allowed_failures:
                raise TooManyFailures(f"{failed} trials failed, the last one: {ended.note}")

    def _unfinished(self):
        """The trial that an earlier run was at, if it was cut off."""
        running = self.study.get_trials(states=(self.optuna.trial.TrialState.RUNNING,))
        if not running:
            return None
        number = running[0].number
        self.study.sampler = self._sampler(number)
        study_id = self._storage.get_study_id_from_name(self.study.study_name)
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(study_id, number)
        return self.optuna.trial.Trial(self.study, trial_id)

    def _new(self):
        states = self.optuna.trial.TrialState
        number = sum(trial.state != states.WAITING for trial in self.study.get_trials(deepcopy=False))
        if number >= min(self.options.trials, self._combinations()):
            return None
        self.study.sampler = self._sampler(number)
        if self.options.sampler == "grid" and not self.study.get_trials(states=(states.WAITING,)):
            self.study.enqueue_trial(self._combination(number))
        return self.study.ask()

    def _sampler(self, number: int):
        seed = (self.options.seed * 1_000_003 + number) % 2 ** 32
        if self.options.sampler == "tpe":
            return self.optuna.samplers.TPESampler(n_startup_trials=self.options.startup_trials, seed=seed)
        return self.optuna.samplers.RandomSampler(seed=seed)

    def _combinations(self) -> float:
        """How many there are."""
        if self.options.sampler != "grid":
            return math.inf
        return math.prod(len(values.values) for values in self.space.values())

    def _combination(self, number: int) -> Dict[str, str]:
        """Of a grid, in which the last option changes fastest."""
        values = itertools.product(*(values.values for values in self.space.values()))
        return dict(zip(self.space, next(itertools.islice(values, number, None))))

    def _run_one(self, trial, run: Run) -> None:
        states = self.optuna.trial.TrialState
        params = {key: values.suggest(trial, key) for key, values in self.space.items()}
        before = self._same(params, trial.number)
        if before is not None:
            trial.set_user_attr("note", f"as trial {before.number}")
            self.study.tell(trial.number, before.value)
            return
        started = time.monotonic()
        value, state = None, states.COMPLETE
        try:
            value = run(trial.number, as_texts(params), lambda epochs: self._watch(trial, epochs))
            if not math.isfinite(value):
                raise TrialFailed(f"its figure is {value}")
        except Ended:
            state = states.PRUNED
        except TrialFailed as error:
            trial.set_user_attr("note", str(error))
            value, state = None, states.FAIL
        trial.set_user_attr("seconds", round(time.monotonic() - started, 1))
        self.study.tell(trial.number, value, state)

    def _same(self, params: Dict[str, object], number: int) -> Optional[Trial]:
        """An earlier trial with the same values, which need not be trained again."""
        return next((trial for trial in self.all()[:number] if trial.params == params and trial.state == "complete"),
                    None)

    def _watch(self, trial, epochs: Sequence[float]) -> None:
        """Reports figures of epochs that are new, one by one. Raises Ended when one of them ends the trial."""
        known = self.study.get_trials(deepcopy=False)[trial.number].intermediate_values
        for epoch, figure in enumerate(epochs, 1):
            if epoch not in known:
                trial.report(figure, epoch)
            if (epoch not in known or epoch == max(known)) and trial.should_prune():
                raise Ended

    def all(self) -> List[Trial]:
        """In the order in which they were asked for."""
        names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
        return [Trial(one.number, one.params, names.get(one.state.name, "running"),
                      one.value if one.state.name == "COMPLETE" else None, one.intermediate_values,
                      one.user_attrs.get("seconds"), one.user_attrs.get("note", ""))
                for one in self.study.get_trials(deepcopy=False)]

    def importances(self) -> Dict[str, float]:
        """SECTION.KEY -> share in what made trials good (PED-ANOVA, Watanabe et al., IJCAI 2023), the largest first;
        {} while too few trials tell."""
        values = {trial.value for trial in self.all() if trial.state == "complete"}
        if len(values) < 4:
            return {}
        evaluator = self.optuna.importance.PedAnovaImportanceEvaluator()
        found = self.optuna.importance.get_param_importances(self.study, evaluator=evaluator)
        return {key: float(found[key]) for key in sorted(found, key=lambda key: (-found[key], key))}


def best(trials: Sequence[Trial]) -> Optional[Trial]:
    """The one with the lowest figure, of equal ones the first."""
    complete = [trial for trial in trials if trial.value is not None]
    return min(complete, key=lambda trial: trial.value, default=None)


def as_texts(params: Dict[str, object]) -> Dict[str, str]:
    """As options on a command line; a float as it is, to the last bit."""
    return {key: value if isinstance(value, str) else repr(value) for key, value in params.items()}


def is_logarithmic(space: Space, key: str) -> bool:
    return isinstance(space[key], Range) and space[key].log
