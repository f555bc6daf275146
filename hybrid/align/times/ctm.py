"""CTM files (Kaldi, sclite): `UTTERANCE CHANNEL START DURATION SYMBOL [CONFIDENCE]`, in seconds."""

from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple, Tuple, Union

from graphs.errors import InputError
from graphs.text_file import read_lines, split_blanks, to_float


class TimedSymbol(NamedTuple):
    """A phone or word in time. start, end: seconds from the start of the utterance."""

    symbol: str
    start: float
    end: float


class ScoredSymbol(NamedTuple):
    """A TimedSymbol and how probably it is right, 0 to 1."""

    symbol: str
    start: float
    end: float
    confidence: float


def timed_symbols(segments, symbols, frame_shift: float) -> List[TimedSymbol]:
    """Segments of frames (hybrid.align.alignment.Segment) as symbols in seconds.

    Args:
      symbols: graphs.lang.symbols.SymbolTable that names the labels.
      frame_shift: seconds.
    """
    return [TimedSymbol(symbols.symbol_of(segment.label), segment.start_frame * frame_shift,
                        (segment.start_frame + segment.num_frames) * frame_shift) for segment in segments]


def write_ctm(path: Path, utterances: Dict[str, Iterable[Union[TimedSymbol, ScoredSymbol]]],
              channel: str = "1") -> None:
    """Writes the utterances sorted by id, scores where there are some. The file appears only when it is whole."""
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="utf-8") as stream:
        for utterance_id in sorted(utterances):
            for symbol, start, end, *more in utterances[utterance_id]:
                confidence = "".join(f" {value:.6f}" for value in more)
                stream.write(f"{utterance_id} {channel} {start:.4f} {end - start:.4f} {symbol}{confidence}\n")
    temporary.replace(path)


def read_ctm(path: Path) -> Dict[str, List[TimedSymbol]]:
    """utterance_id -> symbols in the order of the file. Raises InputError that names a malformed line.

    Lines that begin with `;;` are comments, as for sclite.
    """
    utterances: Dict[str, List[TimedSymbol]] = {}
    for utterance_id, symbol, _, _ in _rows(path):
        utterances.setdefault(utterance_id, []).append(symbol)
    return utterances


def read_scored_ctm(path: Path) -> Dict[str, List[ScoredSymbol]]:
    """As `read_ctm`, of a file in which each symbol has a confidence from 0 to 1."""
    utterances: Dict[str, List[ScoredSymbol]] = {}
    for utterance_id, symbol, confidence, item in _rows(path):
        try:
            value = to_float(confidence)
            if not 0 <= value <= 1:
                raise ValueError
        except ValueError:
            raise InputError(item, "a confidence from 0 to 1 after the symbol",
                             repr(confidence) if confidence else "none") from None
        utterances.setdefault(utterance_id, []).append(ScoredSymbol(*symbol, value))
    return utterances


def _rows(path: Path) -> Iterator[Tuple[str, TimedSymbol, str, str]]:
    """utterance_id, symbol, what stands after it, where. An utterance has one channel: words of two speakers in turn
    would make no sentence."""
    channels: Dict[str, str] = {}
    for number, line in read_lines(path)[0]:
        if line.startswith(";;"):
            continue
        try:
            utterance_id, channel, start, duration, symbol, *more = split_blanks(line)
            start, duration = to_float(start), to_float(duration)
            if min(start, duration) < 0:
                raise ValueError
        except ValueError:
            expected = "`UTTERANCE CHANNEL START DURATION SYMBOL`, times of 0 or more seconds"
            raise InputError(f"{path}:{number}", expected, repr(line)) from None
        if channels.setdefault(utterance_id, channel) != channel:
            raise InputError(f"{path}:{number}", f"one channel of {utterance_id}",
                             f"{channels[utterance_id]} and {channel}")
        yield utterance_id, TimedSymbol(symbol, start, start + duration), " ".join(more[:1]), f"{path}:{number}"
