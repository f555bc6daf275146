"""How well language models predict a text: every word and every sentence end, scored by any LanguageModel.

Two toolkits count unknown words in two ways, and both numbers are given:

    perplexity          exp(-log p / (words - unknown - impossible + sentences)), unknown words left out: `ppl` of
                        SRILM's ngram -ppl, "excluding OOVs" of KenLM's query
    perplexity_words    the same sum over the words alone, without the sentence ends: SRILM's `ppl1`
    perplexity_unknown  unknown words counted with their p(<unk>): "including OOVs" of KenLM's query

An unknown word ends no history: what follows is predicted after <unk>, as in KenLM. An impossible word is known and
has probability 0 (SRILM's zeroprobs).
"""

import math
from array import array
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Iterable, Optional, Sequence, Tuple, Union

import numpy as np

from graphs.errors import InputError
from graphs.grammar.language_model import LanguageModel
from graphs.grammar.ngram import UNKNOWN
from graphs.lang.lexicon import RESERVED_WORDS
from graphs.lang.symbols import SymbolTable
from hybrid.data.sentences import read_sentences

BATCH = 1024  # sentences at a time


@dataclass(frozen=True)
class TextIds:
    """A text as word_ids of its own symbol table.

    Attributes:
      words: those of the text, and perhaps more.
      word_ids: ``[T]`` int64, the sentences one after another.
      lengths: ``[S]`` words of each sentence.
    """

    words: SymbolTable
    word_ids: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]], words: Optional[SymbolTable] = None,
           name: str = "text") -> "TextIds":
        """words: gets those that it lacks; several texts may share it.

        Raises: InputError, which gives the name, for a text without sentences, and for boundary marks in it.
        """
        words = SymbolTable() if words is None else words
        ids, lengths = array("q"), array("q")
        for number, sentence in enumerate(sentences, 1):
            bad = [word for word in sentence if word in RESERVED_WORDS]
            if bad:
                raise InputError(f"{name}: sentence {number}", "no reserved words (<s> and </s> are added)", bad[0])
            ids.extend([words.add(word) for word in sentence])
            lengths.append(len(sentence))
        if not lengths:
            raise InputError(name, "at least one sentence", "none")
        return cls(words, np.array(ids, dtype=np.int64), np.array(lengths, dtype=np.int64))


def read_text_ids(path: Union[str, Path], words: Optional[SymbolTable] = None) -> TextIds:
    """A text of one sentence a line, or a cut manifest. words: gets those that it lacks."""
    return TextIds.of((sentence for _, sentence in read_sentences(path)), words, str(path))


@dataclass(frozen=True)
class Perplexity:
    """
    Attributes:
      sentences, words: of the text.
      unknown: words that the model does not know. impossible: words and sentence ends of probability 0.
      log_prob: natural log, of all that is known and possible.
      log_prob_unknown: natural log, of the unknown words, -inf if the model gives them none.
    """

    sentences: int
    words: int
    unknown: int
    impossible: int
    log_prob: float
    log_prob_unknown: float

    @property
    def events(self) -> int:
        return self.words + self.sentences - self.unknown - self.impossible

    @property
    def perplexity(self) -> float:
        return perplexity_of(self.log_prob, self.events)

    @property
    def perplexity_words(self) -> float:
        return perplexity_of(self.log_prob, self.events - self.sentences)

    @property
    def perplexity_unknown(self) -> float:
        return perplexity_of(self.log_prob + self.log_prob_unknown, self.events + self.unknown)

    def facts(self) -> Dict[str, float]:
        """JSON-able: what has no number is None."""
        numbers = {**asdict(self), "log10_prob": self.log_prob / math.log(10.0), "perplexity": self.perplexity,
                   "perplexity_words": self.perplexity_words, "perplexity_unknown": self.perplexity_unknown}
        return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


def perplexity_of(log_prob: float, events: int) -> float:
    """Of a natural log probability; inf where it is beyond all numbers, nan of nothing."""
    if events <= 0:
        return math.nan
    mean = -log_prob / events
    return math.exp(mean) if mean < 700 else math.inf


def log_probs(lm: LanguageModel, text: TextIds) -> Tuple[np.ndarray, np.ndarray]:
    """``[T]`` natural log probability of each word, ``[S]`` of each sentence's end. Sentences of like lengths are
    scored together."""
    scores, ends = np.empty(len(text.word_ids)), np.empty(len(text.lengths))
    starts = np.cumsum(text.lengths) - text.lengths
    longest_first = np.argsort(-text.lengths, kind="stable")
    for begin in range(0, len(longest_first), BATCH):
        batch = longest_first[begin:begin + BATCH]
        states = np.full(len(batch), lm.start, dtype=np.int64)
        for place in range(int(text.lengths[batch[0]])):
            number = int(np.searchsorted(-text.lengths[batch], -place))  # sentences that go on
            at = starts[batch[:number]] + place
            scores[at], states[:number] = lm.advance(states[:number], text.word_ids[at])
        ends[batch] = lm.final(states)
        lm.reset()
    return scores, ends


def measure(lm: LanguageModel, text: TextIds) -> Perplexity:
    """The model knows all words of the text but `lm.missing`, if it has that."""
    return summarize(*log_probs(lm, text), text, unknown_ids(lm, text.words))


def unknown_ids(lm: LanguageModel, words: SymbolTable) -> np.ndarray:
    """``[len(words)]`` bool: words that the model takes as its unknown word, and that word itself."""
    missing = set(getattr(lm, "missing", ()))
    return np.array([word in missing or word.lower() == UNKNOWN for word in words])


def summarize(scores: np.ndarray, ends: np.ndarray, text: TextIds, is_unknown: np.ndarray) -> Perplexity:
    """scores, ends: of `log_probs`; is_unknown: of `unknown_ids`."""
    unknown = is_unknown[text.word_ids]
    known = np.concatenate([scores[~unknown], ends])
    possible = ~np.isneginf(known)
    return Perplexity(len(text.lengths), len(text.word_ids), int(unknown.sum()), int((~possible).sum()),
                      float(known[possible].sum()), float(scores[unknown].sum()))
