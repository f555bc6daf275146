"""Trees of beginnings of words, against all ways to spell each word."""

import itertools

import numpy as np
import pytest

from hybrid.e2e.tokens import BLANK_SYMBOL, SPACE
from hybrid.e2e.word_tree import ROOT, WordTree

WORDS = {text: 100 + n for n, text in enumerate(("ba", "a", "abb", "ac", "b", "cab", "abab", "\U0010ffff", "bb"))}
SYMBOLS = {"pieces": ("_a", "b", "_ab", "a", "_", "bb"), "characters": ("_", "a", "b"), "starters": ("_ab", "_b"),
           "longest": ("_abab", "_c", "ab", "b")}


def spellings(text, symbols):
    """All, as symbols; the first may be one that starts words."""
    def rest(begin):
        if begin == len(text):
            yield ()
        for end in range(begin + 1, len(text) + 1):
            for symbol in {text[begin:end], *([SPACE + text[:end]] if not begin else [])} & {*symbols}:
                yield from ((symbol, *more) for more in rest(end))
    return list(rest(0))


@pytest.mark.parametrize("name", SYMBOLS)
def test_nodes_and_edges_are_those_of_all_spellings(name):
    symbols = [BLANK_SYMBOL, *(symbol.replace("_", SPACE) for symbol in SYMBOLS[name])]
    tree, found = WordTree(WORDS, symbols), {text: spellings(text, symbols) for text in WORDS}
    assert tree.texts == sorted(text for text in WORDS if found[text])
    assert tree.unspelled == sorted(text for text in WORDS if not found[text])
    assert tree.word_ids.tolist() == [WORDS[text] for text in tree.texts]
    steps = {("".join(one[:n]).lstrip(SPACE), one[n]) for own in found.values() for one in own for n in range(len(one))}
    node_of = {"": ROOT}
    for text, symbol in sorted(steps, key=lambda step: len(step[0])):
        token_id = symbols.index(symbol)
        after = tree.enter[token_id] if symbol.startswith(SPACE) else tree.follow(
            np.array([node_of[text]]), np.array([token_id]))[0]
        assert after >= 0 and node_of.setdefault(text + symbol.lstrip(SPACE), after) == after
    assert sorted(node_of.values()) == list(range(tree.num_nodes))
    for text, node in node_of.items():
        below = [place for place, word in enumerate(tree.texts) if word.startswith(text)]
        assert (tree.first[node], tree.end[node], tree.num_characters[node]) == (below[0], below[-1] + 1, len(text))
        assert tree.word[node] == (tree.texts.index(text) if text in tree.texts else -1)
    for (text, node), token_id in itertools.product(node_of.items(), range(1, len(symbols))):
        if (text, symbols[token_id]) not in steps:
            assert tree.follow(np.array([node]), np.array([token_id])).tolist() == [-1]
            assert symbols[token_id] == SPACE or text or tree.enter[token_id] == -1
    assert {int(tree.enter[n]) for n, symbol in enumerate(symbols) if not symbol.startswith(SPACE)} == {-1}


@pytest.mark.parametrize("name", SYMBOLS)
def test_edges_of_a_node_are_what_can_be_followed(name):
    symbols = [BLANK_SYMBOL, *(symbol.replace("_", SPACE) for symbol in SYMBOLS[name])]
    tree = WordTree(WORDS, symbols)
    assert tree.keys.tolist() == sorted({*tree.keys.tolist()})
    for node in range(tree.num_nodes):
        first, count = tree.edges(np.array([node]))
        after = tree.follow(np.full(len(symbols), node), np.arange(len(symbols)))
        edges = range(first[0], first[0] + count[0])
        assert [(tree.keys[n], tree.after[n]) for n in edges] == [
            (node * len(symbols) + token_id, after[token_id]) for token_id in np.flatnonzero(after >= 0)]


def test_words_that_cannot_be_spelled_leave_the_root():
    tree = WordTree({"x": 1, "": 2}, [BLANK_SYMBOL, SPACE, "a"])
    assert tree.texts == [] and tree.unspelled == ["", "x"] and tree.num_nodes == 1
    assert tree.enter.tolist() == [-1, ROOT, -1] and tree.follow(np.array([0]), np.array([2])).tolist() == [-1]
