"""Work folders that are moved, copied or linked to: what was done in them stays done, and is found."""

import os
import shutil

import pytest

from tests.tools.frame.test_program import Work, program, rewrite
from tools.frame.moved import as_it_lies
from tools.frame.records import made_from, read_record


@pytest.fixture
def stages(tmp_path):
    """Two stages of a work folder, beside a corpus; the second reads the first and a recording of the corpus."""
    corpus = tmp_path / "project/corpus"
    corpus.mkdir(parents=True)
    (corpus / "a.wav").write_text("sound")
    first, second = Work(), Work()
    second.reads = [corpus / "a.wav"]

    def run(work, resumable=False):
        """Returns how often each has worked."""
        assert program().run(first, ["--out", str(work / "first")]) == 0
        program(resumable).run(second, ["--out", str(work / "exp/second"), "--data", str(work / "first")])
        return first.runs, second.runs

    run.second, run.work, run.corpus = second, tmp_path / "project/work", corpus
    return run


def move(work, to):
    to.parent.mkdir(parents=True)
    shutil.move(work, to)
    return to


def move_and_link(work, to):
    move(work, to)
    work.symlink_to(to)
    return work


def copy(work, to):
    shutil.copytree(work, to)  # with the times of the files
    return to


@pytest.mark.parametrize("change", [move, move_and_link, copy])
@pytest.mark.parametrize("name", ["disk/work", "disk/renamed"])
def test_nothing_is_done_anew(stages, tmp_path, change, name, capsys):
    assert stages(stages.work) == (1, 1)
    work = change(stages.work, tmp_path / name)
    assert stages(work) == (1, 1), capsys.readouterr().err
    found = tmp_path / name
    assert [folder for folder, _ in made_from(work / "exp/second")] == [found / "exp/second", found / "first"]
    assert list(read_record(work / "exp/second")["raw"]) == [str(stages.corpus / "a.wav")]  # it has not moved
    rewrite(stages.corpus / "a.wav", "louder")
    assert stages(work) == stages(work) == (1, 2)
    shutil.move(found, tmp_path / "again")  # one stage was made there, one came from elsewhere
    assert stages(tmp_path / "again") == (1, 2)


def test_of_a_copy_the_files_count_that_came_along(stages, tmp_path):
    stages(stages.work)
    copied = copy(stages.work, tmp_path / "copy")
    rewrite(stages.work / "first/half", "other")  # that of the original is none of the copy's business
    assert stages(copied) == (1, 1)
    rewrite(stages.corpus / "a.wav", "louder")
    assert stages(copied) == (1, 2)


def test_a_run_that_was_cut_off_goes_on_in_the_folder_that_was_moved(stages, tmp_path):
    stages.second.error = KeyboardInterrupt()
    stages(stages.work, resumable=True)
    stages.second.error = None
    stages(move(stages.work, tmp_path / "disk/work"), resumable=True)
    assert [job.resuming for job in stages.second.jobs] == [False, True]


def test_paths_of_what_came_along(tmp_path):
    """The part in which the two places differ at their beginning has moved."""
    (tmp_path / "b/x").mkdir(parents=True)
    for name in ("b/x/data", "b/known"):
        (tmp_path / name).write_text("")
    (tmp_path / "b/x/exp").mkdir()
    paths = [str(tmp_path / name) for name in ("a/data", "a/gone", "known", "a")] + ["/" + "x" * 5000]
    record = {"place": str(tmp_path / "a/exp"), "inputs": {path: [0, 0, ""] for path in paths}, "facts": {},
              "command": f"python -m toy --data {paths[0]} --out '{tmp_path}/a/exp' --extra 'a b' --known {paths[2]}"}
    found = as_it_lies(record, tmp_path / "b/x/exp")
    assert found["command"] == (f"python -m toy --data {tmp_path}/b/x/data --out {tmp_path}/b/x/exp --extra 'a b' "
                                f"--known {paths[2]}")
    assert list(found["inputs"]) == [str(tmp_path / "b/x/data"), *paths[1:]]
    assert found["place"] == str(tmp_path / "b/x/exp") and record["place"] == str(tmp_path / "a/exp")
    assert as_it_lies({"inputs": {"/a": 1}}, tmp_path) == {"inputs": {"/a": 1}}  # of an earlier version
    os.rename(tmp_path / "b/x", tmp_path / "a")
    assert as_it_lies(record, tmp_path / "a/exp") is record


def test_relative_paths_of_a_command_are_from_where_it_ran(tmp_path):
    """As of a recipe, which runs in the checkout and writes below it."""
    for name in ("b/x/work/cuts", "checkout/lm/data", "b/x/split"):
        (tmp_path / name).mkdir(parents=True)

    def found(ran, words):
        record = {"place": str(tmp_path / "checkout/work/exp"), "command": f"python -m toy {words}",
                  "runs": [{"folder": "/first"}, {"folder": str(tmp_path / ran), "nj": 3}]}
        now = as_it_lies(record, tmp_path / "b/x/work/exp")
        assert now["runs"][0] == {"folder": "/first"} and now["runs"][1]["nj"] == 3 and len(now["runs"]) == 2
        return now["runs"][1]["folder"], now["command"].split()[3:]
    # the checkout is where it was, and has what is not in the work folder; a word without a slash may be no path
    assert found("checkout", "--a work/cuts --b ./lm/data --c work/gone split s.x=0.5/2") == (
        str(tmp_path / "checkout"),
        ["--a", f"{tmp_path}/b/x/work/cuts", "--b", f"{tmp_path}/checkout/lm/data", "--c", "work/gone", "split",
         "s.x=0.5/2"])
    # it ran in the work folder, which has moved
    assert found("checkout/work", "--a ./cuts --b ../lm/data --c cuts") == (
        str(tmp_path / "b/x/work"),
        ["--a", f"{tmp_path}/b/x/work/cuts", "--b", f"{tmp_path}/checkout/lm/data", "--c", "cuts"])
