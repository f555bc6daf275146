"""Times of words against the truth: how late, how exact.

Words of a hypothesis are matched with the true ones by edit distance, and the same ones count; a word that was not
recognized has no time. A spike (CTC, transducer) lasts a frame: its start is compared with the word's start, its end
with the word's end, and `inside` tells how often it lies within the word.
"""

from typing import Iterable, List, Mapping, Optional, Sequence, Tuple

from hybrid.align.times.boundaries import statistics
from hybrid.align.times.ctm import TimedSymbol
from hybrid.compare.comparison import AlignmentQuality, TimeFigures
from hybrid.compare.material import Timed
from hybrid.recognize.edit_distance import align

TOLERANCES = (0.020, 0.050, 0.100)  # seconds
Match = Tuple[TimedSymbol, TimedSymbol]  # the true word, the found one


def quality(test: str, system: str, how: str, timed: Timed, truth: Mapping[str, Sequence[TimedSymbol]],
            ) -> Optional[AlignmentQuality]:
    """None where no word of the truth was found.

    Args:
      how: `forced` or `decoded`; truth: words by utterance_id.
    """
    both = [key for key in truth if key in timed.words]
    matched = [match for key in both for match in matches(truth[key], timed.words[key])]
    if not matched:
        return None
    starts, ends = ([getattr(mine, edge) - getattr(true, edge) for true, mine in matched] for edge in ("start", "end"))
    inside = sum(true.start <= mine.start < true.end for true, mine in matched)
    return AlignmentQuality(
        test, system, how, timed.source, len(both), len(matched), sum(len(truth[key]) for key in both) - len(matched),
        figures(starts), figures(ends) if timed.ends_known else None, inside / len(matched))


def matches(truth: Sequence[TimedSymbol], found: Sequence[TimedSymbol]) -> List[Match]:
    """The same words of both, in order; capital letters are no other ones."""
    pairs = align([word.symbol.casefold() for word in truth], [word.symbol.casefold() for word in found])
    true, mine, same = iter(truth), iter(found), []
    for said, heard in pairs:
        one, other = (None if word is None else next(words) for word, words in ((said, true), (heard, mine)))
        if said == heard:
            same.append((one, other))
    return same


def figures(errors: Sequence[float]) -> TimeFigures:
    """errors: seconds, found minus true; at least one."""
    return TimeFigures(**statistics(errors, TOLERANCES))


def spans_of(words: Sequence[str], times: Iterable[TimedSymbol]) -> Tuple[Tuple[float, float], ...]:
    """Start and end of each word; () unless each of them is among the times."""
    wanted = [TimedSymbol(word, 0.0, 0.0) for word in words]
    found = [(mine.start, mine.end) for _, mine in matches(wanted, list(times))]
    return tuple(found) if len(found) == len(words) else ()


def rounded(spans: Iterable[Tuple[float, float]]) -> Tuple[Tuple[float, float], ...]:
    """To tenths of a millisecond."""
    return tuple((round(start, 4), round(end, 4)) for start, end in spans)
