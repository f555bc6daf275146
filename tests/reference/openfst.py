"""OpenFst as a second implementation, in a process of its own.

kaldifst (the OpenFst algebra in Python wheels, with Kaldi's determinize_star and minimize_encoded) and
torch 1.13 hang when they are imported into one process, so `run` starts another. Where kaldifst is not
installed, the commands of OpenFst (Debian package libfst-tools) do, but for those two operations.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import pytest

from graphs.fst.arcs import Arcs

ROOT = Path(__file__).resolve().parents[2]
KALDI_ONLY = ("determinize_star", "minimize_encoded")
COMMANDS = {"arcsort": "fstarcsort --sort_type={0}", "connect": "fstconnect", "rmepsilon": "fstrmepsilon",
            "shortest_path": "fstshortestpath", "determinize": "fstdeterminize", "minimize": "fstminimize"}

has_kaldifst = importlib.util.find_spec("kaldifst") is not None
has_commands = shutil.which("fstcompile") is not None
needs_openfst = pytest.mark.skipif(
    not (has_kaldifst or has_commands),
    reason="no OpenFst to compare with: pip install kaldifst, or apt-get install libfst-tools")


def run(fsts: Dict[str, Arcs], steps: Sequence[Sequence[str]], results: Sequence[str]) -> Dict[str, Arcs]:
    """Runs OpenFst operations.

    Args:
      fsts: name -> graphs.fst.arcs.Arcs.
      steps: ("compose", left, right, result), which takes care of the arcs' order, or (operation, name),
        which changes that FST: connect, rmepsilon, determinize, determinize_star, minimize,
        minimize_encoded, shortest_path; ("arcsort", name, "ilabel" or "olabel").
      results: names of the FSTs to bring back, in tropical weights turned into scores.
    """
    request = {"fsts": {name: arcs.to_openfst_text() for name, arcs in fsts.items()},
               "steps": [list(step) for step in steps], "results": list(results)}
    if has_kaldifst:
        done = subprocess.run([sys.executable, "-m", "tests.reference.openfst"], cwd=ROOT, timeout=300,
                              input=json.dumps(request), capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"kaldifst: {done.stderr}")
        texts = json.loads(done.stdout)
    else:
        needed = sorted({step[0] for step in steps} & set(KALDI_ONLY))
        if needed:
            pytest.skip(f"only kaldifst has {', '.join(needed)}: pip install kaldifst")
        texts = _with_commands(request)
    return {name: Arcs.from_openfst_text(start_is_state_0(text), name) for name, text in texts.items()}


def start_is_state_0(text: str) -> str:
    """Exchanges the numbers of the start state (the first line's) and state 0."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    start = rows[0][0] if rows else "0"
    exchange = {start: "0", "0": start}
    for row in rows:
        for column in (0, 1) if len(row) >= 4 else (0,):
            row[column] = exchange.get(row[column], row[column])
    return "\n".join(" ".join(row) for row in rows) + "\n"


def linear(ilabels: Sequence[int]) -> Arcs:
    """An acceptor of one sequence."""
    return Arcs.from_lists([(i, i + 1, label, label, 0.0) for i, label in enumerate(ilabels)],
                           [(len(ilabels), 0.0)], len(ilabels) + 1)


def single_path(arcs: Arcs) -> Tuple[List[int], List[int], float]:
    """Input labels, output labels (no epsilons) and score of a one-path transducer; ValueError if none."""
    if not len(arcs.final_state):
        raise ValueError("no path")
    next_arc = {int(src): i for i, src in enumerate(arcs.src)}
    state, ilabels, olabels, score = 0, [], [], 0.0
    while state in next_arc:
        i = next_arc[state]
        ilabels += [int(arcs.ilabel[i])] * bool(arcs.ilabel[i])
        olabels += [int(arcs.olabel[i])] * bool(arcs.olabel[i])
        score += float(arcs.score[i])
        state = int(arcs.dst[i])
    return ilabels, olabels, score + float(arcs.final_score[arcs.final_state.tolist().index(state)])


def _with_kaldifst(request: dict) -> Dict[str, str]:
    import kaldifst
    fsts = {name: kaldifst.compile(text, keep_state_numbering=True) for name, text in request["fsts"].items()}
    for operation, name, *more in request["steps"]:
        if operation == "compose":
            other, result = more
            kaldifst.arcsort(fsts[name], sort_type="olabel")
            fsts[result] = kaldifst.compose(fsts[name], fsts[other])
        elif operation in ("determinize", "shortest_path"):
            fsts[name] = getattr(kaldifst, operation)(fsts[name])
        elif operation == "arcsort":
            kaldifst.arcsort(fsts[name], sort_type=more[0])
        else:
            getattr(kaldifst, operation)(fsts[name])
    return {name: _text(fsts[name]) for name in request["results"]}


def _text(fst) -> str:
    """The start state's lines first; an FST without states gives nothing."""
    if fst.start < 0:
        return ""
    lines = fst.to_str(show_weight_one=True).splitlines()
    is_start = [line.split()[0] == str(fst.start) for line in lines]
    return "\n".join([line for line, first in zip(lines, is_start) if first]
                     + [line for line, first in zip(lines, is_start) if not first]) + "\n"


def _with_commands(request: dict) -> Dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        def shell(command: str, text: str = "") -> str:
            return subprocess.run(["bash", "-c", f"set -eo pipefail; {command}"], cwd=folder, check=True,
                                  input=text, capture_output=True, text=True, timeout=300).stdout

        for name, text in request["fsts"].items():
            shell(f"fstcompile --keep_state_numbering > {name}", text)
        for operation, name, *more in request["steps"]:
            if operation == "compose":
                shell(f"fstarcsort --sort_type=olabel {name} | fstcompose - {more[0]} > {more[1]}")
            else:
                shell(f"{COMMANDS[operation].format(*more)} {name} > {name}.new && mv {name}.new {name}")
        return {name: shell(f"fstprint --show_weight_one {name}") for name in request["results"]}


if __name__ == "__main__":
    print(json.dumps(_with_kaldifst(json.load(sys.stdin))))
