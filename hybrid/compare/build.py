"""From scored systems to a comparison."""

from dataclasses import replace
from typing import Dict, List, Mapping, Sequence

from graphs.errors import InputError
from hybrid.compare.agreement import agreement
from hybrid.compare.breakdowns import breakdowns
from hybrid.compare.comparison import (
    Agreement, AlignmentQuality, Breakdown, Comparison, FamilyResult, PairedTest, Result, System, TestSet)
from hybrid.compare.learning import learning_curves
from hybrid.compare.material import Material
from hybrid.compare.on_test import OnTest, on_tests
from hybrid.compare.options import FEW_SPEAKERS, SPEAKERS, CompareOptions
from hybrid.compare.pairs import paired_tests
from hybrid.compare.scored import Scored
from hybrid.compare.unlike import unlike, unlike_seeds
from hybrid.compare.utterances import utterances
from hybrid.compare.word_times import quality


def compare(title: str, scored: Sequence[Scored], options: CompareOptions, material: Mapping[str, Material] = {},
            facts: Mapping[str, str] = {}) -> Comparison:
    """
    Args:
      scored: with the names of hybrid.compare.naming.
      material: of each test set; one without has no more than its scores tell.
      facts: name -> text, for people.
    Raises: InputError for no systems, and for scores that cannot be compared.
    """
    if not scored:
        raise InputError("comparison", "a scored system", "none")
    tests = on_tests(scored, options)
    known = {test.name: material.get(test.name, Material()) for test in tests}
    systems = {key: test.scored[key].system for test in tests for keys in test.families.values() for key in keys}
    families = tuple(_family(test, name, keys) for test in tests for name, keys in test.families.items())
    return Comparison(
        title, tuple(systems.values()), tuple(_test_set(test, known[test.name]) for test in tests),
        tuple(_result(test, test.scored[key]) for test in tests for keys in test.families.values() for key in keys),
        families, _all(tests, lambda test: _pairs(test, systems, options)),
        _all(tests, lambda test: _breakdowns(test, known[test.name], options)),
        _all(tests, lambda test: _agreements(test, options)),
        tuple(learning_curves(list(systems.values()), families)),
        _all(tests, lambda test: _alignments(test.name, known[test.name])),
        _all(tests, lambda test: utterances(test, known[test.name])),
        dict(facts), tuple([*unlike_seeds(systems.values()), *_notes(tests)]), options.level)


def _all(tests: Sequence[OnTest], parts) -> tuple:
    return tuple(part for test in tests for part in parts(test))


def _breakdowns(test: OnTest, material: Material, options: CompareOptions) -> List[Breakdown]:
    """Of the largest bench: systems of other references have other words."""
    return breakdowns(test.name, test.largest, material, options)


def _agreements(test: OnTest, options: CompareOptions) -> List[Agreement]:
    """Of the first seed of each family that was trained on most of the data."""
    firsts = [keys[0] for keys in test.families.values() if keys[0] in test.largest.keys]
    most = max(test.scored[key].system.share for key in firsts)
    keys = [key for key in firsts if test.scored[key].system.share == most]
    return [agreement(test.name, test.largest, keys, options)] if len(keys) > 1 else []


def _alignments(test: str, material: Material) -> List[AlignmentQuality]:
    """Forced alignments first."""
    named = [*((name, "forced", timed) for name, timed in material.forced),
             *((key, "decoded", timed) for key, timed in material.decoded.items())]
    found = (quality(test, name, how, timed, material.truth) for name, how, timed in named)
    return [one for one in found if one is not None]


def _test_set(test: OnTest, material: Material) -> TestSet:
    first = next(iter(test.scored.values()))
    bench = test.bench(first.system.key)
    said = [word for u in first.score.utterances for word, _ in u.pairs if word is not None]
    return TestSet(test.name, len(bench.words), int(bench.words.sum()), len(first.score.by_speaker()),
                   float(first.entry.get("audio_seconds") or 0.0), bench.drawn, bool(first.entry.get("tuned_on")),
                   sum(word not in material.counts for word in said) if material.counts else None)


def _result(test: OnTest, one: Scored) -> Result:
    key, entry, counts = one.system.key, one.entry, one.score.counts
    seconds, audio = entry.get("seconds"), entry.get("audio_seconds")
    return Result(
        key, test.name, test.bench(key).wer(key), test.bench(key).cer(key), one.score.ser, counts.words,
        counts.insertions, counts.deletions, counts.substitutions, len(one.score.missing),
        seconds / audio if seconds and audio else None, entry.get("lm_scale"), entry.get("word_insertion_penalty"),
        str(one.details), one.decoded)


def _family(test: OnTest, name: str, keys: Sequence[str]) -> FamilyResult:
    bench = test.bench(keys[0])
    return FamilyResult(name, test.name, tuple(keys), bench.wer(*keys), bench.deviation(keys))


def _pairs(test: OnTest, systems: Dict[str, System], options: CompareOptions) -> List[PairedTest]:
    families = test.families
    return [replace(pair, unlike=unlike(*([systems[key] for key in families[name]] for name in (pair.b, pair.a))))
            for pair in paired_tests(test.name, families, test.benches, options,
                                     {name: systems[keys[0]].share for name, keys in families.items()})]


def _notes(tests: Sequence[OnTest]) -> List[str]:
    notes = []
    for test in tests:
        speakers = min(len(one.score.by_speaker()) for one in test.scored.values())
        if test.benches[0].drawn == SPEAKERS and speakers < FEW_SPEAKERS:
            notes.append(f"{test.name} has {speakers} speakers: intervals that draw so few are rather too narrow")
        if len(test.benches) > 1:
            notes.append(f"{test.name}: systems were scored on {len(test.benches)} different references, and only "
                         "those of the same are paired")
    return notes
