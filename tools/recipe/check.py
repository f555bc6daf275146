"""Locks a recipe's work folder and checks every option of every stage before the first one starts.

    python -m tools.recipe.check --work WORK --lock 9 --systems "tdnn blstm" < plan
    python -m tools.recipe.check --list < plan

The plan is what tools/recipe.sh collects in RECIPE_MODE=plan: for each program of the recipe, all systems included,
the stage, the number of its arguments and the arguments, each ended by a zero byte. The lock is taken on the file
descriptor of tools/recipe.sh, WORK/.lock, and is held as long as that runs. Of systems that are not to run, options of
[am] may be meant for the others. With --list all options are printed.
"""

import argparse
import fcntl
import hashlib
import importlib
import os
import sys
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from graphs.errors import InputError
from tools.frame.config import SECTIONS, OtherChoice, read_config
from tools.frame.records import write_text_atomically

ROOT = Path(__file__).resolve().parents[2]
CHECKED = ".checked"  # the plan that was found good last, so that it need not be checked again


class Planned(NamedTuple):
    stage: str
    module: str
    arguments: List[str]


def read_plan(data: bytes) -> List[Planned]:
    fields, planned = os.fsdecode(data).split("\0"), []
    start = 0
    while start + 1 < len(fields):
        end = start + 2 + int(fields[start + 1])
        planned.append(Planned(fields[start], fields[start + 2], fields[start + 3:end]))
        start = end
    return planned


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.recipe.check", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="work folder")
    parser.add_argument("--lock", type=int, help="file descriptor of its lock")
    parser.add_argument("--systems", default="", help="those that are to run")
    parser.add_argument("--list", action="store_true", help="print every option with its value")
    args = parser.parse_args(argv)
    data = sys.stdin.buffer.read()
    try:
        if args.list:
            print("\n".join(list_options(read_plan(data))), flush=True)
            return 0
        if args.lock is not None:
            lock(args.lock, args.work)
        check_once(data, args.work, args.systems.split())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # nobody reads the list any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def lock(descriptor: int, work: Path) -> None:
    """Raises InputError that says who has the folder."""
    path = work / ".lock"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"--work {work}", "no other run in it", path.read_text(encoding="utf-8").strip()
                         or "another run") from None
    except OSError:  # a file system without locks
        return
    os.ftruncate(descriptor, 0)
    command = os.environ.get("RECIPE_COMMAND", "a recipe")
    os.write(descriptor, f"process {os.getppid()} since {time.strftime('%F %T')}: {command}\n".encode())


def check_once(data: bytes, work: Path, chosen: Sequence[str]) -> None:
    """As `check`, unless the same plan, options and code were found good before."""
    planned = read_plan(data)
    sha = hashlib.sha256(data + " ".join(chosen).encode())
    for path in (*sorted({name for one in planned for name in _confs(one)}), *_code()):
        stat = path.stat()
        sha.update(f"{path} {stat.st_size} {stat.st_mtime_ns}".encode())
    mark, known = sha.hexdigest(), work / CHECKED
    if known.exists() and known.read_bytes() == mark.encode():
        return
    check(planned, chosen)
    write_text_atomically(known, mark)


def _confs(one: Planned) -> List[Path]:
    return [Path(value) for name, value in zip(one.arguments, one.arguments[1:]) if name == "--conf"]


def _code() -> List[Path]:
    return sorted(path for folder in ("graphs", "hybrid", "tools", "egs") for path in (ROOT / folder).rglob("*.py"))


def check(planned: Sequence[Planned], chosen: Sequence[str]) -> None:
    """Raises InputError for the first option that no stage takes, with a bad value, or for a system there is not.

    Args:
      chosen: the systems that are to run.
    """
    read: Set[str] = set()
    systems: Set[str] = set()
    parsed = []
    for one in planned:
        program = program_of(one)
        if program is not None:
            args = program.parse(one.arguments)
            read |= sections_of(program, args)
            systems |= {args.system} if args.system else set()
            parsed.append((one, program, args))
    for _, _, args in parsed[:1]:
        _check_sections(read_config(args.conf, args.overrides).sections(), read, systems)
    for one, program, args in parsed:
        try:
            program.make_options(args, program.option_texts(args))
        except InputError as error:
            if isinstance(error, OtherChoice) and args.system and args.system not in chosen:
                continue
            where = f"stage {one.stage}, {one.module}" + (f", system {args.system}" if args.system else "")
            raise InputError(error.item, error.expected, f"{error.found} ({where})") from None


def program_of(one: Planned):
    """The Program of a module; None for a module without. One that needs an absent package is checked when it runs."""
    try:
        return getattr(importlib.import_module(one.module), "PROGRAM", None)
    except ModuleNotFoundError as error:
        if error.name == one.module or (error.name or "").split(".")[0] in ("tools", "egs"):
            raise InputError(f"stage {one.stage}", "a module of the project", one.module) from None
        return None


def sections_of(program, args: argparse.Namespace) -> Set[str]:
    """Those of the conf that a planned program reads, with those of its system."""
    sections = set(program.sections(args).values())
    return sections | {f"{section}.{args.system}" for section in sections if args.system}


def _check_sections(sections: Set[str], read: Set[str], systems: Set[str]) -> None:
    for section in sorted(sections):
        base, _, system = section.partition(".")
        if base not in read:
            raise InputError(f"options section [{section}]", f"one that a stage of this recipe reads "
                             f"({', '.join(name for name in SECTIONS if name in read)})", base)
        if system and system not in systems:
            raise InputError(f"options section [{section}]", f"a system of this recipe ({', '.join(sorted(systems))})",
                             system)
        if section not in read:
            own = sorted({name.partition(".")[0] for name in read if "." in name})
            raise InputError(f"options section [{section}]", f"a section with options of systems ({', '.join(own)})",
                             base)


def list_options(planned: Sequence[Planned]) -> List[str]:
    """Every option with its value; a section once for each system, and what is not chosen once."""
    blocks: Dict[Tuple[str, ...], None] = {}
    for one in planned:
        program = program_of(one)
        if program is not None:
            args = program.parse(one.arguments)
            blocks.update(dict.fromkeys(map(tuple, program.describe_options(program.option_texts(args), args))))
    titles = [block[0] for block in blocks]
    order = sorted(blocks, key=lambda block: titles.index(block[0]))
    return [line for block in order for line in (*block, "")]


if __name__ == "__main__":
    sys.exit(main())
