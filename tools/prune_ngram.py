"""Prunes an n-gram language model by entropy (Stolcke 1998, as SRILM's ngram -prune) and writes lm.arpa.

    python -m tools.prune_ngram --lm exp/lm/lm.arpa --out exp/lm_small prune.threshold=1e-8
    python -m tools.prune_ngram --lm exp/lm/lm.arpa --out exp/lm_small prune.max_ngrams=500000

Words and their unigrams stay; the back-off weights are computed anew. A Kneser-Ney model is pruned better with the
history probabilities of a Witten-Bell model of the same text (--history-lm).
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.prune_ngram", __doc__, options={"prune": "hybrid.lm.ngram_prune:PruneOptions"})
           .input("--lm", required=True, help="n-gram model in ARPA format, may be .gz")
           .input("--history-lm", help="n-gram model that tells how probable histories are (default: --lm)")
           .input("--dev", help="text whose perplexity is reported")
           .argument("--gzip", action="store_true", help="write lm.arpa.gz"))


def work(job: Job) -> None:
    from graphs.errors import InputError
    from graphs.grammar.arpa import read_arpa
    from graphs.grammar.ngram_lm import NgramLm
    from hybrid.lm.ngram_prune import entropy_prune
    from tools.train_ngram import report_perplexity, write_model
    if not job.options("prune").prunes:
        raise InputError("options [prune]", "a threshold above 0 or max_ngrams", "neither")
    model, report = read_arpa(job.args.lm)
    for line in report.lines():
        job.log.info("%s", line)
    history_model = read_arpa(job.args.history_lm)[0] if job.args.history_lm else None
    job.facts["ngrams_before_pruning"] = report.ngrams
    model = entropy_prune(model, job.options("prune"), history_model)
    write_model(job, model)
    if job.args.dev:
        report_perplexity(job, lambda words: NgramLm(model, words), job.args.dev)


if __name__ == "__main__":
    PROGRAM.main(work)
