"""Scores, results, tables, stage records."""

import json
from datetime import datetime
from pathlib import Path
from typing import Iterable, Optional

from graphs.errors import InputError
from hybrid.report.results import Result, main_table, read_results, read_utterances, run_table
from hybrid.report.tables import text_table
from tools.artefacts.kind import Kind, facts, folder_with, not_found, section, some, text_of_file
from tools.artefacts.runs import how_to_repeat, run_facts
from tools.frame.records import LOG, RECORD, changed_outputs, how_to_repair, load_record, read_record

MOST_LINES = 60


def describe_results(path: Path, item: Optional[str] = None) -> str:
    """item: a system or test set."""
    results = [Result(entry, path.parent) for entry in read_results(path)]
    if item is not None:
        known = [name for result in results for name in (result.entry["system"], result.entry["test"])]
        if item not in known:
            raise not_found(path, "a system or test set", item, known)
        results = [r for r in results if item in (r.entry["system"], r.entry["test"])]
    return f"{text_table(*main_table(results))}\n{text_table(*run_table(results))}"


def results_problems(path: Path) -> Iterable[str]:
    for entry in read_results(path):
        name = f"{path}: {entry['system']} on {entry['test']}"
        if entry["errors"] != entry["ins"] + entry["del"] + entry["sub"]:
            yield f"{name}: expected errors = ins + del + sub, found {entry['errors']}"
        if abs(entry["wer"] * entry["words"] / 100 - entry["errors"]) > 0.01 * max(1, entry["errors"]):
            yield f"{name}: expected WER = errors / words, found {entry['wer']}"
        if not entry["ci95"][0] - 1e-6 <= entry["wer"] <= entry["ci95"][1] + 1e-6:
            yield f"{name}: expected a WER within its interval {entry['ci95']}, found {entry['wer']}"


def describe_scores(path: Path, item: Optional[str] = None) -> str:
    """item: an utterance, shown aligned."""
    if item is not None:
        return _aligned(path, item)
    text = describe_results(path / "result.json")
    for entry in read_results(path / "result.json"):
        speakers = path / entry["test"] / "per_speaker.tsv"
        text += section(f"speakers of {entry['test']}", *_tsv(speakers, 40))
        confusions = _tsv(speakers.with_name("confusions.tsv"), 10)
        text += section(f"frequent errors on {entry['test']}", *confusions)
    return text


def _aligned(path: Path, utterance_id: str) -> str:
    known, found = [], []
    for entry in read_results(path / "result.json"):
        for block in text_of_file(path / entry["test"] / "per_utt.txt").split("\n\n"):
            name = block.split("  speaker: ")[0].replace("id: ", "", 1)
            known.append(name)
            if name == utterance_id:
                found.append(f"{entry['test']}\n{block.rstrip()}\n")
    if not found:
        raise not_found(path, "an utterance", utterance_id, known)
    return "\n".join(found)


def draw_scores(path: Path, item: Optional[str], picture: Path) -> None:
    from hybrid.report.error_breakdown import draw_errors
    from hybrid.report.figures import save_figure
    save_figure(draw_errors(read_results(path / "result.json" if path.is_dir() else path)), picture)


def score_problems(path: Path) -> Iterable[str]:
    """Those of result.json, and totals that do not agree with the utterances."""
    yield from results_problems(path / "result.json")
    for entry in read_results(path / "result.json"):
        scores = read_utterances(path / entry["test"]).values()
        found = sum(errors for errors, _ in scores), sum(words for _, words in scores)
        if found != (entry["errors"], entry["words"]):
            yield (f"{path / entry['test']}: expected {entry['errors']} errors of {entry['words']} words, "
                   f"found {found[0]} of {found[1]}")


def _tsv(path: Path, most: Optional[int] = None):
    """The heading, and the rows or so many of them."""
    lines = [line.split("\t") for line in text_of_file(path).splitlines()]
    return (lines[0], lines[1:][:most]) if lines else ((), ())


def describe_tsv(path: Path, item: Optional[str] = None) -> str:
    header, rows = _tsv(path)
    rows = [row for row in rows if item is None or item in row]
    shown = [(row + [""] * len(header))[:len(header)] for row in rows[:60]]
    return facts(("rows", len(rows))) + section("rows" if len(rows) <= 60 else "first rows", header, shown)


def tsv_problems(path: Path) -> Iterable[str]:
    columns = [len(line.split("\t")) for line in text_of_file(path).splitlines()]
    for number, count in enumerate(columns, 1):
        if count != columns[0]:
            yield f"{path}:{number}: expected {columns[0]} columns, found {count}"


def describe_record(path: Path, item: Optional[str] = None) -> str:
    """Of the stage that wrote the folder (or of the record file itself)."""
    folder = path.parent if path.name == RECORD else path
    record = read_record(folder)
    options = (f"{part}.{key}={value}" for part, pairs in record.get("config", {}).items()
               for key, value in pairs.items())
    arguments = (f"--{name.replace('_', '-')} {value}" for name, value in record.get("arguments", {}).items()
                 if value not in ("None", "False"))
    inputs = sorted({str(Path(name).parent) for name in record.get("inputs", {})})
    return facts(("program", record.get("program")), ("state", f"{record.get('state')}, {_ended(folder, record)}"),
                 ("seconds", record.get("seconds")),
                 ("peak memory", f"{record.get('peak_memory_mb', '?')} MB"), *run_facts(record),
                 ("arguments", " ".join(arguments)), ("options", " ".join(options)),
                 ("made from", some(inputs, 6)),
                 *((name, json.dumps(value, ensure_ascii=False)) for name, value in
                   record.get("facts", {}).items())) + how_to_repeat(record)


def _ended(folder: Path, record: dict) -> str:
    """Of a record without times, those of the file."""
    written = datetime.fromtimestamp((folder / RECORD).stat().st_mtime).isoformat(" ", "seconds")
    return next((run["ended"] for run in record.get("runs", [])[-1:] if "ended" in run), written)


def describe_output(path: Path, item: Optional[str] = None) -> str:
    """The record, and the texts that the stage wrote."""
    texts = (f"\n{file.name}\n{describe_text(file)}" for file in sorted(path.glob("*.txt"))
             if file.name != LOG)
    return describe_record(path) + "".join(texts)


def describe_text(path: Path, item: Optional[str] = None) -> str:
    """Its first lines; with an item, the lines that start with that word."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if item is not None:
        lines = [line for line in lines if line.split(maxsplit=1)[:1] == [item]]
        if not lines:
            raise InputError(str(path), "a line that starts so", item)
    more = [f"... ({len(lines)} lines)"] if len(lines) > MOST_LINES else []
    return "".join(f"{line}\n" for line in [*lines[:MOST_LINES], *more])


def text_problems(path: Path) -> Iterable[str]:
    """Bytes that are not utf-8."""
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        yield f"{path}: expected utf-8 text, found byte {error.start}: {error.reason}"


def record_problems(path: Path) -> Iterable[str]:
    """A stage that was cut off, and outputs that are gone or are not what the stage wrote."""
    folder = path.parent if path.name == RECORD else path
    record, damage = load_record(folder)
    if not record:
        yield f"{folder / RECORD}: expected a stage record, found {damage}; run the stage that makes {folder} again"
        return
    if record["state"] != "done":
        yield f"{folder}: expected a finished stage, found one that is {record['state']}; {how_to_repair(record)}"
    for problem in changed_outputs(folder, record, content_only=False, by_content=True):
        yield f"{folder}: {problem}, written by {record['program']}; {how_to_repair(record, by_content=True)}"


def _is_text(path: Path) -> bool:
    return path.is_file() and path.suffix in (".txt", ".md", ".log")


def _is_results(path: Path) -> bool:
    return path.is_file() and path.name in ("results.json", "result.json")


KINDS = (
    Kind("results", "results.json or result.json", _is_results, describe_results, results_problems,
         draw_scores, item="system or test set"),
    Kind("scores", "a folder with result.json", folder_with("result.json"), describe_scores, score_problems,
         draw_scores, item="utterance"),
    Kind("stage record", RECORD, lambda path: path.is_file() and path.name == RECORD, describe_record,
         record_problems),
    Kind("table", "a file *.tsv", lambda path: path.is_file() and path.suffix == ".tsv", describe_tsv,
         tsv_problems, item="value in a row"),
    Kind("text", "a file *.txt, *.md or *.log", _is_text, describe_text, text_problems,
         item="start of a line"),
)
