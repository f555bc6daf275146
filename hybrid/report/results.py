"""The results of a work folder: gathered from its score folders, compared, and laid out as tables."""

from pathlib import Path
from statistics import mean, stdev
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from graphs.errors import InputError
from graphs.text_file import decode, read_bytes, read_json, to_int
from hybrid.recognize.confidence import compare_systems

FILE = "result.json"
Entry = Dict  # as hybrid.recognize.scoring.result_entry makes it
_COUNTS = ("errors", "ins", "del", "sub", "utterances", "partial", "missing")
_RATES = ("wer", "cer", "ser")
_AMOUNTS = ("lm_scale", "acoustic_scale", "seconds", "audio_seconds", "parameters", "training_seconds")
_MAY_BE_NULL = ("word_insertion_penalty", "seed")
_MAY_LACK = ("tuned_on", "acoustic_scale", "audio_seconds", "parameters", "training_seconds")


class Result(NamedTuple):
    """An entry of results.json, and the folder with its details (per_utt.tsv, confusions.tsv, ...)."""

    entry: Entry
    details: Path


class Table(NamedTuple):
    header: Sequence[str]
    rows: List[Sequence]


def read_results(path: Path) -> List[Entry]:
    """The entries of a results.json or result.json. Raises InputError that names the entry and the field."""
    entries = read_json(path)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(str(path), "a list of results", type(entries).__name__)
    for number, entry in enumerate(entries, 1):
        for name, (kind, fits) in _FIELDS.items():
            if not fits(entry.get(name)) or name not in entry and name not in _MAY_LACK:
                found = repr(entry[name])[:40] if name in entry else "none"
                raise InputError(f"{path}: entry {number}, {name}", kind, found)
    return entries


def _is_number(value) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300


def _is_amount(value) -> bool:
    return _is_number(value) and value >= 0


def _is_count(value) -> bool:
    return type(value) is int and 0 <= value < 2 ** 53


def _names_folder(value) -> bool:
    return (isinstance(value, str) and Path(value).name == value and value not in ("", "..") and "\0" not in value
            and len(value.encode("utf-8", "surrogatepass")) < 256)


_FIELDS = {
    "system": ("a name", lambda value: isinstance(value, str)),
    "test": ("the name of a folder", _names_folder),
    "ci95": ("two numbers", lambda value: isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))),
    "words": ("a count above 0", lambda value: _is_count(value) and value > 0),
    **{name: ("a count", _is_count) for name in _COUNTS},
    **{name: ("a number from 0 up", _is_amount) for name in _RATES},
    "tuned_on": ("true, false or nothing", lambda value: value in (None, True, False)),
    **{name: ("a number from 0 up, or null", lambda value: value is None or _is_amount(value)) for name in _AMOUNTS},
    **{name: ("a number or null", lambda value: value is None or _is_number(value)) for name in _MAY_BE_NULL},
}


def gather_results(folders: Iterable[Path], told: Callable[[str], None] = lambda line: None) -> List[Result]:
    """Every entry of the result.json of each folder that has one: by test set, the tuned-on set last, and by
    WER, the worst first. A recipe that was run with --seeds after a run without leaves a system's folders `score_NAME`
    and `score_NAME_seed1`; of two with one seed the latter counts.

    Args:
      told: called with a line about each entry that does not count.
    Raises: InputError when two other score folders hold the same system, test set and seed, or one what is no result.
    """
    results: Dict[Tuple, Result] = {}
    for path in (folder / FILE for folder in folders if (folder / FILE).is_file()):
        for entry in read_results(path):
            key, result = (entry["system"], entry["test"], entry["seed"]), Result(entry, path.parent / entry["test"])
            before = results.setdefault(key, result)
            if before is result:
                continue
            plain, seeded = sorted((one.details.parent for one in (before, result)), key=lambda folder: folder.name)
            if seeded.name != f"{plain.name}_seed{entry['seed']}":
                raise InputError(f"{path}", f"one result of {entry['system']} on {entry['test']} with seed "
                                 f"{entry['seed']}", f"another in {before.details.parent}")
            told(f"{plain.name} on {entry['test']} is left out: {seeded.name} is the same system with the same seed")
            results[key] = result if result.details.parent == seeded else before
    return sorted(results.values(), key=lambda result: _order(result.entry))


def _order(entry: Entry) -> Tuple:
    return bool(entry.get("tuned_on")), entry["test"], -entry["wer"], entry["system"], entry["seed"] or 0


def _test_name(entry: Entry) -> str:
    return entry["test"] + (" (tuned on)" if entry.get("tuned_on") else "")


def _interval(pair: Sequence[float]) -> str:
    return f"{pair[0]:.2f} to {pair[1]:.2f}"


def main_table(results: Sequence[Result]) -> Table:
    """What is read first."""
    header = ("system", "test", "WER %", "95 % interval", "errors", "words", "ins", "del", "sub", "parameters",
              "training min")
    return Table(header, [
        (_label(result, _of_test(results, e["test"])), _test_name(e), e["wer"], _interval(e["ci95"]), e["errors"],
         e["words"], e["ins"], e["del"], e["sub"], e.get("parameters"), _minutes(e.get("training_seconds")))
        for result in results for e in [result.entry]])


def _minutes(seconds: Optional[float]) -> Optional[str]:
    return None if seconds is None else f"{seconds / 60:.1f}"


def run_table(results: Sequence[Result]) -> Table:
    """How the results came about. Real time is that of the search: its seconds by those of the audio."""
    header = ("system", "test", "CER %", "SER %", "utterances", "partial", "missing", "lm_scale", "penalty",
              "seed", "search s", "real time")
    return Table(header, [
        (e["system"], _test_name(e), e["cer"], e["ser"], e["utterances"], e["partial"], e["missing"],
         _general(e["lm_scale"]), _general(e["word_insertion_penalty"]), e["seed"], _tenths(e["seconds"]),
         real_time(e)) for e, _ in results])


def _general(value: Optional[float]) -> Optional[str]:
    return None if value is None else f"{value:g}"


def _tenths(value: Optional[float]) -> Optional[str]:
    return None if value is None else f"{value:.1f}"


def real_time(entry: Entry) -> Optional[str]:
    if not (entry.get("seconds") and entry.get("audio_seconds")):
        return None
    return f"{entry['seconds'] / entry['audio_seconds']:.3f}"


def seeds_table(results: Sequence[Result]) -> Table:
    """WER over seeds, for each system and test set with more than one."""
    groups: Dict[Tuple[str, str], List[Entry]] = {}
    for entry, _ in results:
        groups.setdefault((entry["system"], _test_name(entry)), []).append(entry)
    rows = []
    for (system, test), entries in groups.items():
        if len(entries) > 1:
            rates = [entry["wer"] for entry in entries]
            seeds = " ".join(str(entry["seed"]) for entry in entries)
            rows.append((system, test, len(rates), mean(rates), stdev(rates), min(rates), max(rates), seeds))
    return Table(("system", "test", "runs", "mean WER %", "deviation", "best", "worst", "seeds"), rows)


def comparison_table(results: Sequence[Result]) -> Table:
    """The best system of each test set against each other one, on the same utterances."""
    header = ("test", "best", "against", "difference of WER", "95 % interval", "probability of improvement",
              "sure")
    rows = []
    for test in dict.fromkeys(entry["test"] for entry, _ in results):
        own = _of_test(results, test)
        best = min(own, key=lambda result: result.entry["wer"])
        for other in own:
            if other is not best:
                rows.append((test, _label(best, own), _label(other, own), *_compared(other, best)))
    return Table(header, rows)


def _of_test(results: Sequence[Result], test: str) -> List[Result]:
    return [result for result in results if result.entry["test"] == test]


def _label(result: Result, among: Sequence[Result]) -> str:
    """The system's name, with the seed where there are several."""
    name = result.entry["system"]
    several = sum(other.entry["system"] == name for other in among) > 1
    return f"{name} (seed {result.entry['seed']})" if several else name


def read_utterances(details: Path) -> Dict[str, Tuple[int, int]]:
    """utterance_id -> (errors, words), from per_utt.tsv. Raises InputError that names the line."""
    found: Dict[str, Tuple[int, int]] = {}
    for item, values in _per_utterance(details):
        try:
            utterance_id, counts = values["utterance"], (to_int(values["errors"]), to_int(values["words"]))
        except (KeyError, ValueError):
            raise InputError(item, "an utterance with its errors and words", repr(values)[:80]) from None
        if utterance_id in found or min(counts) < 0:
            raise InputError(item, "each utterance once, counts of 0 or more", repr(values)[:80])
        found[utterance_id] = counts
    return found


def read_speakers(details: Path) -> Dict[str, str]:
    """utterance_id -> speaker, in the order of per_utt.tsv. Raises InputError that names the line."""
    found: Dict[str, str] = {}
    for item, values in _per_utterance(details):
        utterance_id = values.get("utterance")
        if not utterance_id or not values.get("speaker") or utterance_id in found:
            raise InputError(item, "an utterance, each once, and its speaker", repr(values)[:80])
        found[utterance_id] = values["speaker"]
    return found


def _per_utterance(details: Path) -> Iterator[Tuple[str, Dict[str, str]]]:
    """(place, column -> cell) of each line of per_utt.tsv."""
    path = details / "per_utt.tsv"
    header, *lines = _table(path) or [[]]
    for number, line in enumerate(lines, 2):
        yield f"{path}:{number}", dict(zip(header, line))


def _table(path: Path) -> List[List[str]]:
    """The lines of a table, split at tabs."""
    return [line.split("\t") for line in decode(str(path), read_bytes(path)).split("\n") if line]


def _compared(a: Result, b: Result) -> Tuple:
    """Cells of `b` against `a`; blank when the two were not scored on the same words."""
    scores_a, scores_b = read_utterances(a.details), read_utterances(b.details)
    words = {utterance_id: count for utterance_id, (_, count) in scores_a.items()}
    if words != {utterance_id: count for utterance_id, (_, count) in scores_b.items()}:
        return None, "other references", None, None
    found = compare_systems(*([scores[key][0] for key in words] for scores in (scores_a, scores_b)),
                            list(words.values()))
    return (found.difference, _interval(found.interval), f"{found.probability_of_improvement:.3f}",
            "yes" if found.significant else "no")


def confusion_table(results: Sequence[Result], most: int = 10) -> Table:
    """The most frequent errors of the best system on each test set that was not tuned on."""
    rows = []
    tests = dict.fromkeys(entry["test"] for entry, _ in results if not entry.get("tuned_on"))
    for test in tests:
        best = min((r for r in results if r.entry["test"] == test), key=lambda r: r.entry["wer"])
        path = best.details / "confusions.tsv"
        for number, cells in enumerate(_table(path)[1:most + 1], 2):
            if len(cells) != 3:
                raise InputError(f"{path}:{number}", "a count and two words", repr(cells)[:80])
            rows.append((test, best.entry["system"], *cells))
    return Table(("test", "system", "count", "reference", "hypothesis"), rows)
