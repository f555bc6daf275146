"""Praat TextGrid files (long text format): one interval tier each for words and phones."""

from pathlib import Path
from typing import Dict, List, Sequence

from hybrid.align.times.ctm import TimedSymbol


def _filled(intervals: Sequence[TimedSymbol], duration: float) -> List[TimedSymbol]:
    """Praat wants a tier to cover all of the time: gaps become intervals without a label."""
    filled, time = [], 0.0
    for symbol, start, end in intervals:
        start, end = min(max(start, time), duration), min(end, duration)
        if start - time > 1e-6:
            filled.append(TimedSymbol("", time, start))
        if end - start > 1e-6:
            filled.append(TimedSymbol(symbol, start, end))
            time = end
    if duration - time > 1e-6:
        filled.append(TimedSymbol("", time, duration))
    return filled


def textgrid(tiers: Dict[str, Sequence[TimedSymbol]], duration: float) -> str:
    """The text of a TextGrid file.

    Args:
      tiers: name -> intervals in the order of time, not overlapping.
      duration: of the utterance, seconds; intervals are cut off there.
    """
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0",
             f"xmax = {duration:.4f}", "tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, intervals) in enumerate(tiers.items(), 1):
        filled = _filled(intervals, duration)
        lines += [f"    item [{number}]:", '        class = "IntervalTier"',
                  f'        name = "{_quoted(name)}"', "        xmin = 0", f"        xmax = {duration:.4f}",
                  f"        intervals: size = {len(filled)}"]
        for position, (symbol, start, end) in enumerate(filled, 1):
            lines += [f"        intervals [{position}]:", f"            xmin = {start:.4f}",
                      f"            xmax = {end:.4f}", f'            text = "{_quoted(symbol)}"']
    return "\n".join(lines) + "\n"


def write_textgrid(path: Path, tiers: Dict[str, Sequence[TimedSymbol]], duration: float) -> None:
    """See `textgrid`. The file appears only when it is whole."""
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(textgrid(tiers, duration), encoding="utf-8")
    temporary.replace(path)


def _quoted(text: str) -> str:
    return text.replace('"', '""')
