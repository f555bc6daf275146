"""Makes a corpus of Lhotse manifests.

MANIFESTS holds cuts (cuts_SPLIT.jsonl.gz or SPLIT.jsonl.gz) or recordings_SPLIT with supervisions_SPLIT, as
Lhotse's recipes write them; something may stand in front, as in librispeech_cuts_dev-clean.jsonl.gz. A cut
with several supervisions becomes several utterances.
"""

from tools.frame.importing import importing
from tools.frame.program import Job, Program

PROGRAM = importing(Program("tools.import_lhotse", __doc__)
                    .input("--manifests", help="folder of manifests", required=True, corpus=True)
                    .argument("--root", help="where relative audio paths start; default: here, then MANIFESTS"),
                    splits="which, as `train=train-clean-5,dev=dev-clean-2`; default: all")


def work(job: Job) -> None:
    from pathlib import Path

    from graphs.errors import InputError
    from hybrid.data.corpus import parse_splits
    from hybrid.data.imports import write_corpus
    from hybrid.data.lhotse_manifests import find_manifests, read_manifests
    from hybrid.outcomes import Outcomes
    folder = job.args.manifests
    found = find_manifests(folder)
    wanted = parse_splits(job.args.splits) or {name: name for name in found}
    missing = [source for source in wanted.values() if source not in found]
    if missing or not wanted:
        raise InputError(f"--manifests {folder}", f"manifests of {', '.join(missing) or 'a split'}",
                         ", ".join(found) or "none")
    roots = [Path(job.args.root)] if job.args.root else [Path("."), folder, folder.parent]
    outcomes = Outcomes(job.log)
    splits = {name: read_manifests(found[source], outcomes, roots) for name, source in wanted.items()}
    write_corpus(job, splits, outcomes)


if __name__ == "__main__":
    PROGRAM.main(work)
