"""What was made of lattices: consensus networks, calibrations of confidences."""

from pathlib import Path
from typing import Iterable, Optional

from tools.artefacts.kind import Kind, facts, folder_with, not_found, section

SAUSAGES = "sausages.jsonl"


def _file(path: Path, name: str) -> Path:
    return path / name if path.is_dir() else path


def describe_sausages(path: Path, item: Optional[str] = None) -> str:
    from hybrid.lattices.sausages import read_sausages
    if item is not None:
        sausage = _sausage(path, item)
        rows = ((f"{slot.start:.3f}", f"{slot.end:.3f}", "  ".join(
            f"{word} {p:.3f}" for word, p in sorted(slot.words.items(), key=lambda pair: -pair[1])[:6]))
            for slot in sausage.slots)
        return facts(("expected errors", f"{sausage.risk:.3f}")) + section(item, ("start", "end", "words"), rows)
    sausages = list(read_sausages(_file(path, SAUSAGES)))
    unsure = sorted(sausages, key=lambda one: -one.risk)[:10]
    slots = [slot for one in sausages for slot in one.slots]
    return facts(
        ("utterances", len(sausages)), ("places", len(slots)),
        ("words a place", f"{sum(len(slot.words) for slot in slots) / max(1, len(slots)):.2f}"),
        ("expected errors", f"{sum(one.risk for one in sausages):.2f}")) + section(
        "least sure", ("utterance", "expected errors", "words"), (
            (one.utterance_id, f"{one.risk:.2f}", " ".join(slot.best for slot in one.slots)) for one in unsure))


def _sausage(path: Path, utterance_id: Optional[str]):
    """That of the utterance; the first one without a name."""
    from hybrid.lattices.sausages import read_sausages
    known = []
    for one in read_sausages(_file(path, SAUSAGES)):
        if utterance_id in (None, one.utterance_id):
            return one
        known.append(one.utterance_id)
    raise not_found(path, "an utterance", str(utterance_id), known)


def draw_sausages(path: Path, item: Optional[str], picture: Path) -> None:
    from hybrid.report.sausage_picture import draw_sausage
    draw_sausage(_sausage(path, item), picture)


def sausage_problems(path: Path) -> Iterable[str]:
    from hybrid.lattices.sausages import read_sausages
    for one in read_sausages(_file(path, SAUSAGES)):
        for number, slot in enumerate(one.slots, 1):
            total, item = sum(slot.words.values()), f"{path}: {one.utterance_id}, place {number}"
            if total > 1 + 1e-3:
                yield f"{item}: expected probabilities that sum to at most 1, found {total:.4f}"
            if slot.end < slot.start:
                yield f"{item}: expected an end after {slot.start} s, found {slot.end}"


def describe_calibration(path: Path, item: Optional[str] = None) -> str:
    from hybrid.lattices.calibration import Calibration
    from tools.artefacts.results import describe_tsv
    found = Calibration.read(path)
    points = [0.1 * step for step in range(11)]
    table = path / "calibration.tsv"
    return facts(("map", found.kind)) + section("map", ("confidence", "becomes"), (
        (f"{before:.1f}", f"{after:.3f}") for before, after in zip(points, found(points)))) + (
        f"\n{describe_tsv(table)}" if table.exists() else "")


def calibration_problems(path: Path) -> Iterable[str]:
    from hybrid.lattices.calibration import Calibration
    Calibration.read(path)
    return ()


KINDS = (
    Kind("consensus networks", f"a folder with {SAUSAGES}, or such a file",
         lambda path: _file(path, SAUSAGES).is_file() and _file(path, SAUSAGES).name == SAUSAGES, describe_sausages,
         sausage_problems, draw_sausages, item="utterance"),
    Kind("calibration of confidences", "a folder with calibration.json", folder_with("calibration.json"),
         describe_calibration, calibration_problems),
)
