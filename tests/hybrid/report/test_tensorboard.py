"""Logs for TensorBoard, read by TensorBoard."""

from pathlib import Path

import pytest

from hybrid.report.tensorboard import TensorboardRun, as_hparams, group_of
from tests.hybrid.report.tensorboard_reader import read_rows, read_runs

pytest.importorskip("tensorboard")


def write(folder, group, options, **figures):
    run = TensorboardRun(folder)
    run.hparams(options, group)
    for step in (1, 2):
        for tag, value in figures.items():
            run.scalar(tag.replace("_", "/"), value * step, step)
    run.close()


def test_a_run_for_each_folder_and_a_row_for_each_group(tmp_path):
    write(tmp_path / "exp/tdnn", "tdnn", {"dropout": 0.5, "arch": "tdnn", "deep": True}, dev_loss=2.0)
    write(tmp_path / "exp/score_tdnn", "tdnn", {"dropout": 0.5, "arch": "tdnn", "deep": True}, wer_dev=7.0)
    write(tmp_path / "exp/blstm", "blstm", {"dropout": 0.25, "layers": [1, 2]}, dev_loss=1.0)
    assert read_runs(tmp_path) == {"exp/blstm": {"dev/loss": [1, 2]}, "exp/score_tdnn": {"wer/dev": [7, 14]},
                                   "exp/tdnn": {"dev/loss": [2, 4]}}
    assert read_rows(tmp_path) == {
        "tdnn": ({"dropout": 0.5, "arch": "tdnn", "deep": True}, {"dev/loss": 4.0, "wer/dev": 14.0}),
        "blstm": ({"dropout": 0.25, "layers": "1, 2"}, {"dev/loss": 2.0})}


def test_options_are_texts_numbers_or_truth_values():
    assert as_hparams({"a": None, "b": (1, 2), "c": False, "d": 3, "e": Path("x")}) == {
        "a": "none", "b": "1, 2", "c": False, "d": 3, "e": "x"}


def test_the_name_of_a_row_is_that_of_the_finished_folder(tmp_path, monkeypatch):
    assert group_of(tmp_path / "exp/tdnn.unfinished") == str(tmp_path.resolve() / "exp/tdnn")
    monkeypatch.chdir(tmp_path)
    assert group_of(Path("exp/v1.5")) == "exp/v1.5"
