"""Composes lattices with an acceptor of words, whose scores are added to the graph scores.

    python -m tools.lattices.compose --lattices exp/decode_test --arpa lm/lm.arpa --out exp/decode_test_lm

The acceptor is an n-gram model (--arpa; backed off only where an n-gram lacks) or a text in OpenFst's format with
word_ids (--fst). --scale -1 takes back what a model has given before.
"""

from tools.frame.numbers import at_least, finite
from tools.frame.program import Job
from tools.lattices.folder import change, lattice_program

PROGRAM = (lattice_program("tools.lattices.compose", __doc__)
           .input("--arpa", help="n-gram model over the words of the lattices")
           .input("--fst", help="acceptor as OpenFst's text, with word_ids")
           .argument("--oov-word", help="word of words.txt that the model's <unk> stands for")
           .argument("--backoff", type=at_least(0), default=0, help="label of failure arcs of --fst; 0 for none")
           .argument("--scale", type=finite, default=1.0, help="factor on the scores that are added"))


def work(job: Job) -> None:
    from graphs.lattices.compose import compose
    acceptor, backoff = read_acceptor(job)
    change(job, compose, acceptor, job.args.scale, backoff)


def read_acceptor(job: Job):
    """Arcs, and the label of failure arcs."""
    from graphs.errors import InputError
    from graphs.fst.arcs import Arcs
    from graphs.grammar.arpa import read_arpa
    from graphs.grammar.grammar_fst import make_grammar
    from graphs.lang.lexicon import BACKOFF
    from graphs.lang.symbols import SymbolTable
    from graphs.text_file import read_text
    args = job.args
    if (args.arpa is None) == (args.fst is None):
        raise InputError("--arpa and --fst", "one of them", "neither or both")
    if args.fst:
        return Arcs.from_openfst_text(read_text(args.fst), str(args.fst)), args.backoff
    words = SymbolTable.read(args.lattices / "words.txt")
    arcs, report = make_grammar(read_arpa(args.arpa)[0], words, args.oov_word)
    for line in report.lines():
        job.log.info(line)
    return arcs, words.id_of(BACKOFF)


if __name__ == "__main__":
    PROGRAM.main(work)
