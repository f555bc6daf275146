"""What a stage record tells of its runs: the code, the versions, the times, and a command that repeats it."""

import hashlib
import re
import shlex
import shutil
import subprocess
import sys
from datetime import datetime
from types import SimpleNamespace

import pytest

from tests.tools.frame.test_program import Work, program
from tools.artefacts.results import describe_record
from tools.frame import provenance
from tools.frame.fingerprint import fingerprint
from tools.frame.program import Program
from tools.frame.records import read_record, write_record


@pytest.fixture
def stage(tmp_path):
    """Runs the toy program of test_program.py; gives its record."""
    work = Work()

    def run(*argv, resumable=False):
        status = program(resumable).run(work, ["--out", str(tmp_path / "out"), "--nj", "2", *map(str, argv)])
        return status, read_record(tmp_path / "out") or read_record(tmp_path / "out.unfinished")

    run.work, run.out = work, tmp_path / "out"
    return run


def test_a_record_tells_code_versions_device_and_times(stage, monkeypatch):
    monkeypatch.setenv("RECIPE_COMMAND", "./run.sh egs/toy")
    before = provenance.now()
    _, record = stage()
    run, = record["runs"]
    assert run["commit"] == provenance.commit() and run["code"] == provenance.code_digest()
    assert run["versions"]["torch"].startswith(__import__("torch").__version__.split("+")[0])
    assert run["versions"]["python"] == "%d.%d.%d" % sys.version_info[:3] and run["versions"]["hybrid-asr"] == "0.1.0"
    assert run["recipe"] == "./run.sh egs/toy" and "cores" in run["device"] and run["nj"] == 2
    times = [datetime.fromisoformat(time) for time in (before, run["started"], run["ended"])]
    assert times == sorted(times) and times[0].tzinfo is not None


def test_another_commit_alone_makes_nothing_anew(stage, monkeypatch):
    for commit in ("one", "two-dirty"):
        monkeypatch.setattr(provenance, "commit", lambda: commit)
        monkeypatch.setattr(provenance, "code_digest", lambda: commit)
        _, record = stage()
    assert stage.work.runs == 1 and [run["commit"] for run in record["runs"]] == ["one"]


def test_each_start_of_work_that_is_gone_on_with_is_told(stage, monkeypatch):
    monkeypatch.setattr(provenance, "commit", lambda: "one")
    stage.work.error = KeyboardInterrupt()
    assert stage(resumable=True)[0] == 130
    stage.work.error = None
    monkeypatch.setattr(provenance, "commit", lambda: "two")
    _, record = stage(resumable=True)
    assert [(run["commit"], "ended" in run) for run in record["runs"]] == [("one", False), ("two", True)]
    assert "at one" in describe_record(stage.out)
    stage.work.error = KeyboardInterrupt()
    stage("am.scale=2")
    stage.work.error = None
    _, record = stage("am.scale=3")  # begun anew, not gone on with
    assert len(record["runs"]) == 1


def test_the_command_of_the_record_repeats_the_stage_without_its_conf(stage, tmp_path):
    data, conf = tmp_path / "a file", tmp_path / "x.conf"
    data.write_text("one")
    conf.write_text("[am]\nscale = 3\n[am.big]\nname = it's\n")
    _, record = stage("--data", data, "--conf", conf, "--system", "big", "--extra", "e f", "am.scale=4")
    conf.unlink()
    words = shlex.split(record["command"])
    assert words[:3] == ["python", "-m", "toy"]
    assert sorted(words[3:]) == sorted(["--data", str(data), "--extra", "e f", "--system", "big", "--out",
                                        str(stage.out), "--nj", "2", "am.scale=4", "am.name=it's"])
    assert program().run(stage.work, words[3:]) == 0 and stage.work.runs == 1  # up to date: the same work
    assert program().run(stage.work, [*words[3:], "--out", str(tmp_path / "again")]) == 0
    again = read_record(tmp_path / "again")
    assert again["config"] == record["config"] and again["fingerprint"] == record["fingerprint"]


@pytest.mark.parametrize("words, repeated", [
    ([], []), (["--share", "0.5"], []), (["--share", "0"], ["--share", "0.0"]),
    (["--share", "0.25"], ["--share", "0.25"]),
    (["--number", "0"], []), (["--files"], []), (["--on"], ["--on"]), (["--files", "a", "b"], ["--files", "a", "b"]),
    (["--long-name", "x"], ["--long-name", "x"])])
def test_arguments_of_a_command_are_those_that_were_not_left_at_their_defaults(words, repeated):
    toy = (Program("toy", "A toy.").argument("--share", type=float, default=0.5)
           .argument("--number", type=int, default=0).argument("--on", action="store_true")
           .argument("--files", nargs="*", default=["x"]).argument("--long-name"))
    args = toy.parse([*words, "--out", "o", "--nj", "3", "--by-content"])
    assert provenance.command("toy", toy.parser, args, {}) == " ".join(
        ["python -m toy", *repeated, "--out", "o", "--nj", "3"])


def test_lists_and_switches_of_a_command(tmp_path):
    toy = program().argument("--on", action="store_true").argument("--files", nargs="+", default=[])
    argv = ["--files", "a", "b", "--on", "--out", "o", "--nj", "1"]
    args = toy.parser.parse_intermixed_args(argv)
    words = shlex.split(provenance.command("toy", toy.parser, args, {"dnn": {"x": "1, 2"}}))[3:]
    assert vars(toy.parser.parse_intermixed_args(words)) == {**vars(args), "overrides": ["dnn.x=1, 2"]}


def test_the_device_is_the_gpu_that_was_used(monkeypatch):
    def cuda(used):
        return SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: used, get_device_name=lambda: "a GPU"))
    monkeypatch.setitem(sys.modules, "torch", cuda(False))
    assert "a GPU" not in provenance.device()
    monkeypatch.setitem(sys.modules, "torch", cuda(True))
    assert provenance.device().startswith("a GPU beside ")


def test_the_processor_is_told_by_its_model(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "Path", lambda path: tmp_path / path.strip("/").replace("/", "_"))
    monkeypatch.setattr(provenance.platform, "processor", lambda: "")
    monkeypatch.setattr(provenance.platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(provenance.os, "cpu_count", lambda: 3)
    assert provenance.processor() == "riscv64"
    monkeypatch.setattr(provenance.platform, "processor", lambda: "a kind")
    assert provenance.device() == "a kind, 3 cores"
    (tmp_path / "proc_cpuinfo").write_bytes(b"vendor_id : x\nmodel name\t: Fast \xff: 9000 \nmodel name : other\n")
    assert provenance.processor() == "Fast \ufffd: 9000"
    (tmp_path / "proc_cpuinfo").write_text("processor : 0\n")
    assert provenance.processor() == "a kind"


def test_the_version_is_that_of_the_checkout_or_of_what_is_installed(monkeypatch, tmp_path):
    assert (provenance.ROOT / "tools/frame/provenance.py").samefile(provenance.__file__)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setattr(provenance, "version", lambda package: f"installed {package}")
    assert provenance.own_version() == "installed hybrid-asr"
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = x\n")
    assert provenance.own_version() == "installed hybrid-asr"
    (tmp_path / "setup.cfg").write_text("[metadata]\nversion_of = 1\nversion = 7.8.9\n")
    assert provenance.versions()["hybrid-asr"] == provenance.own_version() == "7.8.9"


def test_the_commit_says_that_files_differ_and_is_none_outside_a_checkout(tmp_path, monkeypatch):
    def git(*words):
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=b", *words], check=True,
                       capture_output=True)
    assert provenance.commit(tmp_path / "nothing") is None
    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "x")
    provenance.commit.cache_clear()
    clean = provenance.commit(tmp_path)
    (tmp_path / "inside").mkdir()
    assert provenance.commit(tmp_path / "inside") is None  # the checkout of something else
    (tmp_path / "inside/.git").write_text("of nothing")
    provenance.commit.cache_clear()
    assert provenance.commit(tmp_path / "inside") is None
    (tmp_path / "a").write_text("2")
    provenance.commit.cache_clear()
    assert provenance.commit(tmp_path) == f"{clean}-dirty" and re.fullmatch("[0-9a-f]{4,64}", clean)
    monkeypatch.setenv("PATH", str(tmp_path))  # no git there
    provenance.commit.cache_clear()
    assert provenance.commit(tmp_path) is None
    provenance.commit.cache_clear()


def test_the_digest_of_the_code_knows_names_and_bytes(tmp_path):
    def digest(**files):
        for folder in tmp_path.iterdir():
            shutil.rmtree(folder)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        provenance.code_digest.cache_clear()
        return provenance.code_digest(tmp_path)

    def expected(**files):
        return fingerprint(**{name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()})
    for files in ({"tools/a.py": "1"}, {"tools/a.py": "2"}, {"tools/b.py": "1"}, {},
                  {"egs/toy/prepare.py": "1", "graphs/deep/er/a.py": "2", "hybrid/a.py": "3", "tools/a.py": "4"}):
        assert digest(**files) == expected(**files)
        # what is no code of the project: what a work folder beside a recipe holds, too
        assert digest(**files, **{name: "x" for name in (
            "tests/a.py", "tools/a.pyc", "egs/toy/work/corpus/a.py", "egs/toy/run.sh")}) == expected(**files)
    provenance.code_digest.cache_clear()


def test_what_is_shown_of_a_run(stage, tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.write_text("one")
    _, record = stage("--data", data)
    shown = describe_record(stage.out)
    assert f"  {record['command']}\nwith the code as it is now\n" in shown and "1 files, all as they were" in shown
    data.write_text("three")
    write_record(stage.out, {**record, "config": {"am": {"seed": 7}},
                             "runs": [{**record["runs"][0], "commit": "abc-dirty", "code": "77"}]})
    shown = describe_record(stage.out)
    assert "of commit abc with changes (code 77), which is another than now" in shown
    assert "1 of 1 files changed or gone since" in shown and "am.seed=7" in shown


def test_a_record_of_an_earlier_version_says_that_it_knows_no_command(tmp_path):
    write_record(tmp_path, {"program": "tools.old", "state": "done", "config": {}, "arguments": {}, "inputs": {}})
    assert "not recorded: the folder was made by an earlier version" in describe_record(tmp_path)
