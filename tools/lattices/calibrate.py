"""How good word confidences are, and the map that makes them better, chosen on a development set.

    python -m tools.lattices.calibrate --ctm exp/ctm_dev --cuts cuts/dev.jsonl.gz --out exp/calibration

    python -m tools.lattices.ctm ... --calibration exp/calibration --out exp/ctm_test

--test-ctm and --test-cuts measure what the map does on another set. A word is correct where the alignment of least
errors has it against the same word. Writes calibration.json (the map), calibration.tsv (normalized cross entropy and
expected calibration error, before and after) and reliability.png.
"""

from tools.frame.numbers import at_least
from tools.frame.program import Job, Program

PROGRAM = (Program("tools.lattices.calibrate", __doc__,
                   options={"score": "hybrid.recognize.scoring:ScoreOptions"})
           .input("--ctm", help="words.ctm of the development set, or the folder", required=True)
           .input("--cuts", help="its cuts (.jsonl.gz, a folder with cuts.jsonl.gz) or Kaldi's text", required=True)
           .input("--test-ctm", help="the same of another set")
           .input("--test-cuts", help="its cuts or text")
           .argument("--seed", type=at_least(0), default=0, help="of the fifths that the choice between maps goes by"))


def work(job: Job) -> None:
    from graphs.errors import InputError
    from hybrid.lattices.calibration import KINDS, choose
    from hybrid.report.figures import save_figure
    from hybrid.report.reliability_picture import draw_reliability
    from hybrid.report.tables import tsv
    args = job.args
    if (args.test_ctm is None) != (args.test_cuts is None):
        raise InputError("--test-ctm", "--test-ctm and --test-cuts together", "one of them")
    sets = {"dev": judged(job, args.ctm, args.cuts)}
    if args.test_ctm:
        sets["test"] = judged(job, args.test_ctm, args.test_cuts)
    found, held_out = choose(*sets["dev"], args.seed)
    found.write(job.out)
    for kind in KINDS:
        job.log.info("%s: normalized cross entropy %.4f on held-out fifths", kind, held_out[kind])
    rows = [row for name, (c, y) in sets.items() for row in measures(name, c, found(c), y)]
    header = ("set", "confidences", "words", "correct", "nce", "calibration_error")
    (job.out / "calibration.tsv").write_text(tsv(header, rows), encoding="utf-8")
    name, (c, y) = list(sets.items())[-1]
    save_figure(draw_reliability(f"{name} set", {"as they are": (c, y), f"{found.kind} map": (found(c), y)}),
                job.out / "reliability.png")
    for row in rows:
        job.log.info("%s, %s: %d words, %s correct, NCE %s, calibration error %s", *row)
    job.facts.update(kind=found.kind, nce={f"{row[0]} {row[1]}": row[4] for row in rows})


def judged(job: Job, ctm, cuts):
    """(confidences, correct or not) of all words."""
    from graphs.errors import InputError
    from hybrid.lattices.confident import judged_words
    from hybrid.recognize.texts import read_references
    from tools.lattices.inputs import scored_words
    score = job.options("score")
    references = read_references(cuts, score.text_filter({}))
    words = judged_words(scored_words(ctm), references, score.costs)
    if not words:
        raise InputError(str(ctm), "at least one word", "none")
    return [word.confidence for word, _ in words], [correct for _, correct in words]


def measures(name, before, after, correct):
    from hybrid.lattices.calibration import calibration_error, normalized_cross_entropy
    share = f"{sum(correct) / len(correct):.4f}"
    return [(name, what, len(correct), share, f"{normalized_cross_entropy(c, correct):.4f}",
             f"{calibration_error(c, correct):.4f}") for what, c in (("before", before), ("after", after))]


if __name__ == "__main__":
    PROGRAM.main(work)
