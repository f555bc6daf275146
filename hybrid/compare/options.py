"""How systems are compared."""

from dataclasses import dataclass, field
from typing import Optional, Sequence, Tuple

from graphs.options import check_at_least, check_choice
from hybrid.recognize.wer import Score

AUTO, SPEAKERS, UTTERANCES = "auto", "speakers", "utterances"
UNKNOWN = "unknown"  # speaker of hybrid.recognize.wer.Reference
FEW_SPEAKERS = 20  # below them a bootstrap over speakers gives intervals that are rather too narrow


@dataclass(frozen=True)
class CompareOptions:
    """The section [compare]."""

    draw: str = field(default=AUTO, metadata={
        "help": f"what the bootstrap draws: {SPEAKERS}, {UTTERANCES}, or {AUTO}: speakers where there are enough"})
    fewest_speakers: int = field(default=5, metadata={"help": f"of a test set, for draw = {AUTO}"})
    resamples: int = field(default=10_000, metadata={"help": "of the bootstrap"})
    seed: int = field(default=0, metadata={"help": "of the bootstrap"})
    level: float = field(default=0.05, metadata={"help": "a difference is sure when its p value (Holm) is below"})

    def __post_init__(self):
        check_choice((AUTO, SPEAKERS, UTTERANCES), self, "draw")
        check_at_least(2, self, "fewest_speakers")
        check_at_least(100, self, "resamples")
        check_at_least(0, self, "seed")
        if not 0 < self.level < 1:
            raise ValueError(f"level: expected between 0 and 1, found {self.level}")

    def drawn(self, score: Score) -> Tuple[str, Optional[Sequence[str]]]:
        """What is drawn, and the group of each utterance, None where utterances are."""
        speakers = [utterance.speaker for utterance in score.utterances]
        enough = len(set(speakers)) >= self.fewest_speakers and UNKNOWN not in speakers
        if self.draw == SPEAKERS or self.draw == AUTO and enough:
            return SPEAKERS, speakers
        return UTTERANCES, None
