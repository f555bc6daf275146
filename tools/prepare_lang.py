"""Makes a lang folder: phones, words, lexicon with disambiguation symbols, silence, topology.

With lang.unit=lexicon the pronunciations come from --lexicon. With lang.unit=grapheme or
lang.unit=sentencepiece they are made from the words of --text (and of --lm, if given).
The files are in Kaldi's formats; graphs/lang/lang.py lists them.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.prepare_lang", __doc__, options={
    "lang": "graphs.lang.make_lang:LangOptions", "topology": "graphs.hmm.topology:TopologyOptions"})
           .input("--lexicon", action="extend", nargs="+",
                  help="lexicon.txt, lexiconp.txt or a CMU dictionary (lang.lexicon_form=cmu), or several of them")
           .input("--text", action="extend", nargs="+",
                  help="texts of one sentence a line, or cut manifests (.jsonl.gz)")
           .input("--lm", help="ARPA file of decoding; its words are wanted in a lexicon that is made, too")
           .input("--pieces", help="ready sentencepiece model, instead of training one")
           .input("--like", help="lang folder whose phone ids and topology are kept (for another lexicon)"))


def work(job: Job) -> None:
    from collections import Counter

    from graphs.errors import InputError
    from graphs.grammar.arpa import read_arpa
    from graphs.lang.lang_folder import read_lang, validate_lang, write_lang
    from graphs.lang.make_lang import make_lang
    from graphs.text_file import raise_first
    options = job.options("lang")
    lm_words = read_arpa(job.args.lm)[0].words if job.args.lm else []
    lexicon = _lexicon(job, options, lm_words)
    like = read_lang(job.args.like) if job.args.like else None
    counting = options.word_phones and not like
    if counting and not job.args.text:
        raise InputError("--text", "a text, since lang.word_phones counts its words", "none")
    counts = Counter(word for words in read_texts(job) for word in words) if counting else {}
    lang = make_lang(lexicon, options, job.options("topology"), like, counts)
    for note in lang.lexicon.notes:
        job.log.warning("lexicon: %s", note)
    write_lang(lang, job.out)
    raise_first(validate_lang(job.out))
    job.facts.update(words=len(lang.lexicon.words), pronunciations=len(lang.lexicon), phones=lang.num_phones,
                     disambiguation_symbols=len(lang.disambig_ids), oov_word=lang.oov_word)
    if job.args.text and options.unit == "lexicon":
        _report_coverage(job, lang)
    if job.args.lm:
        _report_lm(job, lang, lm_words)
    job.log.info("%d words, %d pronunciations, %d phones, %d disambiguation symbols",
                 *list(job.facts.values())[:4])


def _lexicon(job: Job, options, lm_words):
    from graphs.errors import InputError
    from graphs.lang.lexicon import RESERVED_WORDS, Lexicon
    from hybrid.data.units import PieceModel, unit_lexicon
    if options.unit == "lexicon":
        if not job.args.lexicon:
            raise InputError("--lexicon", "a lexicon file, since lang.unit is lexicon", "none")
        read = [Lexicon.read(path, options.lexicon_form) for path in job.args.lexicon]
        return Lexicon((entry for one in read for entry in one), [note for one in read for note in one.notes])
    if not job.args.text:
        raise InputError("--text", f"a text, since lang.unit is {options.unit}", "none")
    sentences = list(read_texts(job))
    more = [word for word in lm_words if word not in RESERVED_WORDS and word.lower() != options.oov_word.lower()]
    lexicon, model = unit_lexicon(options, sentences, more,
                                  PieceModel.read(job.args.pieces) if job.args.pieces else None)
    if model is not None:
        model.write(job.out / "pieces.model")
    return lexicon


def read_texts(job: Job):
    """The words of each sentence."""
    from hybrid.data.sentences import read_sentences
    return (words for path in job.args.text for _, words in read_sentences(path))


def _report_coverage(job: Job, lang) -> None:
    total, unknown = 0, []
    for words in read_texts(job):
        total += len(words)
        unknown += lang.word_ids(" ".join(words))[1]
    job.facts.update(text_words=total, oov_words=len(unknown))
    _warn_of(job, unknown, total, "the lexicon")


def _report_lm(job: Job, lang, lm_words) -> None:
    """Here and not where the graph is made, which is after all training."""
    from graphs.errors import InputError
    from graphs.lang.lexicon import RESERVED_WORDS
    known, words = (set(found) - {*RESERVED_WORDS, lang.oov_word}
                    for found in (lm_words, lang.lexicon.words))
    if known.isdisjoint(words):
        raise InputError(f"--lm {job.args.lm}", f"words of the lexicon, such as {_some(words)}",
                         f"none of them; it has {_some(known)}")
    text = [word for words in read_texts(job) for word in words] if job.args.text else []
    _warn_of(job, [word for word in text if word not in known], len(text), "the language model")


def _warn_of(job: Job, unknown, total: int, place: str) -> None:
    if unknown:
        job.log.warning("%d of %d words of the text (%.2f %%) are not in %s: %s", len(unknown), total,
                        100.0 * len(unknown) / total, place, _some(unknown))


def _some(words) -> str:
    return ", ".join(sorted(set(words))[:8])


if __name__ == "__main__":
    PROGRAM.main(work)
