"""Checks a corpus and keeps what is good.

Reads CORPUS/SPLIT.jsonl.gz for every split there is, and CORPUS/lexicon.txt (or lexiconp.txt) when
there is one. Writes SPLIT.jsonl.gz with the good cuts, rejected_SPLIT.tsv (utterance, reason, detail)
and report.txt. Fails when more than data.max_rejected_share of a split is bad.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.validate_data", __doc__, options={"data": "hybrid.data.validate:DataOptions"})
           .input("--corpus", help="folder of raw cuts", required=True))


def work(job: Job) -> None:
    from logging import INFO, WARNING

    from graphs.errors import InputError
    from graphs.lang.lexicon import Lexicon
    from hybrid.data.manifest import read_cuts, source_files, splits_of, write_cuts
    from hybrid.data.report import check_share, report_lines, write_rejected
    from hybrid.data.validate import NOTES, WORRYING, validate_corpus
    options = job.options("data")
    corpus = job.args.corpus
    splits = {split: read_cuts(corpus / f"{split}.jsonl.gz") for split in splits_of(corpus)}
    if not splits:
        raise InputError(f"--corpus {corpus}", "manifests such as train.jsonl.gz", "none")
    for split, cuts in splits.items():
        if not cuts:
            raise InputError(f"{corpus}/{split}.jsonl.gz", "at least one cut", "none")
    lexicons = [corpus / name for name in ("lexiconp.txt", "lexicon.txt") if (corpus / name).exists()]
    lexicon = Lexicon.read(lexicons[0]) if lexicons else None
    job.reads(path for cuts in splits.values() for path in source_files(cuts))
    results, transcripts, rate = validate_corpus(splits, options, lexicon, job.nj)
    for split, result in results.items():
        write_cuts(job.out / f"{split}.jsonl.gz", result.cuts)
        write_rejected(job.out / f"rejected_{split}.tsv", result.rejected)
        job.facts[split] = {"good": len(result.cuts), "rejected": dict(result.reasons),
                            "notes": {name: len(ids) for name, ids in result.notes.items()}}
    lines = report_lines(results, transcripts, rate)
    (job.out / "report.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for line in lines:
        job.log.log(WARNING if any(NOTES[name] in line for name in WORRYING) else INFO, "%s", line)
    for split, result in results.items():
        check_share(split, result, options.max_rejected_share, job.out)


if __name__ == "__main__":
    PROGRAM.main(work)
