"""CTM files (Kaldi, sclite): `UTTERANCE CHANNEL START DURATION SYMBOL [CONFIDENCE]`, in seconds."""

from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple

from graphs.errors import InputError
from graphs.text_file import read_lines, split_blanks, to_float


class TimedSymbol(NamedTuple):
    """A phone or word in time. start, end: seconds from the start of the utterance."""

    symbol: str
    start: float
    end: float


def timed_symbols(segments, symbols, frame_shift: float) -> List[TimedSymbol]:
    """Segments of frames (hybrid.align.alignment.Segment) as symbols in seconds.

    Args:
      symbols: graphs.lang.symbols.SymbolTable that names the labels.
      frame_shift: seconds.
    """
    return [TimedSymbol(symbols.symbol_of(segment.label), segment.start_frame * frame_shift,
                        (segment.start_frame + segment.num_frames) * frame_shift) for segment in segments]


def write_ctm(path: Path, utterances: Dict[str, Iterable[TimedSymbol]], channel: str = "1") -> None:
    """Writes the utterances sorted by id. The file appears only when it is whole."""
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="utf-8") as stream:
        for utterance_id in sorted(utterances):
            for symbol, start, end in utterances[utterance_id]:
                stream.write(f"{utterance_id} {channel} {start:.4f} {end - start:.4f} {symbol}\n")
    temporary.replace(path)


def read_ctm(path: Path) -> Dict[str, List[TimedSymbol]]:
    """utterance_id -> symbols in the order of the file. Raises InputError that names a malformed line.

    Lines that begin with `;;` are comments, as for sclite.
    """
    utterances: Dict[str, List[TimedSymbol]] = {}
    for number, line in read_lines(path)[0]:
        if line.startswith(";;"):
            continue
        try:
            utterance_id, _, start, duration, symbol, *_ = split_blanks(line)
            start, duration = to_float(start), to_float(duration)
            if min(start, duration) < 0:
                raise ValueError
        except ValueError:
            expected = "`UTTERANCE CHANNEL START DURATION SYMBOL`, times of 0 or more seconds"
            raise InputError(f"{path}:{number}", expected, repr(line)) from None
        utterances.setdefault(utterance_id, []).append(TimedSymbol(symbol, start, start + duration))
    return utterances
