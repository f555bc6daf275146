"""Builds HCLG beside what OpenFst's own operations make of the same lexicon and grammar, each in a process of its own.

    python -m tests.benchmarks.graph --lang lang --arpa lm.arpa

Ours goes all the way, with and without minimization: L o G composed and determinized, C, H, no epsilons, self-loops;
without --tree for monophones. OpenFst (from kaldifst: `pip install kaldifst`, or --python names a Python that has it)
composes, determinizes (Kaldi's determinize_star) and minimizes L o G; its epsilons stay. Prints states and arcs after
each step, and for each side the seconds of the processor and the largest memory in use, reading of files included.
"""

import argparse
import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def transducers(lang, arpa: Path):
    """L with disambiguation symbols, and G."""
    from graphs.grammar.arpa import read_arpa
    from graphs.grammar.grammar_fst import make_grammar
    from graphs.lang.lexicon_fst import make_lexicon_fst
    return make_lexicon_fst(lang, disambig=True), make_grammar(read_arpa(arpa)[0], lang.words, None)[0]


def ours(args) -> None:
    import torch

    from graphs.decoding.compile import compile_hclg
    from graphs.decoding.decoding_options import GraphOptions
    from graphs.hmm.context_tree import ContextTree
    from graphs.hmm.transitions import TransitionModel
    from graphs.lang.lang_folder import read_lang
    from graphs.lang.lexicon import BACKOFF
    torch.set_num_threads(1)
    lang = read_lang(args.lang)
    tree = ContextTree.read(args.tree) if args.tree else ContextTree.monophone(lang.topology)
    lexicon, grammar = transducers(lang, args.arpa)
    graph = compile_hclg(lexicon, grammar, tree, TransitionModel.from_tree(tree, lang.topology), lang.num_phones + 1,
                         lang.words.id_of(BACKOFF), len(lang.words), GraphOptions(minimize=not args.plain))
    for row in graph.report:
        print(f"{row['step']:<20} {row['states']:>10} {row['arcs']:>10}")
    told("ours")


def theirs(path: Path) -> None:
    import kaldifst
    stored = np.load(path)
    fsts = {}
    for name in ("L", "G"):
        fst = fsts[name] = kaldifst.StdVectorFst()
        for _ in range(int(stored[f"{name} num_states"])):
            fst.add_state()
        fst.start = 0
        columns = (stored[f"{name} {column}"].tolist() for column in ("src", "dst", "ilabel", "olabel", "score"))
        for src, dst, ilabel, olabel, score in zip(*columns):
            fst.add_arc(src, kaldifst.StdArc(ilabel, olabel, -score, dst))
        for state, score in zip(stored[f"{name} final_state"].tolist(), stored[f"{name} final_score"].tolist()):
            fst.set_final(state, -score)
    kaldifst.arcsort(fsts["L"], sort_type="olabel")
    graph = kaldifst.compose(fsts["L"], fsts["G"])
    size("L o G", graph)
    kaldifst.determinize_star(graph)
    size("determinized", graph)
    kaldifst.minimize_encoded(graph)
    size("minimized", graph)
    told("OpenFst")


def size(step: str, fst) -> None:
    print(f"{step:<20} {fst.num_states:>10} {sum(fst.num_arcs(state) for state in range(fst.num_states)):>10}")


def told(who: str) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{who}: {time.process_time():.1f} s, {memory:.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.graph", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lang", type=Path, help="lang folder")
    parser.add_argument("--arpa", type=Path, help="n-gram LM")
    parser.add_argument("--tree", type=Path, help="context tree; without, phones are monophones")
    parser.add_argument("--python", default=sys.executable, help="a Python that has kaldifst")
    parser.add_argument("--plain", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--ours", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return theirs(args.peer)
    if not (args.lang and args.arpa):
        parser.error("--lang and --arpa are needed")
    if args.ours:
        return ours(args)
    if args.python == sys.executable and not importlib.util.find_spec("kaldifst"):
        parser.error("kaldifst is not installed: pip install kaldifst")
    race(args)


def race(args) -> None:
    from graphs.lang.lang_folder import read_lang
    again = [sys.executable, "-m", "tests.benchmarks.graph", *sys.argv[1:], "--ours"]
    for more in ([], ["--plain"]):
        print("minimized" if not more else "not minimized", flush=True)
        subprocess.run([*again, *more], check=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "race.npz"
        np.savez(path, **{f"{name} {key}": value for name, arcs in zip(
            "LG", transducers(read_lang(args.lang), args.arpa)) for key, value in vars(arcs).items()})
        print("OpenFst", flush=True)
        subprocess.run([args.python, "-m", "tests.benchmarks.graph", "--peer", str(path)], check=True)


if __name__ == "__main__":
    main()
