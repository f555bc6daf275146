"""Keeps what the recognizer is sure of: utterances or words above a confidence.

    python -m tools.lattices.filter --ctm exp/mbr_test --out exp/sure_test filter.confidence=0.95

For text to train on (filter.unit=utterances) or text to trust (filter.unit=words). With --cuts, a table says for each
threshold how much it keeps and how right that is. Writes hyp.txt, words.ctm, utterances.tsv (every utterance, its
confidence, kept or not) and, with --cuts, thresholds.tsv and thresholds.png.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.lattices.filter", __doc__, options={"filter": "hybrid.lattices.confident:FilterOptions",
                                                              "score": "hybrid.recognize.scoring:ScoreOptions"})
           .input("--ctm", help="words.ctm of tools.lattices.mbr or ctm, of tools.rover, or the folder", required=True)
           .input("--cuts", help="cuts with transcripts, or Kaldi's text: how right is what is kept?"))


def work(job: Job) -> None:
    from hybrid.align.times.ctm import write_ctm
    from hybrid.lattices.confident import confident, utterance_confidence
    from hybrid.recognize.texts import write_text
    from hybrid.report.tables import tsv
    from tools.lattices.inputs import scored_words
    options, words = job.options("filter"), scored_words(job.args.ctm)
    kept = confident(words, options)
    write_text(job.out / "hyp.txt", {key: [word.symbol for word in said] for key, said in kept.items()})
    write_ctm(job.out / "words.ctm", kept)
    (job.out / "utterances.tsv").write_text(tsv(("utterance", "confidence", "words", "kept_words"), (
        (key, f"{utterance_confidence(said, options.measure):.4f}", len(said), len(kept.get(key, [])))
        for key, said in sorted(words.items()))), encoding="utf-8")
    facts = {"utterances": len(words), "kept_utterances": len(kept), "words": sum(map(len, words.values())),
             "kept_words": sum(map(len, kept.values()))}
    job.log.info("%(kept_utterances)d of %(utterances)d utterances, %(kept_words)d of %(words)d words kept", facts)
    job.facts.update(facts)
    if job.args.cuts:
        thresholds(job, words)


def thresholds(job: Job, words) -> None:
    from hybrid.lattices.confident import at_thresholds
    from hybrid.recognize.texts import read_references
    from hybrid.report.figures import save_figure
    from hybrid.report.reliability_picture import draw_thresholds
    from hybrid.report.tables import tsv
    score, options = job.options("score"), job.options("filter")
    references = read_references(job.args.cuts, score.text_filter({}))
    points = sorted({*(round(0.05 * step, 2) for step in range(21)), 0.99, options.confidence})
    rows = at_thresholds(words, references, points, options.measure, score.costs)
    (job.out / "thresholds.tsv").write_text(tsv(
        ("confidence", "utterances", "wer_of_them", "words", "correct_of_them"),
        ((f"{row.threshold:g}", row.utterances, row.counts.wer, row.words, f"{row.correct:.4f}") for row in rows)),
        encoding="utf-8")
    save_figure(draw_thresholds(rows), job.out / "thresholds.png")
    own = next(row for row in rows if row.threshold == options.confidence)
    job.log.info("above %g: %d utterances with %.2f %% WER; %d words, %.2f %% of them correct", own.threshold,
                 own.utterances, own.counts.wer, own.words, 100 * own.correct)


if __name__ == "__main__":
    PROGRAM.main(work)
