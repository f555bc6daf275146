"""run.sh and tools/setup, without setting anything up."""

import os
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bash(script, *arguments, cwd=ROOT, **variables):
    environment = {**os.environ, "VIRTUAL_ENV": "", "CONDA_PREFIX": "", **variables}
    return subprocess.run(["bash", "-c", script, "bash", *map(str, arguments)], cwd=cwd, env=environment,
                          capture_output=True, encoding="utf-8", timeout=60)


def executable(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


# --- run.sh

def test_help_names_every_command():
    done = bash("./run.sh --help")
    assert done.returncode == 0
    for word in ("egs/NAME", "test", "setup", "doctor", "--python", "--stop-stage", "--systems"):
        assert word in done.stdout
    assert "set -e" not in done.stdout


def test_a_link_to_it_finds_the_project(tmp_path):
    (tmp_path / "link.sh").symlink_to(ROOT / "run.sh")
    done = bash('"$1" egs/synth --help', tmp_path / "link.sh", cwd=tmp_path)
    assert done.returncode == 0 and "espeak-ng" in done.stdout


@pytest.mark.parametrize("word, hint", [("egs/nosuch", "egs/synth"), ("nosuch", "--help"),
                                        ("synth", "did you mean ./run.sh egs/synth")])
def test_unknown_command(word, hint):
    done = bash('./run.sh "$1"', word)
    assert done.returncode == 1
    assert f"'{word}'" in done.stderr and hint in done.stderr


def test_ci_runs_the_test_command():
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "exec ./run.sh test"
    for script in ("run.sh", ".ci/run", "tools/setup/setup.sh", "tools/setup/kaldifeat/build.sh"):
        assert os.access(ROOT / script, os.X_OK), script


# --- choice of the environment

@pytest.fixture
def choose(tmp_path):
    """Calls choose_environment with fake Pythons that have the named packages."""
    for name, packages in (("full", "torch lhotse"), ("torch_only", "torch"), ("bare", "")):
        executable(tmp_path / name / "bin/python", f"#!/bin/sh\necho {packages}\n")
    executable(tmp_path / "broken/bin/python", "#!/bin/sh\nexit 127\n")

    def call(asked="", active=""):
        script = (f'root={ROOT}; . tools/setup/environment.sh; choose_environment "$1"; '
                  'echo "$python:$bare_python"')
        return bash(script, tmp_path / asked / "bin/python" if asked else "",
                    VIRTUAL_ENV=str(tmp_path / active) if active else "")

    return call


@pytest.mark.parametrize("asked, active, used, made_from", [
    ("", "", "", ""), ("full", "", "full", ""), ("torch_only", "", "torch_only", ""),
    ("bare", "", "", "bare"), ("bare", "full", "", "bare"), ("", "full", "full", ""),
    ("", "torch_only", "", ""), ("", "bare", "", ""), ("", "broken", "", "")])
def test_choice_of_environment(choose, tmp_path, asked, active, used, made_from):
    done = choose(asked, active)
    path = {name: str(tmp_path / name / "bin/python") if name else "" for name in (used, made_from)}
    assert done.stdout.strip() == f"{path[used]}:{path[made_from]}"
    assert ("is not used" in done.stderr) == (active not in ("", "full"))


def test_python_that_does_not_run(choose):
    done = choose("broken")
    assert done.returncode == 1 and "broken/bin/python does not run" in done.stderr


def find_python(folder, asked=""):
    return bash(f'. {ROOT}/tools/setup/find_python.sh; find_python "$1"', asked,
                PATH=f"{folder}:/usr/bin:/bin", PYENV_ROOT="/nonexistent")


def test_find_python_passes_over_shims_that_do_not_work(tmp_path):
    executable(tmp_path / "python3.11", "#!/bin/sh\necho 'pyenv: command not found' >&2\nexit 127\n")
    executable(tmp_path / "python3.10", "#!/bin/sh\necho 3.10 yes /opt/somewhere/python\n")
    version = find_python(tmp_path).stdout.split()[0]
    assert version in ("3.10", "3.11")  # a real 3.11 of this machine comes first
    assert find_python(tmp_path, tmp_path / "python3.10").stdout == "3.10 yes /opt/somewhere/python\n"


def test_find_python_refuses_another_version(tmp_path):
    executable(tmp_path / "python", "#!/bin/sh\necho 3.13 yes /opt/python\n")
    done = find_python(tmp_path, tmp_path / "python")
    assert done.returncode == 1 and "Python 3.13 without torch" in done.stderr


# --- steps of the set-up

STEPS = f"""set -euo pipefail
environment=env log=log step_count=2 compiler_advice=compiler version=3.11
mkdir -p env; touch log
. {ROOT}/tools/setup/steps.sh
work() {{ echo working; [ "$1" != fails ]; echo "$1" >>done; }}
step one "first step" "$(digest "$1")" work "$1"
step two "second step" "$(digest "$2")" work "$2"
"""


def test_steps_are_done_once_and_go_on_after_a_failure(tmp_path):
    def steps(*arguments):
        return bash(STEPS, *arguments, cwd=tmp_path)

    done = steps("a", "fails")
    assert done.returncode == 1
    assert "[1/2] first step" in done.stdout
    assert "FAILED: [2/2] second step" in done.stderr and "What to do:" in done.stderr
    assert "first step" not in steps("a", "b").stdout
    assert steps("a", "b").stdout == ""
    assert "first step" in steps("c", "b").stdout  # its content changed
    assert (tmp_path / "done").read_text().split() == ["a", "b", "c"]


@pytest.mark.parametrize("output, advice", [
    ("OSError: [Errno 28] No space left on device", "disk space"),
    ("ReadTimeoutError: Read timed out.", "network"),
    ("fatal error: Python.h: No such file or directory", "python3.11-dev"),
    ("CMake Error: No CMAKE_CXX_COMPILER could be found.", "compiler"),
    ("ERROR: No matching distribution found for torch==1.13.1", "index"),
    ("something else", "doctor")])
def test_advice_after_a_failed_step(tmp_path, output, advice):
    (tmp_path / "log").write_text(f"=== an earlier step\nDo not match the hashes\n=== this step\n{output}\n")
    script = f"log=log version=3.11 compiler_advice='a compiler'; . {ROOT}/tools/setup/steps.sh; advice"
    done = bash(script, cwd=tmp_path)
    assert advice in done.stdout


def test_interrupt_ends_the_whole_step(tmp_path):
    script = STEPS.replace("echo working;", "echo working; sleep 60;")
    process = subprocess.Popen(["bash", "-c", script, "bash", "a", "b"], cwd=tmp_path, encoding="utf-8",
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    log = tmp_path / "log"
    while not (log.exists() and "working" in log.read_text()):
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    _, errors = process.communicate(timeout=10)  # would last a minute if `sleep` lived on
    assert process.returncode == 130 and "goes on from here" in errors
    assert not (tmp_path / "env/.stamps/one").exists()
