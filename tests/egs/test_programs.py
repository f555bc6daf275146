"""The programs of the recipes as they are started: by their name."""

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.glob("egs/*/*.py")
                  if "PROGRAM = " in path.read_text(encoding="utf-8"))


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_started_by_its_name(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    runpy.run_module(name, run_name="__main__")
    said = capsys.readouterr().out
    assert said.startswith(f"usage: python -m {name} ") and "--out" in said
    assert len(PROGRAMS) == 8
