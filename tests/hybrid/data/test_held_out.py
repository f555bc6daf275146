import itertools
import random
from collections import Counter

import pytest
from lhotse import MonoCut, SupervisionSegment

from graphs.errors import InputError
from hybrid.data.held_out import choose_speakers, hold_out
from hybrid.data.imports import with_dev
from hybrid.data.manifest import speaker_of


class Log:
    def info(self, *said):
        self.said = said[0] % said[1:]


def corpus(*counts, speakers="abcdefghijklmnop"):
    """Cuts of speakers a, b, ... with so many utterances each, in the order of their ids."""
    names = [speaker for count, speaker in zip(counts, speakers) for _ in range(count)]
    random.Random(0).shuffle(names)
    return [MonoCut(f"u{i:04d}", 0.0, 1.0, 0, supervisions=[
        SupervisionSegment(f"u{i:04d}", "r", 0.0, 1.0, speaker=name)]) for i, name in enumerate(names)]


def test_whole_speakers_are_held_out():
    cuts = corpus(*[5] * 12)
    train, held, how = hold_out(cuts, 0.2, seed=1)
    assert sorted(c.id for c in train + held) == [c.id for c in cuts]
    assert not {speaker_of(c) for c in train} & {speaker_of(c) for c in held}
    assert 8 <= len(held) <= 16 and how.startswith(f"{len(held)} of 60 utterances")
    assert hold_out(cuts, 0.2, seed=1)[:2] == (train, held) != hold_out(cuts, 0.2, seed=2)[:2]
    assert [c.id for c in train] == sorted(c.id for c in train)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("counts, whole", [
    ((720, 140, 140), False), ((720, 270, 10), False), ((720, 240, 40), True), ((900, 20, 20, 20, 20, 20), True),
    ((400, 300, 300), False), ((980, 10, 10), False), ((500, 500), False), ((1000,), False)])
def test_the_share_is_near(counts, whole, seed):
    """Never a speaker with most of the data."""
    cuts = corpus(*counts)
    train, held, how = hold_out(cuts, 0.05, seed)
    assert 25 <= len(held) <= 100 and len(train) + len(held) == len(cuts)
    assert ({speaker_of(cut) for cut in held}.isdisjoint(map(speaker_of, train))) == whole
    assert ("all of" in how and "a" not in how.split("(")[-1].split(", ")) == whole


@pytest.mark.parametrize("seed", range(3))
def test_a_choice_of_speakers_is_found_if_there_is_one(seed):
    rng = random.Random(seed)
    for _ in range(200):
        counts = Counter({name: rng.choice((1, 2, 5, 20, 60)) for name in "abcdef"[:rng.randint(3, 6)]})
        wanted = rng.randint(1, sum(counts.values()) - 1)
        sums = [sum(counts[name] for name in some)
                for size in range(1, len(counts)) for some in itertools.combinations(counts, size)]
        chosen = choose_speakers(counts, wanted, seed)
        assert (chosen is not None) == any(wanted / 2 <= number <= wanted * 2 for number in sums)
        assert chosen is None or wanted / 2 <= sum(counts[name] for name in chosen) <= wanted * 2


def test_utterances_are_held_out_when_speakers_are_few_or_unknown():
    for cuts, said in ((corpus(20), "since there are 1"), (corpus(20, speakers=[None]), "speakers unknown")):
        train, held, how = hold_out(cuts, 0.25)
        assert (len(train), len(held)) == (15, 5) and how.endswith(said)


def test_two_utterances_can_be_divided_and_one_cannot():
    assert [len(part) for part in hold_out(corpus(2), 0.05)[:2]] == [1, 1]
    for cuts in (corpus(1), []):
        with pytest.raises(InputError, match="split test: expected data of its own, or at least 2 utterances of train"):
            hold_out(cuts, 0.05, name="test")


def test_hold_out_needs_train_and_no_dev():
    cuts, log = corpus(7, 7, 6), Log()
    assert set(with_dev({"train": cuts, "test": []}, 0.4, log)) == {"train", "dev", "test"}
    assert log.said.startswith("dev, held out of train: 7 of 20 utterances")
    assert with_dev({"test": cuts}, None, log) == {"test": cuts}
    for splits, share in (({"train": cuts, "dev": []}, 0.1), ({"test": cuts}, 0.1), ({"train": cuts}, 1.5)):
        with pytest.raises(InputError, match="--hold-out"):
            with_dev(splits, share, log)


@pytest.mark.parametrize("share", [0, 1, -0.5, 1.5])
def test_a_share_is_between_0_and_1(share):
    with pytest.raises(ValueError, match="share: expected between 0 and 1"):
        hold_out(corpus(5, 5, 5), share)


def test_what_is_held_out_without_whole_speakers():
    """Of two speakers none is given up; of three none comes near."""
    for counts, how in (((5, 5), "of all speakers, since there are 2"),
                        ((98, 1, 1), "of speakers that train has, too: no choice of whole ones comes near 30.0%")):
        cuts = corpus(*counts)
        held = [[cut.id for cut in hold_out(cuts, 0.3, seed=seed).held] for seed in range(4)]
        assert hold_out(cuts, 0.3).how.endswith(how) and len(set(map(tuple, held))) == 4
        assert hold_out(cuts, 0.3) == hold_out(cuts, 0.3, seed=0)


def test_not_all_speakers_are_chosen():
    assert choose_speakers(Counter(a=1, b=1), 4, seed=0) is None
