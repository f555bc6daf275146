import pytest

from graphs.errors import InputError
from graphs.hmm.topology import Topology, left_to_right
from graphs.lang.lang_folder import write_lang
from graphs.lang.symbols import SymbolTable
from tests.graphs.langs import small_lang
from tests.tools.artefacts.shown import lines_of
from tools.artefacts.lang import (
    KINDS, arpa_problems, describe_arpa, describe_lang, describe_lexicon, describe_symbols, describe_topology,
    draw_topology, is_arpa, lang_problems)

ARPA = """\\data\\
ngram 1=4
ngram 2=2
ngram 3=1

\\1-grams:
-0.5 <s> -0.3
-0.4 </s>
-0.6 bad -0.2
-0.7 b

\\2-grams:
-0.1 <s> bad -0.25
-0.15 bad b

\\3-grams:
-0.05 <s> bad b

\\end\\
"""


def test_a_lang_folder(tmp_path):
    write_lang(small_lang(silence_prob=0.25), tmp_path)
    words = ["add", "b", "bad", "bee", "<unk>"]
    shown = lines_of(describe_lang(tmp_path))
    assert shown[:10] == [
        "words: 5", "pronunciations: 6", "most for a word: 2", "phones: 5", "silence phones: SIL",
        "other phones: A, B, D, SPN", "optional silence: SIL with probability 0.25", "unknown word: <unk>",
        "position dependent: False", "disambiguation symbols: 4"]
    states = [f"{n} {n} {n} {n}: 0.75 {n + 1}: 0.25" for n in range(3)]
    assert shown[10:15] == ["topology", "phones state pdf class of self-loop next state: probability",
                            f"SIL, A, B, D, SPN {states[0]}", *states[1:]]
    assert shown[15:17] == ["first pronunciations", "word word_id probability phones"]
    ids = {word: place for place, word in enumerate(["<eps>", *sorted(words)])}
    assert shown[17:] == [f"{word} {ids[word]} {p} {phones}" for word, p, phones in (
        ("b", 1, "B"), ("bee", 1, "B"), ("bad", 0.75, "B A D"), ("bad", 0.25, "B A"), ("add", 1, "A D D"),
        ("<unk>", 1, "SPN"))]
    assert list(lang_problems(tmp_path)) == []
    (tmp_path / "oov.txt").write_text("zebra\n")
    (problem,) = lang_problems(tmp_path)
    assert isinstance(problem, str) and "zebra" in problem


def test_a_word_and_a_phone(tmp_path):
    write_lang(small_lang(silence_prob=0.0), tmp_path)
    assert "optional silence: none" in lines_of(describe_lang(tmp_path))
    assert lines_of(describe_lang(tmp_path, "bad")) == [
        "word: bad", "word_id: 4", "pronunciations", "probability phones phone_ids", "0.75 B A D 3 2 4", "0.25 B A 3 2"]
    assert lines_of(describe_lang(tmp_path, "A")) == [
        "phone: A", "phone_id: 2", "silence: False", "words with it: bad, add"]
    assert lines_of(describe_lang(tmp_path, "SIL")) == ["phone: SIL", "phone_id: 1", "silence: True"]
    with pytest.raises(InputError, match="expected a word or a phone such as .* found zebra"):
        describe_lang(tmp_path, "zebra")


def test_the_first_ten_pronunciations(tmp_path):
    write_lang(small_lang([(f"w{n:02d}", "A", 1.0) for n in range(11)]), tmp_path)
    shown = lines_of(describe_lang(tmp_path))
    assert [line.split()[0] for line in shown[shown.index("first pronunciations") + 2:]] == [
        f"w{n:02d}" for n in range(10)]


def test_topologies(tmp_path, monkeypatch):
    """A line a state; phones of one HMM together, six of them by name. The first one is drawn without a name."""
    seen = []
    monkeypatch.setattr("hybrid.report.graph_picture.draw", lambda *given: seen.append(given))
    Topology({1: left_to_right(2), **{n: left_to_right(1) for n in range(2, 9)}}).write(tmp_path / "topo")
    assert lines_of(describe_topology(tmp_path / "topo")) == [
        "phones: 8", "states", "phones state pdf class of self-loop next state: probability",
        "1 0 0 0 0: 0.75 1: 0.25", "1 1 1 1: 0.75 2: 0.25", "2, 3, 4, 5, 6, 7, ... (7 in all) 0 0 0 0: 0.75 1: 0.25"]
    for item, name, states in ((None, "1", 2), ("1", "1", 2), ("8", "8", 1)):
        draw_topology(tmp_path / "topo", item, tmp_path / "x.svg")
        edges = [(n, n + more, text, float(text)) for n in range(states) for more, text in ((0, "0.75"), (1, "0.25"))]
        nodes = {n: str(n) for n in range(states + 1)}
        assert seen.pop() == ((f"HMM of phone {name}", nodes, edges, 0, [states]), tmp_path / "x.svg")
    for item in ("9", "x", "-1", "0"):
        with pytest.raises(InputError, match=f"expected a phone_id such as 1, 2, 3, .* found {item}"):
            draw_topology(tmp_path / "topo", item, tmp_path / "x.svg")


def test_symbol_tables(tmp_path):
    path = tmp_path / "words.txt"
    SymbolTable([f"w{n}" for n in range(1, 30)]).write(path)
    assert lines_of(describe_symbols(path)) == ["symbols: 30", "ids", "id symbol", "0 <eps>",
                                                *(f"{n} w{n}" for n in range(1, 30))]
    SymbolTable([*(f"w{n}" for n in range(1, 30)), "7"]).write(path)
    assert lines_of(describe_symbols(path)) == [
        "symbols: 31", "ids", "id symbol", "0 <eps>", *(f"{n} w{n}" for n in range(1, 15)), "... ...",
        *(f"{n} w{n}" for n in range(16, 30)), "30 7"]
    for item, found in (("w3", "symbol: w3 id: 3"), ("7", "symbol: 7 id: 30"), ("29", "symbol: w29 id: 29"),
                        ("0", "symbol: <eps> id: 0"), ("30", "symbol: 7 id: 30")):
        assert " ".join(lines_of(describe_symbols(path, item))) == found
    for item in ("31", "x", "-1"):
        with pytest.raises(InputError, match=f"expected a symbol or an id such as <eps>, w1, w2, .* found {item}"):
            describe_symbols(path, item)


def test_lexicons(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("".join(f"w{n:02d} A B\n" for n in range(20)) + "w20 A\nw20 C\nw20 A\n")
    shown = lines_of(describe_lexicon(path))
    assert shown[:3] == ["words: 21", "pronunciations: 22", "phones: 3"] and shown[3].startswith("mended: ")
    assert shown[4:] == ["pronunciations", "word probability phones", *(f"w{n:02d} 1 A B" for n in range(20))]
    assert lines_of(describe_lexicon(path, "w20"))[-2:] == ["w20 1 A", "w20 1 C"]
    with pytest.raises(InputError, match="expected a word such as w00, w01, w02, .* found w21"):
        describe_lexicon(path, "w21")


def test_n_gram_models(tmp_path):
    path = tmp_path / "lm.arpa"
    path.write_text(ARPA)
    assert lines_of(describe_arpa(path)) == [
        "order: 3", "words: 4", "n-grams", "order number with back-off", "1 4 2", "2 2 1", "3 1 0",
        "found while reading", "note", "n-grams: 4 of order 1, 2 of order 2, 1 of order 3", "the model has no <unk>"]
    assert arpa_problems(path) == []
    path.write_text("no model")
    with pytest.raises(InputError):
        arpa_problems(path)


def test_the_probabilities_of_a_sentence(tmp_path):
    """With the history that counts, one word less than the order; backed off where an n-gram lacks."""
    path = tmp_path / "lm.arpa"
    path.write_text(ARPA)
    head = ["log10 probabilities", "history word log10 p"]
    assert lines_of(describe_arpa(path, "bad b bad")) == [
        *head, "<s> bad -0.1000", "<s> bad b -0.0500", "bad b bad -0.6000", "b bad </s> -0.6000"]
    path.write_text("\\data\\\nngram 1=3\n\n\\1-grams:\n-0.5 <s>\n-0.4 </s>\n-0.6 bad\n\n\\end\\\n")
    assert lines_of(describe_arpa(path, "bad")) == [*head, "bad -0.6000", "</s> -0.4000"]
    path.write_text("\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-0.5 <s> -0.25\n-0.4 </s>\n-0.6 bad\n\n"
                    "\\2-grams:\n-0.1 <s> bad\n\n\\end\\\n")
    assert lines_of(describe_arpa(path, "bad")) == [*head, "<s> bad -0.1000", "bad </s> -0.4000"]
    with pytest.raises(InputError, match="expected words of the model such as .* found x"):
        describe_arpa(path, "bad x y")


def test_models_are_known_by_the_names_of_their_files(tmp_path):
    for name, known in (("a.arpa", True), ("a.lm", True), ("a.arpa.gz", True), ("a.lm.gz", True), ("a.gz", False),
                        ("a.arpa.txt", False)):
        assert not is_arpa(tmp_path / name)
        (tmp_path / name).write_text("")
        assert is_arpa(tmp_path / name) == known
    (tmp_path / "folder.arpa").mkdir()
    assert not is_arpa(tmp_path / "folder.arpa")
    lexicon = next(kind.matches for kind in KINDS if kind.name == "lexicon")
    for name, known in (("lexicon.txt", True), ("lexiconp.txt.gz", True), ("my_lexicon.txt", False),
                        ("lexicon", False)):
        (tmp_path / name).write_text("")
        assert lexicon(tmp_path / name) == known and not lexicon(tmp_path / "lexicon2.txt")
