"""The frame of every stage program: arguments, "up to date", logging, errors, the stage record.

A program writes one output folder, and the folder's `.stage.json` holds the fingerprint of what it
was made from: program, options, arguments and the content of every input. Run again with the same
fingerprint the program says so and does nothing; with another it clears the folder and starts anew.
A run that was killed is started anew, too, or goes on when the program can (`resumable`).

A program module imports nothing heavy at its top, so that "up to date" is said in milliseconds.
"""

import argparse
import json
import logging
import os
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from graphs.errors import InputError, TooManyFailures
from tools.frame.config import Config, make_options, read_config
from tools.frame.fingerprint import contents, digest_files, fingerprint

RECORD = ".stage.json"


def write_text_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


class Job:
    """One run of a program.

    Attributes:
      args: the parsed arguments; paths are pathlib.Path.
      out: the output folder, which exists.
      nj: number of parallel processes.
      resuming: True when an earlier run with the same fingerprint was cut off and left its work.
      log: writes to the terminal and to `log.txt` in the output folder.
      facts: JSON-able; ends up in the stage record (counts, sizes, anything worth knowing).
    """

    def __init__(self, args: argparse.Namespace, config: Config, resuming: bool, log: logging.Logger):
        self.args, self.out, self.nj = args, args.out, args.nj
        self.config, self.resuming, self.log = config, resuming, log
        self.facts: dict = {}

    def options(self, cls, section: str):
        """The options dataclass filled from the conf section (see tools/frame/config.py)."""
        return make_options(cls, section, self.config.get(section, {}))


class Program:
    def __init__(self, name: str, doc: str, sections: Sequence[str] = (), resumable: bool = False):
        """
        Args:
          name: as in `python -m NAME`.
          doc: the module's docstring, shown by --help.
          sections: conf sections that this program reads; others do not touch its fingerprint.
          resumable: a run that was cut off is gone on with instead of cleared.
        """
        self.name, self.sections, self.resumable = name, tuple(sections), resumable
        self.parser = argparse.ArgumentParser(
            prog=f"python -m {name}", description=doc,
            formatter_class=argparse.RawDescriptionHelpFormatter)
        self._inputs: List[str] = []
        self._corpora: List[str] = []
        self._uncounted = {"out", "conf", "nj", "overrides"}
        add = self.parser.add_argument
        add("--out", type=Path, required=True, help="output folder")
        add("--conf", type=Path, help="INI file with options")
        add("--nj", type=int, default=os.cpu_count() or 1, help="parallel processes")
        add("overrides", nargs="*", metavar="section.key=value", help="options that win over --conf")

    def input(self, flag: str, help: str, corpus: bool = False, **more) -> "Program":
        """An input file or folder.

        Args:
          corpus: raw data, told apart by names and sizes, not read; where it is not there, the program says so
            itself, and how to get it.
        """
        action = self.parser.add_argument(flag, type=Path, help=help, **more)
        (self._corpora if corpus else self._inputs).append(action.dest)
        return self

    def argument(self, flag: str, counts: bool = True, **more) -> "Program":
        """Any other argument. counts: its value is part of the fingerprint."""
        action = self.parser.add_argument(flag, **more)
        if not counts:
            self._uncounted.add(action.dest)
        return self

    def run(self, work: Callable[[Job], None], argv: Optional[Sequence[str]] = None) -> int:
        """Does the work unless it is done. Returns the exit status."""
        args = self.parser.parse_intermixed_args(argv)
        try:
            return self._run(work, args)
        except (InputError, TooManyFailures) as error:
            print(f"{self.name}: error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"{self.name}: interrupted; run it again to go on", file=sys.stderr)
            return 130

    def main(self, work: Callable[[Job], None]) -> None:
        sys.exit(self.run(work))

    def _run(self, work: Callable[[Job], None], args: argparse.Namespace) -> int:
        config = read_config(args.conf, args.overrides)
        # a program with --section is told on the command line which section it reads
        sections = {*self.sections, getattr(args, "section", None)}
        config = {section: config[section] for section in sorted(sections & set(config))}
        record = read_record(args.out)
        digests = self._digests(args, record.get("inputs", {}))
        counted = {name: str(value) for name, value in vars(args).items()
                   if name not in self._uncounted and name not in self._inputs + self._corpora}
        mark = fingerprint(program=self.name, config=config, arguments=counted, inputs=contents(digests))
        same = record.get("fingerprint") == mark
        if same and record.get("state") == "done" and not _lost(args.out, record):
            print(f"{self.name}: {args.out} is up to date")
            return 0
        resuming = same and self.resumable and record.get("state") == "running"
        if not resuming and args.out.exists():
            _clear(args.out, record)
        args.out.mkdir(parents=True, exist_ok=True)
        record = {"program": self.name, "fingerprint": mark, "state": "running", "config": config,
                  "arguments": counted, "inputs": digests}
        _write_record(args.out, record)
        job = Job(args, config, resuming, _logger(self.name, args.out / "log.txt"))
        start = time.time()
        try:
            work(job)
        except (InputError, TooManyFailures) as error:
            job.log.error("%s", error)
            return 2
        except Exception:
            job.log.exception("failed")
            raise
        record.update(
            state="done", seconds=round(time.time() - start, 2), peak_memory_mb=peak_memory_mb(),
            facts=job.facts, outputs=sorted(str(p.relative_to(args.out)) for p in _files(args.out)))
        _write_record(args.out, record)
        job.log.info("done in %.1f s, peak memory %d MB", record["seconds"], record["peak_memory_mb"])
        return 0

    def _digests(self, args: argparse.Namespace, known: dict) -> dict:
        digests = {}
        for name in self._inputs + self._corpora:
            value = getattr(args, name)
            paths = value if isinstance(value, list) else [] if value is None else [value]
            there = [path for path in paths if path.exists()]
            if name in self._inputs and there != paths:
                missing = next(path for path in paths if path not in there)
                raise InputError(f"--{name.replace('_', '-')} {missing}", "an existing file or folder", "none")
            digests.update(digest_files(there, known, content=name in self._inputs))
        return digests


def peak_memory_mb() -> int:
    """Peak resident memory of this process and its ended children, the larger of the two."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) // 1024


def _files(out: Path) -> List[Path]:
    return [p for p in out.rglob("*") if p.is_file() and p.name not in (RECORD, "log.txt")]


def _lost(out: Path, record: dict) -> bool:
    return any(not (out / name).exists() for name in record.get("outputs", []))


def _clear(out: Path, record: dict) -> None:
    """Clears an output folder of an earlier run, and refuses any other folder."""
    if not record and any(out.iterdir()):
        raise InputError(f"--out {out}", f"an empty folder or one written by a stage (with {RECORD})",
                         "other files in it")
    shutil.rmtree(out)


def read_record(out: Path) -> dict:
    """The stage record of an output folder; empty when there is none."""
    try:
        return json.loads((out / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return {}


def _write_record(out: Path, record: dict) -> None:
    write_text_atomically(out / RECORD, json.dumps(record, indent=1, ensure_ascii=False))


def _logger(name: str, path: Path) -> logging.Logger:
    log = logging.getLogger(name)
    log.setLevel(logging.INFO)
    log.handlers.clear()
    log.propagate = False
    for handler, form in ((logging.StreamHandler(), "%(levelname)s %(message)s"),
                          (logging.FileHandler(path, encoding="utf-8"), "%(asctime)s %(levelname)s %(message)s")):
        handler.setFormatter(logging.Formatter(form))
        log.addHandler(handler)
    return log
