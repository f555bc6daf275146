"""What stages did for the cuts of a test set, done for other cuts: their commands, with other paths in the place of
those that come from these cuts. Models and whatever else does not come from them stay what they are; so do lang folders
and graphs, unless there are other words."""

import argparse
import dataclasses
import importlib
import itertools
import os
import shlex
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Set

from graphs.errors import InputError
from tools.frame import provenance
from tools.frame.config import is_option
from tools.frame.numbers import at_least
from tools.frame.program import Program
from tools.frame.records import RECORD, load_record, read_record
from tools.frame.words import LANGUAGE, OtherWords

FEATURES = "tools.compute_features"
# What they write of an utterance or a speaker comes from these alone, and from models. What others write stays: models
# whose training looks at the dev set, too, and scores, for the scales that the dev set has chosen.
DONE_AGAIN = ("tools.decode", "tools.decode_e2e", "tools.decode_on_the_fly", "tools.estimate_fmllr",
              "tools.estimate_ivectors", "tools.adapt", "tools.combine", "tools.rover", "tools.rescore_with_model",
              "tools.align", "tools.align_ctc", "tools.convert_alignment")
LATTICES = "tools.lattices."
AS_THEN = ("channel", "case", "punctuation", "words", "min_frames_per_phone", "trim_seconds", "long_seconds")
MAY_FAIL, NEARLY_ALL = "max_failed_share", "0.999999"


class Again:
    """
    Attributes:
      stages: to be done one after the other: folder to write into -> a program and its arguments.
    """

    def __init__(self, before: Path, now: Path, out: Path, nj: int, words: OtherWords = OtherWords()):
        """
        Args:
          before: cuts of a test set (.jsonl.gz).
          now: the cuts in their place.
          out: a stage that is done again writes into the folder of its name in here.
          words: what lang folders, graphs and searches are told otherwise than then.
        """
        self._places: Dict[Path, Optional[Path]] = {before.resolve(): now.absolute()}
        self._out, self._nj, self._words = out.absolute(), nj, words
        self._language: Set[Path] = set()  # lang folders and graphs with other words, and what lies in them
        self._run: Set[Path] = set()
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
            if folder in self._language:
                self._language.add(path)
        return self._places[path]

    def run(self, programs: Optional[Sequence[str]] = None) -> None:
        """Does those of `stages` (of the programs) that it has not done yet."""
        for folder, command in self.stages.items():
            if folder not in self._run and command[0] in (programs or command):
                run(*command)
                self._run.add(folder)

    def _stage(self, folder: Path) -> Optional[Path]:
        """Where the output of the stage will be that wrote the folder; None where it is as it was."""
        record = read_record(folder)
        name = record.get("program", "")
        known = (FEATURES, *DONE_AGAIN, *(LANGUAGE if self._words else ()))
        if not record.get("command") or not (name in known or name.startswith(LATTICES)):
            return None
        if name == FEATURES:  # it reads one split of a folder that has all
            program, args = arguments_of(record)
            place = self.place_of(manifest_of(args))
            if place is None:
                return None
            args.cuts, args.split = place, "test"
        else:
            moved = {path.resolve() for path in map(Path, record.get("inputs", {})) if self.place_of(path)}
            if name not in LANGUAGE and moved <= self._language:
                return None
            program, args = arguments_of(record)
        for flag in program.inputs:
            value = getattr(args, flag)
            if isinstance(value, list):
                setattr(args, flag, [self.place_of(path) or path for path in value])
            elif value:
                setattr(args, flag, self.place_of(value) or value)
        changed = self._words.change(name, args, folder)
        if name in LANGUAGE:
            if not (changed or moved):
                return None
            self._language.add(folder)
        args.out, args.nj = self._unused(folder), self._nj
        allow_failures(program, args)
        text = provenance.command(program.name, program.parser, args, program.option_texts(args))
        self.stages[args.out] = shlex.split(text)[2:]
        return args.out

    def _unused(self, folder: Path) -> Path:
        name = f"{folder.parent.name}_{folder.name}"
        names = itertools.chain([folder.name, name], (f"{name}_{number}" for number in itertools.count(2)))
        return next(out for out in map(self._out.joinpath, names) if out not in self.stages)


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


def arguments_in(folder: Path, program: str, item: str = "") -> argparse.Namespace:
    """Those of the program that wrote the folder. Raises InputError, of the item, where it was another one."""
    record, damage = load_record(folder)
    if record.get("program") != program:
        raise InputError(item or str(folder), f"a folder of {program}", record.get("program") or damage)
    return arguments_of(record)[1]


def manifest_of(args: argparse.Namespace) -> Path:
    """The cuts that tools.compute_features was to read."""
    return args.cuts / f"{args.split}.jsonl.gz" if args.cuts.is_dir() else args.cuts


def allow_failures(program: Program, args) -> None:
    """Single utterances may fail, however many: those that do not are wanted all the same."""
    if hasattr(args, MAY_FAIL):
        setattr(args, MAY_FAIL, NEARLY_ALL)
    args.overrides += [f"{section}.{MAY_FAIL}={NEARLY_ALL}" for name, section in program.sections(args).items()
                       if any(field.name == MAY_FAIL for field in dataclasses.fields(program.options_class(name)))]


def parser_of(name: str, doc: str, usage: str) -> argparse.ArgumentParser:
    """For `parse`. usage: of the arguments that are the program's own."""
    return argparse.ArgumentParser(prog=f"python -m {name}", description=doc,
                                   usage=f"%(prog)s {usage} --out FOLDER [--nj NJ] [section.key=value ...]",
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def parse(parser: argparse.ArgumentParser, sections: Sequence[str], argv: Optional[Sequence[str]]):
    """The arguments of a program that does again what others did: `options` are those of the sections."""
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--nj", type=at_least(1), default=os.cpu_count() or 1, help="parallel processes")
    words = sys.argv[1:] if argv is None else list(argv)
    args = parser.parse_args([word for word in words if not is_option(word)])
    args.options = list(filter(is_option, words))
    others = [word for word in args.options if word.split(".")[0] not in sections]
    if others:
        parser.error(f"{others[0]}: expected options of {' and '.join(sections)}; others are those of then")
    return args


def data_options(made: Path, cuts: Path) -> List[str]:
    """Those of tools.validate_data that make of other audio what cuts were, and let single utterances fail.

    Args:
      made: a folder that was made from features of cuts.
      cuts: in the folder of tools.validate_data, if they came from it.
    Raises: InputError where the features were not computed from audio.
    """
    from graphs.text_file import read_json_object
    from hybrid.data.features import DESCRIPTION
    from tools.artefacts.kind import input_of
    description = input_of(made, DESCRIPTION)
    if description is None:
        raise InputError(f"{made}", "a folder that was made from features, by its stage record", "none")
    info = read_json_object(description)
    if info["kind"] == "ready":
        raise InputError(f"{description}", "features that were computed from audio", "features that came with the cuts")
    texts = read_record(cuts.parent).get("options", {}).get("data", {})
    return [*(f"data.{key}={text}" for key, text in texts.items() if key in AS_THEN),
            f"data.sampling_rate={info['sampling_rate']}", "data.max_rejected_share=1"]


def run(program: str, *words: object) -> None:
    """A program of the toolkit, to its end; in this process, which has imported what is heavy once."""
    import torch
    threads, module = torch.get_num_threads(), importlib.import_module(program)
    status = module.PROGRAM.run(module.work, [str(word) for word in words])
    torch.set_num_threads(threads)  # decoding takes one
    if status == 130:
        raise KeyboardInterrupt
    if status != 0:
        raise InputError(program, "that it ends well", f"exit status {status}; what it said stands above")
