"""The study file of a sweep: what is swept over, what is minimized, and the options that all trials share."""

import json
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

from graphs.errors import InputError
from graphs.text_file import read_json
from tools.frame.config import Config, make_options, read_config, resolve
from tools.frame.records import write_text_atomically
from tools.sweep.options import SAMPLERS, SweepOptions
from tools.sweep.space import Choices, Space, read_space

SWEEP, SPACE = "sweep", "space"
FILE = "study.json"
# of options that may change when a sweep is gone on with
CHANGEABLE = ("trials", "allowed_failures")


class Study(NamedTuple):
    """
    Attributes:
      name: of its folder.
      fixed: `section.key=value` of all trials.
    """

    name: str
    options: SweepOptions
    space: Space
    fixed: List[str]

    def described(self) -> Dict[str, object]:
        """What trials must have in common; JSON-able."""
        options = {name: value for name, value in vars(self.options).items() if name not in CHANGEABLE}
        return json.loads(json.dumps({
            "options": options, "space": {key: repr(values) for key, values in self.space.items()},
            "fixed": sorted(self.fixed)}))


def read_study(file: Path, overrides: Sequence[str] = ()) -> Study:
    """
    Args:
      file: a conf file with sections [sweep] and [space]; those of its other sections are options of all trials.
      overrides: `section.key=value` that win over it.
    Raises: InputError for an unknown section or option, a bad value, a range that is none.
    """
    config = read_config([file], overrides)
    options = make_options(SweepOptions, SWEEP, resolve(config, SWEEP))
    options.check_required()
    space = read_space(_space_texts(config))
    if options.sampler == SAMPLERS[2] and not all(isinstance(values, Choices) for values in space.values()):
        raise InputError("[sweep] sampler", "tpe or random, for ranges; a grid is over values", options.sampler)
    fixed = [f"{section}.{key}={text}" for layer in config for section, values in layer.items()
             if section.partition(".")[0] not in (SWEEP, SPACE) for key, text in values.items()]
    swept = [word for word in fixed if word.partition("=")[0] in space]
    if swept:
        raise InputError(f"option {swept[0].partition('=')[0]}", "in [space] or fixed, one of both", "both")
    return Study(Path(file).stem, options, space, fixed)


def _space_texts(config: Config) -> Dict[str, str]:
    """SECTION.KEY -> text; of the command line it is space.SECTION.KEY."""
    texts = dict(config.conf.get(SPACE, {}))
    for section, values in config.words.items():
        head, _, rest = section.partition(".")
        if head == SPACE:
            texts.update({f"{rest}.{key}" if rest else key: text for key, text in values.items()})
    return texts


def check_same(study: Study, folder: Path) -> None:
    """Raises InputError when the folder holds the trials of another study; else the folder knows this one."""
    described = study.described()
    before = read_described(folder) if (folder / FILE).is_file() else described
    for part, values in described.items():
        if before[part] != values:
            raise InputError(f"{folder}", "the trials of this study", f"those of another: {part} "
                             f"{_difference(before[part], values)}; give this one another name, or remove the folder")
    write_text_atomically(folder / FILE, json.dumps(described, indent=1, ensure_ascii=False) + "\n")


def read_described(folder: Path) -> Dict[str, object]:
    """What the trials of a sweep's folder have in common. Raises InputError for other content."""
    path = folder / FILE
    found = read_json(path)
    whole = isinstance(found, dict) and {"options": dict, "space": dict, "fixed": list} == {
        name: type(value) for name, value in found.items()}
    if not (whole and isinstance(found["options"].get("minimize"), str) and all(map(_is_text, found["fixed"]))):
        raise InputError(str(path), "options, space and fixed of a study", "other JSON")
    return found


def _is_text(value) -> bool:
    return isinstance(value, str)


def _difference(before, now) -> str:
    if isinstance(now, dict):
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        return ", ".join(f"{name} was {before.get(name)}, is {now.get(name)}" for name in names[:3])
    return f"were {before}, are {now}"
