"""Beginnings of words as a tree, and the tokens that lead from one to the next.

A node is a beginning as a text, however tokens spelled it: a word is itself in any segmentation that the tokens allow,
as TokenTable.words reads it. Words are sorted by their texts, so that those below a node are a range.
"""

from bisect import bisect_left
from typing import AbstractSet, Dict, Iterator, List, Mapping, Sequence, Set, Tuple

import numpy as np

from hybrid.e2e.tokens import SPACE

ROOT = 0  # the empty beginning
_LAST_CHARACTER = chr(0x10FFFF)


class WordTree:
    """
    Attributes:
      texts, word_ids: of the words that tokens can spell, by place; word_ids is int64.
      unspelled: texts of the others.
      num_nodes: nodes are 0 to num_nodes - 1, ROOT among them.
      word: ``[num_nodes]`` int64, the place of the word that a node is, -1 for none.
      first, end: ``[num_nodes]`` int64, places of the words that begin so: ``first .. end - 1``, never none.
      num_characters: ``[num_nodes]`` int64.
      keys, after: ``[edges]`` int64, ``node * num_tokens + token_id`` in rising order, and the node that the token
        leads to within a word.
      enter: ``[num_tokens]`` int64, where a token that starts a word leads; -1 for those that no word begins with, and
        for tokens that start none.
    """

    def __init__(self, words: Mapping[str, int], symbols: Sequence[str]):
        """
        Args:
          words: text -> word_id.
          symbols: of the tokens; those with U+2581 in front start words. Number 0 is blank and spells nothing.
        """
        self._num_tokens = len(symbols)
        start = {symbol.lstrip(SPACE) for symbol in symbols if symbol.startswith(SPACE)}
        within = {symbol: i for i, symbol in enumerate(symbols) if i and not symbol.startswith(SPACE)}
        longest = max(map(len, (*start, *within)), default=0)
        spans = {text: list(_spans(text, within, start, longest)) for text in sorted(words)}
        self.texts = [text for text, found in spans.items() if found]
        self.unspelled = [text for text, found in spans.items() if not found]
        self.word_ids = np.array([words[text] for text in self.texts], np.int64)
        nodes: Dict[str, int] = {"": ROOT}
        edges: Set[Tuple[int, int, int]] = set()
        for text in self.texts:
            for begin, end in spans[text]:
                node = nodes.setdefault(text[:end], len(nodes))
                if text[begin:end] in within:
                    edges.add((nodes[text[:begin]], within[text[begin:end]], node))
        self._describe(list(nodes))
        self.enter = np.full(self._num_tokens, -1)
        for token_id, symbol in enumerate(symbols):
            if symbol.startswith(SPACE):
                self.enter[token_id] = nodes.get(symbol.lstrip(SPACE), -1)
        table = np.array(sorted(edges), np.int64).reshape(-1, 3)
        self.keys, self.after = table[:, 0] * self._num_tokens + table[:, 1], table[:, 2]
        self._starts = np.searchsorted(table[:, 0], np.arange(self.num_nodes + 1))

    def _describe(self, nodes: List[str]) -> None:
        self.num_nodes = len(nodes)
        place = {text: i for i, text in enumerate(self.texts)}
        self.word = np.array([place.get(text, -1) for text in nodes], np.int64)
        self.first = np.array([bisect_left(self.texts, text) for text in nodes], np.int64)
        self.end = np.array([bisect_left(self.texts, text + _LAST_CHARACTER) for text in nodes], np.int64)
        self.num_characters = np.array([len(text) for text in nodes], np.int64)

    def edges(self, nodes: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """``[N]`` numbers of the first of the edges out of each node, and how many there are."""
        return self._starts[nodes], self._starts[nodes + 1] - self._starts[nodes]

    def follow(self, nodes: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """``[N]`` the node that a token leads to within a word, -1 where there is none."""
        keys = nodes * self._num_tokens + token_ids
        at = np.minimum(np.searchsorted(self.keys, keys), max(0, len(self.keys) - 1))
        if not len(self.keys):
            return np.full(len(keys), -1)
        return np.where(self.keys[at] == keys, self.after[at], -1)


def _spans(text: str, within: Mapping[str, int], start: AbstractSet[str], longest: int) -> Iterator[Tuple[int, int]]:
    """Places in a word between which a token can stand, of all ways to spell it; the first of a word before others."""
    ends_well = [False] * len(text) + [bool(text)]
    spans = []
    for begin in range(len(text) - 1, -1, -1):
        ends = [end for end in range(begin + 1, min(len(text), begin + longest) + 1) if ends_well[end]
                and (text[begin:end] in within or not begin and text[begin:end] in start)]
        ends_well[begin] = bool(ends)
        spans += [(begin, end) for end in reversed(ends)]
    reached = {0}
    for begin, end in reversed(spans):
        if begin in reached:
            reached.add(end)
            yield begin, end
