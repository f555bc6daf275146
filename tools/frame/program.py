"""The frame of every stage program: arguments, options, "up to date", logging, errors, the stage record.

A program writes one output folder, and the folder's `.stage.json` holds what it was made from: program, options,
arguments and the content of every input. Run again with the same the program says so and does nothing; with
others it says what changed and makes the folder anew, beside the old one, which it replaces when it is whole. A
run that was killed is started anew, too, or goes on when the program can (`resumable`). Nothing is touched
before arguments, options and inputs have been checked.

The record also tells by which code, versions and command it was made (tools/frame/provenance.py).

A program module imports nothing heavy at its top, so that "up to date" is said in milliseconds.
"""

import argparse
import importlib
import logging
import os
import resource
import sys
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Sequence

from graphs.errors import DamagedInput, InputError, TooManyFailures
from graphs.options import flat
from hybrid.processes import kill_children
from tools.frame import provenance
from tools.frame.config import describe_options, is_option, make_options, read_config, resolve
from tools.frame.failures import explain
from tools.frame.fingerprint import Digests, changed_raw, contents, digest_files, digest_raw, files_of, fingerprint
from tools.frame.log import logger_into
from tools.frame.moved import PLACE
from tools.frame.numbers import at_least
from tools.frame.printing import EXPECTED, printing, told
from tools.frame.records import (
    LOG, changed_outputs, load_record, mark_damaged, output_digests, read_record, verified_digests, write_record,
    written_by_stages)
from tools.frame.unfinished import Unfinished, holder, is_foreign


class Job:
    """One run of a program.

    Attributes:
      args: the parsed arguments; paths are pathlib.Path.
      out: the folder to write into, which exists. It is renamed to --out when the work is done: a path below it
        that goes into a file is to be given as `final(path)`.
      nj: number of parallel processes.
      resuming: True when an earlier run with the same fingerprint was cut off and left its work.
      log: writes to the terminal and to `log.txt` in the output folder.
      facts: JSON-able; ends up in the stage record (counts, sizes, anything worth knowing).
      raw: digests of the raw files that `reads` was told.
    """

    def __init__(self, args: argparse.Namespace, place: Unfinished, options: Dict[str, object], resuming: bool,
                 log: logging.Logger):
        self.args, self.out, self.nj = args, place.folder, args.nj
        self.resuming, self.log = resuming, log
        self.facts: dict = {}
        self.raw: Digests = {}
        self._place, self._options = place, options

    def options(self, section: str):
        """The options dataclass that the program declared for the conf section."""
        return self._options[section]

    def final(self, path: Path) -> Path:
        """Where a path below `out` will be when the work is done."""
        return self._place.final.absolute() / Path(path).absolute().relative_to(self.out.absolute())

    def reads(self, paths: Iterable[Path]) -> None:
        """Raw files (recordings) that the output depends on: when one changes or goes the stage is done again.
        To be called before they are read. Those that a stage wrote are told apart by content, and InputError is raised
        for a damaged one."""
        files = set(map(Path, paths))
        written = written_by_stages(files)
        self.raw.update(verified_digests(sorted(written)))
        self.raw.update(digest_raw(files - written, self.args.by_content))

    def seconds(self) -> float:
        """Of work on this output so far, those of runs that were killed included."""
        return self._place.seconds()


class Program:
    def __init__(self, name: str, doc: str, options: Optional[Dict[str, str]] = None, resumable: bool = False,
                 more_inputs: Optional[Callable[[argparse.Namespace], Iterable[Path]]] = None, mended: str = ""):
        """
        Args:
          name: as in `python -m NAME`.
          doc: the module's docstring, shown by --help.
          options: conf section -> `module:Class` of its options dataclass; other sections do not touch the
            fingerprint. An argument --section of the program renames the first.
          resumable: a run that was cut off is gone on with instead of cleared.
          more_inputs: files and folders that it reads beside those that are given as inputs.
          mended: the last mistake in the program that made outputs wrong; those that do not know of it are made anew.
        """
        self.name, self.doc, self.resumable, self.more_inputs, self.mended = name, doc, resumable, more_inputs, mended
        self._classes = dict(options or {})
        self.parser = argparse.ArgumentParser(
            prog=f"python -m {name}", description=doc, add_help=False,
            formatter_class=argparse.RawDescriptionHelpFormatter)
        self.inputs: List[str] = []
        self.corpora: List[str] = []
        self._beside: Dict[str, str] = {}
        self._uncounted = {"out", "conf", "nj", "overrides", "help", "system", "by_content"}
        add = self.parser.add_argument
        add("--help", "-h", action="store_true", help="this text, with all options")
        add("--out", type=Path, required=True, help="output folder")
        add("--conf", type=Path, action="append", default=[], help="INI file with options; a later one wins")
        add("--system", help="options of [SECTION.SYSTEM] win over those of [SECTION]")
        add("--nj", type=at_least(1), default=os.cpu_count() or 1, help="parallel processes")
        add("--by-content", action="store_true",
            help="tell raw recordings and earlier outputs apart by their content instead of by size and time")
        add("overrides", nargs="*", metavar="section.key=value", help="options that win over --conf")

    def input(self, flag: str, help: str, corpus: bool = False, beside: Optional[str] = None, **more) -> "Program":
        """An input file or folder.

        Args:
          corpus: raw data, told apart by size and time; where it is not there, the program says so itself, and
            how to get it.
          beside: flag of another input. Without an argument of its own this input is the file of its name (without
            the dashes) that lies beside that one, if there is one.
        """
        action = self.parser.add_argument(flag, type=Path, help=help, **more)
        (self.corpora if corpus else self.inputs).append(action.dest)
        if beside:
            self._beside[action.dest] = beside.strip("-").replace("-", "_")
        return self

    def argument(self, flag: str, counts: bool = True, **more) -> "Program":
        """Any other argument. counts: its value is part of the fingerprint."""
        action = self.parser.add_argument(flag, **more)
        if not counts:
            self._uncounted.add(action.dest)
        return self

    def run(self, work: Callable[[Job], None], argv: Optional[Sequence[str]] = None) -> int:
        """Does the work unless it is done. Returns the exit status."""
        argv = sys.argv[1:] if argv is None else list(argv)
        if "--help" in argv or "-h" in argv:
            options = "\n\n".join("\n".join(block) for block in self.describe_options())
            return printing(self.name, lambda: print(f"{self.parser.format_help()}\n{options}"))
        args = self.parse(argv)
        try:
            _refuse_odd_names(args)
            self._find_beside(args)
            return Run(self, args).run(work)
        except EXPECTED as error:
            return told(self.name, error)
        except Exception as error:
            reason = explain(error, args.out)
            if reason is None:
                raise
            print(f"{self.name}: error: {reason}", file=sys.stderr)
            return 1
        finally:
            kill_children()

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Options are told from other words wherever they stand: behind a flag that takes several values, too."""
        options = [word for word in argv if is_option(word)]
        args = self.parser.parse_intermixed_args([word for word in argv if not is_option(word)])
        args.overrides += options
        return args

    def _find_beside(self, args: argparse.Namespace) -> None:
        for name, other in self._beside.items():
            place = getattr(args, other)
            if getattr(args, name) is None and place is not None and (place.parent / name).is_file():
                setattr(args, name, place.parent / name)

    def main(self, work: Callable[[Job], None]) -> None:
        status = self.run(work)
        if status != 0:  # at once: HDF5 crashes when it cannot write at exit what it could not write before
            if sys.stdout is not None:  # what a shell has closed
                sys.stdout.flush()
            os._exit(status)

    def sections(self, args: Optional[argparse.Namespace] = None) -> Dict[str, str]:
        """Declared section -> the section of the conf that it is read from."""
        names = {name: name for name in self._classes}
        if names and getattr(args, "section", None):
            names[next(iter(names))] = args.section
        return names

    def option_texts(self, args: argparse.Namespace) -> Dict[str, Dict[str, str]]:
        """Declared section -> key -> text, of conf files and command line."""
        config = read_config(args.conf, args.overrides)
        return {name: resolve(config, section, args.system) for name, section in self.sections(args).items()}

    def make_options(self, args: argparse.Namespace, texts: Dict[str, Dict[str, str]]) -> Dict[str, object]:
        """Declared section -> instance. Raises InputError for a bad key or value."""
        names = self.sections(args)
        return {name: make_options(self.options_class(name), names[name], values) for name, values in texts.items()}

    def describe_options(self, texts: Optional[Dict[str, Dict[str, str]]] = None,
                         args: Optional[argparse.Namespace] = None) -> List[List[str]]:
        """Blocks of lines, one for each option: default or the value of the texts, and what it is."""
        return [block for name, section in self.sections(args).items()
                for block in describe_options(self.options_class(name), section, (texts or {}).get(name, {}),
                                              getattr(args, "system", None) or "")]

    def options_class(self, section: str):
        module, _, name = self._classes[section].partition(":")
        return getattr(importlib.import_module(module), name)


class Run:
    """One run of a program: decides what is to be done, and leaves the record."""

    def __init__(self, program: Program, args: argparse.Namespace):
        self.program, self.args = program, args
        self.texts = program.option_texts(args)
        inputs = program.inputs + program.corpora
        self.counted = {name: str(value) for name, value in vars(args).items()
                        if name not in program._uncounted and name not in inputs}
        self.place = Unfinished(args.out)

    def run(self, work: Callable[[Job], None]) -> int:
        self.place.recover()
        record, damage = load_record(self.args.out)
        raw = digest_raw(self._corpus_files(), self.args.by_content)
        digests = digest_files(self._declared_inputs(), record.get("inputs", {}))
        reasons = self._reasons(record, damage, digests, raw)
        if not reasons and record["options"] == self.texts:
            return self._up_to_date()
        options = self.program.make_options(self.args, self.texts)
        described = {name: flat(values) for name, values in options.items()}
        if not reasons and record["config"] == described:
            write_record(self.args.out, {**record, "options": self.texts})
            return self._up_to_date()
        self._refuse_foreign()
        self._refuse_own_input()
        digests = verified_digests(self._declared_inputs())
        if record:
            reasons += _changes("option", record["config"], described)
        new = {"program": self.program.name, "command": self._command(), "config": described, "options": self.texts,
               "arguments": self.counted, "inputs": digests, "corpora": self._corpora(),
               "stage": os.environ.get("RECIPE_STAGE"), "mended": self.program.mended,
               PLACE: str(self.args.out.resolve()),
               "fingerprint": fingerprint(program=self.program.name + self.program.mended, config=described,
                                          arguments=self.counted, inputs=_by_last_names(digests), raw=raw)}
        try:
            return self._work(work, options, new, raw, reasons if self.args.out.exists() else [])
        finally:
            self.place.close()

    def _up_to_date(self) -> int:
        name = self.program.name
        return printing(name, lambda: print(f"{name}: {self.args.out} is up to date"))

    def _work(self, work, options, record: dict, raw: Digests, reasons: List[str]) -> int:
        self.place.open()
        before = read_record(self.place.folder)
        resuming = self.program.resumable and before.get("fingerprint") == record["fingerprint"]
        if not resuming:
            self.place.clear()
        earlier = before.get("runs", []) if resuming else []
        record = {**record, "state": "running", "holder": f"{self.program.name}: {holder()}",
                  "runs": [*earlier, provenance.begin(self.args.nj)]}
        write_record(self.place.folder, record)
        log = logger_into(self.program.name, self.place.folder / LOG)
        job = Job(self.args, self.place, options, resuming, log)
        if reasons:
            log.info("%s is made anew: %s", self.args.out, "; ".join(reasons[:5]))
        self.place.start_clock()
        try:
            work(job)
            self._complete(job, record, raw)
        except (InputError, TooManyFailures) as error:
            repair = mark_damaged(Path(error.path)) if isinstance(error, DamagedInput) else ""
            log.error("%s%s", error, repair and f"; {repair}")
            return 2
        except Exception as error:
            reason = explain(error, self.place.folder)
            if reason is None:
                log.exception("failed")
                raise
            log.error("%s", reason)
            return 1
        return 0

    def _complete(self, job: Job, record: dict, raw: Digests) -> None:
        record.update(
            state="done", holder="", seconds=round(job.seconds(), 2), peak_memory_mb=peak_memory_mb(),
            facts=job.facts, raw={**raw, **job.raw}, outputs=output_digests(self.place.folder),
            runs=[*record["runs"][:-1], provenance.end(record["runs"][-1])])
        job.log.info("done in %.1f s, peak memory %d MB", record["seconds"], record["peak_memory_mb"])
        for handler in job.log.handlers:
            handler.close()
        write_record(self.place.folder, record)
        self.place.finish()

    def _command(self) -> str:
        sections = self.program.sections(self.args)
        return provenance.command(self.program.name, self.program.parser, self.args,
                                  {sections[name]: values for name, values in self.texts.items()})

    def _reasons(self, record: dict, damage: str, digests: Digests, raw: Digests) -> List[str]:
        """Why the output is not up to date, options apart."""
        if not record:
            return [f"its stage record is {damage}"]
        reasons = changed_outputs(self.args.out, record, by_content=self.args.by_content)
        if self.program.mended and record.get("mended") != self.program.mended:
            reasons.append(f"a mistake was mended since: {self.program.mended}")
        reasons += _changes("argument", record["arguments"], self.counted)
        before, now = contents(record["inputs"]), contents(digests)
        reasons += [f"{name} changed" if name in before and name in now else
                    f"{name} is {'new' if name in now else 'not read any more'}"
                    for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
        known = record.get("raw", {})
        reasons += [f"{name} is new" for name in raw if name not in known]
        asked_before = record.get("corpora", [])
        if asked_before != self._corpora():
            asked = {os.path.realpath(file) for root in asked_before for file in files_of(Path(root))}
            reasons += [f"{name} is not asked for any more" for name in sorted(asked & known.keys() - raw.keys())]
        reasons += [f"{name} changed, is gone or is back" for name in changed_raw(known, self.args.by_content)]
        return reasons

    def _refuse_foreign(self) -> None:
        for folder in (self.args.out, self.place.folder):
            if folder.exists() and not folder.is_dir():
                raise InputError(f"--out {folder}", "a folder", "a file")
            if is_foreign(folder):
                raise InputError(f"--out {folder}", "an empty folder or one written by a stage (with .stage.json)",
                                 "other files in it; move them elsewhere, or remove them")

    def _refuse_own_input(self) -> None:
        """The output replaces what was in its folder."""
        out = self.args.out.resolve()
        for path in self._paths([*self.program.inputs, *self.program.corpora]):
            if out == path.resolve() or out in path.resolve().parents:
                raise InputError(f"--out {self.args.out}", "another folder than that of an input", str(path))

    def _paths(self, names: Sequence[str]) -> List[Path]:
        values = (getattr(self.args, name) for name in names)
        lists = (value if isinstance(value, list) else [value] for value in values if value is not None)
        return [path for paths in lists for path in paths]

    def _corpora(self) -> List[str]:
        return sorted(os.path.realpath(path) for path in self._paths(self.program.corpora))

    def _corpus_files(self) -> List[Path]:
        """Without those of a work folder that the user has put into the corpus."""
        work = self.args.out.absolute().parent
        return [path for root in self._paths(self.program.corpora) for path in files_of(root)
                if not (root.absolute() in work.parents and work in path.absolute().parents)]

    def _declared_inputs(self) -> List[Path]:
        for name in self.program.inputs:
            for path in self._paths([name]):
                if not path.exists():
                    raise InputError(f"--{name.replace('_', '-')} {path}", "an existing file or folder", "none")
        more = self.program.more_inputs(self.args) if self.program.more_inputs else []
        return [*self._paths(self.program.inputs), *more]


def _by_last_names(digests: Digests) -> List[List]:
    """What a stage goes on from, wherever it lies: contents with the names of the files and of their folders."""
    return sorted(["/".join(Path(path).parts[-2:]), *known] for path, known in contents(digests).items())


def _refuse_odd_names(args: argparse.Namespace) -> None:
    """Records and manifests hold paths as UTF-8 text."""
    for name, value in vars(args).items():
        for path in value if isinstance(value, list) else [value]:
            try:
                str(path).encode("utf-8")
            except UnicodeEncodeError:
                raise InputError(f"--{name.replace('_', '-')} {ascii(str(path))}", "a name in UTF-8",
                                 "bytes that are none") from None


def _changes(what: str, before: dict, now: dict) -> List[str]:
    """`WHAT NAME: OLD before, NEW now`, of two levels of names."""
    before, now = ({f"{outer}.{name}" if isinstance(part, dict) else outer: value
                    for outer, part in table.items()
                    for name, value in (part.items() if isinstance(part, dict) else [("", part)])}
                   for table in (before, now))
    return [f"{what} {name}: {before.get(name)} before, {now.get(name)} now"
            for name in sorted({*before, *now}) if before.get(name) != now.get(name)]


def peak_memory_mb() -> int:
    """Peak resident memory of this process and its ended children, the larger of the two."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) // 1024
