"""What is read first: the verdict in words, the families of systems, every run."""

from statistics import mean
from typing import Dict, List, Optional, Sequence

from hybrid.compare.comparison import KINDS, Comparison, FamilyResult, PairedTest, Result, System, TestSet
from hybrid.compare.unlike import places_of, several_places
from hybrid.report.page.tables import (LAST, Cell, Column, Table, count, duration, number, rate, text, widest,
                                       without_blank)


def tests_in_order(comparison: Comparison) -> List[TestSet]:
    """Those that nothing was tuned on first."""
    return sorted(comparison.tests, key=lambda test: test.tuned_on)


def families_of(comparison: Comparison, test: str) -> List[FamilyResult]:
    """Of the test set, the lowest WER first."""
    return sorted((found for found in comparison.families if found.test == test),
                  key=lambda found: (found.rate.percent, found.family))


def verdicts(comparison: Comparison, test: TestSet) -> List[str]:
    """Sentences: which family has the lowest WER, and what can be said against the others."""
    families = families_of(comparison, test.name)
    if not families:
        return [f"On {test.name} nothing was scored."]
    best = families[0]
    interval = "" if best.rate.low is None else f" (95 % interval {best.rate.low:.2f} to {best.rate.high:.2f})"
    tuned = " (scales were chosen on it)" if test.tuned_on else ""
    sentences = [f"On {test.name}{tuned}, {best.family} has the lowest word error rate: "
                 f"{best.rate.percent:.2f} %{interval}."]
    against = {other: verdict for pair in comparison.pairs if pair.test == test.name
               for other, verdict in [_seen_from(pair, best.family)] if other}
    sure = [other for other, verdict in against.items() if verdict == "better"]
    close = [other for other, verdict in against.items() if verdict != "better"]
    if sure:
        sentences.append(f"It is better than {len(sure)} of the other {len(against)} beyond chance (paired bootstrap, "
                         f"{100 * comparison.level:g} % after Holm's correction for the number of pairs).")
    if close:
        sentences.append(f"Not told apart from it: {', '.join(close[:6])}"
                         f"{f' and {len(close) - 6} more' if len(close) > 6 else ''}.")
    return sentences


def _seen_from(pair: PairedTest, family: str):
    """(the other family, the verdict on `family` against it), or (None, "")."""
    if pair.b == family:
        return pair.a, pair.verdict
    if pair.a == family:
        return pair.b, {"better": "worse", "worse": "better"}.get(pair.verdict, pair.verdict)
    return None, ""


def test_facts(test: TestSet) -> str:
    """What the test set is, in one line."""
    unknown = "" if test.not_in_training is None else f", {_counted(test.not_in_training, 'word')} that training lacks"
    return (f"{_counted(test.utterances, 'utterance')}, {_counted(test.words, 'word')} of "
            f"{_counted(test.speakers, 'speaker')}, {duration(test.seconds)}{unknown}; "
            f"intervals by drawing {test.drawn}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


NO_BREAK = "\N{NO-BREAK SPACE}"  # the last column may be out of sight, but must not make rows four lines high
FAMILY_COLUMNS = (
    Column("system", False), Column("WER %", hint="with its 95 % interval; mean over seeds"), Column("kind", False),
    Column("data %", hint="share of the training data"),
    Column("seeds"), Column("± seeds", hint="standard deviation of the WER over seeds"), Column("CER %"),
    Column("parameters"), Column("training", hint="time of its own networks"), Column("epochs"),
    Column("real time", hint="seconds of the search by seconds of audio"),
    Column("look-ahead", hint="audio that an output waits for, latency by design; all: the whole utterance"),
    Column("memory MB", hint="peak of the process that decoded"), Column("trained on", False))


def family_table(comparison: Comparison, test: TestSet, number_of_test: int) -> Table:
    """A row for each family: means over its seeds."""
    families = families_of(comparison, test.name)
    results = {result.system: result for result in comparison.results if result.test == test.name}
    systems = {system.key: system for system in comparison.systems}
    several = several_places(comparison.systems)
    end = widest([family.rate for family in families])
    rows = []
    for place, family in enumerate(families):
        own = [systems[key] for key in family.systems if key in systems]
        scored = [results[key] for key in family.systems if key in results]
        rows.append(_family_row(family, own, scored, end, "best" if place == 0 else "",
                                places_of(own) if several else ""))
    table = Table(f"systems-{number_of_test}", f"{test.name}: {test_facts(test)}.", FAMILY_COLUMNS, tuple(rows))
    return without_blank(table)


def _family_row(family: FamilyResult, own: Sequence[System], scored: Sequence[Result], end: float, mark: str,
                place: str):
    first = own[0] if own else None
    return (
        text(family.family, mark), rate(family.rate, end, mark), text(first and first.kind),
        number(first and 100 * first.share, "{:g}"), number(len(family.systems), "{}"), number(family.deviation),
        number(_mean([result.cer.percent for result in scored])),
        number(_mean([system.parameters for system in own]), count),
        number(_mean([system.training_seconds for system in own]), duration),
        number(_mean([system.epochs for system in own]), "{:g}"),
        number(_mean([result.real_time_factor for result in scored]), "{:.3f}"),
        look_ahead(first), number(_mean([system.memory_mb for system in own]), "{:.0f}"),
        text(place.replace(" ", NO_BREAK)))


def _mean(values: Sequence[Optional[float]]) -> Optional[float]:
    """None unless all are known."""
    return mean(values) if values and None not in values else None


def look_ahead(system: Optional[System]) -> Cell:
    if system is not None and system.whole_utterance:
        return Cell("all", LAST)
    return number(system and system.look_ahead, "{:.2f} s")


RUN_COLUMNS = (
    Column("run", False), Column("WER %"), Column("test", False), Column("seed"), Column("CER %"), Column("SER %"),
    Column("ins"), Column("del"), Column("sub"), Column("words"), Column("missing", hint="utterances without output"),
    Column("LM scale"), Column("penalty", hint="of each word"), Column("real time"), Column("training"),
    Column("training MB", hint="peak memory"))


def run_table(comparison: Comparison) -> Table:
    """A row for each training and test set."""
    systems: Dict[str, System] = {system.key: system for system in comparison.systems}
    order = {test.name: place for place, test in enumerate(tests_in_order(comparison))}
    results = sorted(comparison.results, key=lambda r: (order.get(r.test, len(order)), r.wer.percent, r.system))
    return without_blank(Table("runs", "Every run: one training, one seed.", RUN_COLUMNS, tuple(
        _run_row(result, systems.get(result.system)) for result in results)))


def _run_row(result: Result, system: Optional[System]):
    return (
        text(result.system), rate(result.wer), text(result.test), number(system and system.seed, "{}"),
        rate(result.cer), number(result.ser), number(result.insertions, "{}"), number(result.deletions, "{}"),
        number(result.substitutions, "{}"), number(result.words, "{}"), number(result.missing, "{}"),
        number(result.lm_scale, "{:g}"), number(result.word_insertion_penalty, "{:g}"),
        number(result.real_time_factor, "{:.3f}"), number(system and system.training_seconds, duration),
        number(system and system.training_memory_mb, "{}"))


def kinds_in(comparison: Comparison) -> Dict[str, str]:
    """Kind -> what it means, of those that are there."""
    there = {system.kind for system in comparison.systems}
    return {kind: meaning for kind, meaning in KINDS.items() if kind in there}
