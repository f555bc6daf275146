"""HCLG: the decoding graph of a lang folder, a grammar (ARPA), a transition model and its tree.

    python -m tools.make_graph --lang lang --arpa lm.arpa --transitions exp/tdnn/transitions --out exp/graph
    python -m tools.make_graph --lang lang --arpa lm.arpa --ctc exp/ctc_chars --out exp/graph_ctc_chars

The tree is the file `tree` beside --transitions, unless --tree names another; without any the phones are monophones.
Without --transitions the probabilities are those of the lang's topology; no model has been trained for such a graph,
but its size and the time it takes are the same. With --ctc the words of the lang folder are spelled with the tokens of
an end-to-end model with a CTC output, and H is the topology of CTC; tools.decode takes the model with the graph, and
where a program over the lattices wants a lang folder, that is the folder `lang` in the graph's. Writes HCLG.npz,
words.txt, phones.txt and report.tsv (states, arcs and seconds of each step); with --ctc also transitions, tree, lang.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.make_graph", __doc__, options={"graph": "graphs.decoding.decoding_options:GraphOptions"},
                   mended="where an arc had several words all were lost")
           .input("--lang", help="lang folder", required=True)
           .input("--arpa", help="n-gram LM in ARPA format, may be .gz", required=True)
           .input("--classes", help="classes.txt of tools.train_class_lm, whose lm.arpa is --arpa")
           .input("--transitions", help="file `transitions` of the model's folder")
           .input("--tree", help="context tree; without, `tree` beside --transitions, or monophones",
                  beside="--transitions")
           .input("--ctc", help="end-to-end model with a CTC output, instead of --transitions and --tree"))


def work(job: Job) -> None:
    import shutil

    import torch

    from graphs.grammar.arpa import read_arpa
    from graphs.grammar.class_lm import WordClasses, make_class_grammar
    from graphs.decoding.compile import compile_hclg
    from graphs.grammar.grammar_fst import make_grammar
    from graphs.decoding.graph_io import write_graph
    from graphs.lang.lexicon import BACKOFF
    torch.set_num_threads(1)
    options = job.options("graph")
    lang, lexicon, tree, transitions, ctc_blank = _ctc_units(job, options) if job.args.ctc else _hmm_units(job)
    model, arpa_report = read_arpa(job.args.arpa)
    oov_word = lang.oov_word if options.recognize_oov else None
    if job.args.classes:
        grammar, grammar_report = make_class_grammar(model, WordClasses.read(job.args.classes), lang.words, oov_word)
    else:
        grammar, grammar_report = make_grammar(model, lang.words, oov_word)
    for line in [*arpa_report.lines(), *grammar_report.lines()]:
        job.log.info("%s", line)
    graph = compile_hclg(lexicon, grammar, tree, transitions, lang.num_phones + 1, lang.words.id_of(BACKOFF),
                         len(lang.words), options, job.log.info, ctc_blank)
    write_graph(job.out, graph, transitions)
    for name in ("words.txt", "phones.txt"):
        shutil.copy((job.out / "lang" if job.args.ctc else job.args.lang) / name, job.out / name)
    rows = [f"{row['step']}\t{row['states']}\t{row['arcs']}\n" for row in graph.report]
    (job.out / "report.tsv").write_text("step\tstates\tarcs\n" + "".join(rows), encoding="utf-8")
    job.facts.update(states=graph.arcs.num_states, arcs=graph.arcs.num_arcs, steps=graph.report)


def _hmm_units(job: Job):
    """Lang, L, tree, transitions and no blank, of the phones of the lang folder."""
    from graphs.hmm.context_tree import ContextTree
    from graphs.hmm.hmm_folder import read_hmm_files
    from graphs.hmm.transitions import TransitionModel
    from graphs.lang.lang_folder import read_lang
    from graphs.lang.lexicon_fst import make_lexicon_fst
    lang = read_lang(job.args.lang)
    if job.args.transitions:
        tree, transitions = read_hmm_files(job.args.transitions, job.args.tree)
    else:
        tree = ContextTree.read(job.args.tree) if job.args.tree else ContextTree.monophone(lang.topology)
        transitions = TransitionModel.from_tree(tree, lang.topology)
    return lang, make_lexicon_fst(lang, disambig=True), tree, transitions, 0


def _ctc_units(job: Job, options):
    """The same of the tokens of an end-to-end model; its files go beside the graph."""
    from graphs.errors import InputError
    from graphs.hmm.ctc_topology import blank_phone, ctc_hmm
    from graphs.hmm.hmm_folder import write_hmm
    from graphs.lang.lang_folder import read_lang, write_lang
    from hybrid.e2e.ctc_lang import ctc_lang, ctc_lexicon_fst
    from hybrid.e2e.model import read_tokens
    if job.args.transitions or job.args.tree:
        raise InputError("--ctc", "no --transitions or --tree, which are not of CTC", "one of them")
    tokens, has_ctc = read_tokens(job.args.ctc)
    if not has_ctc:
        raise InputError(f"--ctc {job.args.ctc}", "a model with a CTC output (ctc_weight above 0)", "one without")
    if options.recognize_oov and tokens.kind != "phone":
        raise InputError("graph.recognize_oov", f"false, since {tokens.kind}s cannot say unknown words", "true")
    lang = ctc_lang(tokens, read_lang(job.args.lang))
    for note in lang.lexicon.notes:
        job.log.warning("%s", note)
    write_lang(lang, job.out / "lang")
    tree, transitions = ctc_hmm(tokens.num_tokens)
    write_hmm(job.out, tree, transitions)
    return lang, ctc_lexicon_fst(lang), tree, transitions, blank_phone(tokens.num_tokens)


if __name__ == "__main__":
    PROGRAM.main(work)
