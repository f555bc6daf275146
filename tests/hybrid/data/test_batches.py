import subprocess
import sys
import warnings
from types import SimpleNamespace

import pytest
import torch

from hybrid.data.batches import FeatureBatches, collate
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.data.perturb import Tempo
from hybrid.data.transforms import SpecAugment, SpecAugmentOptions
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import ready_corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("batches")
    (root / "features").mkdir()
    compute_features(ready_corpus(root / "made", number=80), FeatureOptions(), root / "features", Outcomes())
    return root / "features"


@pytest.fixture
def reader(folder):
    return FeatureReader(folder)


def test_every_utterance_once_an_epoch(reader):
    for shuffle in (True, False):
        batches = FeatureBatches(reader, max_duration=8.0, shuffle=shuffle)
        for epoch in (0, 1):
            plan = batches.plan(epoch)
            assert sorted(i for batch in plan for i in batch) == sorted(reader.ids)
            assert batches.num_batches(epoch) == len(plan) == len(list(batches.batches(epoch)))


def test_padded_duration_is_bounded(reader):
    batches = FeatureBatches(reader, max_duration=8.0)
    for batch in batches.batches(0):
        count, longest, _ = batch.features.shape
        assert count * longest * reader.frame_shift <= 8.0 + 1e-6
    padded = sum(batch.features.shape[0] * batch.features.shape[1] for batch in batches.batches(0))
    assert sum(reader.num_frames(i) for i in reader.ids) > 0.75 * padded


def test_order_depends_on_seed_and_epoch_alone(folder, reader):
    plan = FeatureBatches(reader, 8.0, seed=1).plan(3)
    assert plan == FeatureBatches(FeatureReader(folder), 8.0, seed=1).plan(3)
    others = [FeatureBatches(reader, 8.0, seed=1).plan(4), FeatureBatches(reader, 8.0, seed=2).plan(3)]
    others.append(FeatureBatches(reader, 8.0, seed=2).plan(2))  # no sum of the two
    assert all(sorted(map(sorted, plan)) != sorted(map(sorted, other)) for other in others)


def test_order_is_that_of_another_process(folder, reader):
    program = ("import sys; from hybrid.data.batches import FeatureBatches; "
               "from hybrid.data.features import FeatureReader; "
               "print(FeatureBatches(FeatureReader(sys.argv[1]), 8.0, seed=1).plan(3)); "
               "print([m for m in ('k2', 'kaldifeat') if m in sys.modules])")
    said = subprocess.check_output([sys.executable, "-c", program, str(folder)], text=True)
    assert said.splitlines() == [str(FeatureBatches(reader, 8.0, seed=1).plan(3)), "[]"]


def test_resume_in_mid_epoch(reader):
    def batches():
        return FeatureBatches(reader, 8.0, seed=1, transforms=[SpecAugment(SpecAugmentOptions(), seed=1)])
    whole = list(batches().batches(2))
    rest = list(batches().batches(2, start_batch=4))
    assert len(rest) == len(whole) - 4
    for one, other in zip(whole[4:], rest):
        assert one.utterance_ids == other.utterance_ids and one.features.equal(other.features)
    assert list(batches().batches(2, start_batch=len(whole))) == []


def test_content_of_a_batch(reader):
    for batch in FeatureBatches(reader, 8.0).batches(0):
        assert batch.features.dtype == torch.float32 and batch.lengths.dtype == torch.int64
        assert batch.features.shape[1] == batch.lengths.max()
        assert [cut.id for cut in batch.cuts] == batch.utterance_ids
        for row, length, utterance_id in zip(batch.features, batch.lengths, batch.utterance_ids):
            assert row[:length].equal(reader[utterance_id])
            assert not row[length:].any()


def test_padding_stays_zero_under_transforms(reader):
    def add_one(features, epoch, utterance_id):
        return features + 1
    for batch in FeatureBatches(reader, 8.0, transforms=[add_one]).batches(0):
        for row, length, utterance_id in zip(batch.features, batch.lengths, batch.utterance_ids):
            assert row[:length].equal(reader[utterance_id] + 1)
            assert not row[length:].any()


def test_longest_first_without_shuffling(reader):
    batches = FeatureBatches(reader, 8.0, shuffle=False)
    lengths = [int(n) for batch in batches.batches(0) for n in batch.lengths]
    assert lengths == sorted(lengths, reverse=True)


def test_an_utterance_above_the_limit_is_a_batch_of_its_own(reader):
    plan = FeatureBatches(reader, max_duration=0.05).plan(0)
    assert all(len(batch) == 1 for batch in plan) and len(plan) == len(reader)


def test_a_subset(reader):
    ids = reader.ids[10:13]
    assert sorted(i for batch in FeatureBatches(reader, 8.0, ids=ids).plan(0) for i in batch) == ids
    none = FeatureBatches(reader, 8.0, ids=[])
    assert none.plan(0) == [] == list(none.batches(0))


def test_an_error_while_reading_reaches_the_caller(reader):
    def broken(features, epoch, utterance_id):
        raise RuntimeError(utterance_id)
    with pytest.raises(RuntimeError, match="u0"):
        next(FeatureBatches(reader, 8.0, transforms=[broken]).batches(0))


def test_a_loop_that_is_left_early(reader):
    batches = FeatureBatches(reader, 8.0)
    for _ in batches.batches(0):
        break
    assert len(list(batches.batches(0))) == batches.num_batches(0)


def test_collate():
    batch = collate(["a", "b"], [torch.ones(2, 3), torch.ones(4, 3)], [None, None])
    assert batch.lengths.tolist() == [2, 4] and batch.features[0].sum() == 6
    with pytest.raises(ValueError, match="max_duration"):
        FeatureBatches(None, max_duration=0)


class _Durations:
    """As much of a features folder as a plan needs: cuts u0, u1, ... of so many seconds."""

    def __init__(self, *durations):
        self._cuts = {f"u{number}": SimpleNamespace(id=f"u{number}", duration=float(duration))
                      for number, duration in enumerate(durations)}
        self.ids, self.cut = list(self._cuts), self._cuts.__getitem__


@pytest.mark.parametrize("durations, sizes", [
    ([1] * 2, [2]), ([1] * 12, [3] * 4), ([1] * 30, [3] * 10), ([1] * 300, [30] * 10),
    ([1, 4, 1, 2, 3, 1], [1, 1, 1, 3]),  # the 4, the 3, the 2, the others: they begin at 0, 4, 7 and 9 of 12 seconds
])
def test_groups_of_like_length_hold_three_batches_or_more_and_are_ten_at_most(durations, sizes):
    groups = FeatureBatches(_Durations(*durations), max_duration=1.0)._buckets()
    assert [len(group) for group in groups] == sizes
    twice = FeatureBatches(_Durations(*[2 * seconds for seconds in durations]), max_duration=2.0)._buckets()
    assert [len(group) for group in twice] == sizes
    assert [cut.duration for group in groups for cut in group] == sorted(durations, reverse=True)


def test_batches_of_like_length_do_not_follow_each_other(reader):
    batches = FeatureBatches(reader, 8.0, seed=1)
    group_of = {cut.id: number for number, group in enumerate(batches._buckets()) for cut in group}
    groups = [group_of[batch[0]] for batch in batches.plan(0)]
    assert len(set(groups)) > 2 and groups != sorted(groups)


def test_a_plan_is_made_once_an_epoch(reader):
    batches = FeatureBatches(reader, 8.0, seed=1)
    first = batches.plan(0)
    assert batches.plan(0) is first and batches.plan(1) != first and batches.plan(0) == first


def test_an_utterance_longer_than_a_batch_is_one_without_a_warning(reader):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [len(batch) for batch in FeatureBatches(reader, 1e-3).plan(0)] == [1] * len(reader.ids)


def test_without_utterances_there_is_no_batch(reader):
    for shuffle in (True, False):
        assert FeatureBatches(reader, 8.0, shuffle=shuffle, ids=[]).plan(0) == []


def test_frames_of_another_tempo_know_where_they_come_from(reader):
    tempo = Tempo(0.3, 1)
    batch = next(FeatureBatches(reader, 8.0, tempo=tempo).batches(2))
    assert [len(one) for one in batch.sources] == batch.lengths.tolist()
    for utterance_id, sources in zip(batch.utterance_ids, batch.sources):
        assert torch.equal(sources, tempo.sources(reader.num_frames(utterance_id), 2, utterance_id))
    assert next(FeatureBatches(reader, 8.0).batches(2)).sources is None


def test_on_another_device_all_else_stays(reader):
    batch = next(FeatureBatches(reader, 8.0).batches(0))
    moved = batch.to("meta")
    assert moved.features.device.type == moved.lengths.device.type == "meta" and batch.features.device.type == "cpu"
    assert moved.features.shape == batch.features.shape and moved.utterance_ids == batch.utterance_ids
