"""Combines systems by their lattices: of the sentences of all, the one of the fewest expected word errors.

    python -m tools.combine --cuts cuts/test.jsonl.gz --lattices exp/decode_tdnn_test exp/decode_blstm_test \\
        --scores exp/score_tdnn exp/score_blstm --out exp/combine_test

Trees, graphs and word tables may differ. Each system's lm_scale and word insertion penalty are those that its score
folder has chosen on its development set, so that no test set chooses anything; without --scores, [score]'s. Writes
hyp.txt, which tools.score takes (--dev exp/combine_dev), and outcomes.tsv.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.combine", __doc__, options={"combine": "hybrid.recognize.combine:CombineOptions",
                                                      "score": "hybrid.recognize.scoring:ScoreOptions"})
           .input("--cuts", help="cuts of the utterances (.jsonl.gz, a folder with cuts.jsonl.gz)", required=True)
           .input("--lattices", nargs="+", help="lattices of each system", required=True)
           .input("--scores", nargs="+", default=[], help="folders of tools.score, one a system, in the same order")
           .argument("--weights", nargs="+", type=float, default=[], help="of the systems; default: equal ones"))


def work(job: Job) -> None:
    from graphs.errors import InputError
    from hybrid.data.manifest import read_cuts
    from hybrid.recognize.combine import System, combine
    from hybrid.recognize.scoring import path_words
    from hybrid.recognize.texts import CUTS, write_text
    args, score = job.args, job.options("score")
    if args.scores and len(args.scores) != len(args.lattices):
        raise InputError("--scores", f"{len(args.lattices)} folders, as for --lattices", str(len(args.scores)))
    text_filter = score.text_filter({})
    systems = []
    for number, folder in enumerate(args.lattices):
        scales = chosen_scales(args.scores[number]) if args.scores else (*score.fixed, score.acoustic_scale)
        systems.append(System(folder, *scales, path_words(folder, None, text_filter)))
        job.log.info("%s: lm_scale %g, word_insertion_penalty %g, acoustic_scale %g", folder, *scales)
    cuts = args.cuts / CUTS if args.cuts.is_dir() else args.cuts
    options = job.options("combine")
    hypotheses, outcomes = combine(systems, args.weights, [cut.id for cut in read_cuts(cuts)], options, job.nj, job.log)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "combination")
    write_text(job.out / "hyp.txt", hypotheses)
    job.log.info(outcomes.summary())
    job.facts["outcomes"] = outcomes.counts


def chosen_scales(folder):
    """(lm_scale, word_insertion_penalty, acoustic_scale) of a score folder's system."""
    from graphs.errors import InputError
    from hybrid.report.results import read_results
    entries = read_results(folder / "result.json")
    if not entries:
        raise InputError(str(folder / "result.json"), "a result", "none")
    scales = tuple(entries[0].get(name) for name in ("lm_scale", "word_insertion_penalty", "acoustic_scale"))
    if None in scales:
        raise InputError(str(folder), "scores of lattices", "scores of texts")
    if not max(scales[0], scales[2]):
        raise InputError(str(folder / "result.json"), "an lm_scale or an acoustic_scale above 0", "0 and 0")
    return scales


if __name__ == "__main__":
    PROGRAM.main(work)
