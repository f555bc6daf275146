"""Lang folders, symbol tables, lexicons, topologies, n-gram models."""

from pathlib import Path
from typing import Iterable, List, Optional

from tools.artefacts.kind import (
    Kind, facts, file_starting, folder_with, not_found, read_problem, section, some)


def describe_lang(path: Path, item: Optional[str] = None) -> str:
    from graphs.lang.lang_folder import read_lang
    lang = read_lang(path)
    if item is not None:
        return _word_or_phone(path, lang, item)
    counts = [len(lang.lexicon.pronunciations(word)) for word in lang.lexicon.words]
    return facts(
        ("words", len(lang.lexicon.words)), ("pronunciations", len(lang.lexicon)),
        ("most for a word", max(counts)), ("phones", lang.num_phones),
        ("silence phones", " ".join(lang.silence_phones)),
        ("other phones", some(lang.nonsilence_phones, 60)),
        ("optional silence", f"{lang.optional_silence} with probability {lang.silence_prob:g}"
         if lang.optional_silence else "none"),
        ("unknown word", lang.oov_word), ("position dependent", lang.position_dependent),
        ("disambiguation symbols", len(lang.disambig_ids)),
    ) + section("topology", *_topology_rows(lang.topology, lang.phones)) + section(
        "first pronunciations", ("word", "word_id", "probability", "phones"),
        ((e.word, lang.words.id_of(e.word), f"{e.probability:g}", " ".join(e.phones))
         for e in lang.lexicon.entries[:10]))


def _word_or_phone(path: Path, lang, item: str) -> str:
    if item in lang.lexicon:
        rows = ((f"{e.probability:g}", " ".join(e.phones),
                 " ".join(str(lang.phones.id_of(phone)) for phone in e.phones))
                for e in lang.lexicon.pronunciations(item))
        return facts(("word", item), ("word_id", lang.words.id_of(item))) + section(
            "pronunciations", ("probability", "phones", "phone_ids"), rows)
    if item in lang.phones:
        phone_id = lang.phones.id_of(item)
        words = [e.word for e in lang.lexicon if item in e.phones]
        return facts(("phone", item), ("phone_id", phone_id), ("silence", lang.is_silence(phone_id)),
                     ("words with it", some(dict.fromkeys(words))))
    raise not_found(path, "a word or a phone", item, lang.lexicon.words)


def lang_problems(path: Path) -> Iterable[str]:
    from graphs.lang.lang_folder import validate_lang
    return map(str, validate_lang(path))


def _topology_rows(topology, phones=None):
    """Header and rows: one line a state of each entry."""
    groups = {}
    for phone_id in topology.phone_ids:
        name = str(phone_id) if phones is None else phones.symbol_of(phone_id)
        groups.setdefault(topology.entry(phone_id), []).append(name)
    rows = []
    for entry, names in groups.items():
        for number, state in enumerate(entry):
            arcs = "  ".join(f"{target}: {p:g}" for target, p in state.transitions)
            rows.append((some(names, 6) if number == 0 else "", number, state.forward_pdf_class,
                         state.self_loop_pdf_class, arcs))
    return ("phones", "state", "pdf class", "of self-loop", "next state: probability"), rows


def describe_topology(path: Path, item: Optional[str] = None) -> str:
    from graphs.hmm.topology import Topology
    topology = Topology.read(path)
    return facts(("phones", len(topology.phone_ids))) + section("states", *_topology_rows(topology))


def draw_topology(path: Path, item: Optional[str], picture: Path) -> None:
    """The HMM of a phone_id; of the first phone without one."""
    from graphs.hmm.topology import Topology
    from hybrid.report.graph_picture import Drawing, Edge, draw
    topology = Topology.read(path)
    phone_id = topology.phone_ids[0] if item is None else int(item) if item.isdigit() else -1
    if phone_id not in topology.entry_of:
        raise not_found(path, "a phone_id", str(item), map(str, topology.phone_ids))
    entry = topology.entry(phone_id)
    edges = [Edge(number, target, f"{p:g}", p) for number, state in enumerate(entry)
             for target, p in state.transitions]
    nodes = {number: str(number) for number in range(len(entry) + 1)}
    draw(Drawing(f"HMM of phone {phone_id}", nodes, edges, 0, [len(entry)]), picture)


def _read_topology(path: Path):
    from graphs.hmm.topology import Topology
    return Topology.read(path)


def describe_symbols(path: Path, item: Optional[str] = None) -> str:
    from graphs.lang.symbols import SymbolTable
    table = SymbolTable.read(path)
    if item is None:
        rows = list(enumerate(table.symbols))
        shown = rows if len(rows) <= 30 else rows[:15] + [("...", "...")] + rows[-15:]
        return facts(("symbols", len(table))) + section("ids", ("id", "symbol"), shown)
    if item in table:
        return facts(("symbol", item), ("id", table.id_of(item)))
    if item.isdigit() and int(item) < len(table):
        return facts(("symbol", table.symbol_of(int(item))), ("id", item))
    raise not_found(path, "a symbol or an id", item, table)


def _read_symbols(path: Path):
    from graphs.lang.symbols import SymbolTable
    return SymbolTable.read(path)


def _read_lexicon(path: Path):
    from graphs.lang.lexicon import Lexicon
    return Lexicon.read(path)


def describe_lexicon(path: Path, item: Optional[str] = None) -> str:
    lexicon = _read_lexicon(path)
    if item is not None and item not in lexicon:
        raise not_found(path, "a word", item, lexicon.words)
    entries = lexicon.entries[:20] if item is None else lexicon.pronunciations(item)
    return facts(
        ("words", len(lexicon.words)), ("pronunciations", len(lexicon)), ("phones", len(lexicon.phones)),
        ("mended", "; ".join(lexicon.notes))) + section(
            "pronunciations", ("word", "probability", "phones"),
            ((e.word, f"{e.probability:g}", " ".join(e.phones)) for e in entries))


def is_arpa(path: Path) -> bool:
    return path.is_file() and path.name.removesuffix(".gz").endswith((".arpa", ".lm"))


def describe_arpa(path: Path, item: Optional[str] = None) -> str:
    from graphs.grammar.arpa import read_arpa
    model, report = read_arpa(path)
    if item is not None:
        return _sentence(path, model, item)
    rows = ((order, len(table), int((table.log10_backoff != 0).sum()))
            for order, table in enumerate(model.tables, 1))
    return facts(("order", model.order), ("words", len(model.words))) + section(
        "n-grams", ("order", "number", "with back-off"), rows) + section(
            "found while reading", ("note",), ([line] for line in report.lines()))


def _sentence(path: Path, model, text: str) -> str:
    """The probability of each word of a sentence."""
    from graphs.lang.lexicon import SENTENCE_END, SENTENCE_START
    words = [*text.split(), SENTENCE_END]
    unknown = [word for word in words if word not in model.index_of]
    if unknown:
        raise not_found(path, "words of the model", unknown[0], model.words)
    history, rows = [SENTENCE_START], []
    for word in words:
        rows.append((" ".join(history[1 - model.order:] if model.order > 1 else []), word,
                     f"{model.log10_prob(word, history):.4f}"))
        history.append(word)
    return section("log10 probabilities", ("history", "word", "log10 p"), rows)


def arpa_problems(path: Path) -> List[str]:
    """What the reader cannot understand; what it mends is shown by tools.show."""
    from graphs.grammar.arpa import read_arpa
    read_arpa(path)
    return []


def _is_lexicon(path: Path) -> bool:
    return path.is_file() and path.name.startswith("lexicon") and ".txt" in path.name


KINDS = (
    Kind("lang folder", "a folder with words.txt and topo", folder_with("words.txt", "topo"), describe_lang,
         lang_problems, item="word or phone"),
    Kind("topology", "a file that starts with <Topology>", file_starting("<Topology>"), describe_topology,
         read_problem(_read_topology), draw_topology, item="phone_id"),
    Kind("symbol table", "a file that starts with `<eps> 0`", file_starting("<eps> 0"), describe_symbols,
         read_problem(_read_symbols), item="symbol or id"),
    Kind("lexicon", "lexicon*.txt or lexiconp*.txt", _is_lexicon, describe_lexicon,
         read_problem(_read_lexicon), item="word"),
    Kind("n-gram model", "a file *.arpa or *.lm, may be .gz", is_arpa, describe_arpa, arpa_problems,
         item="sentence in quotes"),
)
