"""Perplexity of texts: how well a language model, or a mixture of several, predicts them.

    python -m tools.perplexity --lm exp/lm/lm.arpa --text test.txt --out exp/perplexity
    python -m tools.perplexity --lm a.arpa exp/lstm_lm --tune dev.txt --text test.txt --out exp/perplexity

The weights of a mixture are given (--weights), or tuned on held-out text (--tune), or equal. Writes perplexity.tsv: for
each text its sentences, words, words unknown to all models, impossible ones (of probability 0), log10 probability,
and the perplexity three times: of words and sentence ends without unknown words (SRILM's ppl, KenLM's "excluding
OOVs"), with the ends in the sum but not counted (SRILM's ppl1), and with unknown words (KenLM's "including OOVs").
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.perplexity", __doc__)
           .input("--lm", nargs="+", required=True,
                  help="ARPA files, may be .gz, and folders of tools.train_ngram, train_class_lm, train_lm")
           .input("--text", nargs="+", required=True,
                  help="texts of one sentence a line, or cut manifests (.jsonl.gz)")
           .input("--tune", help="held-out text for the weights of the mixture")
           .argument("--weights", nargs="+", type=float, help="of the models, from 0 up; only their ratios count")
           .argument("--device", counts=False, default="auto", help="of neural models: auto, cpu, cuda or cuda:N"))

COLUMNS = ("text", "sentences", "words", "unknown", "impossible", "log10_prob", "perplexity", "perplexity_words",
           "perplexity_unknown")


def work(job: Job) -> None:
    from graphs.lang.symbols import SymbolTable
    from hybrid.lm.language_models import mixed, mixture_weights, open_lm
    from hybrid.lm.perplexity import measure, read_text_ids
    from hybrid.report.tables import text_table
    from hybrid.training.device import use_threads
    use_threads(job.nj)
    words = SymbolTable()
    texts = {str(path): read_text_ids(path, words) for path in job.args.text}
    held_out = read_text_ids(job.args.tune, words) if job.args.tune else None
    models = []
    for path in job.args.lm:
        model, notes = open_lm(path, words, job.args.device)
        models.append(model)
        for note in notes:
            job.log.info("%s: %s", path, note)
    weights = mixture_weights(models, job.args.weights, held_out)
    job.log.info("weights: %s", ", ".join(f"{path} {weight:.4f}" for path, weight in zip(job.args.lm, weights)))
    lm = mixed(models, weights, words)
    facts = {name: measure(lm, text).facts() for name, text in texts.items()}
    rows = [[name, *(values[column] for column in COLUMNS[1:])] for name, values in facts.items()]
    lines = ("\t".join(map(_cell, row)) + "\n" for row in [COLUMNS, *rows])
    (job.out / "perplexity.tsv").write_text("".join(lines), encoding="utf-8")
    job.log.info("\n%s", text_table(COLUMNS, rows))
    job.facts.update(perplexity=facts, weights=[round(weight, 6) for weight in weights])


def _cell(value) -> str:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    PROGRAM.main(work)
