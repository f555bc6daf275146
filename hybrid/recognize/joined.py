"""What was said in pieces of recordings, put together again."""

from pathlib import Path
from typing import Container, Dict, Iterable, List, Mapping, Sequence, Tuple

from hybrid.align.times.ctm import ScoredSymbol
from hybrid.outcomes import Outcomes, read_outcomes


def joined_words(segments: Mapping[str, Tuple], words: Mapping[str, Sequence[str]]) -> Dict[str, List[str]]:
    """Recording -> the words of its pieces, in their order; recordings with nothing but failed pieces are left out.

    Args:
      segments: piece -> hybrid.data.kaldi_dir.Segment.
      words: piece -> words.
    """
    joined: Dict[str, List[str]] = {}
    for piece, segment in _in_order(segments):
        if piece in words:
            joined.setdefault(segment.recording_id, []).extend(words[piece])
    return joined


def joined_times(segments: Mapping[str, Tuple],
                 words: Mapping[str, Sequence[ScoredSymbol]]) -> Dict[str, List[ScoredSymbol]]:
    """The same of words in time: seconds from the start of the recording."""
    joined: Dict[str, List[ScoredSymbol]] = {}
    for piece, segment in _in_order(segments):
        joined.setdefault(segment.recording_id, []).extend(
            word._replace(start=word.start + segment.start, end=word.end + segment.start)
            for word in words.get(piece, ()))
    return joined


def _in_order(segments: Mapping[str, Tuple]):
    return sorted(segments.items(), key=lambda item: (item[1].recording_id, item[1].start))


def joined_outcomes(pieces: Iterable[str], words: Container[str], imported: Path, reports: Sequence[Path]) -> Outcomes:
    """What became of each piece, and of what never became one.

    Args:
      words: holds the pieces that came through.
      imported: file of Outcomes of the stage that made the pieces.
      reports: files of Outcomes and of rejected cuts, in the order of the stages after it.
    """
    lost = {item: what for item, what in read_outcomes(imported).items() if what[0] == "failed"}
    told = {**lost, **{item: what for path in reports for item, what in read_outcomes(path).items()}}
    outcomes = Outcomes()
    for piece in (*pieces, *lost):
        outcome, reason = told.get(piece, ("done", ""))
        if piece not in words:
            found = reason if outcome == "failed" else f"{outcome}: {reason}"
            outcomes.add(piece, "failed", found if piece in told else "no words came out")
        else:
            outcomes.add(piece, outcome, reason)
    return outcomes
