"""Makes the synth corpus: speech by espeak-ng with the true times of every word and phone.

Writes {train,dev,test}.jsonl.gz (Lhotse cuts with alignments), wav/, lexiconp.txt, lm.arpa, and the text for language
models: lm_text.txt, which lm.arpa was trained on, and lm_dev_text.txt.
Needs the package espeakng-loader (extra `synth`) and nothing else: no download, no corpus folder.
"""

from tools.frame.program import Job, Program

PROGRAM = Program("egs.synth.prepare", __doc__, options={"corpus": "egs.synth.plan:CorpusOptions"})


def work(job: Job) -> None:
    from egs.splits import write_splits
    from egs.synth import corpus, espeak, grammar
    from egs.synth.plan import LM_TEXT, language_model_text
    from graphs.grammar.ngram_lm import NgramLm
    from hybrid.data.manifest import text_of
    from hybrid.lm.ngram_train import NgramOptions, train_ngram
    from hybrid.lm.perplexity import TextIds, measure

    options = job.options("corpus")
    espeak.check()
    folder = job.out / "wav"
    folder.mkdir()
    said, cuts = corpus.render_all(options, folder, job.nj)
    lexicon = corpus.make_lexicon(said, options.pronunciation_share)
    lexicon.write(job.out / "lexiconp.txt")
    held_out = [text_of(cut) for split in ("dev", "test") for cut in cuts[split]]
    texts = language_model_text(options, held_out)
    for name, text in texts.items():
        (job.out / name).write_text("".join(" ".join(words) + "\n" for words in text), encoding="utf-8")
    model = train_ngram(texts[LM_TEXT], NgramOptions(method="witten-bell"), grammar.vocabulary(options.rules))
    model.write_arpa(job.out / "lm.arpa")
    write_splits(job, cuts)
    job.facts.update(words=len(lexicon.words), pronunciations=len(lexicon), phones=len(lexicon.phones),
                     ngrams=[len(table) for table in model.tables])
    for split, made in cuts.items():
        text = TextIds.of(text_of(cut).split() for cut in made)
        surprise = round(measure(NgramLm(model, text.words), text).perplexity_unknown, 1)
        lacking = len(corpus.unexplained(made, lexicon))
        job.facts[split].update(perplexity=surprise, not_in_lexicon=lacking)
        job.log.info("%s: perplexity %s, %d words said as the lexicon lacks", split, surprise, lacking)
    job.log.info("lexicon: %d words, %d pronunciations, %d phones; n-grams: %s", len(lexicon.words),
                 len(lexicon), len(lexicon.phones), job.facts["ngrams"])


if __name__ == "__main__":
    PROGRAM.main(work)
