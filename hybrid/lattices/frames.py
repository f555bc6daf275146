"""What the frames of a folder of lattices are, where end-to-end models made them: frames.json beside the lattices.

    {"frame_shift": 0.04, "tokens": ["<blk>", "\\u2581", "A"]}

The frame shift is that of the encoder's output, in seconds; a "transition_id" of the lattices is token_id + 1.
"""

import json
from pathlib import Path
from typing import NamedTuple, Optional, Tuple

from graphs.errors import InputError
from graphs.text_file import read_json_object
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
        row = read_json_object(path)
        shift, tokens = row.get("frame_shift"), row.get("tokens")
        if isinstance(shift, bool) or not isinstance(shift, (int, float)) or not 0 < shift < 1e3:
            raise InputError(f"{path}: frame_shift", "seconds above 0 and below 1000", _short(shift))
        if not isinstance(tokens, list) or len(tokens) < 2 or not all(isinstance(t, str) and t for t in tokens):
            raise InputError(f"{path}: tokens", "the symbols of at least two", _short(tokens))
        return cls(float(shift), tuple(tokens))


def _short(value: object) -> str:
    return "none" if value is None else repr(value)[:80]
