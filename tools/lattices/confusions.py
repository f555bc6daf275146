"""Which words a system cannot tell apart: expected confusions by its lattices, beside the errors that it made.

    python -m tools.lattices.confusions --sausages exp/mbr_test --cuts cuts/test.jsonl.gz --out exp/confusions_test

Without --cuts only what the lattices say. Writes confusions.tsv: the recognized word, another one (*** for none), how
often the other is expected to have been said in its place, and how often it was (alignment of least errors).
"""

from tools.frame.numbers import factor
from tools.frame.program import Job, Program

PROGRAM = (Program("tools.lattices.confusions", __doc__, options={"score": "hybrid.recognize.scoring:ScoreOptions"})
           .input("--sausages", help="folder of tools.lattices.mbr or ctm, or its sausages.jsonl", required=True)
           .input("--cuts", help="cuts with transcripts, or Kaldi's text")
           .argument("--least", type=factor, default=0.01, help="expected number of a pair that is worth a line"))


def work(job: Job) -> None:
    from hybrid.lattices.confusions import confusions, expected_confusions, made_errors
    from hybrid.lattices.sausages import SAUSAGES, read_sausages
    from hybrid.recognize.texts import read_references
    from hybrid.report.tables import tsv
    path, score = job.args.sausages, job.options("score")
    sausages = list(read_sausages(path / SAUSAGES if path.is_dir() else path))
    errors = {}
    if job.args.cuts:
        errors = made_errors(sausages, read_references(job.args.cuts, score.text_filter({})), score.costs)
    rows = confusions(expected_confusions(sausages), errors, job.args.least)
    (job.out / "confusions.tsv").write_text(tsv(("recognized", "said", "expected", "errors"), (
        (row.recognized, row.said, f"{row.expected:.3f}", row.errors) for row in rows)), encoding="utf-8")
    facts = {"pairs": len(rows), "expected": round(sum(row.expected for row in rows), 2),
             "errors": sum(errors.values())}
    job.log.info("%(pairs)d pairs, %(expected).2f confusions expected, %(errors)d errors made", facts)
    job.facts.update(facts)


if __name__ == "__main__":
    PROGRAM.main(work)
