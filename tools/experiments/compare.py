"""Two or more experiments side by side: results, which differences are sure, and in what they differ."""

from pathlib import Path
from typing import Dict, List, Sequence

from graphs.errors import InputError
from hybrid.report.results import Result, comparison_table
from tools.experiments.columns import columns_of
from tools.experiments.experiment import Experiment, find_experiments
from tools.experiments.tables import Section
from tools.frame.fingerprint import contents, fingerprint, is_content

RESULTS = ("wer", "ci95", "errors", "words", "cer", "ser", "lm_scale", "word_insertion_penalty", "seconds")
OF_RUN = ("commit", "code", "nj", "device", "started", "ended")
FACTS = ("parameters", "training_minutes", "peak_memory_mb", "dev_loss")


def chosen(names: Sequence[str], works: Sequence[Path]) -> List[Experiment]:
    """The experiments of folders (of scores or models), or of names of systems in the work folders.

    Raises: InputError for a name that is neither, or that several have.
    """
    known = find_experiments(works) if works else []
    return [_of_folder(Path(name), known) if Path(name).is_dir() else _of_name(name, known) for name in names]


def _of_folder(folder: Path, known: Sequence[Experiment]) -> Experiment:
    place = folder.resolve()
    experiments = [*known, *find_experiments([folder.absolute().parent])]
    for fits in (lambda made: made.folder == place, lambda made: made.models == [place] and made.name in place.name,
                 lambda made: place in made.models):
        found = next(filter(fits, experiments), None)
        if found is not None:
            return found
    raise InputError(str(folder), "a folder of scores or of a trained model", "another")


def _of_name(name: str, known: Sequence[Experiment]) -> Experiment:
    names = [(made, {made.name, made.folder.name, f"{made.name}_seed{made.seed}"}) for made in known]
    found = [made for made, own in names if name in own]
    if len(found) != 1:
        raise InputError(f"experiment {name}", "a folder, or a name that one experiment of --work has",
                         ", ".join(str(made.folder) for made in found) or "none of that name")
    return found[0]


def compare(experiments: Sequence[Experiment], every: bool = False) -> List[Section]:
    """every: also options that are the same."""
    if len(experiments) < 2:
        raise InputError("experiments to compare", "two or more", str(len(experiments)))
    labels, values = _labels(experiments), [columns_of(made) for made in experiments]
    tests = list(dict.fromkeys(test for made in experiments for test in made.results))
    results = [f"{test}.{name}" for test in tests for name in RESULTS] + list(FACTS)
    options = list(dict.fromkeys(key for made in experiments for key in made.config))
    versions = list(dict.fromkeys(name for row in values for name in row if name.startswith("version.")))
    stages = [_contents(made) for made in experiments]
    return [
        Section("results", ("figure", *labels), _rows(results, values, every=True)),
        Section("which differences are sure", *_sure(experiments, labels)),
        Section("configuration" + " differences" * (not every), ("option", *labels),
                _rows(options, [made.config for made in experiments], every)),
        Section("stages with other content", ("stage", *labels),
                _rows(sorted({name for found in stages for name in found}), stages, every=False)),
        Section("code and machine", ("", *labels), _rows([*OF_RUN, *versions], values, every))]


def _labels(experiments: Sequence[Experiment]) -> List[str]:
    """Names that tell them apart: with the seed, else with their folder."""
    names = [made.name for made in experiments]
    seeded = [f"{made.name} (seed {made.seed})" for made in experiments]
    for labels in (names, seeded):
        if len(set(labels)) == len(labels):
            return labels
    return [str(made.folder) for made in experiments]


def _rows(names: Sequence[str], columns: Sequence[Dict[str, object]], every: bool) -> List[List]:
    """A row for each name that any column has, or whose values differ."""
    rows = [[name, *(column.get(name) for column in columns)] for name in names]
    return [row for row in rows if any(value is not None for value in row[1:])
            and (every or any(value != row[1] for value in row[1:]))]


def _sure(experiments: Sequence[Experiment], labels: Sequence[str]):
    results = [Result({**entry, "system": label}, made.folder / test) for made, label in zip(experiments, labels)
               for test, entry in made.results.items()]
    table = comparison_table(results)
    return table.header, [[cell if type(cell) is not float else round(cell, 2) for cell in row] for row in table.rows]


def _contents(made: Experiment) -> Dict[str, str]:
    """Stage -> digest of what it wrote, for those that the experiment was made from."""
    return {name: fingerprint(**{file: digest for file, digest in contents(record.get("outputs", {})).items()
                                 if is_content(Path(file))})[:8]
            for name, record in made.stages.items()}
