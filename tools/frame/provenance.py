"""Of each run of a stage: the code, the versions, the device and the times, and the command that repeats it.

All of it is told, and none of it decides whether a stage is up to date: that is for options, arguments and inputs
alone. A commit that mends a comment would otherwise train every model anew, and a package's version seldom changes
what a stage writes. Whoever has changed what a stage computes removes its folder, or takes another work folder;
tools.experiments tells which results stand on other code.

A run that was killed and gone on with leaves an entry for each start.
"""

import argparse
import os
import platform
import shlex
import subprocess
import sys
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional

from tools.doctor import PACKAGES, version
from tools.frame.fingerprint import fingerprint, sha256

ROOT = Path(__file__).resolve().parents[2]
CODE = ("graphs", "hybrid", "tools", "egs")
DIRTY = "-dirty"  # the end of a commit's name when files differ from it
BESIDE = " beside "  # a GPU BESIDE a processor

_ELSEWHERE = ("conf", "nj", "overrides", "help", "out", "by_content")  # of a command's arguments


def begin(nj: int) -> Dict[str, object]:
    """What is known of a run when it starts; JSON-able."""
    return {"started": now(), "commit": commit(), "code": code_digest(), "versions": versions(), "nj": nj,
            "folder": os.getcwd(), "recipe": os.environ.get("RECIPE_COMMAND")}


def end(run: Mapping[str, object]) -> Dict[str, object]:
    """The same with what is known when its work is done."""
    return {**run, "ended": now(), "device": device()}


def now() -> str:
    """Local time with its zone, to the second."""
    return datetime.now().astimezone().isoformat(" ", "seconds")


@lru_cache(maxsize=None)
def commit(root: Path = ROOT) -> Optional[str]:
    """The commit of the checkout, marked when files differ from it; None outside a checkout."""
    if not (root / ".git").exists():  # it may lie inside a checkout of something else
        return None
    try:
        run = subprocess.run(["git", "-C", str(root), "describe", "--always", "--dirty"],
                             capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() if run.returncode == 0 else None


@lru_cache(maxsize=None)
def code_digest(root: Path = ROOT) -> str:
    """Of every Python file of the project: tells code apart where there is no commit, or more than it."""
    return fingerprint(**{path.relative_to(root).as_posix(): sha256(path) for path in _python_files(root)})


def _python_files(root: Path) -> Iterator[Path]:
    """Without those of work folders, which may lie beside recipes: these are large, and stages come and go in them."""
    for top in CODE:
        for folder, folders, names in os.walk(root / top):
            folders[:] = set(folders) - {"work"}
            yield from (Path(folder, name) for name in names if name.endswith(".py"))


def versions() -> Dict[str, str]:
    """Of Python, of the packages that results depend on, and of this project; without importing them."""
    found = {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}
    return {**found, "hybrid-asr": own_version()}


def own_version() -> str:
    """As setup.cfg has it; where that is not beside the code, the project was installed."""
    setup = ROOT / "setup.cfg"
    lines = setup.read_text(encoding="utf-8").splitlines() if setup.is_file() else []
    found = (line.partition("=")[2].strip() for line in lines if line.startswith("version "))
    return next(found, version("hybrid-asr"))


def device() -> str:
    """The GPU, if this process has used one, and the processor."""
    torch = sys.modules.get("torch")
    cpu = f"{processor()}, {os.cpu_count()} cores"
    if torch is not None and torch.cuda.is_initialized():
        return f"{torch.cuda.get_device_name()}{BESIDE}{cpu}"
    return cpu


def processor() -> str:
    """Its model, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "") \
        or platform.processor() or platform.machine()


def command(program: str, parser: argparse.ArgumentParser, args: argparse.Namespace,
            texts: Mapping[str, Mapping[str, str]]) -> str:
    """The command that repeats the run from the same inputs, for a shell in the folder where it ran.

    It needs no conf file, which may change: each option that was not left at its default stands in it.

    Args:
      program: as in `python -m NAME`.
      texts: section of the conf -> key -> text.
    """
    words: List[str] = []
    for name, value in vars(args).items():
        if name in _ELSEWHERE or value in (None, []) or value is False or value == parser.get_default(name):
            continue  # 0 may be another number than the default
        words.append(f"--{name.replace('_', '-')}")
        words += map(str, value) if isinstance(value, list) else [] if value is True else [str(value)]
    words += ["--out", str(args.out), "--nj", str(args.nj)]
    words += [f"{section}.{key}={text}" for section, values in texts.items() for key, text in values.items()]
    return f"python -m {program} {shlex.join(words)}"
