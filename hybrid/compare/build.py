"""From scored systems to a comparison."""

from dataclasses import replace
from typing import Dict, List, NamedTuple, Sequence

from graphs.errors import InputError
from hybrid.compare.bench import Bench, benches
from hybrid.compare.comparison import Comparison, FamilyResult, PairedTest, Result, System, TestSet
from hybrid.compare.options import FEW_SPEAKERS, SPEAKERS, CompareOptions
from hybrid.compare.pairs import paired_tests
from hybrid.compare.scored import Scored
from hybrid.compare.unlike import unlike, unlike_seeds


class OnTest(NamedTuple):
    """All that was scored on a test set: system -> Scored; the benches of their references."""

    name: str
    scored: Dict[str, Scored]
    benches: List[Bench]

    def bench(self, key: str) -> Bench:
        return next(bench for bench in self.benches if key in bench.keys)

    @property
    def families(self) -> Dict[str, List[str]]:
        """Family -> keys, the worst mean WER first."""
        found: Dict[str, List[str]] = {}
        for key, one in sorted(self.scored.items(), key=lambda item: item[1].system.seed or 0):
            found.setdefault(one.system.family, []).append(key)
        for family, keys in found.items():
            if any(self.bench(key) is not self.bench(keys[0]) for key in keys):
                raise InputError(f"{family} on {self.name}", "the same references for all seeds", "others")
        return dict(sorted(found.items(), key=lambda item: (-self.bench(item[1][0]).percent(item[1]), item[0])))


def on_tests(scored: Sequence[Scored], options: CompareOptions) -> List[OnTest]:
    """By test set, those that scales were chosen on last."""
    found: Dict[str, Dict[str, Scored]] = {}
    for one in sorted(scored, key=lambda one: (bool(one.entry.get("tuned_on")), one.test)):
        found.setdefault(one.test, {})[one.system.key] = one
    return [OnTest(test, own, benches({key: one.score for key, one in own.items()}, options))
            for test, own in found.items()]


def compare(title: str, scored: Sequence[Scored], options: CompareOptions, facts: Dict[str, str] = {}) -> Comparison:
    """What the scores alone tell: rates, families, pairs.

    Args:
      scored: with the names of hybrid.compare.naming.
    Raises: InputError for no systems.
    """
    if not scored:
        raise InputError("comparison", "a scored system", "none")
    tests = on_tests(scored, options)
    systems = {key: test.scored[key].system for test in tests for keys in test.families.values() for key in keys}
    return Comparison(
        title, tuple(systems.values()), tuple(map(_test_set, tests)),
        tuple(_result(test, test.scored[key]) for test in tests for keys in test.families.values() for key in keys),
        tuple(_family(test, name, keys) for test in tests for name, keys in test.families.items()),
        tuple(pair for test in tests for pair in _pairs(test, systems, options)),
        facts=dict(facts), notes=tuple([*unlike_seeds(systems.values()), *_notes(tests)]))


def _test_set(test: OnTest) -> TestSet:
    first = next(iter(test.scored.values()))
    bench = test.bench(first.system.key)
    return TestSet(test.name, len(bench.words), int(bench.words.sum()), len(first.score.by_speaker()),
                   float(first.entry.get("audio_seconds") or 0.0), bench.drawn, bool(first.entry.get("tuned_on")))


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
    return [replace(pair, unlike=unlike(*([systems[key] for key in families[name]] for name in (pair.a, pair.b))))
            for pair in paired_tests(test.name, families, test.benches, options)]


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
