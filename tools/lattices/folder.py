"""What the programs over folders of lattices have in common."""

from pathlib import Path
from typing import Callable, Optional, Sequence, Tuple

from tools.frame.numbers import factor, share
from tools.frame.program import Job, Program
from tools.frame.records import read_record


def lattice_program(name: str, doc: str, scaled: bool = False, **more) -> Program:
    """A program with --lattices and, when paths are compared (scaled), --graph-scale and --acoustic-scale."""
    program = Program(name, doc, **more).input("--lattices", help="folder of lattices", required=True)
    program.argument("--max-failed-share", type=share, default=0.02, help="share of lattices of which nothing may come")
    if scaled:
        program.argument("--graph-scale", type=factor, default=1.0,
                         help="factor on graph scores where paths are compared")
        program.argument("--acoustic-scale", type=factor,
                         help="factor on log-likelihoods there; default: that of the search")
    return program


def search_facts(folder: Path) -> dict:
    """What the record of a folder of lattices says of the search: acoustic_scale, search_seconds."""
    from tools.artefacts.decoding import search_scale
    return {"acoustic_scale": search_scale(folder),
            "search_seconds": read_record(folder).get("facts", {}).get("search_seconds", 0.0)}


def scales_of(job: Job) -> Tuple[float, float]:
    """(graph_scale, acoustic_scale) where paths are compared."""
    own = job.args.acoustic_scale
    return job.args.graph_scale, search_facts(job.args.lattices)["acoustic_scale"] if own is None else own


def change(job: Job, function: Callable, *arguments, acoustic_scale: Optional[float] = None) -> None:
    """Writes the lattices of --lattices, each changed by function(lattice, *arguments), and what stands beside them.

    Args:
      function: picklable; it gives a lattice or a hybrid.recognize.lattice_folder.Changed.
      acoustic_scale: for the record, where it is another one that suits the new scores.
    """
    from hybrid.recognize.lattice_folder import Change, change_folder, copy_beside
    source = job.args.lattices
    outcomes, totals = change_folder(source, job.out, Change(function, arguments), job.nj, job.log)
    copy_beside(source, job.out)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(job.args.max_failed_share, job.args.lattices.name)
    arcs_per_frame = totals["arcs"] / max(1, totals["frames"])
    job.log.info("%s; %d frames, %.2f lattice arcs a frame", outcomes.summary(), totals["frames"], arcs_per_frame)
    facts = search_facts(source)
    job.facts.update(outcomes=outcomes.counts, frames=totals["frames"], arcs_per_frame=round(arcs_per_frame, 3),
                     acoustic_scale=acoustic_scale or facts["acoustic_scale"],
                     search_seconds=round(facts["search_seconds"] + job.seconds(), 2))


def table(job: Job, name: str, header: Sequence[str], rows_of: Callable) -> list:
    """Writes a table into the file of that name, and outcomes.tsv; returns the rows.

    Args:
      rows_of: (place, lattice) -> rows of the table; InputError means that the lattice failed.
    """
    from graphs.errors import InputError
    from graphs.lattices.lattice_io import read_lattices
    from hybrid.outcomes import Outcomes
    from hybrid.report.tables import tsv
    rows, outcomes = [], Outcomes(job.log)
    for place, lattice in enumerate(read_lattices(job.args.lattices)):
        try:
            rows += rows_of(place, lattice)
            outcomes.add(lattice.utterance_id)
        except InputError as error:
            outcomes.add(lattice.utterance_id, "failed", str(error))
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(job.args.max_failed_share, job.args.lattices.name)
    (job.out / name).write_text(tsv(header, rows), encoding="utf-8")
    job.facts["outcomes"] = outcomes.counts
    return rows
