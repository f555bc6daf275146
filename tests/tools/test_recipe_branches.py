"""tools/recipe.sh, every way it can go: in a small project of its own, with a Python that only notes what is asked."""

import os
import re
import subprocess

import pytest

from tests.tools.shell_project import RECIPE, Project
from tests.tools.test_frontdoor import ROOT, executable
from tools.recipe.check import read_plan


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


def calls_of(done):
    """Stage, program and folder of the output."""
    return [(call.split()[0], call.split()[1], (re.findall(r"--out (\S+)", call) or [""])[0]) for call in done.calls]


# ---- what is run


def test_paths_inside_the_project_are_relative_to_it_and_all_is_logged(project):
    done = project.run("--nj", 2, "--corpus", "data set", "--conf", "egs/toy/conf/default.conf", "am.epochs=3")
    assert done.returncode == 0, done.stderr
    end = "--conf egs/toy/conf/default.conf --conf egs/toy/conf/default.conf --nj 2 am.epochs=3"
    assert done.calls == [
        f"10 toy.last --tests test {end}",
        f"9 toy.chosen --out egs/toy/work/exp/chosen --corpus {project.folder}/data set {end}",
        f"9 toy.inner --system one --out egs/toy/work/exp/one {end}"]
    assert done.stdout.startswith("-m tools.recipe.check --work=egs/toy/work --lock 9 --systems one ")
    assert re.search(r"=== stage 10: the last   \(0 min \d s\)\n", done.stdout)
    assert done.stdout.endswith(" s\n") and "\negs/toy: done in 0 min " in done.stdout
    log = (project.recipe / "work/run.log").read_text()
    command = "./run.sh egs/toy --nj 2 --corpus data\\ set --conf egs/toy/conf/default.conf am.epochs=3"
    assert re.match(r"\n##### \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  " + re.escape(f"{command} --stage 0\n"), log)
    assert re.search(r"\ncommit \S+, a summary\n", log) and "=== stage 9: options   (" in log and "done in" in log


def test_written_options_stand_between_the_defaults_and_the_users(project):
    (project.recipe / "work").mkdir()
    (project.recipe / "work/chosen.conf").touch()
    (project.folder / "my.conf").touch()
    plan = project.plan("--conf", "my.conf")
    confs = [[value.rsplit("/", 1)[1] for flag, value in zip(one.arguments, one.arguments[1:]) if flag == "--conf"]
             for one in plan if one.module in ("toy.last", "toy.chosen")]
    assert confs == [["default.conf", "my.conf"], ["default.conf", "chosen.conf", "my.conf"]]
    (project.recipe / "conf/default.conf").unlink()
    assert "--conf" not in project.plan()[0].arguments


def test_all_systems_are_planned_and_what_one_stands_on_goes_by_its_own_name(project):
    plan = project.plan("--by-content", "--systems", "one")
    assert all("--by-content" in one.arguments for one in plan)
    inner = [one.arguments[1] for one in plan if one.module == "toy.inner"]
    assert inner == ["one", "one", "two"] and plan[-1].module == "tools.compare"
    assert {one.stage for one in plan} == {"9", "10", "12"}


def test_systems_and_seeds_that_are_asked_for_and_shared_work_once(project):
    assert [call[1:] for call in calls_of(project.run("--systems", "two,one", "--stop-stage", 9))] == [
        ("toy.chosen", "egs/toy/work/exp/chosen"), ("toy.inner", "egs/toy/work/exp/one"),
        ("toy.inner", "egs/toy/work/exp/two"), ("toy.shared", "egs/toy/work/exp/shared")]
    done = project.run("--systems", "two", "--seeds", "4,5", "--stage", 9)
    assert [out for _, program, out in calls_of(done)] == [
        out and f"egs/toy/work/exp/{out}" for out in (
            "", "chosen", "one_seed4", "two_seed4", "shared", "one_seed5", "two_seed5", "comparison")]
    seeded = [re.findall(r"(?:am|e2e)\.seed=\d", call) for call in done.calls if "toy.inner" in call]
    assert seeded == [["am.seed=4", "e2e.seed=4"]] * 2 + [["am.seed=5", "e2e.seed=5"]] * 2
    assert not any("seed=" in call for call in done.calls if "toy.inner" not in call)


@pytest.mark.parametrize("arguments, compared", [
    ([], False), (["--systems", "two"], False), (["--systems", "all"], True), (["--seeds", "1"], False),
    (["--seeds", "1,2"], True), (["--systems", "one,two", "--stop-stage", "11"], False)])
def test_several_systems_or_seeds_are_compared(project, arguments, compared):
    done = project.run(*arguments)
    assert done.returncode == 0 and any("tools.compare" in call for call in done.calls) is compared


def test_without_tests_the_dev_set_is_compared(project):
    done = project.run("--no-tests", "--systems", "all")
    assert done.calls[0].startswith("10 toy.last --tests  --conf")
    assert done.calls[-1].startswith(
        "12 tools.compare --work egs/toy/work --tests dev --title toy --out egs/toy/work/exp/comparison ")
    assert " --no-tests --systems all --stage 0\n" in (project.recipe / "work/run.log").read_text()


def test_options_are_listed_without_a_work_folder(project):
    done = project.run("--list-options", "am.epochs=3")
    assert (done.returncode, done.stdout) == (0, "-m tools.recipe.check --list ")
    assert not (project.recipe / "work").exists() and done.calls == []
    planned = read_plan((project.folder / "calls.plan").read_bytes())
    assert len(planned) == 7 and planned[0].arguments[-1] == "am.epochs=3"


def test_help_has_stages_in_the_order_of_their_numbers_and_the_first_system_as_default(project):
    for word in ("--help", "-h"):
        done = project.run("--nj", 1, word)
        assert done.returncode == 0 and done.calls == []
        assert ("Stages:\n  9  options\n  10  the last\n  12  comparison of the systems, as tables and as a page\n"
                in done.stdout)
        assert "Systems:\n  one: the first\n  two: on the first\n" in done.stdout
        assert "or all (default: one)" in done.stdout and "Usage: ./run.sh egs/toy [options]" in done.stdout


# ---- what cannot be run


@pytest.mark.parametrize("arguments, message", [
    (["--corpus", ""], "--corpus: expected a folder, found none"),
    (["--work="], "--work: expected a folder, found none"), (["--stage", "--nj", "2"], "--stage needs a value"),
    (["--nj=0"], "--nj: expected a whole number of at least 1, found '0'"),
    (["--stage=-1"], "--stage: expected a whole number of at least 0, found '-1'"),
    (["--stop-stage", "1234567890"], "--stop-stage: expected a whole number of at least 0, found '1234567890'"),
    (["--stage", "13"], "--stage 13: the last stage is 12"), (["--systems", "one, tow"], "found 'tow'"),
    (["--conf", "egs"], "--conf egs: expected a file, found none"), (["-x"], "unknown option -x"),
    (["am=3"], "argument 'am=3': expected an option or section.key=value")])
def test_arguments_that_cannot_be(project, arguments, message):
    done = project.run(*arguments)
    assert (done.returncode, done.calls) == (1, []) and not (project.recipe / "work").exists()
    assert done.stderr.startswith("error: ") and message in done.stderr.splitlines()[0]
    assert done.stderr.endswith("\n  See ./run.sh egs/toy --help\n")


@pytest.mark.parametrize("script, message", [
    ("", "run.sh has no line such as: stage 0 \"title\""),
    ("run toy.early\nstage 0 \"late\"\n", "run.sh: `run toy.early` stands before the first `stage`"),
    ("stage 0 \"a\"\nsystem one \"odd\" hybrid --alinement dnn\n", "run.sh: system one: unknown argument --alinement")])
def test_a_recipe_that_cannot_be(project, script, message):
    project.write("".join(RECIPE.partition("stage 10")[:1]) + script)
    done = project.run()
    assert done.returncode == 1 and message in done.stderr and done.calls == []


def test_what_the_check_refuses_is_not_begun(project):
    done = project.run(CHECKED="2")
    assert (done.returncode, done.calls, done.stderr) == (2, [], "") and "=== stage" not in done.stdout


# ---- how it ends


@pytest.mark.parametrize("status, message", [
    (3, "FAILED in stage 10 (the last): python -m toy.last --tests test (exit status 3)"),
    (133, "(exit status 133)"),
    (137, "FAILED in stage 10 (the last): the system ended it, most likely for want of memory"),
    (132, "FAILED in stage 10 (the last): python -m toy.last crashed (signal 4)"), (134, "crashed (signal 6)"),
    (135, "crashed (signal 7)"), (139, "crashed (signal 11)"),
    (129, "interrupted in stage 10 (the last)"), (130, "interrupted in stage 10 (the last)"),
    (143, "interrupted in stage 10 (the last)"),
    (141, "stopped in stage 10 (the last): nobody reads the output any more")])
def test_a_program_that_fails_ends_it_with_its_status(project, status, message):
    done = project.run("--nj", 1, STATUS=str(status))
    assert (done.returncode, len(done.calls)) == (status, 1)
    said = done.stderr.strip().splitlines()
    assert len(said) == 3 and (said[0] == message or message.startswith("c") or message.startswith("("))
    assert message in said[0] and "no space left" not in said[0]
    assert said[1:] == ["the log: egs/toy/work/run.log", "to go on from here: ./run.sh egs/toy --nj 1 --stage 10"]
    log = (project.recipe / "work/run.log").read_text()
    assert log.endswith("\n".join(["", *said, ""]))


@pytest.mark.parametrize("df, full", [("echo disk 5 5 1023 9% /", True), ("echo disk 5 5 1024 9% /", False),
                                      ("exit 1", False)])
@pytest.mark.parametrize("status", [1, 139])
def test_a_full_disk_is_told_where_it_may_be_the_cause(project, df, full, status):
    executable(project.folder / "bin/df", f"#!/bin/sh\necho head\n{df}\n")
    done = project.run(STATUS=str(status), PATH=f"{project.folder}/bin:{os.environ['PATH']}")
    said = "; there is no space left on the disk of egs/toy/work\n"
    assert (said in done.stderr) is full and done.returncode == status


@pytest.mark.parametrize("lines, status, message", [
    ("false", 1, "FAILED in stage 9 (options), in {script} itself"),
    ("exit 4", 4, "FAILED in stage 9 (options), in {script} itself"),
    ("kill -TERM $$", 143, "interrupted in stage 9 (options)"),
    ("kill -HUP $$", 129, "interrupted in stage 9 (options)"),
    ("kill -PIPE $$", 141, "stopped in stage 9 (options): nobody reads the output any more")])
def test_what_goes_wrong_in_the_recipe_itself_is_told(project, lines, status, message):
    done = project.run(TOY=lines)
    assert done.returncode == status and "done in" not in done.stdout
    assert done.stderr.strip() == message.format(script=project.recipe / "run.sh")


# ---- the recipes


@pytest.mark.parametrize("name", ["an4", "custom", "synth"])
def test_the_networks_of_systems_start_from_a_trained_one_and_those_of_the_bootstrap_do_not(name, tmp_path):
    script = ["bash", ROOT / "egs" / name / "run.sh", "--work", tmp_path, "--systems", "all", "--start-from"]
    plan = read_plan(subprocess.run([*script, tmp_path], capture_output=True, check=True,
                                    env={**os.environ, "RECIPE_MODE": "plan"}).stdout)
    given = {one.stage: set() for one in plan if ".train_" in one.module and not one.module.endswith("_ngram")}
    for one in plan:
        if one.stage in given and ".train_" in one.module:
            given[one.stage].add(dict(zip(one.arguments, one.arguments[1:])).get("--start-from"))
    assert given == {"4": {None}, "6": {None}, "7": {str(tmp_path)}}
    done = subprocess.run([*script, tmp_path / "none"], capture_output=True, text=True)
    assert done.returncode == 1 and f"--start-from {tmp_path}/none: expected a model folder, found none" in done.stderr


@pytest.mark.parametrize("arguments", [["--seeds", "3"], ["--no-tests"]])
@pytest.mark.parametrize("name", sorted(path.parent.name for path in ROOT.glob("egs/*/run.sh")))
def test_what_a_recipe_reads_it_has_made_with_a_seed_or_without_test_sets(name, arguments, tmp_path):
    script = ROOT / "egs" / name / "run.sh"
    listed, plan = (subprocess.run(["bash", script, "--work", tmp_path, *arguments], capture_output=True, check=True,
                                   env={**os.environ, "RECIPE_MODE": mode}).stdout for mode in ("list", "plan"))
    systems = [line.split()[1] for line in listed.decode().splitlines() if line.startswith("system ")]
    written, ending = [], "_seed3" if "--seeds" in arguments else ""
    for one in read_plan(plan):
        out = one.arguments[one.arguments.index("--out") + 1] if "--out" in one.arguments else None
        for argument in one.arguments:
            if argument.startswith((f"{tmp_path}/exp/", f"{tmp_path}/features/")) and argument != out:
                assert any(f"{argument}/".startswith(f"{folder}/") for folder in written), argument
        assert "--no-tests" not in arguments or not (out or "").endswith("_test"), out
        written += [out] if out else []
    assert {f"{tmp_path}/exp/score_{system}{ending}" for system in systems} <= set(written)
