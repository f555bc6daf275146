"""The utterances of a test set, with what each system made of them."""

from typing import List

from hybrid.compare.comparison import Hypothesis, Utterance
from hybrid.compare.material import CutFacts, Material
from hybrid.compare.on_test import OnTest
from hybrid.compare.word_times import rounded, spans_of


def utterances(test: OnTest, material: Material) -> List[Utterance]:
    """In the order of the references."""
    scores = {key: {u.utterance_id: u for u in one.score.utterances} for key, one in test.scored.items()}
    first = {key: u for own in reversed(scores.values()) for key, u in own.items()}
    order = dict.fromkeys(key for own in scores.values() for key in own)
    found = []
    for key in order:
        facts, reference = material.cuts.get(key, CutFacts()), tuple(said for said, _ in first[key].pairs if said)
        hypotheses = tuple(_hypothesis(system, own[key], material) for system, own in scores.items() if key in own)
        found.append(Utterance(
            key, test.name, first[key].speaker, facts.seconds, reference, hypotheses, dict(facts.conditions),
            facts.audio, facts.offset, rounded(spans_of(reference, facts.truth or ()))))
    return found


def _hypothesis(system: str, utterance, material: Material) -> Hypothesis:
    words = [found for _, found in utterance.pairs if found is not None]
    timed = material.decoded.get(system)
    times = spans_of(words, timed.words.get(utterance.utterance_id, ())) if timed and words else ()
    return Hypothesis(system, tuple(utterance.pairs), utterance.missing, rounded(times))
