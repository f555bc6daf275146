"""tools/recipe.sh, with a toy recipe whose program is a stage program of a few lines."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.tools.test_frontdoor import ROOT, bash

RECIPE = f"""#!/usr/bin/env bash
# toy: two programs in three stages.
#
# A second paragraph.
. {ROOT}/tools/recipe.sh
# not part of the help
stage 0 "the toy's beginning"
run toy_program --out "$work/a" --toy "$corpus"

big() {{
  stage 1 "a loop"
  for split in train dev; do
    run toy_program --split $split --out "$work/$split"
  done
  stage 2 "of a system"
  run toy_program --system $chosen_system --split $chosen_system --out "$work/$chosen_system$seeded"
}}
system one "the first" big
system two "the second" big

stage 3 "the end"
run toy_program --out "$work/b" ${{TOY_FAILS:+--split fail}}
"""
PROGRAM = """
import dataclasses, json, sys, time
from tools.frame.program import Job, Program

PROGRAM = (Program("toy_program", "A toy.", options={"am": "toy_program:Options"})
           .argument("--split").argument("--toy"))


@dataclasses.dataclass(frozen=True)
class Options:
    epochs: int = dataclasses.field(default=1, metadata={"help": "passes"})
    seed: int = dataclasses.field(default=1, metadata={"help": "seed"})
    sleep: float = dataclasses.field(default=0.0, metadata={"help": "seconds"})


def work(job: Job):
    print(json.dumps(sys.argv[1:]))
    (job.out / "epochs").write_text(str(job.options("am").epochs))
    time.sleep(job.options("am").sleep)
    if job.args.split == "fail":
        sys.exit(7)


if __name__ == "__main__":
    PROGRAM.main(work)
"""


@pytest.fixture
def toy(tmp_path):
    """Runs the toy recipe from tmp_path; gives the finished process."""
    folder = tmp_path / "recipes" / "toy"
    (folder / "conf").mkdir(parents=True)
    (folder / "run.sh").write_text(RECIPE)
    (folder / "conf" / "default.conf").write_text("[am]\nepochs = 2\n")
    (tmp_path / "toy_program.py").write_text(PROGRAM)

    def run(*arguments, **variables):
        return bash(f'bash {folder}/run.sh "$@"', *arguments, cwd=tmp_path, PYTHONPATH=str(tmp_path),
                    HYBRID_ASR_PYTHON=sys.executable, **variables)

    return run


def calls(done):
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


def test_recipe_named_from_anywhere(toy, tmp_path):
    for cwd, name in ((tmp_path, "recipes/toy"), (tmp_path, "recipes/toy/run.sh"), (ROOT, "egs/synth/")):
        done = bash(f'{ROOT}/run.sh "$1" --help', name, cwd=cwd)
        assert done.returncode == 0 and "Stages:" in done.stdout, done.stderr


def test_recipe_help_shows_stages_and_runs_nothing(toy, tmp_path):
    done = toy("--help")
    assert done.returncode == 0
    assert "toy: two programs in three stages.\n\nA second paragraph.\n" in done.stdout
    assert "not part of the help" not in done.stdout
    assert "  0  the toy's beginning\n  1  a loop\n  2  of a system\n  3  the end\n" in done.stdout
    assert not (tmp_path / "recipes/toy/work").exists()


def test_the_path_of_a_corpus_is_made_absolute_and_a_link_stays(toy, tmp_path):
    (tmp_path / "disk/speech/part").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk/speech")
    for given, path in (("link/", "link"), ("./link/part/..", "link"), ("disk/../link", "link"),
                        ("none/../gone", "gone"), ("link/../other", "disk/other"), ("link/..", "disk")):
        done = toy("--stop-stage", 0, "--corpus", given)
        assert done.returncode == 0, done.stderr
        assert json.dumps(str(tmp_path / path)) in done.stdout or "up to date" in done.stdout, given


def test_recipe_hands_conf_nj_and_overrides_to_every_program(toy, tmp_path):
    done = toy("--nj", 3, "am.epochs=5", "--corpus", "data set", "--by-content")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "recipes" / "toy"
    end = ["--conf", f"{folder}/conf/default.conf", "--nj", "3", "--by-content", "am.epochs=5"]
    assert calls(done) == [
        ["--out", f"{folder}/work/a", "--toy", f"{tmp_path}/data set", *end],
        *(["--split", split, "--out", f"{folder}/work/{split}", *end] for split in ("train", "dev")),
        ["--system", "one", "--split", "one", "--out", f"{folder}/work/one", *end],
        ["--out", f"{folder}/work/b", *end]]
    assert "=== stage 2: of a system (one)" in done.stdout


def test_second_run_has_nothing_to_do_and_systems_share_what_is_named_alike(toy):
    assert len(calls(toy())) == 5
    again = toy("--systems", "all")
    assert [call[call.index("--out") + 1].split("/")[-1] for call in calls(again)] == ["two"]
    assert again.stdout.count("/train is up to date") == 1


def test_each_seed_has_its_folders_and_what_they_share_is_made_once(toy):
    assert len(calls(toy())) == 5
    done = toy("--seeds", "2,3", "am.epochs=2")
    made = {call[call.index("--out") + 1].split("/")[-1]: call[-2:] for call in calls(done)}
    assert made == {f"one_seed{seed}": [f"am.seed={seed}", f"e2e.seed={seed}"] for seed in (2, 3)}, done.stderr
    assert "=== stage 2: of a system (one, seed 3)" in done.stdout
    assert done.stdout.count("/train is up to date") == 1
    for seeds in ("2,", "a", "1 2", "-1"):
        assert f"--seeds: expected numbers such as 1,2,3, found '{seeds}'" in toy("--seeds", seeds).stderr


def test_stage_range_work_and_conf_are_relative_to_the_caller(toy, tmp_path):
    for name in ("my.conf", "more.conf"):
        (tmp_path / name).write_text("")
    done = toy("--stage=1", "--stop-stage", 1, "--work", "out", "--conf", "my.conf", "--nj", 1, "--conf", "more.conf")
    assert done.returncode == 0, done.stderr
    confs = [f"{tmp_path}/recipes/toy/conf/default.conf", f"{tmp_path}/my.conf", f"{tmp_path}/more.conf"]
    assert [call[:2] + call[4:] for call in calls(done)] == [  # those of the user win
        ["--split", split, *(word for conf in confs for word in ("--conf", conf)), "--nj", "1"]
        for split in ("train", "dev")]
    assert "beginning" not in done.stdout and "the end" not in done.stdout
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left == [".checked", ".lock", "dev", "run.log", "train"]


def test_options_of_one_system_win_over_those_of_all(toy, tmp_path):
    work = tmp_path / "recipes/toy/work"
    assert toy("--systems", "one,two", "am.two.epochs=7").returncode == 0
    assert [(work / name / "epochs").read_text() for name in ("one", "two", "train")] == ["2", "7", "2"]
    assert "am.epochs = 7" in toy("--list-options", "am.two.epochs=7").stdout.replace("  ", " ")


@pytest.mark.parametrize("option, message", [
    ("am.epoch=3", "am.epoch"),
    ("am.epochs=abc", "am.epochs"),
    ("am.two.epochs=abc", "epochs"),
    ("ctc.epochs=3", "options section [ctc]: expected one that a stage of this recipe reads (am)"),
    ("am.three.epochs=3", "options section [am.three]: expected a system of this recipe (one, two)"),
])
def test_every_option_of_every_stage_is_checked_before_the_first(toy, option, message):
    done = toy(option, "--stage", 1)
    assert done.returncode == 2 and calls(done) == []
    assert message in done.stderr and "Traceback" not in done.stderr


def test_recipe_stops_at_a_failure_and_says_how_to_go_on(toy, tmp_path):
    done = toy("--nj", 2, "am.epochs=5", "--stage", 1, TOY_FAILS="1")
    assert done.returncode == 7
    assert "FAILED in stage 3 (the end): python -m toy_program" in done.stderr
    assert "recipes/toy --nj 2 am.epochs=5 --stage 3" in done.stderr
    log = (tmp_path / "recipes/toy/work/run.log").read_text()
    for text in ('["--split", "dev"', "=== stage 3: the end", "FAILED in stage 3"):
        assert text in log


@pytest.mark.parametrize("arguments, message", [
    (["--stage"], "--stage needs a value"),
    (["--stage", "99999999999999999999"], "--stage: expected a whole number"),
    (["--systems", "three"], "--systems: expected some of one two (or all), found 'three'"),
    (["--systems", ",,"], "--systems: expected some of one two (or all), found none"),
    (["--work", ""], "--work: expected a folder, found none"),
    (["--stage", "x"], "--stage: expected a whole number of at least 0, found 'x'"),
    (["--nj", "0"], "--nj: expected a whole number of at least 1, found '0'"),
    (["--stage", "4"], "--stage 4: the last stage is 3"),
    (["--stage", "2", "--stop-stage", "1"], "--stop-stage 1 comes before --stage 2"),
    (["--conf", "nosuch.conf"], "--conf nosuch.conf: expected a file"),
    (["--bogus", "1"], "unknown option --bogus"),
    (["epochs=3"], "argument 'epochs=3': expected an option or section.key=value"),
])
def test_recipe_refuses_bad_arguments_before_any_work(toy, tmp_path, arguments, message):
    done = toy(*arguments)
    assert done.returncode == 1
    assert message in done.stderr and "--help" in done.stderr
    assert not (tmp_path / "recipes/toy/work").exists()


def test_recipe_through_links_to_its_file_and_its_folder(toy, tmp_path):
    (tmp_path / "link.sh").symlink_to(ROOT / "egs/synth/run.sh")
    (tmp_path / "folder").symlink_to(ROOT / "egs/synth")
    for name in ("link.sh", "folder/run.sh"):
        done = bash(f"bash {name} --help", cwd=tmp_path)
        assert done.returncode == 0 and "Usage: ./run.sh egs/synth" in done.stdout, done.stderr


# --- locks, signals, closed outputs

def started(toy_folder, *arguments, **more):
    """The toy recipe in the background, once its first program sleeps."""
    environment = {**os.environ, "PYTHONPATH": str(toy_folder), "HYBRID_ASR_PYTHON": sys.executable}
    process = subprocess.Popen(
        ["bash", str(toy_folder / "recipes/toy/run.sh"), *arguments], cwd=toy_folder, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True, **more)
    wait_for(lambda: (toy_folder / "recipes/toy/work/a.unfinished/epochs").exists())
    return process


def wait_for(happened, seconds=20.0):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def members(session):
    """Processes of a session."""
    found = subprocess.run(["ps", "-eo", "sid=,stat="], capture_output=True, encoding="utf-8").stdout
    return [line for line in found.splitlines() if line.split()[0] == str(session) and "Z" not in line.split()[1]]


def test_a_second_run_in_a_work_folder_is_told_who_has_it(toy, tmp_path):
    first = started(tmp_path, "am.sleep=30")
    second = toy("am.sleep=30")
    assert second.returncode != 0 and calls(second) == []
    assert f"process {first.pid} since" in second.stderr
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate(timeout=10)
    assert toy("--stop-stage", 0).returncode == 0


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_to_the_recipe_alone_ends_all_of_it(toy, tmp_path, number, status):
    process = started(tmp_path, "am.sleep=30")
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == status and "interrupted in stage 0" in errors and "--stage 0" in errors
    wait_for(lambda: not members(process.pid), 5)


def test_a_recipe_killed_outright_leaves_no_program_behind(toy, tmp_path):
    process = started(tmp_path, "am.sleep=30")
    process.kill()
    wait_for(lambda: not members(process.pid), 5)
    process.communicate(timeout=10)


def test_closed_output_ends_the_recipe_without_a_false_alarm(toy, tmp_path):
    done = bash(f"set -o pipefail; bash {tmp_path}/recipes/toy/run.sh am.sleep=1 | head -n 1", cwd=tmp_path,
                PYTHONPATH=str(tmp_path), HYBRID_ASR_PYTHON=sys.executable)
    assert done.returncode == 141
    assert "nobody reads the output any more" in done.stderr and "FAILED" not in done.stderr


def test_a_work_folder_that_cannot_be_written_into_is_one_line(toy, tmp_path):
    for work in ("/proc/w", "/sys"):
        done = toy("--work", work)
        assert done.returncode != 0
        assert len(done.stderr.strip().splitlines()) == 1 and f"--work {work}" in done.stderr


@pytest.mark.parametrize("name", sorted(path.parent.name for path in ROOT.glob("egs/*/run.sh")))
def test_what_a_recipe_would_run_is_taken_by_its_programs(name, tmp_path):
    from tools.recipe.check import check, read_plan
    script = ROOT / "egs" / name / "run.sh"
    listed, plan = (subprocess.run(["bash", script, "--work", tmp_path], capture_output=True, check=True,
                                   env={**os.environ, "RECIPE_MODE": mode}).stdout for mode in ("list", "plan"))
    systems = [line.split()[1] for line in listed.decode().splitlines() if line.startswith("system ")]
    planned = read_plan(plan)
    check(planned, systems)
    written = []
    for one in planned:
        out = one.arguments[one.arguments.index("--out") + 1] if "--out" in one.arguments else None
        for argument in one.arguments:
            if argument.startswith(f"{tmp_path}/exp/") and argument != out:
                assert any(f"{argument}/".startswith(f"{folder}/") for folder in written), argument
        written += [out] if out else []
    assert {f"{tmp_path}/exp/score_{system}" for system in systems} <= set(written)
