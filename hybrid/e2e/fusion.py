"""Language models of words as language models of tokens, for searches over tokens (shallow fusion).

A token gets what it changes in a look-ahead score, so that a beam sees early where a word is going (Hori, Cho and
Watanabe, 2018): after the words h and the beginning b of the next one,

    ahead(h, b) = log of the sum of p(w | h) over the words w that begin with b;  0 for the empty beginning
    score of a token within a word = ahead(h, longer beginning) - ahead(h, b)
    score of the end of word w = log p(w | h) - ahead(h, w), as a part of the token that starts the next word

Along a whole sentence these sum up to the word LM's own log probability, whatever the look-ahead is. What the tokens of
a sentence spell is what hybrid.e2e.tokens.TokenTable.words says.
"""

import unicodedata
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Protocol, Sequence, Tuple

import numpy as np

from graphs.checks import check_range
from graphs.errors import InputError
from graphs.fst.ragged import ragged_ranges
from graphs.grammar.language_model import LanguageModel
from graphs.growing import GrowingArray
from graphs.lang.lexicon import RESERVED_WORDS
from graphs.lang.symbols import SymbolTable
from graphs.options import check_at_least, check_between, check_choice
from hybrid.e2e.tokens import SPACE, TokenTable
from hybrid.e2e.word_scores import LOOK_AHEADS, WordScores
from hybrid.e2e.word_tree import ROOT, WordTree

MOST_HYPOTHESES = 100_000  # that a search keeps; it would not come back from more
LARGEST_WEIGHT = 1e6  # of a language model, and of bonuses: sums of them stay numbers


class TokenLm(Protocol):
    """A language model as a deterministic automaton over token_ids. States stay valid until `reset`.

    Attributes:
      start: the state at the beginning of a sentence.
      starts_word: ``[num_tokens]`` bool, tokens that begin another word than the one before.
    """

    start: int
    starts_word: np.ndarray

    def scores(self, states: np.ndarray) -> np.ndarray:
        """``[N, num_tokens]`` float64 natural log probability of each next token after ``[N]`` int64 states, -inf
        for 0; column 0 is the end of the sentence."""

    def advance(self, states: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """``[N]`` int64 the state after a token, never 0, after each state."""

    def reset(self) -> None:
        """Forgets all states but `start`; called between utterances, so that memory stays bounded."""


@dataclass(frozen=True)
class FusionOptions:
    """What a search makes of a TokenLm; a part of the options of searches."""

    lm_scale: float = field(default=0.5, metadata={"help": "factor on the language model's log probabilities"})
    token_bonus: float = field(default=0.0, metadata={"help": "added for each token, with a language model or without"})
    word_bonus: float = field(default=0.0, metadata={
        "help": "added for each token that begins another word, with a language model"})

    def __post_init__(self):
        check_at_least(0, self, "lm_scale")
        check_between(-LARGEST_WEIGHT, LARGEST_WEIGHT, self, "lm_scale", "token_bonus", "word_bonus")

    def weighted(self, scores: np.ndarray, fusion: Optional[TokenLm]) -> np.ndarray:
        """What a search adds for the next tokens; column 0, the end, gets no bonus.

        Args:
          scores: ``[..., num_tokens]`` of `fusion`; zeros without one.
        """
        result = np.where(np.isneginf(scores), -np.inf, self.lm_scale * np.maximum(scores, np.finfo(float).min))
        result[..., 1:] += self.token_bonus
        if fusion is not None:
            result += self.word_bonus * fusion.starts_word
        return result

    def total(self, lm_score: float, token_ids: Sequence[int], fusion: Optional[TokenLm]) -> float:
        """What a search has added for a whole sequence; lm_score: of `score_tokens`, 0 without `fusion`."""
        starts = 0 if fusion is None else int(fusion.starts_word[list(token_ids)].sum())
        return self.lm_scale * lm_score + self.token_bonus * len(token_ids) + self.word_bonus * starts


@dataclass(frozen=True)
class WordFusionOptions:
    """How a language model of words scores tokens."""

    look_ahead: str = field(default="history", metadata={
        "help": "sums of probabilities of words: after each history, start (those at the start of a sentence for all "
                "histories: cheap with large vocabularies and neural models), or none"})
    open_vocabulary: bool = field(default=True, metadata={
        "help": "other words than the vocabulary's may be spelled, as the language model's unknown word"})
    unknown_penalty: float = field(default=0.0, metadata={"help": "natural log, added for an unknown word"})
    unknown_character: float = field(default=-2.5, metadata={
        "help": "natural log, added for each character of an unknown word"})

    def __post_init__(self):
        check_choice(LOOK_AHEADS, self, "look_ahead")
        check_between(-LARGEST_WEIGHT, LARGEST_WEIGHT, self, "unknown_penalty", "unknown_character")


def score_tokens(lm: TokenLm, sequences: Sequence[Sequence[int]], ends: bool = True) -> np.ndarray:
    """``[len(sequences)]`` float64 natural log probability of token sequences.

    Args:
      ends: with the sentence's end; without, the probability that a sentence begins so (with all look-ahead in it).
    """
    total, state = np.zeros(len(sequences)), np.full(len(sequences), lm.start, np.int64)
    lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    for place in range(int(lengths.max(initial=0))):
        rows = np.flatnonzero(lengths > place)
        token_ids = np.array([sequences[row][place] for row in rows], np.int64)
        total[rows] += lm.scores(state[rows])[np.arange(len(rows)), token_ids]
        state[rows] = lm.advance(state[rows], token_ids)
    return total + lm.scores(state)[:, 0] if ends else total


def check_fusion(fusion: Optional[TokenLm], num_tokens: int) -> None:
    """InputError for a language model over another number of tokens than a search has."""
    if fusion is not None and len(fusion.starts_word) != num_tokens:
        raise InputError("language model to search with", f"one over the network's {num_tokens} tokens",
                         f"one over {len(fusion.starts_word)}")


class WordFusion:
    """A TokenLm over a word LM. A state is a state of the LM and a beginning of a word.

    Beside the nodes of the tree there are two more beginnings: `_off`, that of an unknown word, and `_dead`, that of
    what can become nothing.

    Attributes:
      tree: the vocabulary, as tokens spell it.
    """

    start = 0

    def __init__(self, lm: LanguageModel, words: SymbolTable, tokens: TokenTable,
                 options: WordFusionOptions = WordFusionOptions(), oov_word: Optional[str] = None):
        """
        Args:
          words: of words.txt, those that the LM was opened with.
          oov_word: the one of them that stands for unknown words; None: there are no others.
        Raises: InputError for phones, which spell no words, and for words of which the tokens can spell none.
        """
        if tokens.kind == "phone":
            raise InputError("tokens for a language model of words", "characters or pieces", f"{tokens.kind}s")
        if oov_word is not None and oov_word not in words:
            raise InputError("words.txt", f"the word for unknown ones, {oov_word}", "none")
        self.tree = WordTree(_texts(words, oov_word), tokens.symbols)
        if not self.tree.texts:
            raise InputError("words of the language model", "words that the tokens can spell", "none")
        is_open = options.open_vocabulary and oov_word is not None
        self._words = WordScores(lm, self.tree.word_ids, words.id_of(oov_word) if is_open else None,
                                 options.unknown_penalty, options.look_ahead)
        self._num_tokens, self._per_character = tokens.num_tokens, options.unknown_character
        self.starts_word = np.array([symbol.startswith(SPACE) for symbol in tokens.symbols])
        self._num_characters = np.array([0, *(len(symbol.lstrip(SPACE)) for symbol in tokens.symbols[1:])])
        self._is_open, self._off, self._dead = is_open, self.tree.num_nodes, self.tree.num_nodes + 1
        self._elsewhere = self._off if is_open else self._dead
        self._starters, self._inner = np.flatnonzero(self.starts_word), np.flatnonzero(~self.starts_word)[1:]
        self._enter = np.where(self.tree.enter >= 0, self.tree.enter, self._elsewhere)
        self._depth = np.append(self.tree.num_characters, [0, 0])  # of `_off` and `_dead`
        self.reset()

    def lines(self) -> List[str]:
        """For the log."""
        lost = self.tree.unspelled
        taken = "but as unknown words" if self._is_open else "or recognized"
        return [f"{len(lost)} words cannot be spelled with the tokens {taken}: {', '.join(lost[:8])}"
                f"{', ...' * (len(lost) > 8)}"] * bool(lost)

    def reset(self) -> None:
        self._words.reset()
        self._number: Dict[Tuple[int, int], int] = {}
        self._lm_state, self._node, self._ended = (GrowingArray((), np.int64) for _ in range(3))
        self._entry_number: Dict[int, int] = {}
        self._entry = GrowingArray((len(self._starters),), np.float64)
        self._computed, self._row = GrowingArray((), bool), GrowingArray((self._num_tokens,), np.float64)
        self._numbers(np.array([self._words.lm.start]), np.array([ROOT]))

    def scores(self, states: np.ndarray) -> np.ndarray:
        self._compute(states)
        return self._row.rows[states]

    def advance(self, states: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """Raises InputError for blank, and for what is no token."""
        states, token_ids = np.asarray(states, np.int64), np.asarray(token_ids, np.int64)
        check_range("token_ids to go on with", token_ids, 1, self._num_tokens)
        self._compute(states)
        starts = self.starts_word[token_ids]
        node = self._node.rows[states]
        inside = np.full(len(node), self._elsewhere)
        known = np.flatnonzero(node < self._off)
        after = self.tree.follow(node[known], token_ids[known])
        inside[known] = np.where(after >= 0, after, self._elsewhere)
        node = np.where(starts, self._enter[token_ids], inside)
        node[np.isneginf(self._row.rows[states, token_ids])] = self._dead
        return self._numbers(np.where(starts, self._ended.rows[states], self._lm_state.rows[states]), node)

    def _numbers(self, lm_states: np.ndarray, nodes: np.ndarray) -> np.ndarray:
        numbers = np.empty(len(nodes), np.int64)
        for i, key in enumerate(zip(lm_states.tolist(), nodes.tolist())):
            numbers[i] = self._number.setdefault(key, len(self._number))
            if numbers[i] == len(self._node):
                for column, value in zip((self._lm_state, self._node, self._ended, self._computed), (*key, 0, False)):
                    column.add([value])
                self._row.add(np.full((1, self._num_tokens), -np.inf))
        return numbers

    def _compute(self, states: np.ndarray) -> None:
        """Sees to it that the rows of the states are there, and the LM states where their words end here."""
        states = np.unique(states)
        states = states[~self._computed.rows[states]]
        self._computed.rows[states] = True
        states = states[self._node.rows[states] != self._dead]
        if not len(states):
            return
        lm_states, nodes = self._lm_state.rows[states], self._node.rows[states]
        here = self._ahead(lm_states, nodes)
        rows = np.full((len(states), self._num_tokens), -np.inf)
        self._score_inside(rows, lm_states, nodes, here)
        ending, after = self._endings(lm_states, nodes, here)
        rows[:, 0] = ending + self._words.lm.final(after)
        rows[:, self._starters] = ending[:, None] + self._entries(after)
        self._row.rows[states], self._ended.rows[states] = rows, after

    def _ahead(self, lm_states: np.ndarray, nodes: np.ndarray) -> np.ndarray:
        """``[N]`` the look-ahead of beginnings; that of an unknown word does without its characters, which have been
        paid for."""
        unknown = self._words.unknown_ahead(lm_states)
        result = np.where(nodes == self._off, unknown, 0.0)
        if self._words.looks_ahead:
            rows = np.flatnonzero((nodes != ROOT) & (nodes < self._off))
            nodes, unknown = nodes[rows], unknown[rows] + self._per_character * self._depth[nodes[rows]]
            known = self._words.ahead(lm_states[rows], self.tree.first[nodes], self.tree.end[nodes])
            result[rows] = np.logaddexp(known, unknown)
        return result

    def _score_inside(self, rows: np.ndarray, lm_states: np.ndarray, nodes: np.ndarray, here: np.ndarray) -> None:
        """Fills in the tokens within words."""
        unknown = self._words.unknown_ahead(lm_states) + self._per_character * self._depth[nodes] - here
        rows[:, self._inner] = unknown[:, None] + self._per_character * self._num_characters[self._inner]
        known = np.flatnonzero(nodes < self._off)
        of, edges = ragged_ranges(*self.tree.edges(nodes[known]))
        of = known[of]
        ahead = self._ahead(lm_states[of], self.tree.after[edges])
        rows[of, self.tree.keys[edges] % self._num_tokens] = ahead - here[of]

    def _endings(self, lm_states: np.ndarray, nodes: np.ndarray, here: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """``[N]`` what the end of the word adds at each beginning, and the LM state after it."""
        scores, after = np.where(nodes == ROOT, 0.0, -np.inf), lm_states.copy()
        word = np.append(self.tree.word, -1)[nodes]
        ends = np.flatnonzero((nodes != ROOT) & (self._is_open | (word >= 0)))
        word, spelled = word[ends], self._per_character * self._depth[nodes[ends]]
        found, after[ends] = self._words.word(lm_states[ends], np.where(word < 0, self._words.unknown, word))
        scores[ends] = found + np.where(word < 0, spelled, 0.0) - here[ends]
        return scores, after

    def _entries(self, lm_states: np.ndarray) -> np.ndarray:
        """``[N, starters]`` the look-ahead of words that begin with each token that starts one."""
        distinct, inverse = np.unique(lm_states, return_inverse=True)
        new = np.array([state for state in distinct.tolist() if state not in self._entry_number], np.int64)
        if len(new):
            nodes = self._enter[self._starters]
            extra = np.where(nodes == self._off, self._per_character * self._num_characters[self._starters], 0.0)
            extra[nodes == self._dead] = -np.inf
            ahead = self._ahead(np.repeat(new, len(nodes)), np.tile(nodes, len(new))).reshape(len(new), -1)
            self._entry_number.update(zip(new.tolist(), range(len(self._entry), len(self._entry) + len(new))))
            self._entry.add(ahead + extra)
        return self._entry.rows[[self._entry_number[state] for state in distinct.tolist()]][inverse.reshape(-1)]


def _texts(words: SymbolTable, oov_word: Optional[str]) -> Dict[str, int]:
    """Words as tokens spell them -> word_id."""
    spelled: Dict[str, int] = {}
    for word in words:
        if word not in RESERVED_WORDS and word != oov_word:
            text = unicodedata.normalize("NFC", word)
            if text not in spelled or text == word:
                spelled[text] = words.id_of(word)
    return spelled
