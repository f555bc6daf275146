"""Readers of graphs/."""

import gzip
import importlib.util
from pathlib import Path

from graphs.grammar.arpa import read_arpa
from graphs.grammar.class_lm import WordClasses
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.hmm_folder import read_hmm, write_hmm
from graphs.hmm.topology import Topology
from graphs.hmm.transitions import TransitionModel
from graphs.lang.lang_folder import read_lang, write_lang
from graphs.lang.lexicon import Lexicon
from graphs.lang.symbols import SymbolTable
from graphs.lattices.kaldi_text import read_kaldi_text, to_kaldi_text
from graphs.lattices.lattice_io import lattice_part, read_lattices, write_lattices
from graphs.text_file import read_text
from tests.fuzz.mutations import archive_arrays, gzipped, json_values
from tests.fuzz.reader import Reader
from tests.graphs.arpas import arpa_text, random_entries
from tests.graphs.hmms import small_model
from tests.graphs.langs import make_lexicon, small_lang
from tests.graphs.lattices.material import random_compact_lattice, random_of_both
from tests.graphs.lattices.test_lattice import random_lattice

LEXICON = "a AH0\nan AH0 N\nan(2) AE1 N ; x\nthe 0.5 DH AH0\n<unk> SPN\n"
SMALL_ARPA = arpa_text(random_entries(0, words=("a", "b")))


def _reader(name, file, write, read, **more):
    return Reader(name, file, lambda folder: write(folder / file), lambda folder: read(folder / file), **more)


def _write_topology(path: Path) -> None:
    small_model(silence="silence5")[1].topology.write(path)


def _write_graph(folder: Path) -> None:
    from graphs.fst.arcs import Arcs
    from graphs.decoding.decoding_graph import DecodingGraph
    from graphs.decoding.graph_io import write_graph
    from graphs.fst.word_sequences import WordSequences
    arcs = Arcs.from_lists([(0, 1, 2, 6, -0.5), (1, 1, 1, 0, -0.1), (1, 2, 4, 3, -1.0)], [(2, -0.2)])
    write_graph(folder, DecodingGraph(arcs, WordSequences(5, [(1, 2), (3, 4)]), [{"step": "L o G"}]), small_model()[1])


def _read_graph(folder: Path) -> None:
    from graphs.decoding.graph_io import read_graph
    read_graph(folder, small_model()[1])


def _read_lattices(folder: Path) -> None:
    for lattice in read_lattices(folder):
        lattice.best_path()
        lattice.prune(5.0).arc_posteriors()
        lattice.to_text()
        lattice.check()


def _kaldi_lattices(path: Path) -> None:
    path.write_text("".join(to_kaldi_text(random_of_both(seed, f"u{seed}")) for seed in range(4)))


def _read_kaldi_lattices(path: Path) -> None:
    for lattice in read_kaldi_text(path):
        to_kaldi_text(lattice)
        lattice.best_path()


def _read_fst(path: Path) -> None:
    from graphs.fst.arcs import Arcs
    Arcs.from_openfst_text(read_text(path), str(path))


READERS = [
    _reader("arpa", "lm.arpa", lambda path: path.write_text(SMALL_ARPA), read_arpa),
    _reader("arpa.gz", "lm.arpa.gz", lambda path: path.write_bytes(gzip.compress(SMALL_ARPA.encode(), mtime=0)),
            read_arpa, mutate=gzipped()),
    _reader("classes", "classes.txt", lambda path: path.write_text("A 0.25 a\nA 0.75 b\nB 1 c\n"), WordClasses.read),
    _reader("lexicon", "lexicon.txt", lambda path: path.write_text(LEXICON), Lexicon.read),
    _reader("lexicon.gz", "lexicon.txt", lambda path: path.write_bytes(gzip.compress(LEXICON.encode(), mtime=0)),
            Lexicon.read, mutate=gzipped()),
    _reader("lexiconp", "lexiconp.txt", lambda path: make_lexicon().write(path), Lexicon.read),
    _reader("lexicon cmu", "cmudict", lambda path: path.write_text(LEXICON), lambda path: Lexicon.read(path, "cmu")),
    _reader("kaldi lattices", "lat.txt", _kaldi_lattices, _read_kaldi_lattices),
    _reader("openfst text", "G.txt", lambda path: path.write_text("0 1 5 6\n0 2 5 0 1.5\n1 2 3 3\n2 0.25\n"),
            _read_fst),
    _reader("symbols", "words.txt", lambda path: small_lang().words.write(path), SymbolTable.read),
    _reader("topo", "topo", _write_topology, Topology.read),
    _reader("tree", "tree", lambda path: small_model()[0].write(path), ContextTree.read),
    _reader("transitions", "transitions", lambda path: small_model()[1].write(path), TransitionModel.read),
    *(Reader(f"hmm folder/{file}", file, lambda folder: write_hmm(folder, *small_model()), read_hmm)
      for file in ("tree", "transitions")),
    *(Reader(f"lang/{file}", file, lambda folder: write_lang(small_lang(), folder), read_lang,
             **({"mutate": json_values} if file.endswith(".json") else {}))
      for file in ("phones.txt", "words.txt", "lexiconp.txt", "silence_phones.txt", "oov.txt", "topo", "lang.json")),
    Reader("graph", "HCLG.npz", _write_graph, _read_graph, archive_arrays,
           "it needs k2" if importlib.util.find_spec("k2") is None else ""),
    Reader("lattices", lattice_part("", 0).name, lambda folder: write_lattices(
        folder, 0, [random_lattice(seed, name=f"u{seed}") for seed in range(3)]), _read_lattices, archive_arrays),
    Reader("compact lattices", lattice_part("", 0).name, lambda folder: write_lattices(
        folder, 0, [random_compact_lattice(seed, name=f"u{seed}") for seed in range(3)]), _read_lattices,
        archive_arrays),
]
