"""Divides training data: a development or test set by whole speakers where that comes near the share asked for."""

import math
import random
from collections import Counter
from typing import List, NamedTuple, Optional, Sequence, Set

from lhotse.cut import Cut

from graphs.errors import InputError
from hybrid.data.manifest import speaker_of

NEAR = 2.0  # a choice of speakers between share / NEAR and share * NEAR is near enough
FEWEST_SPEAKERS = 3


class HeldOut(NamedTuple):
    """how: which and how much was held out, in words."""

    rest: List[Cut]
    held: List[Cut]
    how: str


def hold_out(cuts: Sequence[Cut], share: float, seed: int = 0, name: str = "dev") -> HeldOut:
    """Splits about that share of the utterances off.

    Whole speakers where some choice of them comes near, else utterances of any speaker; an utterance whose speaker
    is not known counts as one of its own. Both parts keep the order.

    Args:
      share: between 0 and 1.
      name: of the held-out set, for messages.
    Raises: InputError for fewer than two utterances.
    """
    if not 0 < share < 1:
        raise ValueError(f"share: expected between 0 and 1, found {share}")
    if len(cuts) < 2:
        raise InputError(f"split {name}", "data of its own, or at least 2 utterances of train to divide (one is held "
                         "out, one trained on)", f"{len(cuts)} of train")
    wanted = max(1, math.floor(share * len(cuts) + 0.5))
    speakers = Counter(speaker_of(cut) or cut.id for cut in cuts)
    known = {speaker_of(cut) for cut in cuts} - {""}
    chosen = choose_speakers(speakers, wanted, seed) if len(speakers) >= FEWEST_SPEAKERS else None
    if chosen is not None:
        is_held = [(speaker_of(cut) or cut.id) in chosen for cut in cuts]
        names = sorted(chosen & known)
        whose = f"all of {len(names)} of {len(known)} speakers ({', '.join(names[:5])}{', ...' if names[5:] else ''})"
    else:
        ids = sorted({cut.id for cut in cuts})
        random.Random(seed).shuffle(ids)
        chosen = set(ids[:wanted])
        is_held = [cut.id in chosen for cut in cuts]
        whose = (f"of speakers that train has, too: no choice of whole ones comes near {share:.1%}"
                 if len(known) >= FEWEST_SPEAKERS else f"of all speakers, since there are {len(known)}")
    held = [cut for cut, mine in zip(cuts, is_held) if mine]
    whose = whose if known else "speakers unknown"
    how = f"{len(held)} of {len(cuts)} utterances ({len(held) / len(cuts):.1%}), {whose}"
    return HeldOut([cut for cut, mine in zip(cuts, is_held) if not mine], held, how)


def choose_speakers(counts: Counter, wanted: int, seed: int) -> Optional[Set[str]]:
    """Speakers with about that many utterances together, someone else left; None if no choice comes near.

    Args:
      counts: speaker -> utterances.
    """
    names = sorted(counts)
    random.Random(seed).shuffle(names)
    chosen: Set[str] = set()
    left = wanted
    for name in names[:-1]:
        if left > 0 and counts[name] <= 1.5 * left:
            chosen.add(name)
            left -= counts[name]
    if not _is_near(wanted - left, wanted):
        # where one speaker is near that is a choice; where none is, the small ones together are, or nothing
        one = [name for name in names if _is_near(counts[name], wanted)]
        small = [name for name in names if counts[name] < wanted]
        chosen = set(one[:1] or small)
    total = sum(counts[name] for name in chosen)
    return chosen if _is_near(total, wanted) and len(chosen) < len(counts) else None


def _is_near(number: int, wanted: int) -> bool:
    return wanted / NEAR <= number <= wanted * NEAR
