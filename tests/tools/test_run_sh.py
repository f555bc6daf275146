"""run.sh, every way it can go: in a small project of its own, with a Python that only notes what is asked."""

import pytest

from tests.tools.shell_project import Project
from tests.tools.test_frontdoor import bash


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "project")
    (made.folder / "egs/synth").mkdir()
    (made.folder / "egs/synth/run.sh").write_text('printf "synth"; printf "|%s" "$@"\n')
    return made


def run(project, *arguments, cwd=None, **variables):
    return bash(f'bash {project.folder}/run.sh "$@"', *arguments, cwd=cwd or project.folder,
                **{"HYBRID_ASR_PYTHON": str(project.folder / "python"), "OMP_NUM_THREADS": "7", **variables})


@pytest.mark.parametrize("arguments, given", [
    ([], "synth|"), (["--nj", "3"], "synth|--nj|3"), (["egs/synth"], "synth|"),
    (["egs/synth/", "a b", ""], "synth|a b|"),
    (["egs/synth/run.sh", "--help"], "synth|--help"), (["--python", "p q"], "synth|--python|p q"),
    (["egs/synth", "--stage", "1", "--python=p"], "synth|--python|p|--stage|1"),
    (["--python=p", "egs/synth", "x"], "synth|--python|p|x"), (["--python=", "--nj=1"], "synth|--nj=1")])
def test_a_recipe_gets_its_arguments_and_synth_is_the_one_that_is_meant(project, arguments, given):
    done = run(project, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, given, "")


def test_a_recipe_is_found_where_the_user_is_before_the_projects(project, tmp_path):
    mine = tmp_path / "elsewhere/egs/synth"
    mine.mkdir(parents=True)
    assert run(project, "egs/synth", cwd=tmp_path / "elsewhere").stdout == "synth|"
    (mine / "run.sh").write_text("echo mine\n")
    assert run(project, "egs/synth", cwd=tmp_path / "elsewhere").stdout == "mine\n"
    assert run(project, ".", cwd=mine).stdout == "mine\n"
    done = run(project, ".")  # the project itself is no recipe
    assert done.returncode == 1 and "'.' is neither a command nor a recipe" in done.stderr


@pytest.mark.parametrize("arguments, said", [
    (["toy"], "error: 'toy' is no command; did you mean ./run.sh egs/toy?\n"),
    (["nosuch", "--python", "x"], "error: 'nosuch' is neither a command nor a recipe. Recipes: egs/synth egs/toy \n"
                                  "  See ./run.sh --help\n"),
    (["--python"], "error: --python needs a path\n"), (["egs/synth", "--python"], "error: --python needs a path\n")])
def test_what_is_no_command(project, arguments, said):
    done = run(project, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_help_is_its_first_comment(project):
    for word in ("--help", "-h", "help"):
        said = run(project, word).stdout
        assert said.startswith("hybrid-asr: ") and "\n  ./run.sh test [...]" in said and said.count("#") == 0
        assert said.rstrip().endswith("conda environment with torch and lhotse is used in the same way.")


def test_the_tests_are_shared_among_the_cores_where_that_can_be(project):
    count = bash(". tools/setup/environment.sh; cores", cwd=project.folder).stdout.strip()
    shared = f"python -m pytest -q -n {count} --dist loadfile --no-loadscope-reorder -k a b, threads 1\n"
    assert run(project, "test", "-k", "a b").stdout == shared
    assert run(project, "test", "-k", "a b", XDIST="1").stdout == "python -m pytest -q -k a b, threads 7\n"


def test_the_doctor_examines_the_python_that_is_meant_and_makes_none(project):
    python = str(project.folder / "python")
    done = run(project, "doctor", "--once", "x", "--python", python)
    assert (done.returncode, done.stdout) == (0, "python -m tools.doctor --once x, threads 7\n")
    assert "is not used" in run(project, "doctor", VIRTUAL_ENV=str(project.folder / "active")).stderr
    own = project.folder / ".venv/bin/python"
    own.parent.mkdir(parents=True)
    own.symlink_to(python)
    assert run(project, "doctor").stdout == "python -m tools.doctor, threads 7\n"


def test_setting_up_an_environment_of_ones_own_only_looks_at_it(project):
    python = str(project.folder / "python")
    done = run(project, "setup", "--python", python)
    assert done.returncode == 0
    assert done.stdout == "environment: a summary\npython -m tools.doctor --once .setup, threads 7\n"
    assert run(project, "setup").stdout == ""  # one was chosen before, by the program that called this one


def test_a_limit_of_threads(project):
    script = '. tools/setup/environment.sh; cores() { echo "$1"; }; set_threads; echo $OMP_NUM_THREADS $MKL_NUM_THREADS'
    for count, threads in ((1, 1), (8, 8), (9, 8), (64, 8)):
        done = bash(script.replace('"$1"', str(count)), cwd=project.folder, OMP_NUM_THREADS="", MKL_NUM_THREADS="")
        assert done.stdout.split() == [str(threads)] * 2
    assert bash(script, 3, cwd=project.folder, OMP_NUM_THREADS="5", MKL_NUM_THREADS="").stdout.split()[0] == "5"
