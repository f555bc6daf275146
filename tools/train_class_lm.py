"""Trains an n-gram model over classes of words; writes lm.arpa (of classes) and classes.txt (SRILM's format).

    python -m tools.train_class_lm --text corpus/lm_train.txt --out exp/class_lm lm.order=4 classes.number=200

The classes are found by exchange, or given (--classes). tools.perplexity and rescoring take the folder as a language
model, alone or mixed with others, and tools.make_graph makes its G (--arpa exp/class_lm/lm.arpa --classes
exp/class_lm/classes.txt).
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.train_class_lm", __doc__, options={
    "lm": "hybrid.lm.ngram_train:NgramOptions", "classes": "hybrid.lm.word_classes:ClassOptions"})
           .input("--text", action="append", required=True,
                  help="text of one sentence a line, or cut manifest (.jsonl.gz); may be given again")
           .input("--classes", help="`CLASS WORD` or `CLASS PROBABILITY WORD` lines; words in none stay themselves")
           .input("--lang", help="lang folder whose words are the vocabulary (default: those of the text)")
           .input("--dev", help="text whose perplexity is reported")
           .argument("--gzip", action="store_true", help="write lm.arpa.gz"))


def work(job: Job) -> None:
    from graphs.grammar.class_lm import ClassLm, WordClasses
    from graphs.lang.lang_folder import read_lang
    from hybrid.data.sentences import read_sentences
    from hybrid.lm.class_train import train_class_lm
    from tools.train_ngram import report_perplexity, write_model
    lang = read_lang(job.args.lang) if job.args.lang else None
    vocabulary = [word for word in lang.lexicon.words if word != lang.oov_word] if lang else None
    sentences = (words for path in job.args.text for _, words in read_sentences(path))
    classes = WordClasses.read(job.args.classes) if job.args.classes else None
    model, classes = train_class_lm(sentences, job.options("lm"), job.options("classes"), classes, vocabulary)
    write_model(job, model)
    classes.write(job.out / "classes.txt")
    job.facts["classes"] = len(set(classes.class_of.values()))
    if job.args.dev:
        report_perplexity(job, lambda words: ClassLm(model, classes, words), job.args.dev)


if __name__ == "__main__":
    PROGRAM.main(work)
