"""Transforms of features by speaker, alone and within batches of training."""

import pytest
import torch

from graphs.errors import InputError
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.data.transforms import SpecAugment
from hybrid.nn.tdnn import TdnnOptions
from hybrid.outcomes import Outcomes
from hybrid.speakers.table import Space, SpeakerTable
from hybrid.speakers.transforms import SpeakerTransforms, tables_for
from hybrid.training.framewise import AmOptions, training_batches
from tests.hybrid.data.material import ready_corpus
from tests.hybrid.speakers.material import Features

MATRICES = Space("fmllr", "g1")
VECTORS = Space("ivectors", "e1")


def table(space, speakers, **values):
    return SpeakerTable.of(space, {speaker: {name: value[i] for name, value in values.items()}
                                   for i, speaker in enumerate(speakers)})


@pytest.fixture
def features():
    torch.manual_seed(0)
    return Features({name: torch.randn(5, 3) for name in ("anna-1", "bert-1", "anna-2", "alone")})


SPEAKERS = ["alone", "anna", "bert"]


def test_each_utterance_gets_its_speaker_s_transform(features):
    matrices, vectors = torch.randn(3, 3, 4), torch.randn(3, 2)
    transforms = SpeakerTransforms([table(MATRICES, SPEAKERS, matrix=matrices),
                                    table(VECTORS, SPEAKERS, vector=vectors)], features)
    assert transforms.dim == 5 and transforms.spaces == [MATRICES, VECTORS]
    for utterance_id, speaker in (("anna-2", 1), ("bert-1", 2), ("alone", 0)):
        found = transforms(features[utterance_id], 7, utterance_id)
        for frame, x in enumerate(features[utterance_id]):
            y = matrices[speaker] @ torch.cat([x, torch.ones(1)])
            assert torch.allclose(found[frame], torch.cat([y, vectors[speaker]]), atol=1e-6)
    assert torch.equal(transforms(features["anna-1"], 1, "anna-1"), transforms(features["anna-1"], 2, "anna-1"))


def test_a_speaker_without_a_transform_is_named_before_any_work(features):
    with pytest.raises(InputError, match="speaker bert: expected its fmllr"):
        SpeakerTransforms([table(MATRICES, ["alone", "anna"], matrix=torch.zeros(2, 3, 4))], features)


def test_tables_are_read_in_their_order_and_a_table_may_hold_both(features, tmp_path):
    """A vector that comes first is what the next transform sees, too."""
    matrices, vectors = torch.randn(3, 5, 6), torch.randn(3, 2)
    for name, one in (("first", table(VECTORS, SPEAKERS, vector=vectors)),
                      ("second", table(MATRICES, SPEAKERS, matrix=matrices, vector=vectors[:, :1]))):
        (tmp_path / name).mkdir()
        one.write(tmp_path / name)
    transforms = SpeakerTransforms.read([tmp_path / "first", tmp_path / "second"], features)
    assert transforms.dim == 6 and transforms.spaces == [VECTORS, MATRICES]
    found = transforms(features["anna-1"], 0, "anna-1")
    wide = torch.cat([features["anna-1"], vectors[1].repeat(5, 1), torch.ones(5, 1)], dim=1)
    assert torch.allclose(found, torch.cat([wide @ matrices[1].T, vectors[1, 0].repeat(5, 1)], dim=1), atol=1e-5)
    with pytest.raises(InputError, match=r"second, matrix: expected \[3, 4\] for features of 3 .*, found \[5, 6\]"):
        SpeakerTransforms.read([tmp_path / "second"], features)
    plain = SpeakerTransforms([], features)
    assert plain.dim == 3 and plain(features["alone"], 0, "alone") is features["alone"]


@pytest.mark.parametrize("values, message", [
    ({"matrix": torch.zeros(3, 3, 3)}, r"found \[3, 3\]"), ({"vector": torch.zeros(3, 2, 2)}, "dimension, found 2"),
    ({"matrix": torch.zeros(3, 3, 4), "input": torch.zeros(3, 1)}, "features, found fmllr: matrix, input"),
    ({"matrix": torch.zeros(3, 4, 5)}, r"\[3, 4\] for features of 3 coefficients"),
    ({"vector": torch.zeros(3, 2, 2)}, "one dimension"), ({"layers.0": torch.zeros(3, 7)}, "transforms of features"),
])
def test_tables_that_do_not_fit_the_features(features, values, message):
    with pytest.raises(InputError, match=message):
        SpeakerTransforms([table(MATRICES, SPEAKERS, **values)], features)


def test_a_model_takes_what_it_was_trained_with():
    matrices = table(MATRICES, ["a"], matrix=torch.zeros(1, 1, 2))
    vectors = table(VECTORS, ["a"], vector=torch.zeros(1, 1))
    assert tables_for("model", [VECTORS, MATRICES], [matrices, vectors]) == [vectors, matrices]
    assert tables_for("model", [], [matrices]) == []
    with pytest.raises(InputError, match=r"found speakers \(ivectors e1\), speakers \(fmllr g1\)"):
        tables_for("model", [MATRICES, Space("fmllr", "g3")], [vectors, matrices])
    for tables in ([], [vectors], [table(Space("fmllr", "g2"), ["a"], matrix=torch.zeros(1, 1, 2))]):
        with pytest.raises(InputError, match="model: expected --speaker-transforms of kind fmllr that fit g1"):
            tables_for("model", [MATRICES], tables)


@pytest.mark.parametrize("chunk_frames", [0, 15])
def test_augmentation_comes_first(tmp_path, chunk_frames):
    """The blanks of SpecAugment are made on the features, and then transformed like all else."""
    (tmp_path / "features").mkdir()
    compute_features(ready_corpus(tmp_path / "made", number=6, shortest=20, longest=30), FeatureOptions(kind="ready"),
                     tmp_path / "features", Outcomes())
    reader = FeatureReader(tmp_path / "features")
    speakers = ["s0", "s1", "s2"]
    transforms = SpeakerTransforms([table(MATRICES, speakers, matrix=torch.randn(3, 5, 6))], reader)
    options = AmOptions(arch=TdnnOptions(hidden_dim=4, dilations=(1,)), chunk_frames=chunk_frames, max_duration=1.0)
    model = options.arch.build(5, 3)
    batches = training_batches(reader, reader.ids, model, options, transforms)
    augment = SpecAugment.for_features(options, options.seed, reader)
    changed = 0
    for batch in batches.batches(1):
        for row, utterance_id in enumerate(batch.utterance_ids):
            augmented = augment(reader[utterance_id], 1, utterance_id)
            expected = transforms(augmented, 1, utterance_id)
            if chunk_frames:
                expected = expected[batch.chunks[row].first:batch.chunks[row].last]
            assert torch.allclose(batch.features[row, :len(expected)], expected, atol=1e-5)
            changed += not torch.equal(augmented, reader[utterance_id])
    assert changed
