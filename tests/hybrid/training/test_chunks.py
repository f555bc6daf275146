"""Chunks: every frame once, and the same output as from whole utterances."""

import pytest
import torch

from hybrid.data.perturb import Tempo
from hybrid.nn.tdnn import TdnnOptions
from hybrid.training.chunks import ChunkBatches


class Features(dict):
    def num_frames(self, utterance_id):
        return len(self[utterance_id])


def _features(lengths, dim=4):
    generator = torch.Generator().manual_seed(0)
    return Features({f"u{i}": torch.randn(n, dim, generator=generator) for i, n in enumerate(lengths)})


def test_every_frame_counts_once_in_an_epoch():
    features = _features([1, 7, 23, 50, 10])
    batches = ChunkBatches(features, list(features), 10, 3, max_frames=40, seed=5)
    for epoch in range(3):
        counted = {u: [0] * len(f) for u, f in features.items()}
        number = 0
        for batch in batches.batches(epoch):
            number += 1
            assert batch.features.shape[:2] == (len(batch.chunks), int(batch.lengths.max()))
            for row, chunk in enumerate(batch.chunks):
                assert int(batch.lengths[row]) == chunk.last - chunk.first
                assert torch.equal(batch.features[row, :batch.lengths[row]],
                                   features[chunk.utterance_id][chunk.first:chunk.last])
                for frame in range(chunk.start, chunk.end):
                    counted[chunk.utterance_id][frame] += 1
        assert number == batches.num_batches(epoch)
        assert all(set(counts) == {1} for counts in counted.values())


def test_epochs_differ_and_can_be_entered_in_the_middle():
    features = _features([40, 50, 60])
    one, two = (ChunkBatches(features, list(features), 10, 0, 30, seed=5) for _ in range(2))
    whole = list(one.batches(1))
    rest = list(two.batches(1, start_batch=2))
    assert [b.chunks for b in whole[2:]] == [b.chunks for b in rest]
    assert [b.chunks for b in one.batches(0)] != [b.chunks for b in whole]
    default, zero = (ChunkBatches(features, list(features), 10, 0, 30, **seed) for seed in ({}, {"seed": 0}))
    assert default.plan(0) == zero.plan(0) != one.plan(0)


def test_a_chunk_with_context_gives_the_output_of_the_whole_utterance():
    torch.manual_seed(0)
    model = TdnnOptions(hidden_dim=8, dilations=(1, 2, 2)).build(4, 3).eval()
    features = _features([33, 60])
    whole = {u: model(f[None], torch.tensor([len(f)]))[0][0] for u, f in features.items()}
    for batch in ChunkBatches(features, list(features), 10, model.left_context, 60).batches(0):
        logits, _ = model(batch.features, batch.lengths)
        for row, chunk in enumerate(batch.chunks):
            counted = logits[row, chunk.start - chunk.first:chunk.end - chunk.first]
            assert torch.allclose(counted, whole[chunk.utterance_id][chunk.start:chunk.end], atol=1e-5)


def test_chunks_of_one_frame_with_one_of_context():
    batches = ChunkBatches(_features([1, 3]), ["u0", "u1"], 1, 1, 6)
    chunks = [chunk for batch in batches.batches(0) for chunk in batch.chunks]
    assert sorted(chunks) == [("u0", 0, 0, 1, 1), ("u1", 0, 0, 1, 2), ("u1", 0, 1, 2, 3), ("u1", 1, 2, 3, 3)]
    assert batches.plan(0) is batches.plan(0)  # made once an epoch


@pytest.mark.parametrize("chunk_frames, context_frames", [(0, 0), (-3, 5), (1, -1)])
def test_chunks_without_frames_and_negative_context_are_refused(chunk_frames, context_frames):
    with pytest.raises(ValueError, match="chunk_frames: at least 1; context_frames: at least 0"):
        ChunkBatches(_features([5]), ["u0"], chunk_frames, context_frames, 100)


@pytest.mark.parametrize("max_frames, chunks", [(79, 3), (80, 4), (40, 2), (39, 1), (10, 1)])
def test_a_batch_holds_as_many_chunks_with_context_on_both_sides_as_its_frames_allow(max_frames, chunks):
    plan = ChunkBatches(_features([400]), ["u0"], 10, 5, max_frames).plan(0)
    sizes = sorted(map(len, plan))
    assert set(sizes[1:]) == {chunks} and sum(sizes) in (40, 41)  # one may be left with the rest


def test_batches_mix_utterances_have_chunks_of_like_length_and_come_in_no_order_of_length():
    lengths = [50] * 10 + list(range(1, 10)) * 2
    plan = ChunkBatches(_features(lengths), [f"u{i}" for i in range(len(lengths))], 10, 0, 60).plan(0)
    chunks = [chunk for batch in plan for chunk in batch]
    assert len(plan) <= 20 and all(chunk.start < chunk.end for chunk in chunks)  # one pool of sorting
    spans = [(min(c.last - c.first for c in batch), max(c.last - c.first for c in batch)) for batch in plan]
    assert all(longest <= shortest for (_, longest), (shortest, _) in zip(sorted(spans), sorted(spans)[1:]))
    assert spans != sorted(spans)
    whole = [batch for batch, span in zip(plan, spans) if span == (10, 10)]
    assert len(whole) >= 5 and all(len({chunk.utterance_id for chunk in batch}) > 2 for batch in whole)


def test_transforms_see_the_whole_utterance():
    features = _features([20])
    seen = []

    def transform(matrix, epoch, utterance_id):
        seen.append((tuple(matrix.shape), epoch, utterance_id))
        return matrix + 100

    batch = next(ChunkBatches(features, ["u0"], 8, 0, 100, transforms=[transform]).batches(3))
    assert set(seen) == {((20, 4), 3, "u0")} and batch.features.max() > 90


@pytest.mark.parametrize("subsampling", [1, 3])
def test_a_tempo_comes_before_transforms_and_frames_know_where_they_come_from(subsampling):
    features, tempo = _features([40, 25, 3]), Tempo(0.4, seed=2)

    def transform(matrix, epoch, utterance_id):
        return matrix + 100 * len(matrix) + epoch

    batches = ChunkBatches(features, list(features), 9, 6, 60, 1, [transform], tempo, subsampling)
    for epoch in range(2):
        whole = {u: transform(tempo(f, epoch, u), epoch, u) for u, f in features.items()}
        counted = dict.fromkeys(features, 0)
        for batch in batches.batches(epoch):
            assert len(batch.sources) == len(batch.chunks)
            for row, (chunk, sources) in enumerate(zip(batch.chunks, batch.sources)):
                name, frames = chunk.utterance_id, slice(chunk.first, chunk.last)
                counted[name] += chunk.end - chunk.start
                assert torch.equal(batch.features[row, :batch.lengths[row]], whole[name][frames])
                assert torch.equal(sources, tempo.sources(len(features[name]), epoch, name)[frames])
        assert counted == {u: len(matrix) for u, matrix in whole.items()} != {u: len(f) for u, f in features.items()}
    assert next(ChunkBatches(features, ["u0"], 9, 6, 60).batches(0)).sources is None


def test_chunks_keep_output_frames_whole():
    """And with context give the output of the whole utterance."""
    torch.manual_seed(0)
    model = TdnnOptions(hidden_dim=8, dilations=(1, 2)).build(4, 3, 3).eval()
    features = _features([33, 61, 2])
    whole = {u: model(f[None], torch.tensor([len(f)]))[0][0] for u, f in features.items()}
    batches = ChunkBatches(features, list(features), 10, model.left_context, 60, seed=2, subsampling=3)
    assert (batches.chunk_frames, batches.context_frames) == (12, 9)
    counted = dict.fromkeys(features, 0)
    for batch in batches.batches(0):
        logits, lengths = model(batch.features, batch.lengths)
        for row, chunk in enumerate(batch.chunks):
            assert chunk.first % 3 == chunk.start % 3 == 0 and (chunk.end % 3 == 0 or chunk.end == chunk.last)
            first, start, end = chunk.first // 3, chunk.start // 3, -(-chunk.end // 3)
            counted[chunk.utterance_id] += end - start
            assert torch.allclose(logits[row, start - first:end - first], whole[chunk.utterance_id][start:end],
                                  atol=1e-5)
    assert counted == {u: len(output) for u, output in whole.items()}
