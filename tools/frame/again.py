"""What stages did for the cuts of a test set, done for other cuts: their commands, with other paths in the place of
those that come from these cuts. Models, graphs and whatever else does not come from them stay what they are."""

import dataclasses
import importlib
import shlex
from pathlib import Path
from typing import Dict, List, Optional

from graphs.errors import InputError
from tools.frame import provenance
from tools.frame.program import Program
from tools.frame.records import RECORD, read_record

# what they read of a test set chooses nothing: scores of others stay, for the scales that the dev set has chosen
KEPT = ("tools.score", "tools.validate_data")
FEATURES = "tools.compute_features"
MAY_FAIL, NEARLY_ALL = "max_failed_share", "0.999999"


class Again:
    """
    Attributes:
      stages: to be done one after the other: folder to write into -> a program and its arguments.
    """

    def __init__(self, before: Path, now: Path, out: Path, nj: int):
        """
        Args:
          before: cuts of a test set (.jsonl.gz).
          now: the cuts in their place.
          out: a stage that is done again writes into the folder of its name in here.
        """
        self._places: Dict[Path, Optional[Path]] = {before.resolve(): now.absolute()}
        self._out, self._nj = out.absolute(), nj
        self.stages: Dict[Path, List[str]] = {}

    def place_of(self, path: Path) -> Optional[Path]:
        """Where the path, or what corresponds to it, will be; None for one that does not come from the cuts.

        What is to be done for it is in `stages` then.
        """
        path = path.resolve()
        if path not in self._places:
            folder = next((one for one in (path, *path.parents) if (one / RECORD).is_file()), None)
            place = self._stage(path) if folder == path else self.place_of(folder) if folder else None
            self._places[path] = place and place / path.relative_to(folder)
        return self._places[path]

    def _stage(self, folder: Path) -> Optional[Path]:
        """Where the output of the stage will be that wrote the folder; None where it does not come from the cuts."""
        record = read_record(folder)
        if not record.get("command") or record["program"] in KEPT:
            return None
        if record["program"] == FEATURES:  # it reads one split of a folder that has all
            program, args = arguments_of(record)
            place = self.place_of(args.cuts / f"{args.split}.jsonl.gz" if args.cuts.is_dir() else args.cuts)
            if place is None:
                return None
            args.cuts, args.split = place, "test"
        elif not any(self.place_of(Path(path)) for path in record.get("inputs", {})):
            return None
        else:
            program, args = arguments_of(record)
        for name in program.inputs:
            value = getattr(args, name)
            if isinstance(value, list):
                setattr(args, name, [self.place_of(path) or path for path in value])
            elif value:
                setattr(args, name, self.place_of(value) or value)
        args.out, args.nj = self._unused(folder), self._nj
        allow_failures(program, args)
        text = provenance.command(program.name, program.parser, args, program.option_texts(args))
        self.stages[args.out] = shlex.split(text)[2:]
        return args.out

    def _unused(self, folder: Path) -> Path:
        out = self._out / folder.name
        return self._out / f"{folder.parent.name}_{folder.name}" if out in self.stages else out


def arguments_of(record: dict):
    """(Program, the arguments of its command), paths absolute. Raises InputError for a record of something else."""
    try:
        program: Program = importlib.import_module(record["program"]).PROGRAM
        args = program.parse(shlex.split(record["command"])[3:])
    except (ImportError, AttributeError):
        raise InputError("stage record", "a program of the toolkit", record["program"]) from None
    except SystemExit:  # the parser has said why
        raise InputError("stage record", f"a command that {record['program']} knows", record["command"]) from None
    where = Path((record.get("runs") or [{}])[-1].get("folder", "."))
    for name in (*program.inputs, *program.corpora):
        value = getattr(args, name)
        if value:
            setattr(args, name, [where / path for path in value] if isinstance(value, list) else where / value)
    return program, args


def allow_failures(program: Program, args) -> None:
    """Single utterances may fail, however many: those that do not are wanted all the same."""
    if hasattr(args, MAY_FAIL):
        setattr(args, MAY_FAIL, NEARLY_ALL)
    args.overrides += [f"{section}.{MAY_FAIL}={NEARLY_ALL}" for name, section in program.sections(args).items()
                       if any(field.name == MAY_FAIL for field in dataclasses.fields(program.options_class(name)))]
