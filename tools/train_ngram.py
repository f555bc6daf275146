"""Trains an n-gram language model on text and writes lm.arpa.

    python -m tools.train_ngram --out exp/lm --text corpus/lm_train.txt lm.order=3
    python -m tools.train_ngram --out exp/lm --text corpus/lm_train.txt lm.max_words=20000 prune.max_ngrams=500000

The vocabulary is that of the text, or --lang's; lm.max_words and lm.min_count limit it. With an option of [prune] the
model is pruned by entropy once it is trained.
"""

from pathlib import Path
from typing import Callable, Iterator, List, Optional, Tuple

from tools.frame.program import Job, Program


def with_text(program: Program) -> Program:
    """The arguments of programs that train an n-gram model on text."""
    return (program
            .input("--text", action="extend", nargs="+", required=True,
                   help="texts of one sentence a line, or cut manifests (.jsonl.gz)")
            .input("--lang", help="lang folder whose words are the vocabulary (default: those of the text)")
            .input("--dev", help="text whose perplexity is reported")
            .argument("--gzip", action="store_true", help="write lm.arpa.gz"))


PROGRAM = with_text(Program("tools.train_ngram", __doc__, options={
    "lm": "hybrid.lm.ngram_train:NgramOptions", "prune": "hybrid.lm.ngram_prune:PruneOptions"}))


def work(job: Job) -> None:
    from graphs.grammar.ngram_lm import NgramLm
    from hybrid.lm.ngram_prune import entropy_prune
    from hybrid.lm.ngram_train import train_ngram
    sentences, vocabulary = training_text(job)
    model = train_ngram(sentences, job.options("lm"), vocabulary)
    if job.options("prune").prunes:
        job.facts["ngrams_before_pruning"] = [len(table) for table in model.tables]
        model = entropy_prune(model, job.options("prune"))
    write_model(job, model)
    if job.args.dev:
        report_perplexity(job, lambda words: NgramLm(model, words), job.args.dev)


def training_text(job: Job) -> Tuple[Iterator[List[str]], Optional[List[str]]]:
    """The sentences of --text, and the words of --lang but the one for unknown words; None without it."""
    from graphs.lang.lang_folder import read_lang
    from hybrid.data.sentences import unmarked_sentences
    lang = read_lang(job.args.lang) if job.args.lang else None
    vocabulary = [word for word in lang.lexicon.words if word != lang.oov_word] if lang else None
    return (words for path in job.args.text for _, words in unmarked_sentences(path)), vocabulary


def write_model(job: Job, model) -> None:
    """lm.arpa or lm.arpa.gz of an NgramModel."""
    model.write_arpa(job.out / ("lm.arpa.gz" if job.args.gzip else "lm.arpa"))
    job.facts["ngrams"] = [len(table) for table in model.tables]
    job.log.info("n-grams of order 1, 2, ...: %s", ", ".join(map(str, job.facts["ngrams"])))


def report_perplexity(job: Job, make_lm: Callable, path: Path) -> None:
    """Of a LanguageModel, made for a SymbolTable of words; unknown ones counted, as KenLM's "including OOVs"."""
    from hybrid.lm.perplexity import measure, read_text_ids
    text = read_text_ids(path)
    found = measure(make_lm(text.words), text)
    job.facts.update(perplexity=round(found.perplexity_unknown, 3), tokens=found.words + found.sentences,
                     unknown=found.unknown, impossible=found.impossible)
    job.log.info("perplexity %.2f on %d words and sentence ends of %s (%d of them unknown; %.2f without)",
                 found.perplexity_unknown, found.words + found.sentences, path, found.unknown, found.perplexity)


if __name__ == "__main__":
    PROGRAM.main(work)
