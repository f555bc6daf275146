"""Readers of tools/frame/."""

from pathlib import Path

from tests.fuzz.mutations import json_values
from tests.fuzz.reader import Reader
from tests.tools.work_folder import make_sweep
from tools.artefacts.sweeps import describe_sweep
from tools.frame.config import read_config
from tools.frame.records import RECORD, load_record, write_record
from tools.sweep.study import read_study

CONF = "[am]\nepochs = 3  # few\nlearning_rate = 0.001\n\n[lang]\nsilence_phones = SIL,SPN\n"


def _write_record(folder: Path) -> None:
    write_record(folder, {"program": "tools.align", "state": "done", "seconds": 1.5, "config": {"align": {"beam": 8.0}},
                          "arguments": {}, "inputs": {"/a/b": [3, 7, "00ff"]}, "outputs": {"c": [3, 7, "00ff"]},
                          "facts": {}, "options": {}, "raw": {}})


STUDY = """[sweep]
recipe = egs/toy
system = one
model_seeds = 1, 2

[space]
am.dropout = 0.1 .. 0.4
am.rate = 1e-4 .. 1e-2 log
am.dilations = 1, 2 | 3, 4
am.dim = 64 .. 256 step 64

[am]
epochs = 2
"""

READERS = [
    Reader("conf", "x.conf", lambda folder: (folder / "x.conf").write_text(CONF),
           lambda folder: read_config([folder / "x.conf"])),
    Reader("study of a sweep", "x.conf", lambda folder: (folder / "x.conf").write_text(STUDY),
           lambda folder: read_study(folder / "x.conf")),
    Reader("study.json", "study.json", make_sweep, describe_sweep, json_values),
    Reader("trials.tsv", "trials.tsv", make_sweep, describe_sweep),
    Reader("stage record", RECORD, _write_record, load_record, json_values),
]
