"""Graphs over tokens for the search of transducers: what may be said, and what a language model says of it.

L o G of a recognizer over tokens: L spells the words, G is an n-gram model of words. Every arc has a token. In L, words
of characters all begin with U+2581, as none but the first do in a sentence; the graph as a whole begins after the first
one.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.ragged import ragged_ranges
from graphs.fst.word_sequences import WordSequences
from graphs.ids import BLANK
from graphs.lang.disambiguation import disambiguation_numbers
from graphs.lang.lexicon import BACKOFF, RESERVED_WORDS
from graphs.lang.symbols import SymbolTable
from hybrid.e2e.tokens import SPACE, TokenTable


@dataclass
class TokenGraph:
    """
    Attributes:
      arcs: token_ids to output labels of `sequences`, without epsilons; scores are of the language model.
      sequences: what output labels stand for.
      notes: for the log.
    """

    arcs: Arcs
    sequences: WordSequences = field(default_factory=lambda: WordSequences(1))
    notes: List[str] = field(default_factory=list)

    def lines(self) -> List[str]:
        return self.notes

    @classmethod
    def of_any_tokens(cls, num_tokens: int) -> "TokenGraph":
        """All sequences of tokens, none better than another."""
        return cls(Arcs.from_lists([(0, 0, token, 0, 0.0) for token in range(BLANK + 1, num_tokens)], [(0, 0.0)]))


def make_token_graph(grammar: Arcs, words: SymbolTable, tokens: TokenTable,
                     oov_word: Optional[str] = None) -> TokenGraph:
    """
    Args:
      grammar: G over the ids of words, with #0 where it backs off.
      words: of words.txt, with #0.
      tokens: characters or pieces.
      oov_word: of words.txt, the word for unknown ones, which is not recognized.
    Raises: InputError for phones, which have no words without the graph, and where no sentence can be spelled.
    """
    from graphs.decoding.compile import compile_tokens_to_words
    if tokens.kind == "phone":
        raise InputError("tokens for a graph of words", "characters or pieces", f"{tokens.kind}s")
    spellings, unspelled = _spellings(words, tokens, oov_word)
    notes = [f"{len(unspelled)} words cannot be spelled with the tokens and will not be recognized: "
             f"{', '.join(unspelled[:8])}{', ...' * (len(unspelled) > 8)}"] * bool(unspelled)
    if not spellings:
        raise InputError("words.txt", "words that the tokens can spell", "none")
    lexicon = token_lexicon(spellings, tokens.num_tokens, words.id_of(BACKOFF))
    arcs, sequences = compile_tokens_to_words(lexicon, grammar, tokens.num_tokens, words.id_of(BACKOFF), len(words),
                                              say=notes.append)
    if tokens.kind == "character":
        arcs = _without_first(arcs, tokens.symbols.index(SPACE), sequences)
    return TokenGraph(arcs, sequences, notes)


def read_token_graph(lm: Path, words: SymbolTable, tokens: TokenTable, oov_word: Optional[str] = None) -> TokenGraph:
    """From an n-gram model: an ARPA file, or a folder of tools.train_ngram or tools.train_class_lm.

    Raises: InputError for other language models.
    """
    from graphs.grammar.arpa import read_arpa
    from graphs.grammar.class_lm import make_class_grammar
    from graphs.grammar.grammar_fst import make_grammar
    from hybrid.lm.language_models import CLASSES, arpa_of, read_class_lm
    from hybrid.lm.neural_folder import is_neural_lm
    if is_neural_lm(Path(lm)):
        raise InputError(str(lm), "an n-gram model, since it becomes a graph", "a neural one")
    if (Path(lm) / CLASSES).is_file():
        model, classes, report = read_class_lm(Path(lm))
        grammar, made = make_class_grammar(model, classes, words)
    else:
        model, report = read_arpa(arpa_of(Path(lm)))
        grammar, made = make_grammar(model, words)
    graph = make_token_graph(grammar, words, tokens, oov_word)
    graph.notes[:0] = [*report.lines(), *made.lines()]
    return graph


def _spellings(words: SymbolTable, tokens: TokenTable, oov_word: Optional[str]):
    """(word_id, token_ids) of the words that can be spelled, and the others but `oov_word`."""
    first = [tokens.symbols.index(SPACE)] if tokens.kind == "character" else []
    found, unspelled = [], []
    for word_id, word in enumerate(words):
        if word not in RESERVED_WORDS and word != oov_word:
            token_ids = tokens.encode([word])
            if token_ids:
                found.append((word_id, (*first, *token_ids)))
            else:
                unspelled.append(word)
    return found, unspelled


def token_lexicon(spellings: Sequence[Tuple[int, Tuple[int, ...]]], first_disambig: int, backoff_word: int) -> Arcs:
    """L with disambiguation symbols, from `first_disambig` on.

    Args:
      spellings: (word_id, token_ids) of each word.
      backoff_word: id of #0 among words.
    """
    arcs, num_states = [(0, 0, first_disambig, backoff_word, 0.0)], 1
    numbers = disambiguation_numbers([token_ids for _, token_ids in spellings])
    for (word_id, token_ids), number in zip(spellings, numbers):
        labels = [*token_ids, *[first_disambig + number] * bool(number)]
        inner = list(range(num_states, num_states + len(labels) - 1))
        num_states += len(inner)
        arcs += zip([0, *inner], [*inner, 0], labels, [word_id] + [0] * len(inner), [0.0] * len(labels))
    return Arcs.from_lists(arcs, [(0, 0.0)])


def _without_first(graph: Arcs, label: int, sequences: WordSequences) -> Arcs:
    """The same sentences without the label that each begins with. The start is a new state 0, the old one the last."""
    by_src = np.argsort(graph.src, kind="stable")
    bounds = np.searchsorted(graph.src[by_src], np.arange(graph.num_states + 1))
    first = np.flatnonzero((graph.src == 0) & (graph.ilabel == label))
    rows, at = ragged_ranges(bounds[graph.dst[first]], np.diff(bounds)[graph.dst[first]])
    first, second = first[rows], by_src[at]
    src, dst, final_state = (np.where(states == 0, graph.num_states, states)
                             for states in (graph.src, graph.dst, graph.final_state))
    empty = np.flatnonzero(graph.final_state == 0)
    return Arcs(
        np.append(src, np.zeros(len(second))), np.append(dst, dst[second]),
        np.append(graph.ilabel, graph.ilabel[second]),
        np.append(graph.olabel, sequences.join(graph.olabel[first], graph.olabel[second])),
        np.append(graph.score, graph.score[first] + graph.score[second]),
        np.append(final_state, np.zeros(len(empty))), np.append(graph.final_score, graph.final_score[empty]),
        graph.num_states + 1, np.append(graph.final_olabel, graph.final_olabel[empty]))
