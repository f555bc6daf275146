"""An experiment: a system with its scores, or a trained model that nothing has scored, as their records tell it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, List, Optional

from graphs.errors import InputError
from hybrid.report.results import FILE, Entry, read_results
from tools.experiments.records import Records
from tools.frame.unfinished import UNFINISHED, is_unfinished

# what a stage that decodes or works on its output leaves
DECODED = ("lattices.*.npz", "hyp.txt", "nbest.jsonl", "sausages.jsonl")
SCORE = "score_"
HISTORY = "train.jsonl"
SEVERAL = " + "  # between the values of a system's models


@dataclass
class Experiment:
    """
    Attributes:
      name: of the system, or of the model's folder.
      folder: that of the scores, else that of the model.
      work: the work folder in which it was found, as it was given.
      results: test set -> entry of results.json; the set that chose the scales under its own name.
      models: the folders of the trained models that the system decodes with.
      config: `section.key` -> value, of its models, its decoding and all that came before.
      own: the sections of its models: those of which `key` alone is enough.
      facts: of its models.
      run: the last one of its (first) model's stage; {} where that is not known.
      stages: name of each stage's folder that it stands on -> record; its models, its decoding and its scores apart.
    """

    name: str
    folder: Path
    work: Path
    record: dict
    results: Dict[str, Entry] = field(default_factory=dict)
    models: List[Path] = field(default_factory=list)
    config: Dict[str, object] = field(default_factory=dict)
    own: List[str] = field(default_factory=list)
    facts: Dict[str, object] = field(default_factory=dict)
    run: Dict[str, object] = field(default_factory=dict)
    stages: Dict[str, dict] = field(default_factory=dict)

    @property
    def seed(self) -> Optional[int]:
        seeds = [entry["seed"] for entry in self.results.values()] or [self.facts.get("training_seed")]
        return seeds[0]

    @property
    def dev(self) -> Optional[str]:
        """The name of the set that chose the scales."""
        return next((test for test, entry in self.results.items() if entry.get("tuned_on")), None)


def find_experiments(works: Iterable[Path]) -> List[Experiment]:
    """Of all work folders, in the order of these and of names. Raises InputError when there is none, or for a
    result.json that is none."""
    records, works = Records(works), list(works)
    folders = sorted(records.of, key=lambda folder: (works.index(records.work[folder]), str(folder)))
    scored = [_scored(records, folder) for folder in folders if (folder / FILE).is_file() and not is_unfinished(folder)]
    used = {model for experiment in scored for model in experiment.models}
    alone = [_trained(records, folder) for folder in folders
             if folder not in used and is_trained(folder, records.of[folder])]
    if not scored + alone:
        raise InputError(", ".join(map(str, works)), "a trained model or scores, with stage records", "none")
    return scored + alone


def is_trained(folder: Path, record: dict) -> bool:
    return "training_seed" in record.get("facts", {}) or (folder / HISTORY).is_file()


def _scored(records: Records, folder: Path) -> Experiment:
    entries = read_results(folder / FILE)
    name = entries[0]["system"] if entries else folder.name.removeprefix(SCORE)
    made = Experiment(name, folder, records.work[folder], records.of[folder],
                      results={entry["test"]: entry for entry in entries})
    decoding = _decoding(records, folder)
    made.models = [one for one in dict.fromkeys(one for stage in decoding for one in records.made_from(stage))
                   if is_trained(one, records.of[one])]
    return _described(made, records, decoding)


def _trained(records: Records, folder: Path) -> Experiment:
    name = folder.name[:-len(UNFINISHED)] if folder.name.endswith(UNFINISHED) else folder.name
    made = Experiment(name, folder, records.work[folder], records.of[folder], models=[folder])
    return _described(made, records, [])


def _decoding(records: Records, scores: Path) -> List[Path]:
    """The stages between models and scores: those that decoded, and those that worked on what these left."""
    found = [scores]
    for stage in found:
        found += [one for one in records.made_from(stage) if one not in found
                  and any(any(one.glob(name)) for name in DECODED)]
    return found


def _described(made: Experiment, records: Records, decoding: List[Path]) -> Experiment:
    """Configuration, facts and stages: the models' win over those of decoding, and these over what came before."""
    ancestors = dict(records.ancestors(made.folder))
    models = [_config(records.of[model]) for model in made.models]
    keys = dict.fromkeys(key for config in models for key in config)
    made.own = list(dict.fromkeys(key.partition(".")[0] for key in keys))
    made.config = {key: _together(config.get(key) for config in models if key in config) for key in keys}
    for record in [records.of[stage] for stage in decoding] + list(ancestors.values()):
        for key, value in _config(record).items():
            made.config.setdefault(key, value)
    made.stages = {_short(folder): record for folder, record in ancestors.items()
                   if folder not in (made.folder, *made.models, *decoding)}
    trained = [records.of[model] for model in made.models] or [made.record]
    made.run = (trained[0].get("runs") or [{}])[-1]
    made.facts = _facts(trained)
    return made


def _config(record: dict) -> Dict[str, object]:
    """`section.key` -> value; the section is the one of the conf file, which --section names."""
    sections = list(record.get("config", {}).items())
    given = record.get("arguments", {}).get("section")
    named = [(given if number == 0 and given not in (None, "None") else name, values)
             for number, (name, values) in enumerate(sections)]
    return {f"{name}.{key}": value for name, values in named if isinstance(values, dict)
            for key, value in values.items()}


def _facts(records: List[dict]) -> Dict[str, object]:
    """Sizes and times of several models are added up, but for the memory, of which the largest counts."""
    known = dict.fromkeys(name for record in records for name in record.get("facts", {}))
    facts = {name: _together(record["facts"][name] for record in records if name in record["facts"]) for name in known}
    found = [record.get("facts", {}).get("parameters") for record in records]
    seconds, memory = ([record[name] for record in records if isinstance(record.get(name), (int, float))]
                       for name in ("seconds", "peak_memory_mb"))
    return {**facts, "seconds": round(sum(seconds), 2) if seconds else None,
            "peak_memory_mb": max(memory, default=None),
            "parameters": sum(found) if all(isinstance(number, int) for number in found) else None}


def _together(values: Iterable) -> object:
    """The value that all have, else their texts."""
    values = list(values)
    if all(value == values[0] for value in values):
        return values[0]
    return SEVERAL.join(str(value) for value in values)


def _short(folder: Path) -> str:
    """`features/train`, `exp/tdnn`: enough to tell the stages of one work folder apart."""
    return "/".join(folder.parts[-2:])
