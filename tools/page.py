"""Makes one self-contained HTML page of a comparison: tables, charts, pictures, and all utterances to search in.

    python -m tools.page --comparison exp/comparison --features features/test --out exp/page

Writes report.html, which needs no server and no network. What is drawn and how large the page may get stands in the
section [page]. Lattices are drawn where the folders that were scored still have them; features, where they are given,
lie above the words of an utterance.
"""

from pathlib import Path
from typing import List

from tools.frame.program import Job, Program

PAGE = "report.html"
LONGEST_DRAWN = 30.0  # seconds; what is longer cannot be read, and its lattice takes Graphviz for ever
MOST_LATTICES = 4  # of an utterance
PROGRAM = (Program("tools.page", __doc__, options={"page": "hybrid.report.page.options:PageOptions"})
           .input("--comparison", help="folder of tools.compare, or its comparison.json", required=True)
           .input("--features", nargs="+", default=[], help="folders of features of the test sets"))


def work(job: Job) -> None:
    from hybrid.compare.comparison_file import read_comparison
    comparison = read_comparison(job.args.comparison)
    job.facts.update(write_page(comparison, job.out / PAGE, job.options("page"), job.args.features, job.log))


def write_page(comparison, path: Path, options, features: List[Path], log) -> dict:
    """Writes the page. Returns what it holds.

    Args:
      comparison: hybrid.compare.comparison.Comparison.
      options: PageOptions.
      features: folders; their utterances are drawn with them.
    """
    from hybrid.report.page.page import render
    rendered = render(comparison, options, draw_pictures(comparison, options.pictures, features, log))
    for reason in rendered.failed[:3]:
        log.warning("no audio of %s", reason)
    if rendered.failed[3:]:  # a folder that has moved would be told a hundred times
        log.warning("no audio of %d more: %s", len(rendered.failed) - 3,
                    ", ".join(reason.partition(": ")[0] for reason in rendered.failed[3:]))
    path.write_text(rendered.html, encoding="utf-8")
    log.info("%s: %.1f MB, %s", path.name, rendered.facts["bytes"] / 1e6,
             ", ".join(f"{count} {name}" for name, count in rendered.facts.items() if name != "bytes"))
    return rendered.facts


def draw_pictures(comparison, number: int, features: List[Path], log) -> list:
    """Words over time and lattices of the utterances on which systems differ most."""
    from hybrid.report.page.chosen import drawn_systems
    from hybrid.report.page.pictures import picture_of_times, pictures_of_lattices
    from hybrid.report.page.utterances import most_different
    readers, pictures = _readers(features), []
    for place, utterance in enumerate(most_different(comparison, number, LONGEST_DRAWN), 1):
        name = utterance.utterance_id
        matrices = [reader.raw(name).numpy() for reader in readers if name in reader]
        timed = [one.system for one in utterance.hypotheses if one.times]
        systems = [key for key, _ in drawn_systems(comparison, utterance.test, timed)]
        times = picture_of_times(utterance, systems, f"times-picture-{place}", matrices[0] if matrices else None)
        pictures += [times] if times else []
        pictures += pictures_of_lattices(utterance, _lattices(comparison, utterance, log), f"lattice-picture-{place}")
    return pictures


def _readers(features: List[Path]) -> list:
    if not features:
        return []
    from hybrid.data.features import FeatureReader
    return [FeatureReader(folder) for folder in features]


def _lattices(comparison, utterance, log) -> list:
    """Those of the drawn systems that still lie where they were scored."""
    from graphs.errors import InputError
    from graphs.lattices.lattice_io import read_lattices
    from hybrid.recognize.scoring import holds_lattices
    from hybrid.report.page.chosen import drawn_systems
    from hybrid.report.page.pictures import FoundLattice
    from tools.artefacts.decoding import search_scale, word_namer
    results = {result.system: result for result in comparison.results if result.test == utterance.test}
    found = []
    decoded = [key for key, result in results.items() if result.decoded]
    for key, _ in drawn_systems(comparison, utterance.test, decoded, MOST_LATTICES):
        folder = Path(results[key].decoded)
        try:
            lattices = list(read_lattices(folder, utterance.utterance_id)) if holds_lattices(folder) else []
        except InputError as error:
            log.warning("no lattice of %s is drawn: %s", key, error)
            continue
        found += [FoundLattice(key, lattice, word_namer(folder), 1.0, search_scale(folder)) for lattice in lattices]
    return found


if __name__ == "__main__":
    PROGRAM.main(work)
