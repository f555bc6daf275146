"""The doctor's checks, and its advice for failures that cannot be had on a healthy machine."""

import subprocess
import sys

import pytest

from tools import doctor

REQUIRED = [name for name, check in doctor.CHECKS.items() if check.required]


@pytest.mark.parametrize("name", REQUIRED)
def test_required_checks_pass_here(name):
    passed, text = doctor.examine(name)
    assert passed, text
    assert text[0].isdigit()  # begins with a version


@pytest.mark.parametrize("script, expected", [
    ("kill -SEGV $$", "crashed with signal 11"),
    ("sleep 30", "did not end within 1 s"),
    ("echo one >&2; echo ImportError: two >&2; exit 1", "one | ImportError: two")])
def test_crash_hang_and_error_are_findings(tmp_path, monkeypatch, script, expected):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/bash\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(doctor, "TIMEOUT", 1)
    passed, text = doctor.examine("torch")
    assert not passed and text == expected


@pytest.mark.parametrize("name, failure, advice", [
    ("k2", "ImportError: k2 was built using PyTorch 1.13.1", "k2-fsa.github.io"),
    ("k2", "ImportError: _k2.so: undefined symbol: _ZN3c10", "another torch"),
    ("k2", "ModuleNotFoundError: No module named '_k2'", "k2-fsa.github.io"),
    ("torch", "RuntimeError: Numpy is not available", "'numpy<2'"),
    ("k2", "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0", "'numpy<2'"),
    ("torch", "OSError: libcublas.so.11: cannot open shared object file", "--force-reinstall torch=="),
    ("kaldifeat", "ImportError: undefined symbol: _ZN5torch", "build.sh"),
    ("compiler", "FileNotFoundError: No such file or directory: 'g++'", "g++"),
    ("compiler", "RuntimeError: no Python.h: it is missing", "-dev"),
    ("python", "RuntimeError: Python 3.8 is too old", "3.11"),
    ("lhotse", "crashed with signal 4", "processor"),
    ("cuda", "CUDA error: no kernel image is available for execution", "too old for the GPU"),
    ("lhotse", "anything else", "reinstall")])
def test_advice(monkeypatch, name, failure, advice):
    monkeypatch.setattr(doctor, "is_own_environment", lambda: False)
    assert advice in doctor.what_to_do(name, failure)


def test_missing_package_is_installed_by_its_own_name(monkeypatch):
    monkeypatch.setattr(doctor, "is_own_environment", lambda: False)
    advice = doctor.what_to_do("espeak", "No module named 'espeakng_loader'")
    assert advice.endswith("pip install espeakng-loader")
    monkeypatch.setattr(doctor, "is_own_environment", lambda: True)
    assert doctor.what_to_do("espeak", "No module named 'espeakng_loader'") == "run ./run.sh setup"
    assert doctor.what_to_do("kaldifeat", "ImportError: undefined symbol: _ZN5torch") == doctor.REMAKE


def test_status_follows_what_is_required(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "examine", lambda name: (name != "k2", "no such thing"))
    assert doctor.diagnose(strict=False) == 0
    assert "training with cross-entropy works" in capsys.readouterr().out
    assert doctor.diagnose(strict=True) == 1
    monkeypatch.setattr(doctor, "examine", lambda name: (name != "torch", "no such thing"))
    assert doctor.diagnose(strict=False) == 1


def test_once_remembers_a_pass_but_no_failure(tmp_path, monkeypatch):
    results = iter([1, 0])
    monkeypatch.setattr(doctor, "diagnose", lambda strict: next(results))
    assert [doctor.diagnose_once(tmp_path / "state") for _ in range(3)] == [1, 0, 0]


def test_summary_needs_no_packages():
    done = subprocess.run([sys.executable, "-S", doctor.__file__, "--summary"], capture_output=True)
    assert done.returncode == 0 and b"torch absent" in done.stdout
