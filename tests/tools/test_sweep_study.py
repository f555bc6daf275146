"""Study files of sweeps, and what the trials of one have in common."""

import json

import pytest

from graphs.errors import InputError
from tools.sweep.options import SweepOptions
from tools.sweep.space import Choices, Range
from tools.sweep.study import check_same, read_described, read_study

STUDY = "[sweep]\nrecipe = egs/toy\nsystem = one\n{sweep}\n[space]\nam.x = 0 .. 1.5\n[am.one]\nepochs = 3\n"


def write_study(folder, sweep=""):
    path = folder / "first.conf"
    path.write_text(STUDY.format(sweep=sweep))
    return path


def test_a_study_file_and_what_wins_over_it(tmp_path):
    study = read_study(write_study(tmp_path, "trials = 3\nmodel_seeds = 1, 2"),
                       ["sweep.trials=7", "space.am.one.y=1, 2", "am.epochs=4"])
    assert study.name == "first" and study.options.trials == 7 and study.options.model_seeds == (1, 2)
    assert study.space == {"am.x": Range(0, 1.5), "am.one.y": Choices(("1", "2"))}
    assert study.fixed == ["am.one.epochs=3", "am.epochs=4"]
    assert study.options.figure == "wer" and study.options.of_results and study.options.seed == 1


@pytest.mark.parametrize("sweep, message", [
    ("minimize = test.wer", "a test set must not choose"), ("minimize = wer", "a figure of the development set"),
    ("sampler = best", "sampler: expected one of tpe, random, grid"), ("trials = 0", "trials: expected at least 1"),
    ("sampler = grid", "a grid is over values"), ("prune_by = loss\nmodel_seeds = 1, 2", "with one model of a trial"),
    ("trails = 3", "did you mean trials"), ("prune_from = 0", "prune_from"), ("prune_after = 0", "prune_after"),
    ("allowed_failures = -1", "allowed_failures"), ("startup_trials = 0", "startup_trials"), ("seed = -1", "seed")])
def test_a_study_that_cannot_be_is_refused(tmp_path, sweep, message):
    with pytest.raises(InputError, match=message):
        read_study(write_study(tmp_path, sweep))


def test_a_grid_is_over_values_alone(tmp_path):
    with pytest.raises(InputError, match="a grid is over values"):
        read_study(write_study(tmp_path, "sampler = grid"), ["space.am.kind=a, b"])


def test_what_a_study_may_just_have():
    options = SweepOptions(prune_by="loss", model_seeds=(3,), seed=0, allowed_failures=0)
    assert (options.model_seeds, options.seed, options.allowed_failures) == ((3,), 0, 0)


def test_an_option_is_swept_or_fixed_and_recipe_and_system_are_needed(tmp_path):
    with pytest.raises(InputError, match="option am.x: expected in .space. or fixed"):
        read_study(write_study(tmp_path), ["am.x=1"])
    for name in ("recipe", "system"):
        with pytest.raises(InputError, match=rf"\[sweep\] {name}: expected .*, found none"):
            read_study(write_study(tmp_path), [f"sweep.{name}="])


def test_trials_of_another_study_are_not_mixed_in(tmp_path):
    file = write_study(tmp_path)
    for more in ([], ["sweep.trials=99", "sweep.allowed_failures=9"]):
        check_same(read_study(file, more), tmp_path)
    for other, said in ((["sweep.seed=2"], "seed was 1, is 2"), (["space.am.x=0 .. 2"], "am.x was Range"),
                        (["am.epochs=9"], "fixed were")):
        with pytest.raises(InputError, match=said):
            check_same(read_study(file, other), tmp_path)
    four = [f"sweep.{name}=3" for name in ("prune_from", "prune_after", "seed", "startup_trials")]
    with pytest.raises(InputError) as told:
        check_same(read_study(file, four), tmp_path)
    assert str(told.value).count("is 3") == 3  # examples


@pytest.mark.parametrize("change", [
    {"options": []}, {"options": {}}, {"options": {"minimize": 1}}, {"space": []}, {"fixed": {}},
    {"fixed": ["am.x=1", 1]}, {"more": {}}, None])
def test_what_is_no_description_of_a_study_is_refused(tmp_path, change):
    study = read_study(write_study(tmp_path), ["am.name=ä"])
    check_same(study, tmp_path)
    path = tmp_path / "study.json"
    written = path.read_text(encoding="utf-8")
    assert read_described(tmp_path) == json.loads(written) == study.described() and '"am.name=ä"' in written
    path.write_text(json.dumps(change and {**study.described(), **change}))
    with pytest.raises(InputError, match="study.json: expected options, space and fixed of a study, found other JSON"):
        read_described(tmp_path)
