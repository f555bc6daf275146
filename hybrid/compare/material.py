"""What is known of a test set beside its scores: cuts, training text, times of words."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from hybrid.align.times.boundaries import true_symbols
from hybrid.align.times.ctm import TimedSymbol
from hybrid.compare.comparison import Setting

Times = Mapping[str, Sequence[TimedSymbol]]  # utterance_id -> words


@dataclass(frozen=True)
class CutFacts:
    """Of an utterance; the names are those of hybrid.compare.comparison.Utterance. truth: words, or None."""

    seconds: float = 0.0
    conditions: Mapping[str, Setting] = field(default_factory=dict)
    audio: str = ""
    offset: float = 0.0
    truth: Optional[List[TimedSymbol]] = None


@dataclass(frozen=True)
class Timed:
    """Times of words. source: where they come from; ends_known: False where words last until the next one begins."""

    source: str
    words: Times
    ends_known: bool = True


@dataclass(frozen=True)
class Material:
    """
    Attributes:
      cuts: by utterance_id; counts: of the words of the training transcripts; both may be empty.
      decoded: system -> times of the words of its hypotheses.
      forced: (name, times) of alignments of the reference.
    """

    cuts: Mapping[str, CutFacts] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    decoded: Mapping[str, Timed] = field(default_factory=dict)
    forced: Sequence[Tuple[str, Timed]] = ()

    @property
    def truth(self) -> Dict[str, List[TimedSymbol]]:
        return {key: one.truth for key, one in self.cuts.items() if one.truth}


def cut_facts(cut) -> CutFacts:
    """cut: Lhotse's, with one supervision."""
    custom = {**(getattr(cut, "custom", None) or {}), **(cut.supervisions[0].custom or {})}
    recording = getattr(cut, "recording", None)
    sources = [source for source in recording.sources if source.type == "file"] if recording is not None else []
    return CutFacts(
        float(cut.duration), {name: value for name, value in custom.items() if is_setting(value)},
        str(Path(sources[0].source).absolute()) if sources else "", float(cut.start), true_symbols(cut, "word"))


def is_setting(value) -> bool:
    """Numbers that are finite, texts, truth values, nothing."""
    return value is None or type(value) in (bool, str) or type(value) in (int, float) and abs(value) < 1e300
