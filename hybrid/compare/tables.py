"""A comparison as tables: Markdown for a README, text for the terminal."""

from typing import List, Optional, Sequence, Tuple

from hybrid.compare.comparison import (
    Agreement, Breakdown, Comparison, FamilyResult, PairedTest, Rate, System, TestSet)
from hybrid.compare.unlike import places_of, several_places
from hybrid.report.results import Table

Section = Tuple[str, Table, str]  # title, table, what is to be known of it


def system_table(c: Comparison) -> Table:
    """What each family is and what it costs; means over its seeds where they differ."""
    header = ("system", "kind", "% of the data", "hours", "seeds", "parameters", "epochs", "training min",
              "training MB", "looks ahead")
    rows, several = [], several_places(c.systems)
    for family in dict.fromkeys(system.family for system in c.systems):
        own = [system for system in c.systems if system.family == family]
        first = own[0]
        rows.append((
            family, first.kind, f"{100 * first.share:g}", _text(first.hours, "{:.2f}"), _seeds(own),
            _mean(own, "parameters", "{:.0f}"), _mean(own, "epochs", "{:g}"),
            _mean(own, "training_seconds", "{:.1f}", 1 / 60), _mean(own, "training_memory_mb", "{:.0f}"),
            "all" if first.whole_utterance else _text(first.look_ahead, "{:.2f} s"),
            *([places_of(own)] if several else [])))
    return Table((*header, "trained on") if several else header, rows)


def _seeds(systems: Sequence[System]) -> str:
    return " ".join("?" if system.seed is None else str(system.seed) for system in systems)


def _mean(systems: Sequence[System], name: str, form: str, factor: float = 1.0) -> Optional[str]:
    values = [getattr(system, name) for system in systems]
    return None if None in values else form.format(factor * sum(values) / len(values))


def _text(value: Optional[float], form: str) -> Optional[str]:
    return None if value is None else form.format(value)


def rate_table(c: Comparison, test: str) -> Table:
    """Error rates on a test set, the worst first."""
    header = ("system", "WER %", "95 % interval", "seeds +-", "CER %", "errors", "words", "ins", "del", "sub",
              "real time", "MB")
    return Table(header, [_rates(c, family) for family in c.families if family.test == test])


def _rates(c: Comparison, family: FamilyResult) -> Tuple:
    """Counts are those of all seeds together, where there are several."""
    own = [result for result in c.results if result.test == family.test and result.system in family.systems]
    counts = [sum(getattr(result, name) for result in own) for name in ("insertions", "deletions", "substitutions")]
    factors = [result.real_time_factor for result in own]
    memory = [c.system(result.system).memory_mb for result in own]
    return (family.family, family.rate.percent, interval(family.rate.low, family.rate.high),
            _text(family.deviation, "{:.2f}"), sum(result.cer.percent for result in own) / len(own), sum(counts),
            sum(result.words for result in own), *counts,
            None if None in factors else f"{sum(factors) / len(factors):.3f}",
            None if None in memory else max(memory))


def interval(low: Optional[float], high: Optional[float]) -> Optional[str]:
    return None if low is None or high is None else f"{low:.2f} to {high:.2f}"


def pair_table(c: Comparison, test: str) -> Table:
    """Every pair of families on a test set."""
    header = ("system", "against", "difference of WER", "95 % interval", "of it seeds", "probability of improvement",
              "p", "p (Holm)", "p (matched pairs)", "it is", "not matched")
    return Table(header, [_pair(pair) for pair in c.pairs if pair.test == test])


def _pair(pair: PairedTest) -> Tuple:
    """Read as: b against a."""
    return (pair.b, pair.a, _signed(pair.difference), interval(pair.low, pair.high),
            _text(pair.seed_error, "+-{:.2f}"), _text(pair.probability_of_improvement, "{:.3f}"),
            _text(pair.p_value, "{:.4f}"), _text(pair.p_holm, "{:.4f}"),
            _text(pair.matched_pairs and pair.matched_pairs.p_value, "{:.4f}"), pair.verdict, "; ".join(pair.unlike))


def _signed(value: Optional[float]) -> Optional[str]:
    return _text(value, "{:+.2f}")


def rate_cell(rate: Optional[Rate]) -> Optional[str]:
    """`PERCENT (LOW to HIGH)`."""
    if rate is None:
        return None
    within = interval(rate.low, rate.high)
    return f"{rate.percent:.2f}" + (f" ({within})" if within else "")


def breakdown_table(c: Comparison, breakdown: Breakdown) -> Table:
    """A row a class, a column a system (one of each family: the first seed)."""
    keys = [key for key in _firsts(c, breakdown.test) if any(key in row.rates for row in breakdown.rows)]
    return Table((breakdown.by, breakdown.unit, *keys), [
        (row.label, row.count, *(rate_cell(row.rates.get(key)) for key in keys)) for row in breakdown.rows])


def _firsts(c: Comparison, test: str) -> List[str]:
    return [family.systems[0] for family in c.families if family.test == test]


def agreement_table(found: Agreement) -> Table:
    """The best system, the vote of all, and the best choice that there is."""
    return Table(("who", "WER %", "words mended", "words broken"), [
        (f"the best system ({found.best})", rate_cell(found.best_rate), None, None),
        (f"vote of all {len(found.systems)} (ROVER)", rate_cell(found.vote), found.fixed, found.broken),
        ("of each utterance the best hypothesis", rate_cell(found.oracle), None, None)])


def right_table(found: Agreement) -> Table:
    """Reference words by how many systems have them right."""
    total = max(1, sum(found.right))
    return Table(("systems that have the word right", "words", "% of the words"), [
        (number, count, f"{100 * count / total:.1f}") for number, count in enumerate(found.right)])


def overlap_table(found: Agreement) -> Table:
    """Of each pair: who is right where the other is not."""
    return Table(("system", "and", "both right", "only the first", "only the second", "both wrong",
                  "correlation of errors", "same error %"), [
        (pair.a, pair.b, pair.both_right, pair.only_a, pair.only_b, pair.both_wrong,
         _text(pair.correlation, "{:.2f}"), _text(pair.same_error and 100 * pair.same_error, "{:.0f}"))
        for pair in found.pairs])


def curve_table(c: Comparison, test: str) -> Table:
    """Learning curves, a line a point."""
    return Table(("system", "% of the data", "hours", "WER %", "95 % interval", "seeds +-"), [
        (curve.name, f"{100 * point.share:g}", _text(point.hours, "{:.2f}"), point.rate.percent,
         interval(point.rate.low, point.rate.high), _text(point.deviation, "{:.2f}"))
        for curve in c.curves if curve.test == test for point in curve.points])


def time_table(c: Comparison, test: str) -> Table:
    """Times of words against the truth, milliseconds."""
    header = ("times of", "how", "words", "start: shift ms", "mean ms", "% in 20", "% in 50", "% in 100",
              "end: shift ms", "mean ms", "% in 50", "starts inside %")
    return Table(header, [
        (one.system, one.how, one.words, f"{one.starts.shift_ms:+.1f}", f"{one.starts.mean_ms:.1f}",
         *(f"{100 * share:.1f}" for share in (one.starts.within_20_ms, one.starts.within_50_ms,
                                              one.starts.within_100_ms)),
         *((f"{one.ends.shift_ms:+.1f}", f"{one.ends.mean_ms:.1f}", f"{100 * one.ends.within_50_ms:.1f}")
           if one.ends else (None, None, None)), f"{100 * one.inside:.1f}")
        for one in c.alignments if one.test == test])


def sections(c: Comparison) -> List[Section]:
    """All tables with rows, in the order in which they are to be read."""
    found: List[Section] = [("Systems", system_table(c), "Time is that of the system's own networks, without what it "
                             "shares with others; real time is the search's.")]
    for test in c.tests:
        found += [*_scores(c, test), *_errors(c, test.name)]
    return [section for section in found if section[1].rows]


def _scores(c: Comparison, test: TestSet) -> List[Section]:
    name = test.name + (" (scales were chosen on it)" if test.tuned_on else "")
    return [
        (f"Word error rates on {name}", rate_table(c, test.name), (
            f"{test.utterances} utterances of {test.speakers} speakers, {test.words} words. Intervals draw whole "
            f"{test.drawn} (bootstrap); `seeds +-` is the deviation of the WER over seeds, counts are of all seeds.")),
        (f"Differences on {name}", pair_table(c, test.name), _how_paired(c, test.name)),
        (f"Learning curves on {name}", curve_table(c, test.name), "The same system on nested shares of the training "
         "data.")]


def _errors(c: Comparison, test: str) -> List[Section]:
    told = {"words": "Share of the class's reference words that is not recognized, % (insertions are at no word).",
            "utterances": "WER of the class's utterances, %."}
    found: List[Section] = [
        (f"Errors on {test} by {one.by}", breakdown_table(c, one), told[one.unit])
        for one in c.breakdowns if one.test == test]
    for one in (one for one in c.agreements if one.test == test):
        found += [(f"Agreement on {test}", agreement_table(one), "The first seed of each system."),
                  (f"How many systems are right on {test}", right_table(one), "Of all reference words."),
                  (f"Pairs on {test}", overlap_table(one), "Reference words. `Same error`: of the words that both have "
                   "wrong.")]
    found.append((f"Times of words on {test}", time_table(c, test), "Found minus true; of correctly recognized words "
                  "where times come from decoding."))
    return found


def _how_paired(c: Comparison, test: str) -> str:
    number = sum(pair.test == test and pair.p_value is not None for pair in c.pairs)
    several = any(pair.seed_error is not None for pair in c.pairs if pair.test == test)
    seeds = ("The interval is that of new speakers and new trainings where there are several seeds: `of it seeds` is "
             "the standard error that seeds make. " if several else
             "The interval is that of these trainings: there is one seed of each. ")
    shares = {system.share for system in c.systems}
    together = f"all {number} pairs" if len(shares) < 2 else "all pairs of one share of the training data"
    return (f"Paired bootstrap; a verdict holds at {100 * c.level:g} % for {together} together (Holm). {seeds}"
            "Matched pairs is MAPSSWE on the first seeds. `not matched` tells what else differs between the two.")
