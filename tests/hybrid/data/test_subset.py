import random
from collections import Counter

import pytest
from lhotse import MonoCut, SupervisionSegment

from graphs.errors import InputError
from hybrid.data.manifest import speaker_of
from hybrid.data.subset import hours_of, speakers_in, take_share
from tests.hybrid.data.test_held_out import corpus


def ids(cuts):
    return [cut.id for cut in cuts]


@pytest.mark.parametrize("seed", range(3))
def test_smaller_shares_lie_in_larger_ones(seed):
    cuts = corpus(40, 25, 25, 8, 1, 1)
    before = set()
    for share in (0.01, 0.1, 0.25, 0.5, 0.9, 1.0):
        kept, left_out = take_share(cuts, share, seed)
        assert before <= set(ids(kept)) and len(kept) == max(1, int(100 * share + 0.5))
        assert sorted(ids(kept) + ids(left_out)) == ids(cuts) and ids(kept) == sorted(ids(kept))
        before = set(ids(kept))


def test_all_speakers_stay_as_long_as_there_is_room():
    cuts = corpus(40, 30, 20, 8, 1, 1)
    assert speakers_in(take_share(cuts, 0.06).kept) == 6
    assert speakers_in(take_share(cuts, 0.03).kept) == 3


def test_speakers_give_in_proportion():
    counts = Counter(map(speaker_of, take_share(corpus(40, 30, 20, 8, 2), 0.5).kept))
    assert counts == {"a": 20, "b": 15, "c": 10, "d": 4, "e": 1}


def test_the_choice_depends_on_ids_and_seed_alone():
    cuts = corpus(30, 20, 10)
    shuffled = random.Random(1).sample(cuts, len(cuts))
    assert set(ids(take_share(shuffled, 0.3, 5).kept)) == set(ids(take_share(cuts, 0.3, 5).kept))
    assert ids(take_share(cuts, 0.3, 5).kept) != ids(take_share(cuts, 0.3, 6).kept)
    assert take_share(cuts, 0.3) == take_share(cuts, 0.3, 0)
    known = [cut.id for cut in take_share(cuts, 0.05).kept]
    assert known == ["u0015", "u0018", "u0024"]  # a choice that is not to change with the version


def test_without_speakers_any_utterances_are_taken():
    cuts = [MonoCut(f"u{n}", 0.0, 1.0, 0, supervisions=[SupervisionSegment(f"u{n}", "r", 0.0, 1.0)]) for n in range(10)]
    kept = take_share(cuts, 0.35).kept
    assert len(kept) == 4 and speakers_in(kept) == 0


def test_at_least_one_stays_and_halves_are_rounded_up():
    cuts = corpus(10)
    assert [len(take_share(cuts, share).kept) for share in (1e-6, 0.25, 0.35, 0.24)] == [1, 3, 4, 2]


def test_hours():
    assert hours_of(corpus(36)) == 0.01 and hours_of([]) == 0.0
    cuts = [MonoCut(f"u{number}", 0.0, duration, 0) for number, duration in enumerate((4000.0, 1000.0))]
    assert hours_of(cuts) == 1.3889


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01])
def test_no_share(share):
    with pytest.raises(ValueError, match="share: expected above 0 and at most 1"):
        take_share(corpus(3), share)


def test_no_utterances():
    with pytest.raises(InputError, match="utterances to take a share of"):
        take_share([], 0.5)
