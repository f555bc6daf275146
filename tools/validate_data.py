"""Checks a corpus and keeps what is good.

Reads CORPUS/SPLIT.jsonl.gz for every split there is, and CORPUS/lexicon.txt (or lexiconp.txt) when
there is one. Writes SPLIT.jsonl.gz with the good cuts, rejected_SPLIT.tsv (utterance, reason, detail)
and report.txt. Fails when more than data.max_rejected_share of a split is bad. With data.train_share below 1 only
that share of the good training data stays (for learning curves); left_out.txt names the others.
"""

from tools.frame.program import Job, Program

TRAIN = "train"

PROGRAM = (Program("tools.validate_data", __doc__, options={"data": "hybrid.data.validate:DataOptions"})
           .input("--corpus", help="folder of raw cuts", required=True))


def work(job: Job) -> None:
    from logging import INFO, WARNING

    from graphs.errors import InputError
    from hybrid.data.imports import read_lexicon
    from hybrid.data.manifest import read_cuts, source_files, splits_of, write_cuts
    from hybrid.data.report import check_share, report_lines, write_rejected
    from hybrid.data.subset import hours_of
    from hybrid.data.validate import NOTES, WORRYING, validate_corpus
    options = job.options("data")
    corpus = job.args.corpus
    splits = {split: read_cuts(corpus / f"{split}.jsonl.gz") for split in splits_of(corpus)}
    if not splits:
        raise InputError(f"--corpus {corpus}", "manifests such as train.jsonl.gz", "none")
    for split, cuts in splits.items():
        if not cuts:
            raise InputError(f"{corpus}/{split}.jsonl.gz", "at least one cut", "none")
    if options.train_share < 1 and TRAIN not in splits:
        raise InputError("option data.train_share", f"1 without a split {TRAIN}", str(options.train_share))
    lexicon = read_lexicon(corpus)
    job.reads(path for cuts in splits.values() for path in source_files(cuts))
    results, transcripts, rate = validate_corpus(splits, options, lexicon, job.nj)
    for split, result in results.items():
        kept = take_train_share(job, result.cuts) if split == TRAIN and options.train_share < 1 else result.cuts
        write_cuts(job.out / f"{split}.jsonl.gz", kept)
        write_rejected(job.out / f"rejected_{split}.tsv", result.rejected)
        job.facts[split] = {"good": len(result.cuts), "rejected": dict(result.reasons), "kept": len(kept),
                            "hours": hours_of(kept),
                            "notes": {name: len(ids) for name, ids in result.notes.items()}}
    lines = report_lines(results, transcripts, rate)
    (job.out / "report.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for line in lines:
        job.log.log(WARNING if any(NOTES[name] in line for name in WORRYING) else INFO, "%s", line)
    for split, result in results.items():
        check_share(split, result, options.max_rejected_share, job.out)


def take_train_share(job: Job, cuts) -> list:
    """What stays of the training cuts."""
    from hybrid.data.subset import hours_of, speakers_in, take_share
    options = job.options("data")
    kept, left_out = take_share(cuts, options.train_share, options.share_seed)
    (job.out / "left_out.txt").write_text("".join(f"{cut.id}\n" for cut in left_out), encoding="utf-8")
    job.log.info("%s: %d of %d utterances stay (train_share %g), %.3f of %.3f hours, %d of %d speakers", TRAIN,
                 len(kept), len(cuts), options.train_share, hours_of(kept), hours_of(cuts), speakers_in(kept),
                 speakers_in(cuts))
    return kept


if __name__ == "__main__":
    PROGRAM.main(work)
