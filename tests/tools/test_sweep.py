"""tools.sweep: trials that go on after a kill, and a whole sweep over a made-up recipe."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from graphs.errors import InputError, TooManyFailures
from tests.tools.frame.test_program import Work, program
from tests.tools.sweep_recipe import PROGRAM, RECIPE
from tests.tools.test_experiments import add_system, make, table
from tests.tools.test_frontdoor import ROOT
from tests.tools.test_recipe import members, wait_for
from tests.tools.test_sweep_study import write_study
from tools.sweep import __main__, trials as trials_module
from tools.sweep.links import link_stages, stage_folders
from tools.sweep.options import SweepOptions
from tools.sweep.recipe_run import RecipeRuns, Stages, dev_result
from tools.sweep.space import read_space
from tools.sweep.study import read_study
from tools.sweep.trials import TrialFailed, Trials, best

pytest.importorskip("optuna")
SPACE = read_space({"am.x": "0.0 .. 1.0", "am.n": "1 .. 8", "am.kind": "a, b"})


# --- trials

def figure_of(overrides):
    return (float(overrides["am.x"]) - 0.3) ** 2 + int(overrides["am.n"]) / 10 + (overrides["am.kind"] == "b")


class Made:
    """Trials whose figure is a formula, on some of which a kill comes. In memory, unless they are to be in a file."""

    def __init__(self, folder, space=SPACE, killed=(), failing=(), epochs=0, file=False, **options):
        optuna = trials_module.import_optuna()
        self.storage = None if file else optuna.storages.InMemoryStorage()
        self.folder, self.space, self.killed, self.failing, self.epochs = folder, space, set(killed), failing, epochs
        self.options = SweepOptions(**{"trials": 8, "startup_trials": 3, **options})
        self.ran, self.told = [], []
        folder.mkdir(exist_ok=True)

    def __call__(self):
        made = Trials(self.folder, self.options, self.space, self.storage)
        made.run(self.one, self.told.append)
        return made

    def one(self, number, overrides, watch):
        self.ran.append(number)
        figure = figure_of({"am.n": "0", "am.kind": "a", **overrides})
        for epoch in range(1, self.epochs + 1):
            if number in self.killed and epoch == self.epochs:
                self._kill(number)
            watch([figure + 1 / known for known in range(1, epoch + 1)])
        if number in self.killed:
            self._kill(number)
        if number in self.failing:
            raise TrialFailed("a full disk")
        return figure

    def _kill(self, number):
        self.killed.remove(number)
        raise KeyboardInterrupt


def same(one):
    return [(trial.number, trial.params, trial.state, trial.value, trial.epochs) for trial in one.all()]


PRUNED = dict(epochs=3, prune_by="loss", prune_after=2, trials=7)


def test_a_sweep_that_was_killed_ends_as_one_that_was_not(tmp_path):
    whole = Made(tmp_path / "whole", **PRUNED)()
    states = [trial.state for trial in whole.all()]
    assert states.count("pruned") >= 1 and states.count("complete") >= 3 and len(states) == 7
    cut = Made(tmp_path / "cut", killed=[states.index("complete", 1)], file=True, **PRUNED)
    with pytest.raises(KeyboardInterrupt):
        cut()
    assert same(cut()) == same(whole) and len(cut.ran) == 8
    assert best(whole.all()).value == min(trial.value for trial in whole.all() if trial.value is not None)
    cut.options = SweepOptions(**{**vars(cut.options), "trials": 8})
    more = same(cut())
    assert len(more) == 8 and more[:7] == same(whole) and cut.ran[8:] == [7]


def test_epochs_that_are_seen_at_once_end_a_trial_as_those_seen_one_by_one(tmp_path):
    """One epoch after the other, or all of them when the training is over: the same trials are ended."""
    def at_once(number, overrides, watch):
        figure = figure_of(overrides)
        watch([figure + 1 / epoch for epoch in range(1, 4)])
        return figure
    slow, quick = Made(tmp_path / "slow", **PRUNED), Made(tmp_path / "quick", **PRUNED)
    quick.one = at_once
    assert same(slow()) == same(quick())
    assert {tuple(trial.epochs) for trial in slow().all() if trial.state == "complete"} == {(1, 2, 3)}
    for name in ("late", "late at once"):
        late = Made(tmp_path / name, **PRUNED, prune_from=2)
        late.one = late.one if name == "late" else at_once
        assert {max(trial.epochs) for trial in late().all() if trial.state == "pruned"} == {2}


def test_other_seeds_give_other_trials_and_values_lie_in_the_space(tmp_path):
    first, second = Made(tmp_path / "1", sampler="random")(), Made(tmp_path / "2", sampler="random", seed=2)()
    assert not [one for one in first.all() for two in second.all() if one.params == two.params]
    for trial in first.all():
        assert 0 <= trial.params["am.x"] <= 1 and trial.params["am.n"] in range(1, 9)
        assert trial.value == figure_of({key: str(value) for key, value in trial.params.items()})
    assert len({trial.params["am.x"] for trial in first.all()}) == 8


def test_a_grid_is_gone_through_once_in_its_order(tmp_path):
    made = Made(tmp_path, read_space({"am.x": "0.5, 0.25", "am.kind": "a, b"}), killed=[1], sampler="grid", trials=9)
    with pytest.raises(KeyboardInterrupt):
        made()
    trials = made().all()
    assert [tuple(trial.params.values()) for trial in trials] == [
        ("0.5", "a"), ("0.5", "b"), ("0.25", "a"), ("0.25", "b")] and made.ran == [0, 1, 1, 2, 3]


def test_the_same_values_are_not_trained_twice(tmp_path):
    made = Made(tmp_path, read_space({"am.x": "0.5, 0.25"}), sampler="random", trials=6)
    trials = made().all()
    assert len(made.ran) == 2 and len(trials) == 6 and made().importances() == {}
    first = {trial.params["am.x"]: trial for trial in trials if trial.number in made.ran}
    for trial in trials:
        assert trial.value == first[trial.params["am.x"]].value
        assert trial.number in made.ran or trial.note == f"as trial {first[trial.params['am.x']].number}"


def test_failed_trials_are_named_and_too_many_end_the_sweep(tmp_path):
    made = Made(tmp_path, failing=[1, 3, 4], allowed_failures=2)
    with pytest.raises(TooManyFailures, match="3 trials failed, the last one: a full disk"):
        made()
    assert [trial.state for trial in made.told] == ["complete", "failed", "complete", "failed", "failed"]
    assert [trial.note for trial in made.told if trial.state == "failed"] == ["a full disk"] * 3
    made.one = lambda number, overrides, watch: math.nan if number == 5 else 1.0
    trials = made().all()
    assert len(trials) == 8 and trials[5].state == "failed" and trials[5].note == "its figure is nan"
    assert best(trials).number == min((trial for trial in trials if trial.value is not None),
                                      key=lambda trial: (trial.value, trial.number)).number


def test_what_mattered_comes_first(tmp_path):
    made = Made(tmp_path, trials=24, sampler="random")
    made.one = lambda number, overrides, watch: int(overrides["am.n"]) ** 2 + float(overrides["am.x"]) / 100
    importances = made().importances()
    assert next(iter(importances)) == "am.n" and sum(importances.values()) == pytest.approx(1)
    assert list(importances.values()) == sorted(importances.values(), reverse=True)
    for number, told in ((3, set()), (4, set(SPACE))):
        assert set(Made(tmp_path / str(number), trials=number, sampler="random")().importances()) == told


def test_large_seeds_and_seconds_of_a_trial(tmp_path, monkeypatch):
    made = Made(tmp_path, sampler="random", seed=10 ** 9, trials=1)
    monkeypatch.setattr(trials_module, "time", SimpleNamespace(monotonic=iter((10.0, 12.26)).__next__))
    (trial,) = made().all()
    assert trial.seconds == 2.3 and list(trial.epochs) == []


def test_a_file_that_holds_no_trials_is_named(tmp_path):
    (tmp_path / "trials.db").write_text("no database, " * 100)
    with pytest.raises(InputError, match="trials.db: expected trials that this version of Optuna reads"):
        Trials(tmp_path, SweepOptions(), SPACE)


def test_optuna_says_no_more_than_it_must():
    optuna = trials_module.import_optuna()
    optuna.logging.set_verbosity(optuna.logging.INFO)
    assert trials_module.import_optuna().logging.get_verbosity() == optuna.logging.WARNING


def test_without_optuna_it_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert __main__.main([str(write_study(tmp_path)), "--work", str(tmp_path)]) == 2
    assert "package optuna: expected it installed" in capsys.readouterr().err


# --- work folders that share stages

def test_a_linked_stage_is_shared_until_its_options_change(tmp_path):
    work, shared, trial = Work(), tmp_path / "shared", tmp_path / "trial"
    stage = lambda folder, *words: program().run(work, ["--out", str(folder / "exp/a"), *words])  # noqa: E731
    assert stage(shared) == 0
    (shared / "exp/b.unfinished").mkdir()
    (shared / "sweeps/other").mkdir(parents=True)
    link_stages(shared, trial)
    assert list(stage_folders(trial)) == [trial / "exp/a"] and (trial / "exp/a").is_symlink()
    assert [path.name for path in trial.rglob("*")] == ["exp", "a"]
    assert stage(trial) == 0 and work.runs == 1 and (trial / "exp/a").is_symlink()
    assert stage(trial, "am.scale=2") == 0 and work.runs == 2
    assert not (trial / "exp/a").is_symlink() and (trial / "exp/a/out.txt").read_text() == "2.0 "
    assert (shared / "exp/a/out.txt").read_text() == "1.0 "
    assert [path.name for path in (trial / "exp").iterdir()] == ["a"]
    link_stages(shared, trial)
    assert (trial / "exp/a/out.txt").read_text() == "2.0 "


def test_finished_stages_are_linked_from_wherever_they_lie(tmp_path):
    shared, trial = tmp_path / "shared", tmp_path / "a/trial"
    link_stages(shared, trial)
    assert list(trial.iterdir()) == []
    for name in ("x/y/one", "x/y/two", "data", "sweeps/other", "x/three.unfinished"):
        make(shared / name, "tools.decode", files=["out"])
    (shared / "notes").write_text("")
    link_stages(shared, trial)
    assert sorted(path.relative_to(trial).as_posix() for path in trial.rglob("*") if path.is_symlink()) == [
        "data", "x/y/one", "x/y/two"]


def test_a_link_to_a_stage_that_is_gone_is_replaced(tmp_path):
    (tmp_path / "exp").mkdir()
    (tmp_path / "exp/a").symlink_to(tmp_path / "nothing")
    (tmp_path / "exp/a.replaced").symlink_to(tmp_path / "nothing")
    assert program().run(Work(), ["--out", str(tmp_path / "exp/a")]) == 0
    assert [path.name for path in (tmp_path / "exp").iterdir()] == ["a"] and not (tmp_path / "exp/a").is_symlink()


def test_the_figure_is_that_of_the_development_set_and_never_of_a_test_set(tmp_path):
    add_system(tmp_path, "score_a", "a", 10, tests=("dev", "test"))
    add_system(tmp_path, "score_b", "b", 4, tests=("test",))
    assert dev_result(tmp_path / "exp/score_a/result.json", "a", "wer") == pytest.approx(100 * 10 / 120, abs=1e-3)
    with pytest.raises(InputError, match="a test set must not choose.*those of test"):
        dev_result(tmp_path / "exp/score_b/result.json", "b", "wer")
    with pytest.raises(InputError, match="no result of that system"):
        dev_result(tmp_path / "exp/score_b/result.json", "c", "wer")


def test_figures_of_epochs_come_from_the_training_while_it_runs_and_are_asked_for_at_its_end(tmp_path):
    options = SweepOptions(recipe="egs/synth", system="am", prune_by="loss", minimize="dev.accuracy")
    runs = RecipeRuns(tmp_path, tmp_path, options, [], [])
    entry = '{"epoch": %d, "train": {}, "dev": {"loss": %s, "accuracy": %s}, "learning_rate": 1, "seconds": 1}\n'
    for folder, losses in (("am.unfinished", (3.0,)), ("am", (4.0, 2.0))):
        (tmp_path / "exp" / folder).mkdir(parents=True)
        (tmp_path / "exp" / folder / "train.jsonl").write_text(
            "".join(entry % (number, loss, loss / 4) for number, loss in enumerate(losses, 1)))
    assert runs._epochs(tmp_path, running=True) == [3.0] and runs._epochs(tmp_path, running=False) == [4.0, 2.0]
    assert runs._figure(tmp_path) == 0.5  # of the best epoch
    other = RecipeRuns(tmp_path, tmp_path, SweepOptions(recipe="egs/synth", system="am", prune_by="lss"), [], [])
    assert other._epochs(tmp_path, running=True) == []
    with pytest.raises(TrialFailed, match="dev figure lss: expected one of loss, accuracy"):
        other._epochs(tmp_path, running=False)
    with pytest.raises(TrialFailed, match="results.json"):
        other._figure(tmp_path)


# --- a whole sweep

@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A recipe of a made-up training, and a study file for it."""
    recipe = tmp_path / "recipes" / "toy"
    recipe.mkdir(parents=True)
    (recipe / "run.sh").write_text(RECIPE.replace("ROOT", str(ROOT)))
    (tmp_path / "toy_sweep.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.syspath_prepend(str(tmp_path))
    study = tmp_path / "first.conf"
    study.write_text(f"[sweep]\nrecipe = {recipe}\nsystem = one\nminimize = dev.loss\ntrials = 2\n"
                     "[space]\nam.dropout = 0.0 .. 0.5\n[am]\nepochs = 2\n")
    return study


def runs_of(study, *overrides):
    study = read_study(study, overrides)
    return RecipeRuns(study_folder(study), Path("work"), study.options, study.fixed, []), study.space


def study_folder(study):
    return Path("/nonexistent") / study.name


def test_which_stages_a_trial_needs(toy):
    runs, space = runs_of(toy)
    assert runs.check(space) == Stages(7, 7)
    runs, space = runs_of(toy, "space.am.one.rate=1, 2")
    assert runs.check(space) == Stages(7, 7)
    runs, space = runs_of(toy, "space.data.rate=1, 2")
    assert runs.check(space) == Stages(0, 7)


@pytest.mark.parametrize("overrides, message", [
    (["space.am.dropout=0.0 .. 1.0"], "expected a share"), (["space.am.dropuot=0.0 .. 1.0"], "did you mean dropout"),
    (["sweep.minimize=dev.wer"], "a stage with tools.report"), (["sweep.system=three"], "a stage that trains three"),
    (["sweep.recipe=egs/nothing"], "a folder with run.sh"), (["space.am.fail=no, yes", "am.epochs=x"], "am.epochs")])
def test_what_no_trial_could_run_with_is_said_before_the_first(toy, overrides, message):
    with pytest.raises(InputError, match=message):
        runs, space = runs_of(toy, *overrides)
        runs.check(space)


def test_options_of_stages_after_the_figure_are_refused(toy):
    toy.write_text(toy.read_text().replace("am.dropout = 0.0 .. 0.5", "search.dropout = 0.0 .. 0.5"))
    runs, space = runs_of(toy)
    with pytest.raises(InputError, match="those of stage 9 and later"):
        runs.check(space)


def test_a_whole_sweep(toy, tmp_path, capsys):
    work = tmp_path / "work"
    assert __main__.main([str(toy), "--work", str(work), "--nj", "1", "sweep.trials=1"]) == 0
    check_sweep(work / "sweeps/first", capsys.readouterr().out, 1)


def check_sweep(sweep, said, number):
    """Of the made-up recipe."""
    rows = table((sweep / "trials.tsv").read_text())
    assert len(rows) == number and "baseline: dev.loss 0.5735" in said
    for row in rows:
        folder = sweep / f"trial_000{row['trial']}"
        expected = (float(row["am.dropout"]) - 0.25) ** 2 + 0.001 + 0.01 + 0.5
        assert row["state"] == "complete" and float(row["dev.loss"]) == pytest.approx(expected, abs=1e-4)
        assert (folder / "data").is_symlink() and not (folder / "exp/one").is_symlink()
        assert not (folder / "data_of_test").exists() and not (folder / "exp/later").exists()
    text, lowest = (sweep / "SWEEP.md").read_text(), min(rows, key=lambda row: float(row["dev.loss"]))
    assert f"best: {lowest['dev.loss']}, trial {lowest['trial']}" in text and "--systems one" in text
    assert (sweep / "sweep.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_a_whole_sweep_that_is_killed_with_all_that_it_started(toy, tmp_path):
    work = tmp_path / "work"
    command = [sys.executable, "-m", "tools.sweep", str(toy), "--work", str(work), "--nj", "1"]
    first = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "TOY_SLEEP": "600"}, start_new_session=True)
    running = work / "sweeps/first/baseline/exp/one.unfinished/train.jsonl"
    wait_for(running.exists, 240)
    second = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert second.returncode == 2 and "no other run of it" in second.stderr
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_for(lambda: not members(first.pid), 60)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    check_sweep(work / "sweeps/first", done.stdout, 2)
