"""How long the output of a system's networks waits for what is still to be said."""

import math
from pathlib import Path
from typing import Optional, Tuple

from graphs.errors import InputError
from hybrid.loaded import kept_while_unchanged
from tools.comparison.lineage import Lineage

WAITING = ("attention", "joint")  # kinds whose first word waits for the end of the utterance


def look_ahead(lineage: Lineage) -> Tuple[Optional[float], bool]:
    """(seconds, does it wait for the end of the utterance?), the longest of several networks.

    None for what is not known. The search's own wait is not in it: what it says may still change until the end.
    """
    if lineage.kind in WAITING:
        return None, True
    found = [_of_network(folder) for folder, _ in lineage.trainings]
    if None in found or not found:
        return None, False
    return (None, True) if math.inf in found else (round(max(found), 4), False)


@kept_while_unchanged(1000)
def _of_network(folder: Path) -> Optional[float]:
    """Seconds; infinity where the network sees the whole utterance."""
    try:
        if (folder / "e2e.json").is_file():
            from hybrid.e2e.model import E2eModel
            model = E2eModel.load(folder)
            return model.network.right_context * model.frame_shift
        from hybrid.nn.model_folder import load_model
        model, description = load_model(folder)
        return model.right_context * description.get("frame_shift", 0.01)
    except InputError:
        return None
