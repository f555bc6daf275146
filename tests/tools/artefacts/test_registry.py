import pytest

from graphs.errors import InputError
from tests.hybrid.report.test_results import add_system
from tests.tools.artefacts.shown import lines_of
from tests.tools.work_folder import stage
from tools.artefacts.kind import Kind
from tools.artefacts.registry import (
    KINDS, _found, describe_work, folder_problems, kind_of, problems_of, work_problems)
from tools.artefacts.results import describe_results
from tools.report import report

AGAIN = "run tools.toy again --by-content to make it anew (keep files of your own elsewhere)"


def test_a_work_folder_shows_its_results_and_its_stages(tmp_path):
    """Stages in the order in which they ended, which is not looked at here."""
    for name, state in (("a", "done"), ("b/c", "running")):
        (tmp_path / name).mkdir(parents=True)
        stage(tmp_path / name, "tools.toy", state=state)
    stages = {"stages", "folder program state seconds peak MB", "a tools.toy done 1.50 99",
              "b/c tools.toy running 1.50 99"}
    assert set(lines_of(describe_work(tmp_path))) == stages and kind_of(tmp_path).name == "work folder"
    add_system(tmp_path, "score_am", "am", 3)
    report(tmp_path)
    shown = describe_work(tmp_path)
    assert shown.startswith(describe_results(tmp_path / "results.json")) and stages < set(lines_of(shown))


def test_problems_of_a_work_folder(tmp_path):
    """Of its stages, of folders that a log was left in, and of results that are not those of the score folders."""
    add_system(tmp_path, "score_am", "am", 3)
    stage(tmp_path / "exp/score_am", "tools.toy")
    report(tmp_path)
    assert problems_of(tmp_path) == []
    (tmp_path / "exp/score_am/test/per_utt.tsv").unlink()
    (tmp_path / "lost").mkdir()
    (tmp_path / "lost/log.txt").write_text("")
    per_utterance, record, *others = work_problems(tmp_path)
    assert per_utterance.startswith(f"{tmp_path}/exp/score_am/test/per_utt.tsv: expected ") and others == []
    assert record == (f"{tmp_path}/lost/.stage.json: expected a stage record, found none; run the stage that makes "
                      f"{tmp_path}/lost again")
    add_system(tmp_path, "score_am", "am", 4)
    results = tmp_path / "results.json"
    assert list(work_problems(tmp_path))[1:] == [
        f"{results}: expected what the score folders hold, found other results; run the recipe again"]
    results.write_text(results.read_text().replace('"errors": 3', '"errors": 2'))
    assert f"{results}: am on test: expected errors = ins + del + sub, found 2" in list(work_problems(tmp_path))


def test_folders_that_are_no_work_folders(tmp_path):
    """A record of its own makes the output of a stage, one below a work folder; a file is neither."""
    for name in ("stage", "work/deep/stage"):
        (tmp_path / name).mkdir(parents=True)
        stage(tmp_path / name, "tools.toy")
    (tmp_path / "file").write_bytes(b"\x00")
    assert [kind_of(tmp_path / name).name for name in ("stage", "work")] == ["output of a stage", "work folder"]
    for name, found in (("file", "neither (it is a file)"), ("work/deep/../../none", "none")):
        with pytest.raises(InputError) as raised:
            kind_of(tmp_path / name)
        assert str(raised.value).endswith(f"found {found}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as raised:
        kind_of(tmp_path / "empty")
    known = "\n".join(f"  {kind.name}: {kind.sign}" for kind in KINDS)
    assert str(raised.value) == (f"{tmp_path}/empty: expected one of these:\n{known}\n, found neither (it is a folder)")
    assert folder_problems(tmp_path / "empty") == [str(raised.value)]


def test_problems_are_told_once_with_those_of_the_record(tmp_path):
    (tmp_path / "result.json").write_text("[]")
    stage(tmp_path, "tools.toy", outputs={"gone": [1, 1, "x"]})
    assert problems_of(tmp_path) == [f"{tmp_path}: gone is missing, written by tools.toy; {AGAIN}"]
    assert problems_of(tmp_path, with_record=False) == []
    (tmp_path / "result.json").write_text("{")
    first, second = problems_of(tmp_path)
    assert first.startswith(f"{tmp_path}/result.json") and second.startswith(f"{tmp_path}: gone is missing")


def test_whatever_a_reader_stumbles_over_is_a_problem(tmp_path):
    def stumble(path):
        yield "one"
        raise ZeroDivisionError("by zero")

    def refuse(path):
        yield "one"
        raise InputError("x", "a", "b")
    for problems, end in ((stumble, f"{tmp_path}: expected a toy, found one that cannot be read (ZeroDivisionError: by "
                           "zero)"), (refuse, "x: expected a, found b")):
        kind = Kind("toy", "", lambda path: True, lambda path, item: "", problems)
        assert list(_found(kind, tmp_path)) == ["one", end]
