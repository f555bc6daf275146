"""Runs of a recipe in a sweep: the command, what is shared, what is watched, the figure."""

import json
from pathlib import Path

import pytest

from graphs.errors import InputError
from tests.tools.test_experiments import add_system, make
from tests.tools.test_frontdoor import ROOT
from tools.recipe.check import Planned
from tools.sweep import recipe_run
from tools.sweep.options import SweepOptions
from tools.sweep.recipe_run import RecipeRuns, Stages, dev_result
from tools.sweep.space import read_space
from tools.sweep.trials import TrialFailed


def write_epochs(model, *epochs):
    """train.jsonl of a model: the dev figures of each epoch."""
    model.mkdir(parents=True, exist_ok=True)
    (model / "train.jsonl").write_text("".join(json.dumps({
        "epoch": number, "train": {}, "dev": dev, "learning_rate": 0.1, "seconds": 1.0}) + "\n"
        for number, dev in enumerate(epochs, 1)))


def runs_of(folder, fixed=("am.epochs=2",), **options):
    (folder / "toy").mkdir(exist_ok=True)
    (folder / "toy/run.sh").touch()
    options = {"minimize": "dev.loss", **options}
    return RecipeRuns(folder / "sweep", folder / "work", SweepOptions(
        recipe=str(folder / "toy"), system="one", **options), fixed, ["--nj", "1"])


@pytest.fixture
def watched(monkeypatch):
    """In place of run_watched: notes the commands; writes one epoch, is looked at, writes the second."""
    def run(command, output, look):
        run.commands.append((list(map(str, command)), output))
        work = Path(command[command.index("--work") + 1])
        output.write_text("a\nno space\n")
        if run.status == 0:
            write_epochs(work / "exp/one.unfinished", {"loss": 3.0})
            look()
            (work / "exp/one.unfinished").rename(work / "exp/one")
            write_epochs(work / "exp/one", {"loss": 3.0}, {"loss": 2.0}, {"loss": 2.5})
        return run.status
    run.commands, run.status = [], 0
    monkeypatch.setattr(recipe_run, "run_watched", run)
    return run


def test_the_baseline_shares_with_the_work_folder_and_trials_with_the_baseline(tmp_path, watched):
    make(tmp_path / "work/data", "tools.decode", files=["out"])
    runs, seen = runs_of(tmp_path, prune_by="loss"), []
    assert runs.run("baseline", {}, Stages(3, 7)) == 2.0
    make(tmp_path / "sweep/baseline/features", "tools.decode", files=["out"])
    assert runs.run("trial_0001", {"am.x": "0.5"}, Stages(3, 7), seen.append) == 2.0
    assert seen == [[3.0], [3.0, 2.0, 2.5]]
    first, second = tmp_path / "sweep/baseline", tmp_path / "sweep/trial_0001"
    assert [(folder / "data").resolve() for folder in (first, second)] == [(tmp_path / "work/data").resolve()] * 2
    assert (second / "features").is_symlink() and not (tmp_path / "work/features").exists()
    toy = (tmp_path / "toy").resolve()
    start = [str(ROOT / "run.sh"), str(toy), "--work"]
    words = ["--systems", "one", "--nj", "1", "--no-tests", "--stop-stage", "7"]
    assert watched.commands == [
        ([*start, str(first), *words, "am.epochs=2"], first / "output.log"),
        ([*start, str(second), *words, "--stage", "3", "am.epochs=2", "am.x=0.5"], second / "output.log")]


@pytest.mark.parametrize("status", [1, 2, -1])
def test_a_run_that_fails_tells_its_last_words(tmp_path, watched, status):
    watched.status = status
    with pytest.raises(TrialFailed, match=rf"exit status {status}: a \| no space \(.*/sweep/trial_0001/output.log\)"):
        runs_of(tmp_path).run("trial_0001", {}, Stages(3, 7))


def test_without_figures_to_watch_none_are_told(tmp_path, watched):
    seen = []
    runs_of(tmp_path).run("baseline", {}, Stages(3, 7), seen.append)
    assert seen == [[], []]


def test_several_seeds_are_trained_and_the_mean_of_their_best_epochs_counts(tmp_path):
    runs = runs_of(tmp_path, model_seeds=(1, 5))
    assert runs.command(tmp_path, {"am.x": "1"}, "--more") == [
        "./run.sh", str(tmp_path / "toy"), "--work", str(tmp_path), "--systems", "one", "--seeds", "1,5", "--nj", "1",
        "--more", "am.epochs=2", "am.x=1"]
    write_epochs(tmp_path / "exp/one_seed1", {"loss": 4.0}, {"loss": 2.0}, {"loss": 3.0})
    write_epochs(tmp_path / "exp/one_seed5", {"loss": 7.0})
    assert runs._figure(tmp_path) == (2.0 + 7.0) / 2
    write_epochs(tmp_path / "exp/one_seed5", {"loss": 7.0}, {"accuracy": 0.5})
    with pytest.raises(TrialFailed, match="one_seed5: dev figure loss: expected one of loss, accuracy, found loss"):
        runs._figure(tmp_path)


def test_what_an_ended_training_left_is_removed(tmp_path):
    runs, exp = runs_of(tmp_path, model_seeds=(1, 2, 3)), tmp_path / "sweep/trial_0007/exp"
    write_epochs(exp / "one_seed3.unfinished", {"loss": 4.0})
    write_epochs(exp / "one_seed1", {"loss": 4.0})
    runs.clean_up("trial_0007")
    assert [path.name for path in exp.iterdir()] == ["one_seed1"]


def test_the_figure_of_several_seeds_is_their_mean(tmp_path):
    entries = []
    for seed, wrong in ((1, 6), (2, 18)):
        add_system(tmp_path, f"score_{seed}", "a", wrong, seed, tests=("dev", "test"))
        entries += json.loads((tmp_path / f"exp/score_{seed}/result.json").read_text())
    (tmp_path / "results.json").write_text(json.dumps(entries))
    assert dev_result(tmp_path / "results.json", "a", "wer") == pytest.approx(100 * 12 / 120, abs=1e-3)


# --- plans

def planned(*stages):
    return [Planned(stage, module, words.split()) for stage, module, words in stages]


def test_the_last_stage_is_that_of_the_last_model_or_of_the_results(tmp_path):
    made = planned(("5", "tools.train", "--out w/exp/one_seed1"), ("10", "tools.train", "--x y --out w/exp/one_seed2"),
                   ("9", "tools.report", "w"), ("11", "tools.report", "w"),
                   ("12", "tools.train", "--data w/exp/one_seed2"))
    assert runs_of(tmp_path, model_seeds=(1, 2))._last(made) == 10
    assert runs_of(tmp_path, minimize="dev.cer")._last(made) == 11


@pytest.mark.parametrize("status", [1, 3])
def test_a_recipe_that_makes_no_plan_says_why(tmp_path, status):
    runs = runs_of(tmp_path)
    runs.script.write_text(f"echo no corpus >&2; exit {status}")
    with pytest.raises(InputError, match="toy: expected a plan of its stages, found no corpus"):
        runs._plan({})


def test_every_value_is_tried_and_planned_once(tmp_path, monkeypatch):
    runs, tried = runs_of(tmp_path), []
    monkeypatch.setattr(runs, "_plan", lambda overrides: tried.append(overrides) or planned(
        ("5", "tools.train", "--out w/exp/one")))
    monkeypatch.setattr(recipe_run, "check", lambda planned, systems: tried.append(systems))
    monkeypatch.setattr(recipe_run, "stages_reading", lambda planned, space: iter(["4", "12", "3"]))
    assert runs.check(read_space({"am.x": "0 .. 0.5", "am.kind": "a, b, c, d"})) == Stages(3, 5)
    assert tried[::2] == [{"am.x": x, "am.kind": kind} for x, kind in zip(("0", "0.5", "0.5", "0.5"), "abcd")]
    assert tried[1::2] == [["one"]] * 4
