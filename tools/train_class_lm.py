"""Trains an n-gram model over classes of words; writes lm.arpa (of classes) and classes.txt (SRILM's format).

    python -m tools.train_class_lm --text corpus/lm_train.txt --out exp/class_lm lm.order=4 classes.number=200

The classes are found by exchange, or given (--classes). tools.perplexity and rescoring take the folder as a language
model, alone or mixed with others, and tools.make_graph makes its G (--arpa exp/class_lm/lm.arpa --classes
exp/class_lm/classes.txt).
"""

from tools.frame.program import Job, Program
from tools.train_ngram import report_perplexity, training_text, with_text, write_model

PROGRAM = (with_text(Program("tools.train_class_lm", __doc__, options={
    "lm": "hybrid.lm.ngram_train:NgramOptions", "classes": "hybrid.lm.word_classes:ClassOptions"}))
           .input("--classes", help="`CLASS WORD` or `CLASS PROBABILITY WORD` lines; words in none stay themselves"))


def work(job: Job) -> None:
    from graphs.grammar.class_lm import ClassLm, WordClasses
    from hybrid.lm.class_train import train_class_lm
    sentences, vocabulary = training_text(job)
    classes = WordClasses.read(job.args.classes) if job.args.classes else None
    model, classes = train_class_lm(sentences, job.options("lm"), job.options("classes"), classes, vocabulary)
    write_model(job, model)
    classes.write(job.out / "classes.txt")
    job.facts["classes"] = len(set(classes.class_of.values()))
    if job.args.dev:
        report_perplexity(job, lambda words: ClassLm(model, classes, words), job.args.dev)


if __name__ == "__main__":
    PROGRAM.main(work)
