"""What the frames of a folder of lattices are, where end-to-end models made them: frames.json beside the lattices.

    {"frame_shift": 0.04, "tokens": ["<blk>", "\\u2581", "A"]}

The frame shift is that of the encoder's output, in seconds; a "transition_id" of the lattices is token_id + 1.
"""

import json
from pathlib import Path
from typing import NamedTuple, Optional, Tuple

from graphs.errors import InputError
from hybrid.nn.tensor_file import write_atomically

FRAMES = "frames.json"


class Frames(NamedTuple):
    """frame_shift: seconds; tokens: symbols by token_id."""

    frame_shift: float
    tokens: Tuple[str, ...]

    def write(self, folder: Path) -> None:
        text = json.dumps({"frame_shift": self.frame_shift, "tokens": list(self.tokens)}, ensure_ascii=False)
        write_atomically(Path(folder) / FRAMES, (text + "\n").encode("utf-8"))

    @classmethod
    def read(cls, folder: Path) -> Optional["Frames"]:
        """None where there is no such file. Raises: InputError for another content."""
        path = Path(folder) / FRAMES
        if not path.exists():
            return None
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            shift, tokens = row["frame_shift"], row["tokens"]
            if isinstance(shift, bool) or not isinstance(shift, (int, float)) or not 0 < shift < 1e3:
                raise ValueError
            if not isinstance(tokens, list) or len(tokens) < 2 or not all(isinstance(t, str) and t for t in tokens):
                raise ValueError
            "".join(tokens).encode("utf-8")  # fails for half a character
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(str(path), "a frame_shift in seconds and the symbols of at least two tokens",
                             type(error).__name__) from None
        return cls(float(shift), tuple(tokens))
