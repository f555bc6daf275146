"""Trains class n-gram models: the classes, the words in them, and the n-grams of classes."""

import dataclasses
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from graphs.grammar.class_lm import WordClasses
from graphs.grammar.ngram import NgramModel
from hybrid.lm.ngram_counts import END_ID, MARKS, START_ID, NumberedText, number_text
from hybrid.lm.ngram_train import NgramOptions, train_ngram
from hybrid.lm.word_classes import ClassOptions, find_classes


class ClassModel(NamedTuple):
    """model: over classes, and over words that are in none."""

    model: NgramModel
    classes: WordClasses


def train_class_lm(sentences: Iterable[Sequence[str]], lm_options: NgramOptions, class_options: ClassOptions,
                   classes: Optional[WordClasses] = None, vocabulary: Optional[Iterable[str]] = None) -> ClassModel:
    """
    Args:
      sentences, vocabulary: see train_ngram; limits of the vocabulary are those of words.
      classes: given ones, with or without probabilities; None: found by exchange.
    """
    known = None if classes is None or vocabulary is None else set(vocabulary) | set(classes.class_of)
    text = number_text(sentences, known or vocabulary, lm_options.max_words, lm_options.min_count)
    class_of = classes.class_of if classes else _found_classes(text, class_options)
    symbols = [class_of.get(word, word) for word in text.words]
    prob = classes.prob if classes and classes.prob else _probabilities(text, class_of, class_options.add)
    options = dataclasses.replace(lm_options, max_words=0, min_count=1)
    model = train_ngram(_in_classes(text, symbols), options, [*symbols, *class_of.values()])
    return ClassModel(model, WordClasses(class_of, prob))


def _found_classes(text: NumberedText, options: ClassOptions) -> Dict[str, str]:
    numbers = find_classes(text, options)[len(MARKS):] - len(MARKS)
    width = len(str(int(numbers.max(initial=0)) + 1))
    return {word: f"CLASS{number + 1:0{width}}" for word, number in zip(text.words[len(MARKS):], numbers.tolist())}


def _probabilities(text: NumberedText, class_of: Dict[str, str], add: float) -> Dict[str, float]:
    """p(word | class), also of words of the classes that the text lacks."""
    seen = dict(zip(text.words, np.bincount(text.tokens, minlength=len(text.words)).tolist()))
    totals: Dict[str, float] = {}
    for word, name in class_of.items():
        totals[name] = totals.get(name, 0.0) + seen.get(word, 0) + add
    return {word: (seen.get(word, 0) + add) / totals[name] for word, name in class_of.items()}


def _in_classes(text: NumberedText, symbols: List[str]) -> Iterator[List[str]]:
    """The sentences, with what stands for each word."""
    starts, ends = (np.flatnonzero(text.tokens == mark) for mark in (START_ID, END_ID))
    for start, end in zip(starts.tolist(), ends.tolist()):
        yield [symbols[i] for i in text.tokens[start + 1:end].tolist()]
