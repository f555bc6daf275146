"""ROVER: the hypotheses of several systems vote, word by word (NIST's method).

    python -m tools.rover --ctm exp/ctm_tdnn_test exp/ctm_blstm_test exp/ctm_dnn_test --cuts cuts/test.jsonl.gz \\
        --dev-ctm exp/ctm_tdnn_dev exp/ctm_blstm_dev exp/ctm_dnn_dev --dev-cuts cuts/dev.jsonl.gz --out exp/rover_test

The systems come as CTM with confidences (tools.lattices.ctm, tools.lattices.mbr; their folders, or the files). With a
development set rover.alpha and rover.null_confidence are those of the fewest errors on it (tuning.tsv); without one,
[rover]'s hold. Writes words.ctm, hyp.txt (for tools.score) and outcomes.tsv.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.rover", __doc__, options={"rover": "hybrid.lattices.rover:RoverOptions",
                                                    "score": "hybrid.recognize.scoring:ScoreOptions"})
           .input("--ctm", nargs="+", help="words.ctm of each system, or the folder; the best first", required=True)
           .input("--cuts", help="cuts of the utterances; those that no system has are named as failed")
           .input("--dev-ctm", nargs="+", default=[], help="the same of the development set, in the same order")
           .input("--dev-cuts", help="its cuts (.jsonl.gz, a folder with cuts.jsonl.gz) or Kaldi's text"))


def work(job: Job) -> None:
    from hybrid.align.times.ctm import write_ctm
    from hybrid.lattices.rover import rover
    from hybrid.outcomes import Outcomes
    from hybrid.recognize.texts import write_text
    from tools.lattices.inputs import scored_words, utterance_ids
    options, systems = chosen_options(job), [scored_words(path) for path in job.args.ctm]
    found = rover(systems, options)
    outcomes = Outcomes(job.log)
    for key in utterance_ids(job.args.cuts) or found:
        lacking = sum(key not in system for system in systems)
        if key not in found:
            outcomes.add(key, "failed", "no system said anything")
        elif lacking:
            outcomes.add(key, "partial", f"{lacking} of {len(systems)} systems said nothing")
        else:
            outcomes.add(key)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(0.5, "ROVER")
    write_ctm(job.out / "words.ctm", found)
    write_text(job.out / "hyp.txt", {key: [word.symbol for word in words] for key, words in found.items()})
    job.log.info(outcomes.summary())
    job.facts.update(outcomes=outcomes.counts, alpha=options.alpha, null_confidence=options.null_confidence)


def chosen_options(job: Job):
    """Those of the fewest errors on the development set, if there is one."""
    from graphs.errors import InputError
    from hybrid.lattices.rover import tune
    from hybrid.recognize.texts import read_references
    from hybrid.report.tables import tsv
    from tools.lattices.inputs import scored_words
    args, options = job.args, job.options("rover")
    if bool(args.dev_ctm) != bool(args.dev_cuts) or len(args.dev_ctm) not in (0, len(args.ctm)):
        raise InputError("--dev-ctm and --dev-cuts", f"both, --dev-ctm with {len(args.ctm)} paths as --ctm",
                         f"{len(args.dev_ctm)} paths{'' if args.dev_cuts else ' and no cuts'}")
    if not args.dev_ctm:
        return options
    references = read_references(args.dev_cuts, job.options("score").text_filter({}))
    best, rows = tune([scored_words(path) for path in args.dev_ctm],
                      {key: reference.words for key, reference in references.items()}, options)
    (job.out / "tuning.tsv").write_text(tsv(("alpha", "null_confidence", "errors"), (
        (f"{alpha:g}", f"{null:g}", errors) for alpha, null, errors in rows)), encoding="utf-8")
    job.log.info("alpha %g, null_confidence %g give %d errors on the development set, the fewest of %d settings",
                 best.alpha, best.null_confidence, min(row[2] for row in rows), len(rows))
    return best


if __name__ == "__main__":
    PROGRAM.main(work)
