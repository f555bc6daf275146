"""Size and depth of lattices.

    python -m tools.lattices.statistics --lattices exp/decode_test --out exp/statistics_test

Writes statistics.tsv, a row for each lattice: states, arcs, arcs with words, different words, depth (arcs that cross a
frame), and the logarithm (base 10) of the number of paths; the log tells the means.
"""

from tools.frame.program import Job
from tools.lattices.folder import lattice_program, table

PROGRAM = lattice_program("tools.lattices.statistics", __doc__)


def work(job: Job) -> None:
    from graphs.lattices.structure import Statistics, statistics

    def rows_of(_, lattice):
        found = statistics(lattice)
        return [(lattice.utterance_id, lattice.num_frames, *found[:4], f"{found.depth:.2f}",
                 f"{found.log10_paths:.2f}")]
    rows = table(job, "statistics.tsv", ("utterance", "frames", *Statistics._fields), rows_of)
    frames = sum(row[1] for row in rows)
    facts = {"lattices": len(rows), "frames": frames, "arcs": sum(row[3] for row in rows),
             "depth": round(sum(row[1] * float(row[6]) for row in rows) / max(1, frames), 2)}
    job.log.info("%(lattices)d lattices, %(frames)d frames, %(arcs)d arcs, depth %(depth)g", facts)
    job.facts.update(facts)


if __name__ == "__main__":
    PROGRAM.main(work)
