"""Readers of tools/frame/."""

from pathlib import Path

from tests.fuzz.mutations import json_values
from tests.fuzz.reader import Reader
from tools.frame.config import read_config
from tools.frame.records import RECORD, load_record, write_record

CONF = "[am]\nepochs = 3  # few\nlearning_rate = 0.001\n\n[lang]\nsilence_phones = SIL,SPN\n"


def _write_record(folder: Path) -> None:
    write_record(folder, {"program": "tools.align", "state": "done", "seconds": 1.5, "config": {"align": {"beam": 8.0}},
                          "arguments": {}, "inputs": {"/a/b": [3, 7, "00ff"]}, "outputs": {"c": [3, 7, "00ff"]},
                          "facts": {}, "options": {}, "raw": {}})


READERS = [
    Reader("conf", "x.conf", lambda folder: (folder / "x.conf").write_text(CONF),
           lambda folder: read_config([folder / "x.conf"])),
    Reader("stage record", RECORD, _write_record, load_record, json_values),
]
