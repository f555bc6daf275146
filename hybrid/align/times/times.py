"""Phones and words of utterances in seconds, and the files that hold them."""

from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from graphs.lang.lang import Lang
from hybrid.align.alignment import Alignment, Segment
from hybrid.align.times.ctm import TimedSymbol, write_ctm
from hybrid.align.times.textgrid import write_textgrid


class Times(NamedTuple):
    """phones: silence among them; words: without it; duration: seconds."""

    phones: List[TimedSymbol]
    words: List[TimedSymbol]
    duration: float


def times_of(alignment: Alignment, segments: Sequence[Segment], lang: Lang, starts: Sequence[float] = None) -> Times:
    """
    Args:
      segments: the alignment's phones (hybrid.align.alignment.phone_segments).
      starts: seconds at which they begin, in the same order; without, those of their first frames.
    """
    duration = alignment.num_frames * alignment.frame_shift
    frames = [segment.start_frame for segment in segments] + [alignment.num_frames]
    seconds = np.multiply(frames, alignment.frame_shift) if starts is None else np.append(starts, duration)
    phones = [TimedSymbol(lang.phones.symbol_of(segment.label), float(start), float(end))
              for segment, start, end in zip(segments, seconds, seconds[1:])]
    words = [TimedSymbol(lang.words.symbol_of(word.label), *map(float, np.interp(
        [word.start_frame, word.start_frame + word.num_frames], frames, seconds))) for word in alignment.words]
    return Times(phones, words, duration)


def write_times(out: Path, times: Dict[str, Times], textgrids: bool) -> None:
    """phones.ctm, words.ctm and, if wanted, textgrid/UTTERANCE.TextGrid of utterance_id -> Times."""
    write_ctm(out / "phones.ctm", {utterance_id: one.phones for utterance_id, one in times.items()})
    write_ctm(out / "words.ctm", {utterance_id: one.words for utterance_id, one in times.items()})
    if textgrids:
        (out / "textgrid").mkdir(exist_ok=True)
        for utterance_id, (phones, words, duration) in times.items():
            name = utterance_id.replace("/", "_")
            write_textgrid(out / "textgrid" / f"{name}.TextGrid", {"words": words, "phones": phones}, duration)
