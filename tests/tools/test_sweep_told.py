"""What tools.sweep says while it runs and leaves for people; its recipe is one of formulas, in memory."""

import fcntl
import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hybrid.report import sweep_picture
from tests.tools.test_experiments import table
from tools.sweep import __main__, recipe_run, trials as trials_module
from tools.sweep.recipe_run import Stages
from tools.sweep.report import write_report
from tools.sweep.study import read_study
from tools.sweep.trials import Trial, TrialFailed

optuna = pytest.importorskip("optuna")
STUDY = ("[sweep]\nrecipe = egs/toy\nsystem = one\nminimize = dev.loss\nsampler = grid\n"
         "prune_by = loss\nprune_after = 1\n[space]\nam.x = {x}\nam.kind = a, b\n")


def write_study(folder, x="0.5, 0.25, 2"):
    path = folder / "first.conf"
    path.write_text(STUDY.format(x=x))
    return path


class Runs:
    """In place of recipe_run.RecipeRuns: the figure is x, one more for kind b; at x = 2 the disk is full."""

    made, baseline_fails = [], False

    def __init__(self, folder, work, options, fixed, arguments):
        self.folder, self.work, self.fixed, self.arguments = folder, work, fixed, arguments
        self.ran, self.cleaned, self.texts = [], [], []
        Runs.made.append(self)

    def check(self, space):
        return Stages(7, 9)

    def command(self, work, overrides):
        return ["./run.sh", "the toy", *(f"{key}={text}" for key, text in overrides.items())]

    def run(self, name, overrides, stages, watch=None):
        self.ran.append(name)
        if not overrides:
            if self.baseline_fails:
                raise TrialFailed("exit status 1")
            return 0.375
        self.texts.append((self.folder / "SWEEP.md").read_text())
        if overrides["am.x"] == "2":
            raise TrialFailed("a full disk")
        figure = float(overrides["am.x"]) + (overrides["am.kind"] == "b")
        watch([figure + 2, figure + 1])
        return figure

    def clean_up(self, name):
        self.cleaned.append(name)


@pytest.fixture
def runs(monkeypatch):
    storage = optuna.storages.InMemoryStorage()
    monkeypatch.setattr(trials_module, "_storage", lambda optuna, path: storage)
    monkeypatch.setattr(recipe_run, "RecipeRuns", Runs)
    monkeypatch.setattr(Runs, "made", [])
    monkeypatch.setattr(sweep_picture, "draw_sweep", lambda points, *more: SimpleNamespace(
        savefig=lambda path, **words: Path(path).write_text("")))
    return Runs.made


SAID = """baseline: {sweep}/baseline, the recipe without the options of the space; trials from its stage 7 to 9
baseline: dev.loss 0.3750
trial 0 of 20: am.x=0.5 am.kind=a
trial 0: dev.loss 0.5000 in 0 s; best so far 0.5000, trial 0
trial 1 of 20: am.x=0.5 am.kind=b
trial 1: ended early, after epoch 1 in 0 s; best so far 0.5000, trial 0
trial 2 of 20: am.x=0.25 am.kind=a
trial 2: dev.loss 0.2500 in 0 s; best so far 0.2500, trial 2
trial 3 of 20: am.x=0.25 am.kind=b
trial 3: ended early, after epoch 1 in 0 s; best so far 0.2500, trial 2
trial 4 of 20: am.x=2 am.kind=a
trial 4: failed (a full disk) in 0 s; best so far 0.2500, trial 2
trial 5 of 20: am.x=2 am.kind=b
trial 5: failed (a full disk) in 0 s; best so far 0.2500, trial 2
more in {sweep}/SWEEP.md
"""


def test_a_sweep_tells_how_it_goes(runs, tmp_path, capsys):
    study, work = write_study(tmp_path), tmp_path / "not/yet"
    argv = [str(study), "--work", str(work), "--corpus", "here", "--nj", "1", "am.epochs=3"]
    assert __main__.main(argv) == 0
    (made,) = runs
    sweep = work / "sweeps/first"
    said = re.sub(r"in \d+ s", "in 0 s", capsys.readouterr().out)
    assert said == SAID.format(sweep=sweep)
    assert (made.folder, made.work, made.fixed) == (sweep, work, ["am.epochs=3"])
    assert made.arguments == ["--corpus", str(Path("here").absolute()), "--nj", "1"]
    assert made.ran == ["baseline", *(f"trial_000{number}" for number in range(6))]
    assert made.cleaned == ["trial_0001", "trial_0003"]
    assert "- baseline: 0.3750\n" in made.texts[0] and "trial 0" not in made.texts[0]
    assert "- best: 0.5000, trial 0\n" in made.texts[1]
    left = (sweep / "SWEEP.md").read_text()
    assert f"- command: `python -m tools.sweep {' '.join(argv)}`\n" in left
    assert "- best: 0.2500, trial 2\n- to run it: `./run.sh 'the toy' am.x=0.25 am.kind=a`\n" in left
    assert [row["state"] for row in table((sweep / "trials.tsv").read_text())] == [
        "complete", "pruned", "complete", "pruned", "failed", "failed"]
    assert __main__.main(argv) == 0 and runs[1].ran == ["baseline"]
    assert capsys.readouterr().out.splitlines()[2:] == [f"more in {sweep}/SWEEP.md"]
    assert __main__.main([*argv, "sweep.seed=2"]) == 2 and "seed was 1, is 2" in capsys.readouterr().err


def test_without_a_best_trial_none_is_told(runs, tmp_path, capsys):
    study = write_study(tmp_path, "2, 2.5")
    assert __main__.main([str(study), "--work", str(tmp_path), "sweep.trials=1"]) == 0
    assert re.search(r"trial 0: failed \(a full disk\) in \d+ s\n", capsys.readouterr().out)
    text = (tmp_path / "sweeps/first/SWEEP.md").read_text()
    assert "- best" not in text and "sweep.png" not in text


def test_two_runs_of_a_sweep_and_a_baseline_that_fails(runs, tmp_path, capsys, monkeypatch):
    argv = [str(write_study(tmp_path)), "--work", str(tmp_path)]
    (tmp_path / "sweeps/first").mkdir(parents=True)
    with open(tmp_path / "sweeps/first/.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert __main__.main(argv) == 2 and "expected no other run of it" in capsys.readouterr().err
    monkeypatch.setattr(Runs, "baseline_fails", True)
    assert __main__.main(argv) == 2
    assert "the baseline: expected a run of the recipe to its end, found exit status 1" in capsys.readouterr().err


def test_the_program_tells_its_options(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "tools.sweep.__main__")
    for argv, status in ((["--help"], 0), (["/nonexistent.conf", "--work", "w"], 2)):
        monkeypatch.setattr(sys, "argv", ["tools.sweep", *argv])
        with pytest.raises(SystemExit) as left:
            runpy.run_module("tools.sweep", run_name="__main__")
        assert left.value.code == status
    said = capsys.readouterr()
    assert "Options of [sweep]:\n\n  sweep.recipe = " in said.out
    assert "/nonexistent.conf: expected an existing file" in said.err


@pytest.mark.parametrize("argv", [[], ["first.conf"], ["first.conf", "--work", "w", "--nj", "0"]])
def test_words_that_the_program_does_not_take(argv, capsys):
    with pytest.raises(SystemExit) as left:
        __main__.main(argv)
    assert left.value.code == 2 and "usage: python -m tools.sweep" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_told_by_the_exit_status(monkeypatch, tmp_path):
    statuses = []
    monkeypatch.setattr(__main__, "printing", lambda name, work, unread: statuses.append((name, unread)))
    __main__.main([str(write_study(tmp_path)), "--work", str(tmp_path)])
    assert statuses == [("tools.sweep", 128 + 13)]  # SIGPIPE


# --- what is left

TRIALS = [Trial(0, {"am.x": 0.123456789, "am.kind": "a"}, "complete", 0.5, {1: 0.75, 2: 0.5}, 1.25, ""),
          Trial(1, {"am.x": 0.25, "am.kind": "b"}, "pruned", None, {1: 0.875}, 61.0, ""),
          Trial(2, {"am.x": 1.0, "am.kind": "a"}, "complete", -0.5, {}, 2.0, ""),
          Trial(3, {}, "running", None, {}, None, ""),
          Trial(4, {"am.x": 1.0, "am.kind": "b"}, "complete", 0.0, {}, None, "as trial 2")]


@pytest.fixture
def left(tmp_path, monkeypatch):
    drawn = []

    def draw(*arguments):
        drawn.append(arguments)
        return SimpleNamespace(savefig=lambda path, **words: Path(path).write_text("a picture"))
    monkeypatch.setattr(sweep_picture, "draw_sweep", draw)
    study = read_study(write_study(tmp_path, "0.1 .. 1.0 log"), ["sweep.sampler=tpe"])

    def write(trials, importances, baseline):
        write_report(tmp_path, study, trials, importances, baseline, "the command", ["./run.sh", "a b"])
        return (tmp_path / "SWEEP.md").read_text()
    write.drawn, write.folder = drawn, tmp_path
    return write


def test_the_table_of_trials_keeps_numbers_to_the_last_digit(left):
    left(TRIALS, {}, None)
    assert (left.folder / "trials.tsv").read_text().splitlines() == [line.replace(" ", "\t") for line in (
        "trial state dev.loss am.x am.kind epochs seconds note", "0 complete 0.5000 0.123456789 a 2 1.2 ",
        "1 pruned  0.25 b 1 61.0 ", "2 complete -0.5000 1.0 a  2.0 ", "3 running      ")] + [
        "4\tcomplete\t0.0000\t1.0\tb\t\t\tas trial 2"]


def test_the_text_tells_what_mattered_and_the_best_first(left):
    text = left(TRIALS, {"am.x": 0.75, "am.kind": 0.25}, 0.375)
    assert text.startswith("# Sweep first\n\n- command: `the command`\n- commit: ")
    assert "\n- minimized: dev.loss of one (egs/toy)\n- baseline: 0.3750\n- best: -0.5000, trial 2\n" in text
    assert "\n- to run it: `./run.sh 'a b'`\n\n![how it went, and what mattered](sweep.png)\n" in text
    importances, trials = [[[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines()
                            if line.startswith("|")] for part in text.split("## Trials, the best first")]
    assert importances[0] == ["option", "share of importance"]
    assert importances[2:] == [["am.x", "0.750"], ["am.kind", "0.250"]]
    assert [row[0] for row in trials[2:]] == ["2", "4", "0", "1", "3"] and trials[4][3] == "0.1235"


def test_the_picture_is_of_the_trials_with_a_figure(left):
    left(TRIALS, {"am.x": 1.0}, 0.375)
    assert left.drawn == [([(trial.number, trial.params, trial.value) for trial in TRIALS if trial.number in (0, 2, 4)],
                           {"am.x": True, "am.kind": False}, {"am.x": 1.0}, "dev.loss", 0.375)]
    assert (left.folder / "sweep.png").read_text() == "a picture"


def test_what_is_left_of_a_sweep_without_a_figure(left):
    text = left([TRIALS[1]], {}, None)
    assert "\n- baseline: none\n\n## What mattered\n\nToo few trials with different figures tell.\n\n## Trials" in text
    assert not left.drawn and not (left.folder / "sweep.png").exists()
