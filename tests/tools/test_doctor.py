"""The doctor's checks, and its advice for failures that cannot be had on a healthy machine."""

import ctypes
import functools
import importlib
import platform
import subprocess
import sys
import types

import numpy as np
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


def test_what_is_kept_of_what_a_check_says(tmp_path, monkeypatch):
    """The last line of one that passes, the last three of what one complained of that fails."""
    python = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    for script, expected in (('echo "$@"; echo two; echo three; echo odd >&2', (True, "three")),
                             ("for n in 1 2 3 4; do echo $n >&2; done; exit 3", (False, "2 | 3 | 4")),
                             ("kill -HUP $$", (False, "crashed with signal 1")),
                             ("echo one >&2; echo two >&2; kill -ILL $$", (False, "crashed with signal 4: two"))):
        python.write_text(f"#!/bin/bash\n{script}\n")
        python.chmod(0o755)
        assert doctor.examine("torch") == expected
    python.write_text('#!/bin/bash\necho "$PWD $@"\n')
    assert doctor.examine("k2") == (True, f"{doctor.ROOT} -m tools.doctor --check k2")


@pytest.mark.parametrize("name, package, said", [
    ("numpy", "numpy", ": solved a 2 x 2 system, [0.5  0.25]"), ("torch", "torch", ": gradient of a sum of squares, "),
    ("safetensors", "safetensors", ": wrote and read a matrix"),
    ("k2", "k2", ": counted 35 CTC alignments; with CUDA: "),
    ("lhotse", "lhotse", ": cut and resampled a recording"),
    ("soundfile", "soundfile", ": wrote and read 160 samples of FLAC at 16000 Hz"),
    ("kaldifeat", "kaldifeat", ": fbank of one second, 98 frames"),
    ("sentencepiece", "sentencepiece", ": trained, encoded, decoded"),
    ("espeak", "espeakng_loader", ", audio at 22050 Hz")])
def test_what_a_check_computes(name, package, said, capsys):
    pytest.importorskip(package)
    assert doctor.run_check(name) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(doctor.version(doctor.INSTALL_NAMES.get(package, package)).split("+")[0])
    assert said in printed


def test_what_is_computed_wrong_is_told(monkeypatch, capsys):
    """By packages that do not what they should."""
    import torch
    wrong = [("torch", "torch.ones", lambda *shape, **more: torch.zeros(*shape, **more), "expected 2, got tensor([0."),
             ("safetensors", "safetensors.torch.load", lambda data: {"values": torch.zeros(2, 3)}, "did not survive"),
             ("python", "sys.version_info", (3, 9, 9), "is too old, 3.10 is the least"),
             ("cuda", "torch.cuda.is_available", lambda: False, "torch sees no CUDA device")]
    for name, place, value, message in wrong:
        with monkeypatch.context() as patched:
            patched.setattr(place, value)
            assert doctor.run_check(name) == 1
        assert message in capsys.readouterr().err
    monkeypatch.setattr("sys.version_info", (3, 10))
    assert doctor.run_check("python") == 0 and capsys.readouterr().out.endswith(f", {sys.executable}\n")


@pytest.mark.parametrize("name, package, place, value, message", [
    ("k2", "k2", "ctc_graph", lambda graph: lambda labels: graph([[1]]),
     "alignments of 2 labels to 5 frames: expected 35"),
    ("k2", "k2", "DenseFsaVec", lambda dense: lambda scores, segments: dense(scores, segments - segments // 5),
     "alignments of 2 labels to 5 frames: expected 35, got "),
    ("lhotse", "lhotse", "MonoCut.truncate", lambda truncate: lambda cut, duration: cut,
     "expected 4000 samples, got (1, 8000)"),
    ("lhotse", "lhotse", "MonoCut.load_audio", lambda load: lambda cut: np.array([[0.0] * 3999 + [np.nan]]),
     "expected 4000 samples, got (1, 4000)"),
    ("k2", "torch", "full", lambda full: lambda shape, value: full(shape, value * (35.5 / 35) ** 0.2),
     "alignments of 2 labels to 5 frames: expected 35, got 35."),
    ("kaldifeat", "kaldifeat", "Fbank", lambda fbank: lambda options: lambda wave: wave[:98 * 23].log().view(98, 23),
     "expected finite [98, 23], got (98, 23)"),
    ("kaldifeat", "kaldifeat", "Fbank", lambda fbank: lambda options: lambda wave: wave[None],
     "[98, 23], got (1, 16000)"),
    ("sentencepiece", "sentencepiece", "SentencePieceProcessor.decode", lambda decode: lambda model, ids: "two",
     "a sentence did not survive encoding and decoding")])
def test_what_other_packages_compute_wrong_is_told(monkeypatch, capsys, name, package, place, value, message):
    pytest.importorskip(name)
    *inner, last = place.split(".")
    owner = functools.reduce(getattr, inner, importlib.import_module(package))
    monkeypatch.setattr(owner, last, value(getattr(owner, last)))
    assert doctor.run_check(name) == 1 and message in capsys.readouterr().err


@pytest.mark.parametrize("rate, phonemes, said", [
    (1, b"sp", "'speech' is /sp/, audio at 1 Hz"), (0, b"sp", "espeak_Initialize: expected a sampling rate, got 0"),
    (-1, b"sp", "espeak_Initialize: expected a sampling rate, got -1"),
    (22050, None, "no phonemes for the word 'speech'")])
def test_a_speech_synthesis_says_a_word(monkeypatch, capsys, rate, phonemes, said):
    """In English, by the numbers of espeak's speak_lib.h: 2 is output without a device, 1 is text in UTF-8."""
    def initialize(output, buffer_length, path, options):
        return rate if (output, buffer_length, path, options) == (2, 0, b"data", 0) else -9

    def text_to_phonemes(pointer, text_mode, phoneme_mode):
        assert (pointer._obj.value, text_mode, phoneme_mode, voices) == (b"speech", 1, 0, [b"en"])
        assert text_to_phonemes.restype is ctypes.c_char_p
        return phonemes
    voices = []
    library = types.SimpleNamespace(espeak_Initialize=initialize, espeak_SetVoiceByName=voices.append,
                                    espeak_TextToPhonemes=text_to_phonemes)
    monkeypatch.setattr("ctypes.CDLL", {"lib": library}.get)
    monkeypatch.setitem(sys.modules, "espeakng_loader", types.SimpleNamespace(
        get_library_path=lambda: "lib", get_data_path=lambda: "data"))
    good = bool(rate > 0 and phonemes)
    assert doctor.run_check("espeak") == (0 if good else 1)
    printed = capsys.readouterr()
    assert (printed.out if good else printed.err).endswith(f"{said}\n")


def test_a_gpu_multiplies(monkeypatch, capsys):
    import torch
    ones = torch.ones
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda number: f"GPU {number}")
    monkeypatch.setattr("torch.ones", lambda *shape, device: ones(*shape) * (device == "cuda"))
    assert doctor.run_check("cuda") == 0
    assert capsys.readouterr().out == f"{torch.version.cuda}: multiplied two matrices on GPU 0\n"
    monkeypatch.setattr("torch.ones", lambda *shape, device: ones(*shape) / 2)
    assert doctor.run_check("cuda") == 1
    assert "a product of ones: expected 262144, got 65536.0\n" in capsys.readouterr().err


def test_a_compiler_makes_a_program_that_runs(tmp_path, monkeypatch):
    """$CXX may have options of its own; what it lacks, or what its program says, is a failure."""
    compiler = tmp_path / "cxx"
    for status, good in ((0, True), (1, False)):
        compiler.write_text(
            '#!/bin/bash\n[ "$1" = -x ] && [ "$2" = -std=c++17 ] && [ -f "${3#-I}/Python.h" ] && grep -q Python.h "$4" '
            f'&& [ "$5" = -o ] || exit 9\nprintf "#!/bin/sh\\nexit {status}\\n" > "$6"; chmod +x "$6"\n')
        compiler.chmod(0o755)
        monkeypatch.setenv("CXX", f"{compiler} -x")
        monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
        (tmp_path / "Python.h").write_text("")
        if good:
            assert doctor.check_compiler() == f"{compiler} -x: compiled and ran a program with Python.h"
            continue
        with pytest.raises(subprocess.CalledProcessError):
            doctor.check_compiler()
    compiler.write_text("#!/bin/bash\nexit 1\n")
    with pytest.raises(subprocess.CalledProcessError):
        doctor.check_compiler()
    (tmp_path / "Python.h").unlink()
    with pytest.raises(RuntimeError, match=f"no Python.h: {tmp_path}/Python.h is missing"):
        doctor.check_compiler()


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


def test_advice_names_this_python_and_this_torch(monkeypatch):
    monkeypatch.setattr(doctor, "is_own_environment", lambda: False)
    monkeypatch.setattr(doctor, "version", lambda package: "1.2.3+cu999")
    python, headers = sys.executable, "python{}.{}-dev".format(*sys.version_info[:2])
    for name, failure, advice in (
            ("torch", "libcublas.so.11: cannot open shared object file",
             f"its CUDA libraries are missing: {python} -m pip install --force-reinstall torch==1.2.3"),
            ("k2", "No module named 'k2'", doctor.K2_SITE.format(torch="1.2.3")),
            ("k2", "undefined symbol: _ZN3c10",
             f"k2 is built for another torch or CUDA. {doctor.K2_SITE.format(torch='1.2.3')}"),
            ("compiler", "no Python.h: it is missing", f"install the headers: apt install {headers} (Debian, Ubuntu)"),
            ("lhotse", "No module named 'soundfile.inner'", f"{python} -m pip install soundfile"),
            ("lhotse", "No module named", f"{python} -m pip install lhotse")):
        assert doctor.what_to_do(name, failure) == advice
    monkeypatch.setattr(doctor, "version", lambda package: "absent")
    assert doctor.what_to_do("lhotse", "No module named 'lhotse'") == "run ./run.sh setup"
    assert doctor.what_to_do("lhotse", "anything else") == "reinstall the package"


@pytest.mark.parametrize("name, failure, advice", [
    ("python", "RuntimeError: Python 3.8 is too old", "install CPython"),
    ("compiler", "exit status 1", "apt install g++"),
    ("cuda", "no CUDA device", "nothing, unless there is an NVIDIA GPU"),
    ("torch", "libm.so.6: version GLIBC_2.99 not found", "the system's C or C++ library is too old"),
    ("torch", "did not end within 180 s", "it hangs"), ("torch", "crashed with signal 4", "the processor lacks"),
    ("torch", "crashed with signal 4: a warning from before", "the processor lacks"),
    ("torch", "crashed with signal 41", doctor.REMAKE), ("torch", "crashed with signal 11", doctor.REMAKE),
    ("lhotse", "anything else", doctor.REMAKE)])
def test_what_another_environment_would_not_mend(monkeypatch, name, failure, advice):
    monkeypatch.setattr(doctor, "is_own_environment", lambda: True)
    assert doctor.what_to_do(name, failure).startswith(advice)


def test_the_environment_that_setup_made_is_known(monkeypatch):
    for prefix, own, home in ((str(doctor.ROOT / ".venv"), True, ".venv"), ("/elsewhere", False, "/elsewhere")):
        monkeypatch.setattr(sys, "prefix", prefix)
        assert doctor.is_own_environment() == own and doctor.summary().startswith(f"{home} (Python ")


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


def test_what_is_required_and_what_is_lost_without_it(monkeypatch, capsys):
    """The optional packages count when all shall work, what belongs to the machine never."""
    assert REQUIRED == ["python", "numpy", "torch", "safetensors", "lhotse", "soundfile", "kaldifeat", "sentencepiece"]
    monkeypatch.setattr(doctor, "is_own_environment", lambda: True)
    monkeypatch.setattr(doctor, "summary", lambda: "here")

    def lines(strict, *failing):
        monkeypatch.setattr(doctor, "examine", lambda name: (name not in failing, f"text of {name}"))
        status = doctor.diagnose(strict)
        return status, capsys.readouterr().out.splitlines()
    status, told = lines(False, "torch", "k2", "cuda")
    assert status == 1 and told[:4] == ["environment: here", "ok   python        text of python",
                                        "ok   numpy         text of numpy", "FAIL torch         text of torch"]
    assert told[4:6] == [f"{'':19}without it: nothing works", f"{'':19}to do: {doctor.REMAKE}"]
    assert "no   k2            text of k2" in told and "no   cuda          text of cuda" in told
    assert told[-1] == "required, but failing: torch" and len(told) == 1 + len(doctor.CHECKS) + 3 * 2 + 1
    status, told = lines(True, "k2", "espeak", "compiler", "cuda")
    assert status == 1 and told[-1] == "required, but failing: k2, espeak"
    assert lines(True, "compiler", "cuda") == (0, lines(False, "compiler", "cuda")[1])
    assert lines(False)[1][-1] == "all that is required works"


def test_what_is_asked_for_is_done(tmp_path, monkeypatch, capsys):
    done = []
    monkeypatch.setattr(doctor, "diagnose", lambda strict: done.append(strict) or 7)
    assert [doctor.main(words) for words in ([], ["--all"], ["--once", str(tmp_path / "x")])] == [7, 7, 7]
    assert done == [False, True, False] and not (tmp_path / "x").exists()
    assert doctor.main(["--summary"]) == 0 and doctor.main(["--check", "python"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[1] == f"{platform.python_version()}, {sys.executable}"
    packages = ", ".join(f"{package} {doctor.version(package)}" for package in ("torch", "k2", "lhotse", "kaldifeat"))
    assert told[0].endswith(" (Python {}.{}.{}, {})".format(*sys.version_info[:3], packages))
    assert doctor.version("no-such-package") == "absent"


def test_other_versions_are_examined_again(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(doctor, "diagnose", lambda strict: done.append(strict) or 0)
    for version in ("1", "1", "2", "1"):
        monkeypatch.setattr(doctor, "version", lambda package: version)
        assert doctor.diagnose_once(tmp_path) == 0
    assert done == [False, False] and len(list(tmp_path.glob("checked-" + "?" * 16))) == 2


def test_once_remembers_a_pass_but_no_failure(tmp_path, monkeypatch):
    results = iter([1, 0])
    monkeypatch.setattr(doctor, "diagnose", lambda strict: next(results))
    assert [doctor.diagnose_once(tmp_path / "deep/state") for _ in range(3)] == [1, 0, 0]


def test_summary_needs_no_packages():
    done = subprocess.run([sys.executable, "-S", doctor.__file__, "--summary"], capture_output=True)
    assert done.returncode == 0 and b"torch absent" in done.stdout
