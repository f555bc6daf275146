import pytest

from graphs.errors import InputError
from hybrid.data.corpus import hold_out, parse_splits
from hybrid.data.imports import with_dev
from hybrid.data.manifest import speaker_of
from tests.hybrid.data.material import ready_corpus


def test_whole_speakers_are_held_out(tmp_path):
    cuts = ready_corpus(tmp_path, number=60, speakers=12)
    train, held = hold_out(cuts, 0.2, seed=1)
    assert sorted(c.id for c in train + held) == [c.id for c in cuts]
    assert not {speaker_of(c) for c in train} & {speaker_of(c) for c in held}
    assert 8 <= len(held) <= 16
    assert hold_out(cuts, 0.2, seed=1) == (train, held) != hold_out(cuts, 0.2, seed=2)
    assert [c.id for c in train] == sorted(c.id for c in train)


def test_utterances_are_held_out_when_speakers_are_few(tmp_path):
    cuts = ready_corpus(tmp_path, number=20, speakers=1)
    train, held = hold_out(cuts, 0.25)
    assert (len(train), len(held)) == (15, 5)


def test_hold_out_needs_train_and_no_dev(tmp_path):
    cuts = ready_corpus(tmp_path, number=20)
    assert set(with_dev({"train": cuts, "test": []}, 0.4)) == {"train", "dev", "test"}
    assert with_dev({"test": cuts}, None) == {"test": cuts}
    for splits, share in (({"train": cuts, "dev": []}, 0.1), ({"test": cuts}, 0.1), ({"train": cuts}, 1.5)):
        with pytest.raises(InputError, match="--hold-out"):
            with_dev(splits, share)


def test_splits_argument():
    assert parse_splits("train, dev=dev_clean") == {"train": "train", "dev": "dev_clean"}
    assert parse_splits(None) == {}
    for bad in ("a,a", "a,,b", "=x"):
        with pytest.raises(InputError, match="--splits"):
            parse_splits(bad)
