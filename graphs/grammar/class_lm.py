"""n-gram models over classes of words: p(w | h) = p(class of w | classes of h) p(w | class of w).

A word is in one class at most; a word in none stands for itself, as an n-gram of the class model. The classes lie in a
file of SRILM's format (classes-format(5)), a line a word: `CLASS PROBABILITY WORD`, or `CLASS WORD` where the
probabilities are still to be found.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

import numpy as np

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.grammar.grammar_fst import GrammarReport, make_grammar
from graphs.grammar.ngram import UNKNOWN, NgramModel
from graphs.grammar.ngram_lm import NgramLm
from graphs.ids import EPSILON
from graphs.lang.lexicon import BACKOFF, RESERVED_WORDS
from graphs.lang.symbols import SymbolTable
from graphs.text_file import read_lines, split_blanks, to_float

SUM_TOLERANCE = 1e-3  # the probabilities of a class, as written, may sum to 1 so nearly


@dataclass(frozen=True)
class WordClasses:
    """
    Attributes:
      class_of: word -> name of its class.
      prob: word -> p(word | class); empty where they are not known.
    """

    class_of: Dict[str, str]
    prob: Dict[str, float]

    @classmethod
    def read(cls, path: Union[str, Path]) -> "WordClasses":
        """Raises InputError, which names the line, for what is no class file, for a word in two classes, for
        probabilities of some words only or that do not sum to one in a class."""
        class_of: Dict[str, str] = {}
        prob: Dict[str, float] = {}
        for number, line in read_lines(path)[0]:
            item, fields = f"{path}:{number}", split_blanks(line)
            if len(fields) not in (2, 3):
                raise InputError(item, "CLASS, perhaps its word's probability, and WORD", repr(line[:60]))
            name, word = fields[0], fields[-1]
            if word in class_of:
                raise InputError(item, "every word once", f"{word} again")
            if not {name, word}.isdisjoint((*RESERVED_WORDS, UNKNOWN)):
                raise InputError(item, f"no reserved words and no {UNKNOWN}", line[:60])
            class_of[word] = name
            if len(fields) == 3:
                prob[word] = _probability(item, fields[1])
        if not class_of:
            raise InputError(str(path), "classes of words", "none")
        if prob:
            _check_sums(path, class_of, prob)
        return cls(class_of, prob)

    def write(self, path: Union[str, Path]) -> None:
        lines = (f"{name} {self.prob[word]:.9g} {word}\n" if self.prob else f"{name} {word}\n"
                 for word, name in sorted(self.class_of.items(), key=lambda item: item[::-1]))
        Path(path).write_text("".join(lines), encoding="utf-8")

    def symbols(self, model: NgramModel, words: SymbolTable) -> List[str]:
        """What stands for each word of words.txt in the class model: its class, or itself, or <unk>."""
        names = set(self.class_of.values())
        return [self.class_of[word] if word in self.class_of else
                word if word in RESERVED_WORDS or (word in model.index_of and word not in names) else
                UNKNOWN for word in words]

    def log_probs(self, words: SymbolTable) -> np.ndarray:
        """``[len(words)]`` natural log p(word | class), 0 for a word in none. InputError where they are not known."""
        if not self.prob:
            raise InputError("classes of words", "the probability of each word in its class", "none")
        probs = [self.prob[word] if word in self.class_of else 1.0 for word in words]
        with np.errstate(divide="ignore"):
            return np.log(np.array(probs))


def _probability(item: str, text: str) -> float:
    try:
        value = to_float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise InputError(item, "a probability from 0 to 1", text)
    return value


def _check_sums(path: Union[str, Path], class_of: Dict[str, str], prob: Dict[str, float]) -> None:
    totals: Dict[str, float] = {}
    for word, name in class_of.items():
        if word not in prob:
            raise InputError(str(path), "a probability for each word or for none", f"none for {word}")
        totals[name] = totals.get(name, 0.0) + prob[word]
    for name, total in totals.items():
        if abs(total - 1.0) > SUM_TOLERANCE:
            raise InputError(str(path), f"probabilities of class {name} that sum to 1", f"{total:g}")


class ClassLm:
    """See LanguageModel.

    Attributes:
      missing: words of words.txt that are in no class and not in the class model: scored as its ``<unk>``.
    """

    start = 0

    def __init__(self, model: NgramModel, classes: WordClasses, words: SymbolTable, unknown_penalty: float = 0.0):
        """model: over classes. The others: see NgramLm."""
        symbols = classes.symbols(model, words)
        table = SymbolTable(symbols)
        self._lm = NgramLm(model, table, unknown_penalty)
        self._symbol = np.array([table.id_of(symbol) for symbol in symbols], dtype=np.int64)
        self._log_prob = classes.log_probs(words)
        self.missing = [word for word, symbol in zip(words, symbols) if symbol == UNKNOWN and word.lower() != UNKNOWN]

    def lines(self) -> List[str]:
        """For the log."""
        return [f"{len(self.missing)} words are in no class of the LM: {', '.join(self.missing[:8])}"] * bool(
            self.missing)

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        scores, after = self._lm.advance(states, self._symbol[word_ids])
        return scores + self._log_prob[word_ids], after

    def final(self, states: np.ndarray) -> np.ndarray:
        return self._lm.final(states)

    def reset(self) -> None:
        """Nothing to forget."""


def make_class_grammar(model: NgramModel, classes: WordClasses, words: SymbolTable,
                       oov_word: Optional[str] = None) -> Tuple[Arcs, GrammarReport]:
    """G over words: that of the class model, with an arc for each word of the class in place of a class's arc.

    The arguments and errors are those of make_grammar; the report's n-grams are those of classes.
    """
    symbols = [symbol if symbol != UNKNOWN else word if word == oov_word else None
               for word, symbol in zip(words, classes.symbols(model, words))]
    table = SymbolTable(symbol for symbol in symbols if symbol is not None)
    grammar, report = make_grammar(model, table, oov_word)
    report.words_without_unigram += [word for word, symbol in zip(words, symbols)
                                     if symbol is None and word.lower() != UNKNOWN]
    return _expand(grammar, table, symbols, classes.log_probs(words), words), report


def _expand(grammar: Arcs, table: SymbolTable, symbols: List[Optional[str]], log_prob: np.ndarray,
            words: SymbolTable) -> Arcs:
    """Each arc as often as its symbol stands for words. symbols: of each word, None for a word to leave out."""
    label = np.array([table.get(symbol, -1) for symbol in symbols])
    word_id = np.argsort(label, kind="stable")
    number = np.bincount(label[label >= 0], minlength=len(table))
    first = np.searchsorted(label[word_id], np.arange(len(table)))
    row = np.repeat(np.arange(grammar.num_arcs), number[grammar.ilabel])
    place = np.arange(len(row)) - np.repeat(np.cumsum(number[grammar.ilabel]) - number[grammar.ilabel],
                                            number[grammar.ilabel])
    word = word_id[first[grammar.ilabel[row]] + place]
    possible = ~np.isneginf(log_prob[word])
    row, word = row[possible], word[possible]
    backoff = word == words.id_of(BACKOFF)
    return Arcs(grammar.src[row], grammar.dst[row], word, np.where(backoff, EPSILON, word),
                grammar.score[row] + log_prob[word], grammar.final_state, grammar.final_score, grammar.num_states)
