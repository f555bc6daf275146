import shutil
import sqlite3
from contextlib import closing

import pytest

from graphs.errors import InputError
from tests.tools.artefacts.shown import lines_of
from tests.tools.work_folder import make_sweep
from tools.artefacts.sweeps import describe_sweep, read_trials, sweep_problems

HEADER = ["trial", "state", "dev.wer", "am.dropout", "epochs", "seconds", "note"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make_sweep(folder)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "sweep")


def table(folder, *rows, header=HEADER):
    (folder / "trials.tsv").write_text("".join("\t".join(row) + "\n" for row in (header, *rows)))


def test_trials_with_the_best_first(folder):
    """Those without a figure last, in the order of their numbers; each by its number, too."""
    rows = [("0", "complete", "7.5", "0.25", "", "61.0", ""), ("1", "complete", "0", "0.125", "", "62.0", ""),
            ("2", "pruned", "", "0.5", "1", "9.0", "late"), ("3", "failed", "", "0.5", "1", "9.0", "")]
    table(folder, *rows)
    assert list(read_trials(folder, "dev.wer")[2].items()) == list(zip(HEADER, rows[2]))
    shown = lines_of(describe_sweep(folder))
    assert shown[shown.index(" ".join(HEADER)) + 1:] == [
        "1 complete 0 0.125 62.0", "0 complete 7.5 0.25 61.0", "2 pruned 0.5 1 9.0 late", "3 failed 0.5 1 9.0"]
    assert "shared options: am.epochs=2" in shown and f"picture: {folder / 'sweep.png'}" in shown
    assert lines_of(describe_sweep(folder, "2")) == [
        "trial: 2", "state: pruned", "am.dropout: 0.5", "epochs: 1", "seconds: 9.0", "note: late"]
    with pytest.raises(InputError, match="expected the number of a trial such as 0, 1, 2, .* found 02"):
        describe_sweep(folder, "02")
    table(folder)
    assert "trials, the best first" not in describe_sweep(folder) and list(sweep_problems(folder)) == []


@pytest.mark.parametrize("header", [
    [], HEADER[:2], ["trial", "state", "dev.cer", *HEADER[3:]], ["state", "trial", *HEADER[2:]],
    [*HEADER[:-2], "note", "seconds"], [*HEADER[:3], *HEADER[4:]], [*HEADER[:4], "am.dropout", *HEADER[4:]]])
def test_headings_that_cannot_be(folder, header):
    """Columns that lack, in another order, without any option, one twice."""
    table(folder, header=header)
    expected = "trials.tsv:1: expected trial, state, dev.wer, options, epochs, seconds, note, found "
    with pytest.raises(InputError) as raised:
        read_trials(folder, "dev.wer")
    assert str(raised.value).endswith(expected + " ".join(header)[:80])


@pytest.mark.parametrize("row", [
    ("1", "done", "7.5", "0.25", "", "61.0", ""), ("2", "complete", "7.5", "0.25", "", "61.0", ""),
    ("1", "complete", "7,5", "0.25", "", "61.0", ""), ("1", "complete", "inf", "0.25", "", "61.0", ""),
    ("1", "complete", "7.5", "0.25", "", "61.0"), ("1", "complete", "7.5", "0.25", "", "61.0", "", "x" * 80)])
def test_rows_that_cannot_be(folder, row):
    """Another state or number, a figure that is none, too few or too many cells."""
    table(folder, ("0", "running", "", "0.25", "", "", ""), row)
    with pytest.raises(InputError) as raised:
        read_trials(folder, "dev.wer")
    assert str(raised.value).endswith(
        "trials.tsv:3: expected trial 1, complete or pruned or failed or running, in 7 columns, found "
        + repr("\t".join(row))[:80])


def test_complete_trials_alone_have_a_figure(folder):
    assert list(sweep_problems(folder)) == []
    (folder / "trials.db").unlink()
    table(folder, *((str(n), state, figure, "0.25", "", "", "") for n, (state, figure) in enumerate((
        ("complete", "0"), ("complete", ""), ("failed", "1.5"), ("failed", "")))))
    assert [problem.rpartition("trials.tsv: ")[2] for problem in sweep_problems(folder)] == [
        f"trial {number}: expected a figure of a complete trial alone, found {figure} of one that is {state}"
        for number, figure, state in ((1, "none", "complete"), (2, "1.5", "failed"))]


def test_a_file_of_trials_may_hold_more_than_the_table(folder):
    path, statement = folder / "trials.db", "INSERT INTO trials VALUES (9)"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)
    assert list(sweep_problems(folder)) == []
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM trials WHERE number > 1")
    assert list(sweep_problems(folder)) == [f"{path}: expected 3 trials or more, as many as trials.tsv has, found 2"]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE trials")
    (problem,) = sweep_problems(folder)
    assert problem == f"{path}: expected an SQLite file of trials, found one that is damaged: no such table: trials"
    assert {file.name for file in folder.glob("trials.db*")} == {"trials.db"}  # nothing is written beside it
