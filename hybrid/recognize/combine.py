"""Combines systems by their lattices: any trees, graphs and word tables, the same utterances.

Each system's best sentences have posteriors P_s(W) among themselves; with weights of the systems

    P(W) = sum_s weight_s P_s(W),   hypothesis = argmin_W sum_V P(V) errors(W, V)

over the sentences of all systems: the one of least expected word errors (Stolcke, Koenig and Weintraub, "Explicit word
error minimization in N-best list rescoring", Eurospeech 1997).
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from graphs.checks import weights_of
from graphs.errors import InputError
from graphs.options import check_at_least, check_choice, check_positive, check_share
from hybrid.outcomes import Outcomes
from hybrid.recognize.edit_distance import edit_distance
from hybrid.recognize.nbest import best_sentences
from hybrid.recognize.scales import SystemScales

RISKS = ("words", "sentence")


@dataclass(frozen=True)
class CombineOptions:
    """The section [combine]."""

    nbest: int = field(default=50, metadata={"help": "best sentences of each system that have a say"})
    beam: float = field(default=10.0, metadata={"help": "paths this much worse than the best have none"})
    risk: str = field(default="words", metadata={
        "help": "what is to be least likely: words (an error in a word) or sentence (any error in the sentence)"})
    posterior_scale: float = field(default=1.0, metadata={
        "help": "factor on path scores, which are scaled as for scoring and then divided by the larger of lm_scale "
                "and acoustic_scale"})
    max_failed_share: float = field(default=0.02, metadata={"help": "share of utterances that no system may have"})

    def __post_init__(self):
        check_at_least(1, self, "nbest")
        check_positive(self, "beam", "posterior_scale")
        check_share(self, "max_failed_share")
        check_choice(RISKS, self, "risk")


class System(NamedTuple):
    """A folder of lattices and the scales that suit it; to_words: word_ids of a path -> words."""

    lattices: Path
    lm_scale: float
    word_insertion_penalty: float
    acoustic_scale: float
    to_words: Callable[[Sequence[int]], List[str]]


Sentences = List[Tuple[Tuple[str, ...], float]]  # words and posteriors, the best first


def sentence_posteriors(lattice, system: System, options: CombineOptions) -> Sentences:
    """Sum to one. Sentences that differ in nothing that is scored are one.

    Raises: InputError when no path leads to the end.
    """
    scales = SystemScales(system.lm_scale, system.word_insertion_penalty, system.acoustic_scale).of_posteriors(
        options.posterior_scale)
    scores = lattice.scores(*scales)
    forward, backward = lattice.forward_backward(scores, best=True)
    kept = forward[lattice.src] + scores + backward[lattice.dst] >= forward[-1] - options.beam
    found: Dict[Tuple[str, ...], float] = {}
    for sentence in best_sentences(lattice.select(kept), options.nbest, *scales):
        words = tuple(system.to_words(sentence.word_ids))
        found[words] = np.logaddexp(found.get(words, -math.inf), sentence.score)
    total = np.logaddexp.reduce(list(found.values()))
    return [(words, float(np.exp(score - total))) for words, score in found.items()]


def combined(systems: Sequence[Tuple[float, Sentences]]) -> Sentences:
    """The weighted sum of systems' posteriors; weights need not sum to one. Systems of weight 0 have no say."""
    found: Dict[Tuple[str, ...], float] = {}
    total = sum(weight for weight, _ in systems)
    for weight, sentences in systems:
        for words, posterior in sentences if weight > 0 else ():
            found[words] = found.get(words, 0.0) + weight / total * posterior
    return sorted(found.items(), key=lambda item: -item[1])  # stable: among equals the first system's


def least_risk(sentences: Sentences, risk: str) -> Tuple[str, ...]:
    """The hypothesis; of several of the same risk the likeliest."""
    if risk == "sentence":
        return sentences[0][0]
    posteriors = np.array([posterior for _, posterior in sentences])
    errors = np.zeros((len(sentences), len(sentences)))
    for i, (words, _) in enumerate(sentences):
        for j in range(i):
            errors[i, j] = errors[j, i] = edit_distance(words, sentences[j][0])
    return sentences[int(np.argmin(np.round(errors @ posteriors, 9)))][0]


def combine(systems: Sequence[System], weights: Sequence[float], utterance_ids: Sequence[str], options: CombineOptions,
            nj: int, log) -> Tuple[Dict[str, Tuple[str, ...]], Outcomes]:
    """Hypotheses of the utterances that a system has a lattice of, and what became of all.

    Args:
      weights: of the systems, at least 0; empty for equal ones.
      utterance_ids: that are to come out; those of which only some systems have lattices do, as `partial`.
    Raises: InputError for weights that cannot be, and for a lattice of another utterance.
    """
    weights = weights_of("weights", weights, len(systems))
    found = [(weight, system, _of_system(system, options, nj)) for weight, system in zip(weights, systems)
             if weight > 0]
    known = set(utterance_ids)
    for _, system, sentences in found:
        strange = sorted(set(sentences) - known)
        if strange:
            raise InputError(f"{system.lattices}: {strange[0]}", "an utterance of the cuts", "another")
    hypotheses, outcomes = {}, Outcomes(log)
    for utterance_id in utterance_ids:
        own = [(weight, sentences[utterance_id]) for weight, _, sentences in found if utterance_id in sentences]
        lacking = [str(system.lattices) for _, system, sentences in found if utterance_id not in sentences]
        if own:
            hypotheses[utterance_id] = least_risk(combined(own), options.risk)
        if lacking:
            outcomes.add(utterance_id, "partial" if own else "failed", f"no lattice in {', '.join(lacking)}")
        else:
            outcomes.add(utterance_id)
    return hypotheses, outcomes


def _of_system(system: System, options: CombineOptions, nj: int) -> Mapping[str, Sentences]:
    from graphs.lattices.lattice_io import read_lattices
    from hybrid.data.parallel import ordered_map
    lattices = list(read_lattices(system.lattices))
    return dict(ordered_map(_Work(system, options), lattices, nj, f"sentences of {system.lattices.name}"))


class _Work(NamedTuple):
    system: System
    options: CombineOptions

    def __call__(self, lattice) -> Tuple[str, Sentences]:
        return lattice.utterance_id, sentence_posteriors(lattice, self.system, self.options)
