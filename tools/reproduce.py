"""Makes the output of a stage again, in a folder beside it, and says whether every byte is the same.

    python -m tools.reproduce exp/tdnn
    python -m tools.reproduce exp/tdnn --out /tmp/tdnn

Runs the command of the stage record (tools.show prints it) where it ran before, with the code and the packages of now,
from the same inputs; one that has changed since is an error. The exit status is 0 when all that the stage wrote is the
same, pictures and logs apart, and 1 when something differs, which other code, packages, processors or numbers of
threads can bring about: it says which of these are others.
"""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from graphs.errors import InputError
from tools.frame.fingerprint import changed_raw, is_content
from tools.frame.printing import printing
from tools.frame.provenance import ROOT
from tools.frame.records import RECORD, load_record, read_record

TOLD = ("commit", "code", "versions", "device")  # of a run, what may make the difference


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parser().parse_args(argv)
    out = args.out or args.folder.with_name(f"{args.folder.name}.again")
    return printing("tools.reproduce", lambda: reproduce(args.folder, out), unread=141)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tools.reproduce", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("folder", type=Path, help="that a stage wrote")
    made.add_argument("--out", type=Path, help="where to write; default: FOLDER.again")
    return made


def reproduce(folder: Path, out: Path) -> int:
    """Returns the exit status. Raises InputError where it cannot be done."""
    record = repeatable(folder)
    run = record["runs"][-1]
    where = run["folder"] if Path(run["folder"]).is_dir() else os.getcwd()
    words = shlex.split(record["command"])[1:]
    command = [sys.executable, *words[:words.index("--out")], "--out", str(out.absolute()),
               *words[words.index("--out") + 2:]]
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    status = subprocess.run(command, cwd=where, env={**os.environ, "PYTHONPATH": paths}).returncode
    if status != 0:
        raise InputError(f"{folder}", "a stage that can be made again",
                         f"exit status {status} of {shlex.join(command)}")
    again = read_record(out)
    differ, same = differences(record, again)
    print(f"{out}: {same} of {same + len(differ)} files as in {folder}")
    if differ:
        others = [name for name in TOLD if run.get(name) != again["runs"][-1].get(name)]
        print("\n".join(f"  {name} {how}" for name, how in differ.items()))
        print(f"other than then: {', '.join(others) or 'nothing that is recorded'}")
    return 1 if differ else 0


def repeatable(folder: Path) -> dict:
    """The record of a finished stage whose command is known and whose inputs are still what they were."""
    record, damage = load_record(folder)
    if not record:
        raise InputError(str(folder / RECORD), "a stage record", damage)
    if not (record.get("runs") and record.get("command")):
        raise InputError(str(folder), "a record with the stage's command", "a record of an earlier version")
    if record.get("state") != "done":
        raise InputError(str(folder), "a finished stage", f"one that is {record.get('state')}")
    changed: List[str] = changed_raw({**record["inputs"], **record.get("raw", {})})
    if changed:
        raise InputError(str(folder), "the inputs that it was made from",
                         f"others: {', '.join(changed[:3])} changed or went")
    return record


def differences(before: dict, now: dict):
    """(name of a file -> how it differs, number of files that are the same), by content."""
    old, new = ({name: digest[2] for name, digest in record["outputs"].items() if is_content(Path(name))}
                for record in (before, now))
    differ: Dict[str, str] = {}
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            differ[name] = "is missing" if name not in new else "is new" if name not in old else "differs"
    return differ, len({*old, *new}) - len(differ)


if __name__ == "__main__":
    sys.exit(main())
