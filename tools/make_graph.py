"""HCLG: the decoding graph of a lang folder, a grammar (ARPA), a transition model and its tree.

    python -m tools.make_graph --lang lang --arpa lm.arpa --transitions exp/tdnn/transitions --out exp/graph

The tree is the file `tree` beside --transitions, unless --tree names another; without any the phones are monophones.
Without --transitions the probabilities are those of the lang's topology; no model has been trained for such a graph,
but its size and the time it takes are the same. Writes HCLG.npz, words.txt,
phones.txt and report.tsv (states, arcs and seconds of each step).
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.make_graph", __doc__, options={"graph": "graphs.decoding.decoding_options:GraphOptions"})
           .input("--lang", help="lang folder", required=True)
           .input("--arpa", help="n-gram LM in ARPA format, may be .gz", required=True)
           .input("--classes", help="classes.txt of tools.train_class_lm, whose lm.arpa is --arpa")
           .input("--transitions", help="file `transitions` of the model's folder")
           .input("--tree", help="context tree; without, `tree` beside --transitions, or monophones",
                  beside="--transitions"))


def work(job: Job) -> None:
    import shutil

    import torch

    from graphs.grammar.arpa import read_arpa
    from graphs.grammar.class_lm import WordClasses, make_class_grammar
    from graphs.decoding.compile import compile_hclg
    from graphs.hmm.context_tree import ContextTree
    from graphs.grammar.grammar_fst import make_grammar
    from graphs.decoding.graph_io import write_graph
    from graphs.hmm.hmm_folder import read_hmm_files
    from graphs.lang.lang_folder import read_lang
    from graphs.lang.lexicon import BACKOFF
    from graphs.lang.lexicon_fst import make_lexicon_fst
    from graphs.hmm.transitions import TransitionModel
    torch.set_num_threads(1)
    lang = read_lang(job.args.lang)
    if job.args.transitions:
        tree, transitions = read_hmm_files(job.args.transitions, job.args.tree)
    else:
        tree = ContextTree.read(job.args.tree) if job.args.tree else ContextTree.monophone(lang.topology)
        transitions = TransitionModel.from_tree(tree, lang.topology)
    model, arpa_report = read_arpa(job.args.arpa)
    options = job.options("graph")
    oov_word = lang.oov_word if options.recognize_oov else None
    if job.args.classes:
        grammar, grammar_report = make_class_grammar(model, WordClasses.read(job.args.classes), lang.words, oov_word)
    else:
        grammar, grammar_report = make_grammar(model, lang.words, oov_word)
    for line in [*arpa_report.lines(), *grammar_report.lines()]:
        job.log.info("%s", line)
    graph = compile_hclg(make_lexicon_fst(lang, disambig=True), grammar, tree, transitions, lang.num_phones + 1,
                         lang.words.id_of(BACKOFF), len(lang.words), options, job.log.info)
    write_graph(job.out, graph, transitions)
    for name in ("words.txt", "phones.txt"):
        shutil.copy(job.args.lang / name, job.out / name)
    rows = [f"{row['step']}\t{row['states']}\t{row['arcs']}\n" for row in graph.report]
    (job.out / "report.tsv").write_text("step\tstates\tarcs\n" + "".join(rows), encoding="utf-8")
    job.facts.update(states=graph.arcs.num_states, arcs=graph.arcs.num_arcs, steps=graph.report)


if __name__ == "__main__":
    PROGRAM.main(work)
