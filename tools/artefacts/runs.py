"""What a stage record tells of its runs, and how to repeat the last one."""

from typing import List, Tuple

from tools.frame.fingerprint import changed_raw
from tools.frame.provenance import DIRTY, code_digest

NOT_KNOWN = "not recorded: the folder was made by an earlier version"


def run_facts(record: dict) -> List[Tuple[str, object]]:
    """(name, value) of the last run: when, by which code and versions, where."""
    runs = record.get("runs", [])
    if not runs:
        return []
    last, seeds = runs[-1], seeds_of(record)
    others = {f"{run['started']} at {run['commit']}": None for run in runs[:-1]}
    return [("started", last["started"]), ("gone on with after", "; ".join(others)),
            ("seed", " ".join(f"{name}={seed}" for name, seed in seeds)),
            ("commit", code_of(last)),
            ("versions", ", ".join(f"{name} {found}" for name, found in last["versions"].items())),
            ("device", last.get("device")), ("recipe", last.get("recipe"))]


def code_of(run: dict) -> str:
    """The commit, and what tells its code from others."""
    commit = run["commit"] or "none"
    if commit.endswith(DIRTY):
        commit = f"{commit[:-len(DIRTY)]} with changes"
    return f"{commit} (code {run['code']})"


def seeds_of(record: dict) -> List[Tuple[str, object]]:
    """(SECTION.KEY, seed) of every option that is one."""
    return [(f"{section}.{name}", value) for section, values in record.get("config", {}).items()
            for name, value in values.items() if name == "seed"]


def how_to_repeat(record: dict) -> str:
    """The command, from where, with which code; and whether the inputs are still there."""
    if not record.get("runs"):
        return f"\nto make it again: {NOT_KNOWN}\n{_inputs(record)}"
    run = record["runs"][-1]
    same = "as it is now" if run["code"] == code_digest() else f"of commit {code_of(run)}, which is another than now"
    return (f"\nto make it again, in {run['folder']} (tools.reproduce does, and compares)\n  {record['command']}\n"
            f"with the code {same}\n{_inputs(record)}")


def _inputs(record: dict) -> str:
    digests = record.get("inputs", {})
    changed = changed_raw(digests)
    if not changed:
        return f"inputs: {len(digests)} files, all as they were\n" if digests else ""
    return f"inputs: {len(changed)} of {len(digests)} files changed or gone since: {', '.join(changed[:3])}\n"
