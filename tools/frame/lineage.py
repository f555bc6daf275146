"""What a scored system stands on, by the stage records: how it was decoded, and the networks that decoded it."""

import re
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from tools.frame.records import RECORD, made_from, read_record

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
    name = next((value for value in search.values() if isinstance(value, str) and "_" in value), "")
    if not name:
        name = {"none": "ctc", "transducer": "transducer"}.get(training.get("decoder"), "attention")
    if name.startswith("attention"):
        return "joint" if search.get("ctc_weight", training.get("ctc_weight", 0)) > 0 else "attention"
    return "transducer" if name.startswith("transducer") else "ctc"


def lineage_of(scores: Path, test: str, tests: Sequence[str]) -> Lineage:
    """
    Args:
      scores: a score folder.
      test: one of its test sets.
      tests: all of them, to tell their decodings apart.
    """
    decodings = list(_decodings(scores, test, tests))
    networks = dict.fromkeys(_there(Path(name).parent, scores) for _, record in decodings
                             for name in record.get("inputs", {}) if Path(name).name in NETWORKS)
    trainings = [(folder, read_record(folder)) for folder in networks if read_record(folder)]
    checked = (record for folder in [*networks, scores] for _, record in made_from(folder)
               if record["program"] == "tools.validate_data")
    return Lineage(decodings, trainings, next(checked, {}))


def _decodings(scores: Path, test: str, tests: Sequence[str]) -> Iterator[Stage]:
    waiting, seen = [scores], set()
    while waiting:
        record = read_record(waiting.pop(0))
        for folder in dict.fromkeys(_there(Path(name).parent, scores) for name in record.get("inputs", {})):
            if folder in seen or not (folder / RECORD).is_file() or _of_other_test(folder, test, tests):
                continue
            seen.add(folder)
            own = read_record(folder)
            if any(name in HYPOTHESES or name.startswith("lattices.") for name in own.get("outputs", {})):
                yield folder, own
                waiting.append(folder)


def _there(folder: Path, scores: Path) -> Path:
    """The folder; where it is gone, that of its name beside the scores: a work folder may have moved."""
    return folder if folder.exists() else scores.parent / folder.name


def _of_other_test(folder: Path, test: str, tests: Sequence[str]) -> bool:
    """By its name, in which the longest test set's name counts."""
    named = max((name for name in tests if folder.name.endswith(f"_{name}")), key=len, default=test)
    return named != test
