"""Changes single bytes in everything that a finished recipe left, and looks who notices.

    python -m tests.trials.damage --work WORK --flips 600 --seed 0

In turn for each kind of file in WORK: one bit of one byte is flipped, size and time of the file are kept, and
three are asked, each in a process of its own: the artefact's reader alone, as from Python; tools.validate; and the
next stage, which looks at its inputs before it computes (of stage records: whether the stage counts as done). The
file is put back after each trial; give a folder that you can spare all the same. A flip in a feature store that
nobody notices has no effect when every matrix is read as before: HDF5 leaves bytes unused. Prints a table; ends with
status 1 when any other flip was not noticed before a result, or something crashed or hung.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from hybrid.report.tables import markdown_table
from tools.artefacts.registry import problems_of
from tools.frame.fingerprint import is_content
from tools.frame.records import RECORD, SELF_CHECKING, load_record, stage_records, verified_digests

LIMIT = 60  # seconds for an answer
WITNESSES = ("reader", "validate", "next stage")


def main(argv: Optional[Sequence[str]] = None) -> int:
    made = argparse.ArgumentParser(prog="python -m tests.trials.damage", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--work", type=Path, required=True, help="work folder of a finished recipe")
    made.add_argument("--flips", type=int, default=600)
    made.add_argument("--seed", type=int, default=0)
    args = made.parse_args(argv)
    kinds = kinds_of_files(args.work)
    rng = random.Random(args.seed)
    found = in_own_process(lambda: {"problems": problems_of(args.work)}, limit=10 * LIMIT)
    if found.get("problems") != []:
        sys.exit(f"{args.work}: expected a folder without problems, found {found}")
    rows: Dict[str, Counter] = defaultdict(Counter)
    for number in range(args.flips):
        kind = sorted(kinds)[number % len(kinds)]
        folder, name = rng.choice(kinds[kind])
        place, answers = flip_and_ask(folder, name, rng)
        count(rows[kind], answers)
        if not (answers.get("noticed") or answers.get("no effect")) or answers.get("crash"):
            print(f"{folder / name} byte {place}: {answers}", file=sys.stderr)
    header = ("file", "flips", *WITNESSES, "no effect", "crashes", "unnoticed")
    table = [(kind, *(rows[kind][name] for name in header[1:])) for kind in sorted(rows)]
    table.append(("**all**", *(sum(row[name] for row in rows.values()) for name in header[1:])))
    print(markdown_table(header, table))
    return 1 if table[-1][-1] or table[-1][-2] else 0


def kinds_of_files(work: Path) -> Dict[str, List]:
    """`PROGRAM: NAME` -> [(stage folder, name in it)], of stage records and everything computed from."""
    kinds: Dict[str, List] = defaultdict(list)
    for folder, record in stage_records(work):
        short = record["program"].rpartition(".")[2] if record["program"].startswith("tools.") else record["program"]
        for name in [*record["outputs"], RECORD]:
            if (is_content(Path(name)) or name == RECORD) and (folder / name).stat().st_size:
                shown = "".join("N" if c.isdigit() else c for c in Path(name).name) if name != RECORD else RECORD
                if "wav" in Path(name).parts:
                    shown = "*.wav"
                kinds[f"{short}: {shown}" if name != RECORD else RECORD].append((folder, name))
    return kinds


def flip_and_ask(folder: Path, name: str, rng: random.Random):
    """(place of the byte, answers); everything is afterwards as it was."""
    path, record = folder / name, folder / RECORD
    stat, content, before = path.stat(), path.read_bytes(), record.read_bytes()
    matrices = matrices_of(folder) if SELF_CHECKING in Path(name).parts else None
    place, bit = rng.randrange(len(content)), 1 << rng.randrange(8)
    changed = content[:place] + bytes([content[place] ^ bit]) + content[place + 1:]
    try:
        path.write_bytes(changed)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        answers = in_own_process(lambda: ask(folder, name))
        if matrices is not None and not answers.get("noticed"):
            answers["no effect"] = matrices_of(folder) == matrices
    finally:
        for file, whole in ((record, before), (path, content)):
            file.write_bytes(whole)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return place, answers


def ask(folder: Path, name: str) -> dict:
    """Who notices."""
    if name == RECORD:
        found = bool(load_record(folder)[1])
        return {"reader": found, "validate": bool(problems_of(folder)), "next stage": found, "noticed": found}
    reader = bool(problems_of(folder, with_record=False))
    validate = bool(problems_of(folder))
    try:
        verified_digests([folder])
        stage = False
    except Exception as error:
        stage = type(error).__name__ == "InputError"
    # a store's reader checks each matrix that it gives to the next stage
    return {"reader": reader, "validate": validate, "next stage": stage,
            "noticed": stage or (SELF_CHECKING in Path(name).parts and reader)}


def matrices_of(folder: Path) -> dict:
    """A digest of every matrix of a features folder."""
    def digest() -> dict:
        from hybrid.data.features import FeatureReader
        reader, sha = FeatureReader(folder), hashlib.sha256()
        for name in reader.ids:
            sha.update(reader.raw(name).numpy().tobytes())
        return {"sha256": sha.hexdigest()}
    return in_own_process(digest)


def in_own_process(question, limit: int = LIMIT) -> dict:
    """Its answer, or {"crash": how it ended}. This process never computes: threads do not survive a fork."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(limit)
        try:
            os.write(sender, json.dumps(question()).encode())
        except BaseException as error:
            os.write(sender, json.dumps({"crash": f"{type(error).__name__}: {error}"[:300]}).encode())
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, "rb") as stream:
        text = stream.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if text else {"crash": f"status {status} (14 is a time limit)"}


def count(row: Counter, answers: dict) -> None:
    row["flips"] += 1
    row["crashes"] += "crash" in answers
    row["unnoticed"] += not (answers.get("noticed", "crash" in answers) or answers.get("no effect"))
    for name in (*WITNESSES, "no effect"):
        row[name] += bool(answers.get(name))


if __name__ == "__main__":
    started = time.monotonic()
    status = main()
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    sys.exit(status)
