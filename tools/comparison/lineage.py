"""What a scored system stands on, by the stage records: how it was decoded, and the networks that decoded it."""

import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from tools.experiments.records import Records
from tools.frame.provenance import BESIDE

Stage = Tuple[Path, Dict]  # folder, record
NETWORKS = ("model.json", "e2e.json")  # what describes one
HYPOTHESES = ("hyp.txt", "words.ctm", "nbest.jsonl")
_SEED = re.compile("_seed[0-9]+")
VOTES = ("tools.combine", "tools.rover")


class Lineage(NamedTuple):
    """
    Attributes:
      decodings: stages that made the hypotheses, the last first: lattices, what was rescored, ...
      trainings: of the networks that they decoded with.
      data: of the training data's check (tools.validate_data), {} where it is not known.
    """

    decodings: List[Stage]
    trainings: List[Stage]
    data: Dict

    @property
    def kind(self) -> str:
        """One of hybrid.compare.comparison.KINDS."""
        if len(self.trainings) > 1 or any(record["program"] in VOTES for _, record in self.decodings):
            return "combination"
        config = self.trainings[0][1]["config"] if self.trainings else {}
        if "e2e" in config:
            return _kind_of_search(config["e2e"], [record["config"] for _, record in self.decodings])
        return "hybrid" if "am" in config else "ctc" if "ctc" in config else "other"

    @property
    def epochs(self) -> Optional[int]:
        """None where they are not one number."""
        found = {value for _, record in self.trainings for values in record["config"].values()
                 for name, value in values.items() if name == "epochs"}
        return found.pop() if len(found) == 1 else None

    @property
    def parameters(self) -> Optional[int]:
        return sum(record["facts"].get("parameters", 0) for _, record in self.trainings) or None

    @property
    def training_seconds(self) -> Optional[float]:
        return sum(record.get("seconds", 0.0) for _, record in self.trainings) or None

    @property
    def trained_on(self) -> str:
        """The GPU or, where none was used, the processor of each run of the trainings."""
        devices = (run.get("device") or "" for _, record in self.trainings for run in record.get("runs", []))
        return ", ".join(dict.fromkeys(device.partition(BESIDE)[0] for device in devices if device))

    @property
    def share(self) -> float:
        """Of the training data."""
        return self.data.get("config", {}).get("data", {}).get("train_share", 1.0)

    @property
    def hours(self) -> Optional[float]:
        return self.data.get("facts", {}).get("train", {}).get("hours")

    def configuration(self) -> Dict[str, object]:
        """`SECTION.KEY` -> value, of training and decoding; `STAGE: SECTION.KEY` where stages differ, by the name
        of the folder without its seed."""
        found: Dict[str, object] = {}
        for folder, record in [*self.trainings, *self.decodings]:
            for section, values in record["config"].items():
                for name, value in values.items():
                    key = f"{section}.{name}"
                    same = found.setdefault(key, value) == value
                    found.update({} if same else {f"{_SEED.sub('', folder.name)}: {key}": value})
        return found

    def commands(self) -> Tuple[str, ...]:
        """That repeat its trainings and decodings, first to last."""
        return tuple(record["command"] for _, record in [*self.trainings, *self.decodings[::-1]]
                     if record.get("command"))


def _kind_of_search(training: Dict, configs: Sequence[Dict]) -> str:
    """Of an end-to-end system: by the search where one is recorded, else by what was trained."""
    search = next((config["e2e_search"] for config in configs if "e2e_search" in config), {})
    name = search.get("search")
    if name is None:
        name = {"none": "ctc", "transducer": "transducer"}.get(training.get("decoder"), "attention")
    if name.startswith("attention"):
        return "joint" if search.get("ctc_weight", training.get("ctc_weight", 0)) > 0 else "attention"
    return "transducer" if name.startswith("transducer") else "ctc"


def lineage_of(records: Records, scores: Path, test: str, tests: Sequence[str]) -> Lineage:
    """
    Args:
      scores: a score folder; without a record it tells nothing.
      test: one of its test sets.
      tests: all of them, to tell their decodings apart.
    """
    scores = scores.resolve()
    if scores not in records.of:
        return Lineage([], [], {})
    decodings = _decodings(records, scores, test, tests)
    networks = dict.fromkeys(one for stage in decodings for one in records.made_from(stage)
                             if set(NETWORKS) & set(records.of[one].get("outputs", {})))
    checked = (record for folder in [*networks, scores] for _, record in records.ancestors(folder)
               if record["program"] == "tools.validate_data")
    return Lineage([(folder, records.of[folder]) for folder in decodings],
                   [(folder, records.of[folder]) for folder in networks], next(checked, {}))


def _decodings(records: Records, scores: Path, test: str, tests: Sequence[str]) -> List[Path]:
    found = [scores]
    for stage in found:
        found += [one for one in records.made_from(stage) if one not in found and not _of_other_test(one, test, tests)
                  and any(name in HYPOTHESES or name.startswith("lattices.") for name in records.of[one]["outputs"])]
    return found[1:]


def _of_other_test(folder: Path, test: str, tests: Sequence[str]) -> bool:
    """By its name, in which the longest test set's name counts."""
    named = max((name for name in tests if folder.name.endswith(f"_{name}")), key=len, default=test)
    return named != test
