"""tools/recipe/check.py: the plan of a recipe, its lock, and options that are refused before the first stage."""

import fcntl
import os
import re
import subprocess
import sys

import pytest

from graphs.errors import InputError
from tests.tools.test_frontdoor import ROOT
from tools.recipe import check
from tools.recipe.check import Planned

PROGRAMS = {
    "toy_data": """
import dataclasses
from tools.frame.program import Program


@dataclasses.dataclass(frozen=True)
class Options:
    size: int = dataclasses.field(default=3, metadata={"help": "of the corpus"})


PROGRAM = Program("toy_data", "Data.", options={"corpus": "toy_data:Options"})
""",
    "toy_train": """
import dataclasses
from graphs.options import choice
from tools.frame.program import Program


@dataclasses.dataclass(frozen=True)
class Narrow:
    width: int = 1


@dataclasses.dataclass(frozen=True)
class Deep:
    depth: int = 2


@dataclasses.dataclass(frozen=True)
class Options:
    epochs: int = 1
    arch: object = choice({"narrow": Narrow, "deep": Deep}, "narrow", "network")


@dataclasses.dataclass(frozen=True)
class Search:
    beam: float = 15.0


PROGRAM = Program("toy_train", "Trains.", options={"am": "toy_train:Options", "search": "toy_train:Search"}).argument(
    "--section")
""",
    "toy_plain": "",
    "toy_lacking": "import a_package_that_is_nowhere\n",
    "toy_broken": "import tools.nowhere\n"}


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch):
    for name, text in PROGRAMS.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in PROGRAMS:
        sys.modules.pop(name, None)


def planned(*words):
    """Data, then two systems; words: options of the user."""
    more = ["--out", "x", *words]
    return [Planned("1", "toy_data", more), Planned("2", "toy_train", ["--system", "one", *more]),
            Planned("2", "toy_train", ["--system", "two", *more])]


def written(plan):
    return b"".join(b"".join(os.fsencode(field) + b"\0" for field in (
        one.stage, str(1 + len(one.arguments)), one.module, *one.arguments)) for one in plan)


def refusal(function, *arguments):
    with pytest.raises(InputError) as caught:
        function(*arguments)
    return str(caught.value)


# ---- the plan


def test_a_plan_is_read_as_it_was_written():
    plan = [Planned("0", "a.b", []), Planned("10", "c", ["--text", "", "two words", "n\nl", os.fsdecode(b"\xff")]),
            Planned("2", "d", ["x"])]
    assert check.read_plan(written(plan)) == plan and check.read_plan(b"") == []


def test_programs_are_found_and_what_is_not_of_the_project_is_left_to_the_run():
    assert check.program_of(Planned("1", "toy_data", [])).name == "toy_data"
    assert check.program_of(Planned("1", "toy_plain", [])) is None
    assert check.program_of(Planned("1", "toy_lacking", [])) is None
    for module in ("toy_nowhere", "toy_broken", "tools.nowhere.at_all"):
        assert refusal(check.program_of, Planned("7", module, [])) == (
            f"stage 7: expected a module of the project, found {module}")


def test_sections_are_those_of_the_program_and_of_its_system():
    def sections(*arguments):
        program = check.program_of(Planned("2", "toy_train", []))
        return check.sections_of(program, program.parse(["--out", "x", *arguments]))

    assert sections() == {"am", "search"}
    assert sections("--system", "one", "--section", "dnn") == {"dnn", "dnn.one", "search", "search.one"}


# ---- options


@pytest.mark.parametrize("words", [
    (), ("am.epochs=3", "am.two.epochs=4", "search.one.beam=3", "corpus.size=1"), ("am.arch=deep", "am.depth=3"),
    ("am.width=2", "am.two.arch=deep", "am.two.depth=3")])
def test_options_that_the_stages_take_are_no_errors(words):
    check.check(planned(*words), ["one"])


@pytest.mark.parametrize("word, message", [
    ("ctc.epochs=1",
     "options section [ctc]: expected one that a stage of this recipe reads (corpus, am, search), found ctc"),
    ("am.three.epochs=1", "options section [am.three]: expected a system of this recipe (one, two), found three"),
    ("corpus.one.size=1",
     "options section [corpus.one]: expected a section with options of systems (am, search), found corpus"),
    ("corpus.size=x", "option corpus.size: expected a whole number, found 'x' (stage 1, toy_data)"),
    ("am.epochs=x", "option am.epochs: expected a whole number, found 'x' (stage 2, toy_train, system one)"),
    ("am.two.epochs=x", "option am.epochs: expected a whole number, found 'x' (stage 2, toy_train, system two)"),
    ("search.bean=1", "option search.bean: expected one of beam, found bean; did you mean beam? (stage 2, toy_train, "
                      "system one)")])
def test_the_first_option_that_no_stage_takes_is_named_with_its_stage(word, message):
    assert refusal(check.check, planned(word), ["one"]) == message


def test_conf_files_are_read_as_words_are(tmp_path):
    (tmp_path / "my.conf").write_text("[corpus]\nsize = 1\n[am.four]\nepochs = 1\n")
    plan = [one._replace(arguments=[*one.arguments, "--conf", str(tmp_path / "my.conf")]) for one in planned()]
    assert refusal(check.check, plan, []).startswith("options section [am.four]: expected a system of this recipe")
    assert "[am.four]" not in refusal(check.check, planned("ctc.epochs=1"), [])


def test_options_that_a_stage_has_written_may_be_for_systems_that_a_recipe_lacks(tmp_path):
    """The first program has those of the user alone."""
    (tmp_path / "chosen.conf").write_text("[am.four]\nepochs = 1\n")
    first, *others = planned()
    check.check([first, *(one._replace(arguments=[*one.arguments, "--conf", str(tmp_path / "chosen.conf")])
                          for one in others)], ["one"])


def test_options_of_another_network_may_be_meant_for_systems_that_do_not_run():
    """`am.depth` is of deep networks: that of two, and not of one."""
    plan = planned("am.two.arch=deep", "am.depth=5")
    check.check(plan, ["two"])
    message = ("option am.depth: expected an option of arch = narrow (width), found depth, one of arch = deep "
               "(stage 2, toy_train, system one)")
    assert refusal(check.check, plan, ["one"]) == refusal(check.check, plan, ["two", "one"]) == message
    plan[1].arguments[:2] = []  # of no system: always meant
    assert refusal(check.check, plan, ["two"]) == message.replace(", system one", "")
    assert "'x'" in refusal(check.check, planned("am.one.epochs=x"), ["two"])  # a bad value is one for all


def test_a_plan_without_programs_has_nothing_to_check():
    check.check([], [])
    check.check([Planned("1", "toy_plain", ["am.nothing=1"]), Planned("1", "toy_lacking", [])], [])


def test_options_are_listed_once_a_system_and_those_of_other_choices_once():
    plan = planned("am.two.epochs=4")
    lines = check.list_options([*plan, Planned("3", "toy_plain", []), *plan])
    assert [line for line in lines if line.startswith("[")] == [
        "[corpus]", "[am] of system one", "[am] with arch = deep", "[search] of system one", "[am] of system two",
        "[search] of system two"]
    assert lines[-1] == "" and lines.count("") == 6 and "" not in (lines[0], lines[1])
    assert [line.split("  ")[1] for line in lines if "epochs" in line] == ["am.epochs = 1", "am.epochs = 4"]


def test_blocks_of_one_title_stand_together():
    first, second = planned()[1], planned("am.epochs=2")[1]
    lines = check.list_options([first, planned()[0], second])
    assert [line for line in lines if line.startswith("[")] == [
        *["[am] of system one"] * 2, "[am] with arch = deep", "[search] of system one", "[corpus]"]


# ---- what was found good


def test_a_plan_is_checked_again_when_it_its_options_or_the_code_have_changed(tmp_path, monkeypatch):
    checked = []
    monkeypatch.setattr(check, "check", lambda plan, chosen: checked.append((plan, chosen)))
    monkeypatch.setattr(check, "ROOT", tmp_path / "project")
    code = tmp_path / "project/hybrid/data/thing.py"
    code.parent.mkdir(parents=True)
    code.write_text("a = 1\n")
    conf, work = tmp_path / "my.conf", tmp_path / "work"
    conf.write_text("[am]\n")
    work.mkdir()

    def times(*words, chosen=("one",)):
        plan = planned("--conf", str(conf), *words)
        check.check_once(written(plan), work, chosen)
        assert checked[-1][0] == plan or not words
        return len(checked)

    assert [times(), times()] == [1, 1] and re.fullmatch("[0-9a-f]{64}", (work / ".checked").read_text())
    assert [times("am.epochs=1"), times("am.epochs=1")] == [2, 2]
    assert [times(chosen=("two",)), times(chosen=("one", "two")), times(chosen=("one", "two"))] == [3, 4, 4]
    conf.write_text("[am]\nepochs = 1\n")
    assert [times(), times()] == [5, 5]
    code.write_text("a = 11\n")
    assert [times(), times()] == [6, 6]
    os.utime(code, ns=(1, 1))
    assert [times(), times()] == [7, 7]
    (tmp_path / "project/egs").mkdir()
    (tmp_path / "project/egs/new.py").touch()
    assert [times(), times()] == [8, 8]
    (tmp_path / "project/tests").mkdir()
    (tmp_path / "project/tests/new.py").touch()
    assert times() == 8


def test_the_code_is_that_of_the_project():
    files = "graphs/ids.py hybrid/data/audio.py tools/recipe/check.py egs/splits.py"
    assert {ROOT / name for name in files.split()} <= {*check._code()}


def test_what_was_found_bad_is_checked_again(tmp_path):
    for _ in range(2):
        assert "[ctc]" in refusal(check.check_once, written(planned("ctc.epochs=1")), tmp_path, ["one"])
        assert not (tmp_path / ".checked").exists()
    check.check_once(written(planned()), tmp_path, ["one"])
    assert (tmp_path / ".checked").exists()


# ---- the lock


def test_a_lock_says_who_has_the_folder(tmp_path, monkeypatch):
    path = tmp_path / ".lock"
    path.write_text("what was here before, and was longer than what comes, much longer, " * 5)
    monkeypatch.setenv("RECIPE_COMMAND", "./run.sh egs/toy")
    with open(path, "a") as first, open(path, "a") as second:
        check.lock(first.fileno(), tmp_path)
        told = path.read_text()
        date = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
        assert re.fullmatch(rf"process {os.getppid()} since {date}: \./run\.sh egs/toy\n", told)
        assert refusal(check.lock, second.fileno(), tmp_path) == (
            f"--work {tmp_path}: expected no other run in it, found {told.strip()}")
        path.write_text("")
        assert refusal(check.lock, second.fileno(), tmp_path) == (
            f"--work {tmp_path}: expected no other run in it, found another run")
        fcntl.flock(first.fileno(), fcntl.LOCK_UN)
        monkeypatch.delenv("RECIPE_COMMAND")
        check.lock(second.fileno(), tmp_path)
        assert path.read_text().endswith(": a recipe\n")
    check.lock(999999, tmp_path)  # what cannot be locked, as on some file systems, is not


# ---- the program


def main(plan, monkeypatch, *arguments):
    class Input:
        class buffer:
            read = staticmethod(lambda: written(plan))

    monkeypatch.setattr(sys, "stdin", Input)
    return check.main(list(map(str, arguments)))


def test_its_status_and_what_it_says(tmp_path, monkeypatch, capsys):
    assert main(planned(), monkeypatch, "--work", tmp_path, "--systems", "one two") == 0
    assert capsys.readouterr() == ("", "") and (tmp_path / ".checked").exists()
    assert main(planned("am.depth=3", "am.one.arch=deep"), monkeypatch, "--work", tmp_path, "--systems", "one") == 0
    assert main(planned("am.depth=3", "am.one.arch=deep"), monkeypatch, "--work", tmp_path, "--systems", "one two") == 2
    assert capsys.readouterr().err.startswith("error: option am.depth: expected an option of arch = narrow (width)")
    assert main(planned("ctc.epochs=1"), monkeypatch, "--list") == 0  # is not checked
    listed = capsys.readouterr().out
    assert listed == "\n".join(check.list_options(planned())) + "\n" and "corpus.size = 3" in listed
    with open(tmp_path / ".lock", "a") as mine, open(tmp_path / ".lock", "a") as other:
        assert main(planned(), monkeypatch, "--work", tmp_path, "--lock", mine.fileno()) == 0
        assert main(planned(), monkeypatch, "--work", tmp_path, "--lock", other.fileno()) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"error: --work {tmp_path}: expected no other run in it, found process ")


def test_a_list_that_nobody_reads_ends_quietly(tmp_path):
    plan = [Planned("1", "egs.yesno.prepare", ["--out", "x"])]
    read, write = os.pipe()
    os.close(read)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run([sys.executable, "-m", "tools.recipe.check", "--list"], cwd=ROOT, input=written(plan),
                          stdout=write, stderr=subprocess.PIPE, env=buffered)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")
