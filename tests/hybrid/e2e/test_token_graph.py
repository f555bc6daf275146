"""Graphs over tokens against the language model they are made of, sentence by sentence."""

import itertools
import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.grammar.ngram_lm import NgramLm
from graphs.lang.symbols import SymbolTable
from hybrid.e2e.token_graph import TokenGraph, make_token_graph, read_token_graph
from hybrid.e2e.tokens import BLANK_SYMBOL, SPACE, TokenTable

ARPA = r"""
\data\
ngram 1=7
ngram 2=5

\1-grams:
-99 <s> -0.3
-0.6 </s>
-0.7 a -0.2
-0.9 ab -0.4
-1.1 b -0.1
-0.8 ba -0.25
-1.5 ax -0.1

\2-grams:
-0.2 <s> a
-0.3 <s> ab
-0.15 a b
-0.3 ab a
-0.4 ba </s>

\end\
"""
WORDS = SymbolTable(["a", "ab", "ax", "b", "ba", "<unk>", "#0", "<s>", "</s>"])
SENTENCES = [words for number in range(4) for words in itertools.product(["a", "ab", "b", "ba"], repeat=number)]


class Pieces:
    """As hybrid.data.units.PieceModel splits words: the longest piece first."""

    def split(self, word):
        found = [SPACE + word[:2]] if word[:2] in ("ab", "ba") else [SPACE + word[:1]]
        found += word[len(found[0]) - 1:]
        return found if "x" not in word else []


def characters():
    return TokenTable("character", [BLANK_SYMBOL, SPACE, "a", "b"])


def pieces():
    return TokenTable("piece", [BLANK_SYMBOL, SPACE + "ab", SPACE + "a", SPACE + "b", SPACE + "ba", "a", "b"], Pieces())


@pytest.fixture
def arpa(tmp_path):
    (tmp_path / "lm.arpa").write_text(ARPA, encoding="utf-8")
    return tmp_path / "lm.arpa"


def best_path(graph: TokenGraph, tokens):
    """(score, words) of the best path of the tokens; (-inf, None) without one."""
    arcs, at = graph.arcs, {0: (0.0, ())}
    for token in tokens:
        after = {}
        for row in np.flatnonzero(arcs.ilabel == token):
            if int(arcs.src[row]) in at:
                score, words = at[int(arcs.src[row])]
                new = (score + float(arcs.score[row]), words + graph.sequences.words(int(arcs.olabel[row])))
                after[int(arcs.dst[row])] = max(new, after.get(int(arcs.dst[row]), new))
        at = after
    ends = [(at[state][0] + float(score), at[state][1] + graph.sequences.words(int(label)))
            for state, score, label in zip(arcs.final_state.tolist(), arcs.final_score, arcs.final_olabel)
            if state in at]
    return max(ends, default=(-math.inf, None))


def lm_score(arpa, words):
    lm = NgramLm(read_arpa(arpa)[0], WORDS)
    total, state = 0.0, np.array([lm.start])
    for word in words:
        score, state = lm.advance(state, np.array([WORDS.id_of(word)]))
        total += float(score[0])
    return total + float(lm.final(state)[0])


@pytest.mark.parametrize("tokens", [characters(), pieces()], ids=["characters", "pieces"])
def test_a_sentence_has_its_words_and_the_score_of_the_language_model(arpa, tokens):
    graph = read_token_graph(arpa, WORDS, tokens, "<unk>")
    assert graph.arcs.ilabel.min() > 0 and graph.arcs.ilabel.max() < tokens.num_tokens
    for words in SENTENCES:
        score, found = best_path(graph, tokens.encode(words))
        assert score == pytest.approx(lm_score(arpa, words), abs=1e-5)
        assert found == tuple(map(WORDS.id_of, words))


@pytest.mark.parametrize("tokens", [characters(), pieces()], ids=["characters", "pieces"])
def test_nothing_else_has_a_path(arpa, tokens):
    graph = read_token_graph(arpa, WORDS, tokens, "<unk>")
    spelled = {tuple(tokens.encode(words)) for words in SENTENCES}
    for number in range(5 if tokens.num_tokens < 5 else 4):
        for token_ids in itertools.product(range(1, tokens.num_tokens), repeat=number):
            words = [one.word for one in tokens.words(token_ids)]
            known = all(word in WORDS for word in words) and tuple(tokens.encode(words) or ()) == token_ids
            assert (best_path(graph, token_ids)[1] is not None) == known, (token_ids, words)
            assert not known or len(words) > 3 or token_ids in spelled


def test_what_cannot_be_spelled_is_named_and_left_out(arpa):
    graph = read_token_graph(arpa, WORDS, characters(), "<unk>")
    named = [line for line in graph.lines() if "cannot be spelled" in line]
    assert named == ["1 words cannot be spelled with the tokens and will not be recognized: ax"]
    assert any(line.startswith("G holds") for line in graph.lines())
    without = read_token_graph(arpa, WORDS, TokenTable("character", [BLANK_SYMBOL, SPACE, "a", "b", "x"]), "<unk>")
    assert best_path(without, [2, 4])[1] == (WORDS.id_of("ax"),)
    assert not [line for line in without.lines() if "cannot be spelled" in line]
    only_a = read_token_graph(arpa, WORDS, TokenTable("character", [BLANK_SYMBOL, SPACE, "a"]))
    assert [line for line in only_a.lines() if "cannot be spelled" in line] == [
        "5 words cannot be spelled with the tokens and will not be recognized: ab, ax, b, ba, <unk>"]


@pytest.mark.parametrize("lost, text", [("cdefghij", "c, d, e, f, g, h, i, j"),
                                        ("cdefghijk", "c, d, e, f, g, h, i, j, ...")])
def test_of_many_words_eight_are_named(arpa, lost, text):
    words = SymbolTable(["a", *lost, "#0", "<s>", "</s>"])
    lines = read_token_graph(arpa, words, TokenTable("character", [BLANK_SYMBOL, SPACE, "a"])).lines()
    assert f"{len(lost)} words cannot be spelled with the tokens and will not be recognized: {text}" in lines


def test_homophones_each_have_their_words(arpa):
    """Two words that normalize to the same characters: the likelier one's score is that of the best path."""
    words = SymbolTable(["e\u0301", "\u00e9", "#0", "<s>", "</s>"])
    arpa.write_text("\\data\\\nngram 1=4\n\n\\1-grams:\n-99 <s>\n-0.5 </s>\n-0.3 e\u0301\n-0.2 \u00e9\n\n\\end\\\n",
                    encoding="utf-8")
    graph = read_token_graph(arpa, words, TokenTable("character", [BLANK_SYMBOL, SPACE, "\u00e9"]))
    score, found = best_path(graph, [2])
    assert found == (2,) and score == pytest.approx(-0.7 * math.log(10), abs=1e-5)


def test_any_tokens():
    graph = TokenGraph.of_any_tokens(4)
    assert best_path(graph, []) == best_path(graph, [3, 1, 1, 2]) == (0.0, ())
    assert sorted(graph.arcs.ilabel.tolist()) == [1, 2, 3] and graph.lines() == []


def test_what_makes_no_graph(arpa):
    grammar = TokenGraph.of_any_tokens(4).arcs
    phones = TokenTable("phone", [BLANK_SYMBOL, "a"], spellings={"a": (1,)})
    with pytest.raises(InputError, match="expected characters or pieces, found phones"):
        make_token_graph(grammar, WORDS, phones)
    with pytest.raises(InputError, match="words that the tokens can spell"):
        make_token_graph(grammar, WORDS, TokenTable("character", [BLANK_SYMBOL, SPACE, "z"]))
    with pytest.raises(InputError, match="an existing file"):
        read_token_graph(arpa.parent / "other.arpa", WORDS, characters())
