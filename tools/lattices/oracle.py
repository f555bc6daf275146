"""Oracle word error rates: the errors of the path of each lattice that is nearest to what was said.

    python -m tools.lattices.oracle --lattices exp/decode_test --cuts cuts/test.jsonl.gz --scores exp/score \\
        --out exp/oracle_test

What no path of a lattice has, no rescoring finds. oracle.tsv and oracle.png say for each beam (of path scores, scaled
as for scoring and divided by the larger of lm_scale and acoustic_scale) how deep the lattices are (arcs that cross a
frame; arcs with words for each word said) and how many errors their nearest paths have. Writes hyp.txt, the nearest
paths at the widest beam, and outcomes.tsv.
"""

from tools.frame.numbers import share
from tools.frame.program import Job, Program

PROGRAM = (Program("tools.lattices.oracle", __doc__, options={"score": "hybrid.recognize.scoring:ScoreOptions"})
           .input("--lattices", help="folder of lattices", required=True)
           .input("--cuts", help="their cuts (.jsonl.gz, a folder with cuts.jsonl.gz) or Kaldi's text", required=True)
           .input("--scores", help="folder of tools.score with the scales; default: those of [score]")
           .argument("--beams", nargs="+", type=float, default=[0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, float("inf")],
                     help="inf: the lattices as they are")
           .argument("--max-failed-share", type=share, default=0.02, help="share of utterances without a lattice"))


def work(job: Job) -> None:
    from graphs.lattices.lattice_io import read_lattices
    from hybrid.lattices.joint_words import JointWords
    from hybrid.lattices.oracle import oracle
    from hybrid.recognize.scales import SystemScales
    from hybrid.recognize.texts import read_references, write_text
    from hybrid.report.figures import save_figure
    from hybrid.report.oracle_picture import draw_oracle
    from hybrid.report.tables import tsv
    from tools.lattices.inputs import system_scales, words_of
    args, score = job.args, job.options("score")
    text_filter = score.text_filter({})
    scales = SystemScales(*system_scales([args.scores] if args.scores else [], 1, score)[0])
    rows, hypotheses, outcomes = oracle(
        read_lattices(args.lattices), read_references(args.cuts, text_filter),
        JointWords([words_of(args.lattices)], text_filter), scales, args.beams, job.nj, job.log)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(args.max_failed_share, "oracle")
    header = ("beam", "depth", "word_arcs_a_word", "oracle_wer", "errors", "words", "ins", "del", "sub")
    (job.out / "oracle.tsv").write_text(tsv(header, (
        (f"{row.beam:g}", row.depth, row.density, row.counts.wer, row.counts.errors, row.counts.words,
         row.counts.insertions, row.counts.deletions, row.counts.substitutions) for row in rows)), encoding="utf-8")
    save_figure(draw_oracle(rows), job.out / "oracle.png")
    write_text(job.out / "hyp.txt", hypotheses)
    for row in rows:
        job.log.info("beam %g: depth %.1f, oracle WER %.2f %%", row.beam, row.depth, row.counts.wer)
    job.log.info(outcomes.summary())
    job.facts.update(outcomes=outcomes.counts, oracle_wer={f"{row.beam:g}": round(row.counts.wer, 4) for row in rows})


if __name__ == "__main__":
    PROGRAM.main(work)
