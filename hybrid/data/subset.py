"""A share of the training data, for learning curves: of several shares each smaller one lies in each larger one."""

import hashlib
from collections import Counter
from typing import List, NamedTuple, Sequence, Tuple

from lhotse.cut import Cut

from graphs.errors import InputError
from hybrid.data.manifest import speaker_of


class Subset(NamedTuple):
    """Both in the order of the data."""

    kept: List[Cut]
    left_out: List[Cut]


def take_share(cuts: Sequence[Cut], share: float, seed: int = 0) -> Subset:
    """About that share of the utterances: the first ones of an order that depends on ids and seed alone.

    The k-th of the n utterances of a speaker, in the order of their hashes and counted from 0, stands at k / n: one of
    each speaker comes first, and then each gives in proportion to what there is of him.

    Args:
      share: above 0, at most 1; the number of utterances is rounded, and at least one stays.
    Raises: InputError for no utterances.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share: expected above 0 and at most 1, found {share}")
    if not cuts:
        raise InputError("training data", "utterances to take a share of", "none")
    chosen = {cut_id for _, _, cut_id in places(cuts, seed)[:max(1, int(share * len(cuts) + 0.5))]}
    return Subset([cut for cut in cuts if cut.id in chosen], [cut for cut in cuts if cut.id not in chosen])


def places(cuts: Sequence[Cut], seed: int) -> List[Tuple[float, str, str]]:
    """(k / n, hash, utterance_id), sorted."""
    hashes = {cut.id: hashlib.sha256(f"{seed} {cut.id}".encode("utf-8")).hexdigest() for cut in cuts}
    total, before, found = Counter(map(speaker_of, cuts)), Counter(), []
    for cut in sorted(cuts, key=lambda cut: hashes[cut.id]):
        speaker = speaker_of(cut)
        found.append((before[speaker] / total[speaker], hashes[cut.id], cut.id))
        before[speaker] += 1
    return sorted(found)


def speakers_in(cuts: Sequence[Cut]) -> int:
    """Number of known ones."""
    return len({speaker_of(cut) for cut in cuts} - {""})


def hours_of(cuts: Sequence[Cut]) -> float:
    return round(sum(cut.duration for cut in cuts) / 3600, 4)
