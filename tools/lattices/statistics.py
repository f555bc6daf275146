"""Size and depth of lattices.

    python -m tools.lattices.statistics --lattices exp/decode_test --out exp/statistics_test

Writes statistics.tsv, a row for each lattice: states, arcs, arcs with words, different words, depth (arcs that cross a
frame), and the logarithm (base 10) of the number of paths; the log tells the means.
"""

from tools.frame.program import Job
from tools.lattices.folder import lattice_program

PROGRAM = lattice_program("tools.lattices.statistics", __doc__)


def work(job: Job) -> None:
    from graphs.lattices.lattice_io import read_lattices
    from graphs.lattices.structure import Statistics, statistics
    from hybrid.report.tables import tsv
    rows, frames, depth = [], 0, 0.0
    for lattice in read_lattices(job.args.lattices):
        found = statistics(lattice)
        rows.append((lattice.utterance_id, lattice.num_frames, *found[:4], f"{found.depth:.2f}",
                     f"{found.log10_paths:.2f}"))
        frames, depth = frames + lattice.num_frames, depth + found.depth * lattice.num_frames
    (job.out / "statistics.tsv").write_text(tsv(("utterance", "frames", *Statistics._fields), rows), encoding="utf-8")
    facts = {"lattices": len(rows), "frames": frames, "arcs": sum(row[3] for row in rows),
             "depth": round(depth / max(1, frames), 2)}
    job.log.info("%(lattices)d lattices, %(frames)d frames, %(arcs)d arcs, depth %(depth)g", facts)
    job.facts.update(facts)


if __name__ == "__main__":
    PROGRAM.main(work)
