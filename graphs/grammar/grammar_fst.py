"""G, the grammar transducer, from a back-off n-gram model (Kaldi lmbin/arpa2fst --disambig-symbol=#0).

A state is a history, the empty one included. An n-gram "h w" is an arc from h, labelled w on both sides,
to the longest end of "h w" that is a state. A back-off arc, #0 in and nothing out, leads from h to the
longest proper end of h that is a state. n-grams that end in </s> are final weights. Histories without
continuation are no states: what their back-off weight would cost lies on the arcs that skip them.

Taken as failure transitions (only where no arc carries the word) the back-off arcs give the model's
probabilities exactly; composition also lets a path back off earlier, as in every toolkit.
"""

import math
from dataclasses import dataclass, field
from typing import List, Optional, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.grammar.histories import Histories
from graphs.grammar.ngram import UNKNOWN, NgramModel, NgramTable
from graphs.ids import EPSILON
from graphs.lang.lexicon import BACKOFF, RESERVED_WORDS, SENTENCE_END, SENTENCE_START
from graphs.lang.symbols import SymbolTable

_DROPPED = -1


@dataclass
class GrammarReport:
    """
    Attributes:
      ngrams: n-grams of each order that G holds.
      unknown_words: words of the model that words.txt lacks; their n-grams are dropped.
      unknown_mass: the sum of their unigram probabilities.
      dropped_ngrams: n-grams with such words.
      words_without_unigram: words of words.txt that the model lacks; G never gives them.
      oov_word: True if the model's ``<unk>`` is in G.
      no_end: the model has no ``</s>``: every state is final at no cost.
    """

    ngrams: List[int] = field(default_factory=list)
    unknown_words: List[str] = field(default_factory=list)
    unknown_mass: float = 0.0
    dropped_ngrams: int = 0
    words_without_unigram: List[str] = field(default_factory=list)
    oov_word: bool = False
    no_end: bool = False

    def lines(self) -> List[str]:
        """For the log."""
        sizes = (f"{count} n-grams of order {n}" for n, count in enumerate(self.ngrams, 1))
        texts = ["G holds " + ", ".join(sizes)]
        if self.unknown_words:
            texts.append(f"{len(self.unknown_words)} words of the LM are not in words.txt (probability "
                         f"{self.unknown_mass:.2%}, {self.dropped_ngrams} n-grams): "
                         f"{_some(self.unknown_words)}")
        if self.words_without_unigram:
            texts.append(f"{len(self.words_without_unigram)} words of words.txt are not in the LM and cannot "
                         f"be recognized: {_some(self.words_without_unigram)}")
        if self.no_end:
            texts.append(f"the LM has no {SENTENCE_END}: a sentence may end anywhere at no cost")
        return texts


def _some(words: List[str], number: int = 8) -> str:
    return ", ".join(words[:number]) + (", ..." if len(words) > number else "")


def make_grammar_fst(model: NgramModel, words: SymbolTable, oov_word: Optional[str] = None) -> Arcs:
    """G alone; see make_grammar."""
    return make_grammar(model, words, oov_word)[0]


def make_grammar(model: NgramModel, words: SymbolTable,
                 oov_word: Optional[str] = None) -> Tuple[Arcs, GrammarReport]:
    """
    Args:
      words: holds #0.
      oov_word: the word that the model's ``<unk>`` stands for; None leaves unknown words out of G, so that
        they are never recognized.
    Returns:
      Arcs with word_ids as labels and natural logarithms as scores, and a report.
    Raises: InputError when no word is left.
    """
    label = _labels(model, words, oov_word)
    report = _report(model, words, label, oov_word)
    tables = []
    for table in model.tables:
        keep = (label[table.word_ids] != _DROPPED).all(axis=1)
        tables.append(table.select(keep))
        report.dropped_ngrams += int((~keep).sum())
    while len(tables) > 1 and not len(tables[-1]):
        tables.pop()
    graph = _Graph(model, tables, label)
    report.ngrams = graph.ngrams
    report.no_end = SENTENCE_END not in model.index_of
    return graph.arcs(words.id_of(BACKOFF), report.no_end), report


def _labels(model: NgramModel, words: SymbolTable, oov_word: Optional[str]) -> np.ndarray:
    """``[num model words]`` word_id of each, 0 for sentence boundaries, _DROPPED for words to leave out."""
    label = np.full(len(model.words), _DROPPED, dtype=np.int64)
    for i, word in enumerate(model.words):
        if word in (SENTENCE_START, SENTENCE_END):
            label[i] = EPSILON
        elif word == UNKNOWN or word == oov_word:
            if oov_word is not None:
                label[i] = words.id_of(oov_word)
        elif word in words and word not in RESERVED_WORDS:
            label[i] = words.id_of(word)
    return label


def _report(model: NgramModel, words: SymbolTable, label: np.ndarray,
            oov_word: Optional[str]) -> GrammarReport:
    report = GrammarReport(oov_word=oov_word is not None and UNKNOWN in model.index_of)
    unigrams = model.tables[0]
    log10_prob = dict(zip(unigrams.word_ids[:, 0].tolist(), unigrams.log10_prob.tolist()))
    for i, word in enumerate(model.words):
        if label[i] == _DROPPED and word != UNKNOWN:
            report.unknown_words.append(word)
            report.unknown_mass += 10.0 ** log10_prob.get(i, -math.inf)
    covered = set(label.tolist())
    report.words_without_unigram = [
        word for word_id, word in enumerate(words)
        if word_id not in covered and word not in RESERVED_WORDS and word.lower() != UNKNOWN]
    if not any(word_id > 0 for word_id in covered):
        raise InputError("language model", "words of words.txt", f"none of them; it has {_some(model.words)}")
    return report


class _Graph(Histories):
    """States and arcs of G, order by order. A row is one of an n-gram table, a node is a state of G."""

    def __init__(self, model: NgramModel, tables: List[NgramTable], label: np.ndarray):
        super().__init__(tables, model)
        self.label = label
        self.ngrams = [int(self.is_used(table).sum()) for table in tables]

    def is_used(self, table: NgramTable) -> np.ndarray:
        """n-grams that are an arc or a final weight: not the unigram <s>, not of probability 0."""
        return super().is_used(table) & ~np.isneginf(table.log10_prob)

    def arcs(self, backoff_label: int, all_final: bool) -> Arcs:
        columns = [[] for _ in range(5)]
        final_state, final_score = [], []

        def add(src, dst, ilabel, olabel, log10_score):
            alive = ~np.isneginf(log10_score)
            for column, values in zip(columns, (src, dst, ilabel, olabel, log10_score * math.log(10.0))):
                column.append(values[alive])

        for n, table in enumerate(self.tables):
            last, used, src = table.word_ids[:, -1], self.is_used(table), self.sources(n)
            ends = used & (last == self.end)
            final_state.append(src[ends])
            final_score.append(table.log10_prob[ends] * math.log(10.0))
            rows = used & (last != self.end)
            word_id = self.label[last[rows]]
            add(src[rows], self.node[n][rows], word_id, word_id, table.log10_prob[rows] + self.paid[n][rows])
            states = self.state_of[n] >= 0
            number = int(states.sum())
            add(self.state_of[n][states], self.below[n][states], np.full(number, backoff_label),
                np.full(number, EPSILON), table.log10_backoff[states] + self.below_paid[n][states])
        if all_final:
            final_state, final_score = [np.arange(self.num_states)], [np.zeros(self.num_states)]
        return Arcs(*map(np.concatenate, columns), np.concatenate(final_state), np.concatenate(final_score),
                    self.num_states)
