"""What a search over tokens finds."""

from typing import Dict, NamedTuple, Tuple


class Hypothesis(NamedTuple):
    """
    Attributes:
      tokens: token_ids, without blanks, start and end.
      frames: output frame of the encoder at which each token stands, never falling.
      score: what the search ranked by, natural logarithm.
      parts: what it was made of, unscaled, nats: "ctc", "attention", "transducer", "lm".
      finished: False for one that the search had to break off.
    """

    tokens: Tuple[int, ...]
    frames: Tuple[int, ...]
    score: float
    parts: Dict[str, float]
    finished: bool = True
