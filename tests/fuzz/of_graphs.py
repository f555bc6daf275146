"""Readers of graphs/."""

import gzip
from pathlib import Path

from graphs.arpa import read_arpa
from graphs.context_tree import ContextTree
from graphs.lang import Lang
from graphs.lexicon import Lexicon
from graphs.symbols import SymbolTable
from graphs.topology import Topology
from graphs.transitions import TransitionModel
from tests.fuzz.mutations import gzipped, json_values
from tests.fuzz.reader import Reader
from tests.graphs.arpas import arpa_text, random_entries
from tests.graphs.hmms import small_model
from tests.graphs.langs import make_lexicon, small_lang

LEXICON = "a AH0\nan AH0 N\nan(2) AE1 N ; x\nthe 0.5 DH AH0\n<unk> SPN\n"
SMALL_ARPA = arpa_text(random_entries(0, words=("a", "b")))


def _reader(name, file, write, read, **more):
    return Reader(name, file, lambda folder: write(folder / file), lambda folder: read(folder / file), **more)


def _write_topology(path: Path) -> None:
    small_model(silence="silence5")[1].topology.write(path)


READERS = [
    _reader("arpa", "lm.arpa", lambda path: path.write_text(SMALL_ARPA), read_arpa),
    _reader("arpa.gz", "lm.arpa.gz", lambda path: path.write_bytes(gzip.compress(SMALL_ARPA.encode(), mtime=0)),
            read_arpa, mutate=gzipped()),
    _reader("lexicon", "lexicon.txt", lambda path: path.write_text(LEXICON), Lexicon.read),
    _reader("lexicon.gz", "lexicon.txt", lambda path: path.write_bytes(gzip.compress(LEXICON.encode(), mtime=0)),
            Lexicon.read, mutate=gzipped()),
    _reader("lexiconp", "lexiconp.txt", lambda path: make_lexicon().write(path), Lexicon.read),
    _reader("lexicon cmu", "cmudict", lambda path: path.write_text(LEXICON), lambda path: Lexicon.read(path, "cmu")),
    _reader("symbols", "words.txt", lambda path: small_lang().words.write(path), SymbolTable.read),
    _reader("topo", "topo", _write_topology, Topology.read),
    _reader("tree", "tree", lambda path: small_model()[0].write(path), ContextTree.read),
    _reader("transitions", "transitions", lambda path: small_model()[1].write(path), TransitionModel.read),
    *(Reader(f"lang/{file}", file, lambda folder: small_lang().write(folder), Lang.read,
             **({"mutate": json_values} if file.endswith(".json") else {}))
      for file in ("phones.txt", "words.txt", "lexiconp.txt", "silence_phones.txt", "oov.txt", "topo", "lang.json")),
]
