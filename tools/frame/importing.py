"""What programs that import a corpus are told beside where it is."""

from tools.frame.numbers import share
from tools.frame.program import Program


def importing(program: Program, splits: str) -> Program:
    """The program with the arguments that hybrid.data.imports.write_corpus reads. splits: help of --splits."""
    return (program
            .argument("--splits", help=splits)
            .argument("--hold-out", type=float, help="share of train to hold out as dev")
            .argument("--max-failed-share", type=share, default=0.05, help="share that may be left out")
            .input("--lexicon", help="pronunciations to put into the corpus (lexicon.txt or lexiconp.txt)")
            .input("--lm", help="ARPA language model to put into the corpus"))
