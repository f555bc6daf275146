"""Times of words against the truth, and words over time as a picture."""

from typing import List, Sequence, Tuple

from hybrid.compare.comparison import AlignmentQuality, Rate, Utterance
from hybrid.report.page.tables import Column, Table, number, rate, signed, text, widest

TIME_COLUMNS = (
    Column("system", False), Column("mean ms", hint="size of the deviation of word starts"),
    Column("words are", False, "forced: the reference was aligned; decoded: recognized"),
    Column("words"), Column("wrong", hint="reference words without the same word in the hypothesis"),
    Column("median ms"),
    Column("shift ms", hint="mean deviation of starts: later is positive"), Column("within 20 ms %"),
    Column("within 50 ms %"), Column("within 100 ms %"), Column("ends: mean ms"),
    Column("inside %", hint="starts that lie within the true word"), Column("from", False))


def name_of(quality: AlignmentQuality) -> str:
    return f"{quality.system}, {quality.how}"


def alignment_table(entries: Sequence[AlignmentQuality], place: int) -> Table:
    """The nearest to the truth first."""
    entries = sorted(entries, key=lambda entry: entry.starts.mean_ms)
    end = widest([Rate(entry.starts.mean_ms) for entry in entries])
    test = entries[0].test
    return Table(f"times-{place}", f"{test}: starts of words, found minus true.", TIME_COLUMNS, tuple(
        _row(entry, end) for entry in entries))


def _row(entry: AlignmentQuality, end: float):
    starts = entry.starts
    return (text(entry.system), rate(Rate(starts.mean_ms), end)._replace(text=f"{starts.mean_ms:.1f}"),
            text(entry.how), number(entry.words, "{}"), number(entry.wrong, "{}"),
            number(starts.median_ms, "{:.1f}"), number(starts.shift_ms, lambda value: signed(value, 1)),
            *(number(100 * share, "{:.1f}")
              for share in (starts.within_20_ms, starts.within_50_ms, starts.within_100_ms)),
            number(entry.ends and entry.ends.mean_ms, "{:.1f}"), number(100 * entry.inside, "{:.1f}"),
            text(entry.source))


def time_rows(utterance: Utterance, systems: Sequence[str]) -> List[Tuple[str, List[Tuple[str, float, float]]]]:
    """Rows of `draw_times`: the truth where it is known, then those of the systems whose words have times."""
    rows = []
    if utterance.times:
        rows.append(("truth", _timed(utterance.reference, utterance.times)))
    found = {hypothesis.system: hypothesis for hypothesis in utterance.hypotheses if hypothesis.times}
    return rows + [(key, _timed(found[key].words, found[key].times)) for key in systems if key in found]


def _timed(words: Sequence[str], times) -> List[Tuple[str, float, float]]:
    return [(word, start, end) for word, (start, end) in zip(words, times)]
