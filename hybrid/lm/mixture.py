"""Weights for the mixture of several language models, tuned on held-out text; the mixture of n-gram models as one.

Weights, by expectation and maximization (Jelinek and Mercer, 1980), T being the words and ends of the held-out text:

    weight_i  <-  1/T sum over words of  weight_i p_i(w | h) / sum_j weight_j p_j(w | h)

Each round raises the probability of the text, which has a single maximum.
"""

from typing import List, NamedTuple, Sequence

import numpy as np

from graphs.checks import shares_of
from graphs.errors import InputError
from graphs.grammar.language_model import LanguageModel
from graphs.grammar.ngram import NgramModel, NgramScorer, NgramTable
from hybrid.lm.backoff import normalized
from hybrid.lm.perplexity import TextIds, log_probs, unknown_ids

MAX_ROUNDS = 1000
LEAST_GAIN = 1e-9  # nats an event


class Tuned(NamedTuple):
    """weights: ``[models]``; log_prob: mean natural log probability of an event with them; rounds: it took."""

    weights: np.ndarray
    log_prob: float
    rounds: int


def tune_weights(log_prob: np.ndarray) -> Tuned:
    """
    Args:
      log_prob: ``[models, T]`` natural log probability that each model gives each event of a held-out text; events
        that are impossible in all of them are left out.
    Raises: InputError when there is no other, and for what is no log probability.
    """
    if log_prob.ndim != 2 or np.isnan(log_prob).any() or (log_prob == np.inf).any():
        raise InputError("log probabilities of held-out text", "[models, events] numbers", str(log_prob)[:80])
    log_prob = log_prob[:, ~np.isneginf(log_prob).all(axis=0)]
    if not log_prob.size:
        raise InputError("held-out text", "words that the language models give a probability", "none")
    best = log_prob.max(axis=0)
    probs = np.exp(log_prob - best)
    weights = np.full(len(probs), 1.0 / len(probs))
    found = -np.inf
    for rounds in range(1, MAX_ROUNDS + 1):
        mixed = weights @ probs
        before, found = found, float((np.log(mixed) + best).mean())
        if found - before < LEAST_GAIN:
            break
        weights = weights * (probs / mixed).mean(axis=1)
    return Tuned(weights, found, rounds)


def held_out(models: Sequence[LanguageModel], text: TextIds) -> np.ndarray:
    """``[models, T]`` natural log probability of each word and sentence end in each model, as `MixedLm` mixes them:
    -inf for a word that only others know; words that none knows are left out."""
    unknown = np.array([unknown_ids(model, text.words) for model in models])
    nobody = unknown.all(axis=0)[text.word_ids]
    rows = []
    for model, lacks in zip(models, unknown):
        scores, ends = log_probs(model, text)
        scores = np.where(lacks[text.word_ids], -np.inf, scores)
        rows.append(np.concatenate([scores[~nobody], ends]))
    return np.array(rows)


def mix_ngrams(models: Sequence[NgramModel], weights: Sequence[float]) -> NgramModel:
    """One back-off model in place of several, as SRILM's ngram -mix-lm makes it.

    It has the n-grams of all of them, each with the mixture of the probabilities, and back-off weights that make it sum
    to one: what no model has an n-gram for is near the mixture, and not quite it. A word that a model lacks has
    probability 0 in it; in a history it is taken as the model's ``<unk>``.

    Raises: InputError for weights that are none.
    """
    weights = shares_of("weights of language models", weights, len(models))
    words = list(dict.fromkeys(word for model in models for word in model.words))
    index_of = {word: i for i, word in enumerate(words)}
    tables = _union(models, [np.array([index_of[word] for word in model.words]) for model in models], len(words))
    mixed = [np.zeros(len(table)) for table in tables]
    for model, weight in zip(models, weights):
        place, scorer = model.places(words), NgramScorer(model.tables, len(model.words))
        has = np.array([word in model.index_of for word in words])
        for table, total in zip(tables, mixed):
            last = table.word_ids[:, -1]
            total += np.where(has[last], weight * 10.0 ** scorer.log10_prob(place[table.word_ids]), 0.0)
    with np.errstate(divide="ignore"):
        return normalized(NgramModel(words, [NgramTable(table.word_ids, np.log10(total), table.log10_backoff)
                                             for table, total in zip(tables, mixed)]))


def _union(models: Sequence[NgramModel], new_ids: Sequence[np.ndarray], num_words: int) -> List[NgramTable]:
    """The n-grams of all models, with no probabilities. new_ids: of each model, ``[its words]``."""
    tables: List[NgramTable] = []
    for n in range(max(model.order for model in models)):
        ngrams = np.concatenate([ids[model.tables[n].word_ids] for model, ids in zip(models, new_ids)
                                 if n < model.order])
        ngrams = ngrams[_first_of_each(ngrams, num_words)].astype(np.int32)
        tables.append(NgramTable(ngrams, np.zeros(len(ngrams)), np.zeros(len(ngrams))))
    return tables


def _first_of_each(ngrams: np.ndarray, num_words: int) -> np.ndarray:
    """Rows of ``[N, n]`` that differ, sorted."""
    numbers = np.zeros(len(ngrams), np.int64)
    for n in range(ngrams.shape[1]):
        _, first, numbers = np.unique(numbers * num_words + ngrams[:, n], return_index=True, return_inverse=True)
    return first
