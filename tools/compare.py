"""Compares systems of one or several work folders: other seeds, other shares of the training data, other kinds.

    python -m tools.compare --work egs/synth/work --out egs/synth/work/compare
    python -m tools.compare --work work work_10 work_25 work_50 --out compare --systems tdnn ctc_chars

Reads every score_*/result.json below the work folders with the stage records that they stand on. Writes comparison.json
(hybrid/compare/comparison.py tells what is in it), COMPARISON.md and pictures, and report.html: one page that needs no
server; tools.page makes it anew with other options. Systems of one name, seed and share of the data that come from
several work folders have the folder in their name. It runs anew when a stage below the work folders has.
"""

from pathlib import Path
from typing import List

from tools.frame.program import Job, Program


def results_and_records(args) -> List[Path]:
    """Folders with scores, and the records of all stages but those that compare."""
    from tools.frame.records import RECORD, stage_records
    from tools.frame.unfinished import whole_scores
    records = [folder / RECORD for work in args.work for folder, record in stage_records(work)
               if record.get("state") == "done" and record.get("program") not in ("tools.compare", "tools.page")]
    return [*(folder for work in args.work for folder in whole_scores(work)), *records]


PROGRAM = (Program("tools.compare", __doc__, options={
    "compare": "hybrid.compare.options:CompareOptions", "page": "hybrid.report.page.options:PageOptions"},
                   more_inputs=results_and_records)
           .argument("--work", type=Path, nargs="+", required=True, help="work folders of recipes")
           .argument("--systems", nargs="+", default=[],
                     help="names of those to compare, blanks or (as in a recipe) commas between them; default: all")
           .argument("--tests", nargs="+", default=[],
                     help="test sets, likewise; default: those that scales were not chosen on")
           .input("--align", nargs="+", default=[],
                  help="alignments of a test set beside exp/align_*_TEST: CTM files, or folders with words.ctm")
           .argument("--title", help="default: the names of the work folders"))


def work(job: Job) -> None:
    from hybrid.compare.build import compare
    from hybrid.compare.comparison_file import FILE, write_comparison
    from hybrid.compare.markdown import markdown
    from hybrid.compare.naming import work_names
    from hybrid.compare.pictures import pictures
    from hybrid.compare.tables import rate_table
    from hybrid.report.figures import save_figure
    from hybrid.report.tables import text_table
    from tools.comparison.gather import gather
    from tools.comparison.material import material_of
    from tools.frame.records import write_text_atomically
    from tools.page import PAGE, write_page
    args = job.args
    scored = gather(args.work, names(args.systems), names(args.tests), job.log.info)
    tests = {test: [one for one in scored if one.test == test] for test in dict.fromkeys(one.test for one in scored)}
    material = {test: material_of(test, own, args.work, args.align, job.log) for test, own in tests.items()}
    found = compare(args.title or ", ".join(work_names(args.work)), scored, job.options("compare"), material,
                    facts(args.work))
    write_comparison(job.out / FILE, found)
    drawn = {f"{name}.png": figure for name, figure in pictures(found).items()}
    for name, figure in drawn.items():
        save_figure(figure, job.out / name)
    write_text_atomically(job.out / "COMPARISON.md", markdown(found, drawn))
    for test in found.tests:
        print(f"{test.name}\n{text_table(*rate_table(found, test.name))}")
    for note in found.notes:
        job.log.warning("%s", note)
    job.facts.update(systems=len(found.systems), tests=[test.name for test in found.tests])
    job.facts["page"] = write_page(found, job.out / PAGE, job.options("page"), features(args.work, tests), job.log)


def names(arguments) -> list:
    return [name for argument in arguments for name in argument.split(",") if name]


def features(works, tests) -> list:
    """The folders of features of the test sets."""
    return [path.parent for work in works for path in sorted(work.glob("features/*/features.json"))
            if path.parent.name in tests]


def facts(works) -> dict:
    """Of the runs that made the work folders."""
    from tools.frame.records import stage_records
    runs = [run for folder in works for _, record in stage_records(folder) for run in record.get("runs", [])[-1:]]
    told = {"commands": [run.get("recipe") for run in runs], "commit": [run.get("commit") for run in runs],
            "device": [run.get("device") for run in runs]}
    return {name: "; ".join(dict.fromkeys(filter(None, values))) for name, values in told.items() if any(values)}


if __name__ == "__main__":
    PROGRAM.main(work)
