"""Interpolates n-gram language models into one, as SRILM's ngram -mix-lm, and writes lm.arpa.

    python -m tools.interpolate_ngrams --lm a.arpa b.arpa --tune dev.txt --out exp/lm_mixed
    python -m tools.interpolate_ngrams --lm a.arpa b.arpa --weights 0.3 0.7 --out exp/lm_mixed

The weights are given, or tuned on held-out text (by expectation and maximization), or equal. The models may be of
different orders and words: a word that one of them lacks has probability 0 in it.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.interpolate_ngrams", __doc__)
           .input("--lm", nargs="+", required=True, help="n-gram models in ARPA format, may be .gz")
           .input("--tune", help="held-out text for the weights")
           .input("--dev", help="text whose perplexity is reported")
           .argument("--weights", nargs="+", type=float, help="of the models, from 0 up; only their ratios count")
           .argument("--gzip", action="store_true", help="write lm.arpa.gz"))


def work(job: Job) -> None:
    from graphs.grammar.arpa import read_arpa
    from graphs.grammar.ngram_lm import NgramLm
    from hybrid.lm.language_models import mixture_weights
    from hybrid.lm.mixture import mix_ngrams
    from hybrid.lm.perplexity import read_text_ids
    from tools.train_ngram import report_perplexity, write_model
    held_out = read_text_ids(job.args.tune) if job.args.tune else None
    models = [read_arpa(path)[0] for path in job.args.lm]
    lms = [NgramLm(model, held_out.words) for model in models] if held_out else models
    weights = mixture_weights(lms, job.args.weights, held_out)
    job.log.info("weights: %s", ", ".join(f"{path} {weight:.4f}" for path, weight in zip(job.args.lm, weights)))
    job.facts["weights"] = [round(weight, 6) for weight in weights]
    mixed = mix_ngrams(models, weights)
    write_model(job, mixed)
    if job.args.dev:
        report_perplexity(job, lambda words: NgramLm(mixed, words), job.args.dev)


if __name__ == "__main__":
    PROGRAM.main(work)
