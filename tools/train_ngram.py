"""Trains an n-gram language model on text and writes lm.arpa.

    python -m tools.train_ngram --out exp/lm --text corpus/lm_train.txt lm.order=3
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.train_ngram", __doc__, options={"lm": "hybrid.lm.ngram_train:NgramOptions"})
           .input("--text", action="append", required=True,
                  help="text of one sentence a line, or cut manifest (.jsonl.gz); may be given again")
           .input("--lang", help="lang folder whose words are the vocabulary (default: those of the text)")
           .input("--dev", help="text whose perplexity is reported"))


def work(job: Job) -> None:
    from graphs.lang.lang_folder import read_lang
    from hybrid.data.sentences import read_sentences
    from hybrid.lm.ngram_train import perplexity, train_ngram
    lang = read_lang(job.args.lang) if job.args.lang else None
    vocabulary = [word for word in lang.lexicon.words if word != lang.oov_word] if lang else None
    sentences = (words for path in job.args.text for _, words in read_sentences(path))
    model = train_ngram(sentences, job.options("lm"), vocabulary)
    model.write_arpa(job.out / "lm.arpa")
    job.facts["ngrams"] = [len(table) for table in model.tables]
    job.log.info("n-grams of order 1, 2, ...: %s", ", ".join(map(str, job.facts["ngrams"])))
    if job.args.dev:
        found, tokens, impossible = perplexity(model, (words for _, words in read_sentences(job.args.dev)))
        job.facts.update(perplexity=round(found, 3), tokens=tokens, impossible=impossible)
        job.log.info("perplexity %.2f on %d words and sentence ends of %s", found, tokens, job.args.dev)


if __name__ == "__main__":
    PROGRAM.main(work)
