"""Chooses sizes and epochs that fit the hours of training speech, and the units of pronunciations.

    python -m egs.custom.choose --cuts work/cuts --tables egs/custom/conf/by_hours --out work/chosen

TABLES holds HOURS.conf files, each for that many hours of train.jsonl.gz and more. The one that fits is copied to
options.conf, which the later stages read after conf/default.conf and before the options of the user. With --spelled
there is no lexicon, and the pronunciations are spellings.
"""

from pathlib import Path
from typing import Tuple

from tools.frame.program import Job, Program

PROGRAM = (Program("egs.custom.choose", __doc__)
           .input("--cuts", help="folder of cuts", required=True)
           .input("--tables", help="folder of HOURS.conf", required=True)
           .argument("--spelled", action="store_true", help="there is no lexicon"))
SPELLED = "\n# there is no lexicon\n[lang]\nunit = grapheme\n"


def choose(tables: Path, hours: float) -> Tuple[Path, str]:
    """The conf file for so many hours, and which hours it is for, in words.

    Raises InputError when the folder has none.
    """
    from graphs.errors import InputError
    try:
        found = sorted((float(path.stem), path) for path in tables.glob("*.conf"))
    except ValueError as error:
        raise InputError(f"--tables {tables}", "files named HOURS.conf", str(error)) from None
    fitting = [number for number, (least, _) in enumerate(found) if least <= hours]
    if not fitting:
        raise InputError(f"--tables {tables}", "a file 0.conf", ", ".join(path.name for _, path in found) or "none")
    least, path = found[fitting[-1]]
    above = found[fitting[-1] + 1:]
    return path, f"{least:g} to {above[0][0]:g} hours" if above else f"{least:g} hours and more"


def work(job: Job) -> None:
    from hybrid.data.manifest import read_cuts
    hours = sum(cut.duration for cut in read_cuts(job.args.cuts / "train.jsonl.gz")) / 3600
    path, meant_for = choose(job.args.tables, hours)
    lines = (line.split("#")[0].replace(" ", "") for line in path.read_text(encoding="utf-8").splitlines())
    job.log.info("%.2f hours of training speech: options for %s, of %s: %s", hours, meant_for, path,
                 " ".join(filter(None, lines)))
    job.facts.update(hours=round(hours, 3), meant_for=meant_for)
    text = path.read_text(encoding="utf-8") + (SPELLED if job.args.spelled else "")
    (job.out / "options.conf").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    PROGRAM.main(work)
