"""Comparisons made up: as large as wished, with every part there is, and with words that are hard on a page."""

import random
from typing import List, Sequence, Tuple

from hybrid.compare.comparison import (Agreement, AgreementPair, AlignmentQuality, Breakdown, BreakdownRow, Comparison,
                                       CurvePoint, FamilyResult, Hypothesis, LearningCurve, MatchedPairs, PairedTest,
                                       Rate, Result, System, TestSet, TimeFigures, Utterance)

KINDS = ("hybrid", "ctc", "attention", "transducer", "joint")
ODD = ("<b>", "</script>", "a&b", '"quoted"', "it's", "$x$", "naïve", "漢字", "{{7*7}}", "<!--", "\\n")
HEBREW = ("שלום", "עולם", "מה", "שלומך")


def rate(percent: float, width: float = 1.5) -> Rate:
    return Rate(percent, max(0.0, percent - width), percent + width)


def system(place: int, seed: int = 1, share: float = 1.0, **more) -> System:
    kind = KINDS[place % len(KINDS)]
    name = f"{kind}-{place // len(KINDS)}"
    family = name if share == 1.0 else f"{name} ({100 * share:g} %)"
    values = dict(seed=seed, share=share, hours=0.7 * share, parameters=1_250_000 + 10_000 * place,
                  training_seconds=600.0 * share + 7 * place, epochs=20,
                  look_ahead=None if place % 2 else 0.15, whole_utterance=place % 2 == 1,
                  memory_mb=700 + place, training_memory_mb=900,
                  configuration={"am.epochs": 20, f"{kind}.units": 64 + place, "am.dropout": 0.1 * (place % 3)},
                  commands=(f"python -m tools.train --out exp/{name}", f"python -m tools.decode --out exp/d_{name}"))
    return System(f"{family}, seed {seed}", family, name, kind, f"made up {kind}", **{**values, **more})


def hypothesis(key: str, reference: Sequence[str], vocabulary: Sequence[str], wrong: float, random_) -> Hypothesis:
    if wrong and random_.random() < 0.004:
        return Hypothesis(key, tuple((word, None) for word in reference), missing=True)
    pairs: List[Tuple] = []
    for word in reference:
        chance = random_.random()
        if chance < 0.2 * wrong:
            pairs.append((None, random_.choice(vocabulary)))
        if chance < wrong:
            pairs.append((word, None if chance > 0.7 * wrong else random_.choice(vocabulary)))
        else:
            pairs.append((word, word))
    times = tuple((0.3 * n, 0.3 * n + 0.28) for n, pair in enumerate(pairs) if pair[1] is not None)
    return Hypothesis(key, tuple(pairs), times=times)


def utterances(keys: Sequence[str], number: int, wrong: float = 0.12, seed: int = 1, length: int = 10):
    random_ = random.Random(seed)
    vocabulary = [f"word{n}" for n in range(400)] + list(ODD)
    found = []
    for place in range(number):
        words = HEBREW if place == 3 else tuple(random_.choice(vocabulary) for _ in range(length))
        found.append(Utterance(f"spk{place % 20:02d}-utt{place:05d}", "test", f"spk{place % 20:02d}", 3.2, tuple(words),
                               tuple(hypothesis(key, words, vocabulary, wrong * (place % 5 != 1), random_)
                                     for key in keys),
                               {"snr": 10, "noise": None},
                               times=tuple((0.3 * n, 0.3 * n + 0.3) for n in range(len(words)))))
    return tuple(found)


def result(key: str, test: str, percent: float) -> Result:
    return Result(key, test, rate(percent), rate(percent / 2), 30.0, 773, 10, 20, 30, 1, 0.05, 0.9, 0.0)


def paired(test: str, families: Sequence[FamilyResult]) -> Tuple[PairedTest, ...]:
    found = []
    for place, b in enumerate(families):
        for a in families[place + 1:]:
            difference = b.rate.percent - a.rate.percent
            verdict = "better" if difference < -1 else "not sure"
            found.append(PairedTest(test, a.family, b.family, verdict, difference, difference - 1, difference + 1, 0.97,
                                    0.01, 0.03 if verdict == "better" else 0.4, 0.2, MatchedPairs(40, -2.1, 0.03),
                                    ("parameters 1.3 M and 2.6 M",)))
    return tuple(found)


def figures(mean: float) -> TimeFigures:
    return TimeFigures(700, mean / 3, mean, mean / 1.5, 0.5, 0.8, 0.95)


def comparison(num_systems: int = 6, num_utterances: int = 30, length: int = 10, **more) -> Comparison:
    systems = [system(place, seed) for place in range(num_systems) for seed in (1, 2)[:1 + (place < 2)]]
    keys = [one.key for one in systems]
    families = {one.family: [other.key for other in systems if other.family == one.family] for one in systems}
    tests = (TestSet("dev", 60, 300, 5, 190.0, "utterances", tuned_on=True),
             TestSet("test", num_utterances, 773, 10, 420.0, "speakers", not_in_training=3))
    percents = {key: 5 + 1.3 * place for place, key in enumerate(keys)}
    results = [result(key, test.name, percents[key]) for test in tests for key in keys]
    family_results = [FamilyResult(family, test.name, tuple(own), rate(percents[own[0]]),
                                   0.3 if len(own) > 1 else None) for test in tests for family, own in families.items()]
    tested = [family for family in family_results if family.test == "test"]
    rows = tuple(BreakdownRow(label, count, {key: rate(percents[key] * (1 + n / 3)) for key in keys})
                 for n, (label, count) in enumerate((("1 to 3", 300), ("4 to 6", 290), ("7 and more", 183))))
    curves = tuple(LearningCurve("test", one.name, one.kind, tuple(
        CurvePoint(share, 0.7 * share, one.family, rate(percents[one.key] / share ** 0.6))
        for share in (0.1, 0.25, 0.5, 1.0))) for one in systems[:4])
    firsts = [own[0] for own in families.values()]
    agreement = Agreement("test", tuple(firsts), tuple(10 + 40 * n for n in range(len(firsts) + 1)), firsts[0],
                          tested[0].rate, rate(4.4), rate(2.1), 14, 6, tuple(
                              AgreementPair(a, b, 650, 40, 30, 53, 0.42, 0.31) for a, b in zip(firsts, firsts[1:])))
    values = dict(
        title="Hybrid and end-to-end on made-up words", systems=tuple(systems), tests=tests, results=tuple(results),
        families=tuple(family_results), pairs=paired("test", tested),
        breakdowns=(Breakdown("test", "letters in the word", "words", rows),
                    Breakdown("test", "speaker", "utterances", rows)),
        agreements=(agreement,), curves=curves, alignments=tuple(
            AlignmentQuality("test", one.key, "decoded", f"exp/d_{one.name}/words.ctm", 130, 700, 40, figures(20.0 + n),
                             figures(25.0) if n % 2 else None, 0.8) for n, one in enumerate(systems[:4])),
        utterances=utterances(keys, num_utterances, length=length),
        facts={"command": "./run.sh egs/made_up --systems all", "commit": "abc1234", "torch": "1.13.1"},
        notes=("Features only: the corpus has no audio.",))
    return Comparison(**{**values, **more})
