"""Says whether this environment works: versions, a small real computation with every package, and for
each failure what to do.

Every check runs in a process of its own, so that one that crashes or hangs is a finding, too. The exit
status is 1 when something required fails. Imports only the standard library at its top.
"""

import argparse
import concurrent.futures
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

PACKAGES = ("torch", "k2", "lhotse", "kaldifeat", "numpy", "sentencepiece")
ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 180  # seconds; a cold disk can take a minute to import torch


def version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version as installed_version
    try:
        return installed_version(package)
    except PackageNotFoundError:
        return "absent"


def check_python() -> str:
    import platform
    if sys.version_info < (3, 10):
        raise RuntimeError(f"Python {platform.python_version()} is too old, 3.10 is the least")
    return f"{platform.python_version()}, {sys.executable}"


def check_compiler() -> str:
    import shlex
    import sysconfig
    import tempfile
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        raise RuntimeError(f"no Python.h: {header} is missing")
    compiler = os.environ.get("CXX", "g++")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "one.cc")
        source.write_text("#include <Python.h>\n#include <vector>\n"
                          "int main() { return std::vector<int>(1)[0]; }\n")
        program = Path(folder, "one")
        options = ["-std=c++17", f"-I{header.parent}", str(source), "-o", str(program)]
        subprocess.run([*shlex.split(compiler), *options], check=True)
        subprocess.run([str(program)], check=True)
    return f"{compiler}: compiled and ran a program with Python.h"


def check_numpy() -> str:
    import numpy
    values = numpy.linalg.solve(numpy.array([[2.0, 0.0], [0.0, 4.0]]), numpy.ones(2))
    return f"{numpy.__version__}: solved a 2 x 2 system, {values}"


def check_torch() -> str:
    import torch
    weight = torch.ones(3, requires_grad=True)
    (weight ** 2).sum().backward()
    if weight.grad.numpy().tolist() != [2.0, 2.0, 2.0]:  # numpy(): torch may be built for another numpy
        raise RuntimeError(f"gradient of the sum of squares at 1: expected 2, got {weight.grad}")
    return f"{torch.__version__}: gradient of a sum of squares, {torch.get_num_threads()} threads"


def check_safetensors() -> str:
    import torch
    from safetensors.torch import load, save
    values = torch.arange(6.0).reshape(2, 3)
    if not torch.equal(load(save({"values": values}))["values"], values):
        raise RuntimeError("a matrix did not survive writing and reading")
    return f"{version('safetensors')}: wrote and read a matrix"


def check_k2() -> str:
    import k2
    import torch
    graph = k2.ctc_graph([[1, 2]])
    scores = torch.full((1, 5, 3), 1 / 3).log()
    dense = k2.DenseFsaVec(scores, torch.tensor([[0, 0, 5]], dtype=torch.int32))
    total = k2.intersect_dense(graph, dense, 10.0).get_tot_scores(True, True).exp().item() * 3 ** 5
    if abs(total - 35) > 0.01:  # C(5 + 2, 2 * 2) alignments of 2 different labels to 5 frames
        raise RuntimeError(f"alignments of 2 labels to 5 frames: expected 35, got {total}")
    return f"{version('k2')}: counted 35 CTC alignments; with CUDA: {k2.with_cuda}"


def check_lhotse() -> str:
    import numpy
    from lhotse import MonoCut
    from lhotse.testing.dummies import dummy_recording
    recording = dummy_recording(0, duration=1.0, with_data=True)
    cut = MonoCut("one", start=0, duration=1.0, channel=0, recording=recording).resample(8000)
    audio = cut.truncate(duration=0.5).load_audio()
    if audio.shape != (1, 4000) or not numpy.isfinite(audio).all():
        raise RuntimeError(f"half a second at 8 kHz: expected 4000 samples, got {audio.shape}")
    return f"{version('lhotse')}: cut and resampled a recording"


def check_soundfile() -> str:
    import io
    import numpy
    import soundfile
    stream = io.BytesIO()
    soundfile.write(stream, numpy.zeros(160), 16000, format="FLAC")
    stream.seek(0)
    samples, rate = soundfile.read(stream)
    return f"{version('soundfile')}: wrote and read {len(samples)} samples of FLAC at {rate} Hz"


def check_kaldifeat() -> str:
    import torch
    import kaldifeat
    features = kaldifeat.Fbank(kaldifeat.FbankOptions())(torch.sin(torch.arange(16000) * 0.3))
    if tuple(features.shape) != (98, 23) or not torch.isfinite(features).all():
        raise RuntimeError(f"fbank of one second: expected finite [98, 23], got {tuple(features.shape)}")
    return f"{version('kaldifeat')}: fbank of one second, 98 frames"


def check_sentencepiece() -> str:
    import io
    import sentencepiece
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["one two three", "three two one"] * 8), model_writer=model,
        vocab_size=12, minloglevel=2)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    if processor.decode(processor.encode("two one")) != "two one":
        raise RuntimeError("a sentence did not survive encoding and decoding")
    return f"{version('sentencepiece')}: trained, encoded, decoded"


def check_espeak() -> str:
    import ctypes
    import espeakng_loader
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        raise RuntimeError(f"espeak_Initialize: expected a sampling rate, got {rate}")
    library.espeak_SetVoiceByName(b"en")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    text = ctypes.c_char_p(b"speech")
    phonemes = library.espeak_TextToPhonemes(ctypes.byref(text), 1, 0)
    if not phonemes:
        raise RuntimeError("no phonemes for the word 'speech'")
    return f"{version('espeakng-loader')}: 'speech' is /{phonemes.decode()}/, audio at {rate} Hz"


def check_cuda() -> str:
    import torch
    if not torch.cuda.is_available():
        raise RuntimeError("torch sees no CUDA device")
    product = (torch.ones(64, 64, device="cuda") @ torch.ones(64, 64, device="cuda")).sum().item()
    if product != 64 ** 3:
        raise RuntimeError(f"a product of ones: expected {64 ** 3}, got {product}")
    return f"{torch.version.cuda}: multiplied two matrices on {torch.cuda.get_device_name(0)}"


class Check(NamedTuple):
    compute: Callable[[], str]
    required: bool
    without: str  # what is lost when it fails


CHECKS: Dict[str, Check] = {
    "python": Check(check_python, True, "nothing works"),
    "numpy": Check(check_numpy, True, "nothing works"),
    "torch": Check(check_torch, True, "nothing works"),
    "safetensors": Check(check_safetensors, True, "no models: weights are stored in this format"),
    "lhotse": Check(check_lhotse, True, "no corpora, no features"),
    "soundfile": Check(check_soundfile, True, "no audio files"),
    "kaldifeat": Check(check_kaldifeat, True, "no features from audio"),
    "sentencepiece": Check(check_sentencepiece, True, "no subword units"),
    "k2": Check(check_k2, False, "graphs and decoding unavailable; training with cross-entropy works"),
    "espeak": Check(check_espeak, False, "egs/synth unavailable"),
    "compiler": Check(check_compiler, False, "kaldifeat cannot be built (needed once)"),
    "cuda": Check(check_cuda, False, "everything runs on the CPU"),
}
INSTALL_NAMES = {"espeakng_loader": "espeakng-loader"}
OF_THE_MACHINE = ("compiler", "cuda")  # not part of the default set

K2_SITE = ("k2 comes as one wheel for each version of torch and CUDA: take the one for torch {torch} "
           "from https://k2-fsa.github.io/k2/installation/from_wheels.html")
KALDIFEAT_BUILD = ("compile it for this torch: "
                   "{python} -m pip install cmake ninja pybind11 wheel 'setuptools<81'; "
                   "tools/setup/kaldifeat/build.sh {python} wheels; "
                   "{python} -m pip install --no-deps wheels/kaldifeat-*.whl")
# (check or "", pattern in the failure's text, what to do); the first that fits is said
ADVICE: Tuple[Tuple[str, str, str], ...] = (
    ("python", "too old", "install CPython 3.11 or 3.10 and name it with ./run.sh --python PATH"),
    ("", "(?i)numpy.*(1\\.x|2\\.|_ARRAY_API|not available|multiarray)|_ARRAY_API",
     "this torch or another package was built for NumPy 1: {python} -m pip install 'numpy<2'"),
    ("k2", "No module named '_?k2'", K2_SITE),
    ("k2", "(?i)was built using|undefined symbol|libcu|cannot open shared|signal|version `",
     "k2 is built for another torch or CUDA. " + K2_SITE),
    ("kaldifeat", "No module named '_?kaldifeat'", KALDIFEAT_BUILD),
    ("kaldifeat", "(?i)undefined symbol|cannot open shared|signal",
     "built for another torch; " + KALDIFEAT_BUILD),
    ("torch", "(?i)lib(cu|nv)\\w*.*cannot open shared",
     "its CUDA libraries are missing: {python} -m pip install --force-reinstall torch=={torch}"),
    ("compiler", "Python.h", "install the headers: apt install python{short}-dev (Debian, Ubuntu)"),
    ("compiler", "", "apt install g++ (Debian, Ubuntu) or dnf install gcc-c++ (Fedora)"),
    ("cuda", "no CUDA device",
     "nothing, unless there is an NVIDIA GPU; then look at nvidia-smi and CUDA_VISIBLE_DEVICES"),
    ("cuda", "(?i)no kernel image|not compatible",
     "this torch is too old for the GPU: take an environment with a current torch and k2, or the CPU "
     "(CUDA_VISIBLE_DEVICES=)"),
    ("", "GLIBC", "the system's C or C++ library is too old for the package: take another build of it"),
    ("", r"signal 4\b", "the processor lacks instructions that the package needs: take another build of it"),
    ("", "No module named", "{install}"),
    ("", "did not end", "it hangs: try once more on an idle machine; if it stays so, reinstall the package"),
    ("", "", "reinstall the package"),
)
REMAKE = "make the environment anew: rm -r .venv .setup, then ./run.sh setup"


def what_to_do(name: str, failure: str) -> str:
    """The advice for a check's failure text."""
    if "No module named" in failure and (is_own_environment() or version("torch") == "absent"):
        return "run ./run.sh setup"
    by_itself = name in ("python",) + OF_THE_MACHINE or re.search(r"GLIBC|signal 4\b|did not end", failure)
    if is_own_environment() and not by_itself:
        return REMAKE
    module = re.search("No module named '([\\w.]+)'", failure)
    package = module.group(1).split(".")[0] if module else name
    advice = next(text for check, pattern, text in ADVICE
                  if check in ("", name) and re.search(pattern, failure))
    return advice.format(
        python=sys.executable, torch=version("torch").split("+")[0], short="%d.%d" % sys.version_info[:2],
        install=f"{sys.executable} -m pip install {INSTALL_NAMES.get(package, package)}")


def is_own_environment() -> bool:
    return Path(sys.prefix) == ROOT / ".venv"


def examine(name: str) -> Tuple[bool, str]:
    """Runs one check in a process of its own: whether it passed, and its result or the reason."""
    command = [sys.executable, "-m", "tools.doctor", "--check", name]
    try:
        done = subprocess.run(command, cwd=ROOT, timeout=TIMEOUT, capture_output=True)
    except subprocess.TimeoutExpired:
        return False, f"did not end within {TIMEOUT} s"
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    errors = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode == 0:
        return True, lines[-1]
    if done.returncode < 0:
        return False, f"crashed with signal {-done.returncode}" + (f": {errors[-1]}" if errors else "")
    return False, " | ".join(errors[-3:])


def run_check(name: str) -> int:
    try:
        print(CHECKS[name].compute())
        return 0
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def diagnose(strict: bool) -> int:
    """Prints one line a check, with advice below failures. strict: also the optional packages must work."""
    print(f"environment: {summary()}")
    failures: List[str] = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for name, (passed, text) in zip(CHECKS, pool.map(examine, CHECKS)):
            check = CHECKS[name]
            needed = check.required or (strict and name not in OF_THE_MACHINE)
            mark = "ok  " if passed else "FAIL" if needed else "no  "
            print(f"{mark} {name:14}{text}", flush=True)
            if passed:
                continue
            print(f"{'':19}without it: {check.without}\n{'':19}to do: {what_to_do(name, text)}", flush=True)
            if needed:
                failures.append(name)
    print("all that is required works" if not failures else f"required, but failing: {', '.join(failures)}")
    return 1 if failures else 0


def summary() -> str:
    home = ".venv" if is_own_environment() else sys.prefix
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES[:4])
    return "{} (Python {}, {})".format(home, "%d.%d.%d" % sys.version_info[:3], versions)


def diagnose_once(folder: Path) -> int:
    """Diagnoses unless these very versions passed before, as noted in the folder."""
    state = " ".join([sys.executable, sys.version] + [package + version(package) for package in PACKAGES])
    note = folder / f"checked-{hashlib.sha256(state.encode()).hexdigest()[:16]}"
    if note.exists():
        return 0
    status = diagnose(strict=False)
    if status == 0:
        folder.mkdir(parents=True, exist_ok=True)
        note.touch()
    return status


def main(argv: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.doctor", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="optional packages must work, too (not CUDA)")
    parser.add_argument("--check", choices=CHECKS, help="one check, in this process")
    parser.add_argument("--once", type=Path, metavar="FOLDER", help="only if these versions never passed")
    parser.add_argument("--summary", action="store_true", help="only print the versions, in one line")
    args = parser.parse_args(argv)
    if args.summary:
        print(summary())
        return 0
    if args.check:
        return run_check(args.check)
    return diagnose_once(args.once) if args.once else diagnose(args.all)


if __name__ == "__main__":
    sys.exit(main())
