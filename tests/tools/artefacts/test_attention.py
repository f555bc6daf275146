"""The shapes of the pictures' panels and where model and features come from; tests of programs look at the pictures."""

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.e2e.decoders.kinds import LstmDecoderOptions
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.model import E2eModel
from hybrid.e2e.nbest_file import Nbest, write_nbest
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import ready_corpus
from tests.hybrid.e2e.material import character_tokens, write_model
from tests.tools.work_folder import stage
from tools.artefacts.attention import _panels, draw_nbest

BEST = Hypothesis((3, 2, 4), (1, 4, 9), -2.5, {"ctc": -2.5})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("attention")
    (made / "features").mkdir()
    compute_features(ready_corpus(made / "storage", number=2, dim=6, shortest=30, longest=31),
                     FeatureOptions(kind="ready"), made / "features", Outcomes())
    tokens = character_tokens("abd")
    write_model(made / "ctc", tokens)
    write_model(made / "decoder", tokens, ctc_weight=0.0, decoder=LstmDecoderOptions(decoder_dim=4, attention_dim=3))
    return made


def test_posteriors_of_each_token_and_of_blank(folder):
    model, features = E2eModel.load(folder / "ctc"), FeatureReader(folder / "features")["u000"].numpy()
    (panel,) = _panels(model, features, (3, 2)).values()
    encoded, _ = model.encode(torch.as_tensor(features)[None], torch.tensor([30]))
    with torch.no_grad():
        posteriors = model.network.ctc_log_probs(encoded)[0].exp().numpy()
    assert panel.shape == (3, 15) and np.allclose(panel, posteriors[:, [3, 2, 0]].T)


def test_where_a_decoder_looks_for_each_token_and_the_end(folder):
    panels = _panels(E2eModel.load(folder / "decoder"), FeatureReader(folder / "features")["u000"].numpy(), (3, 2))
    assert list(panels) == ["attention"] and panels["attention"].shape == (3, 15)
    assert np.allclose(panels["attention"].sum(axis=1), 1.0, atol=1e-5)


def test_the_first_utterance_with_a_hypothesis_is_drawn_without_a_name(folder, tmp_path):
    """By the model and the features that the stage record leads to."""
    path, picture = tmp_path / "nbest.jsonl", tmp_path / "x.svg"
    second = Hypothesis((2,), (3,), -4.0, {"ctc": -4.0})
    write_nbest(path, [Nbest("u9", 15, []), Nbest("u000", 15, [BEST, second]), Nbest("u001", 15, [second])])
    stage(tmp_path, "tools.decode_e2e", [folder / "ctc/e2e.json", folder / "features/features.json"])
    for item, title in ((None, "u000: -2.50"), ("u000", "u000: -2.50"), ("u001", "u001: -4.00")):
        draw_nbest(path, item, picture)
        assert f"<!-- {title} -->" in picture.read_text(encoding="utf-8")
    for item in ("u9", "u8"):
        with pytest.raises(InputError, match=f"utterance with a hypothesis such as u000, u001, found {item}"):
            draw_nbest(path, item, picture)
    write_nbest(path, [])
    with pytest.raises(InputError, match="found None"):
        draw_nbest(path, None, picture)


def test_what_the_record_does_not_lead_to(folder, tmp_path):
    write_nbest(tmp_path / "nbest.jsonl", [Nbest("u000", 15, [BEST])])
    for inputs, what in (([folder / "features/features.json"], "a model"), ([folder / "ctc/e2e.json"], "features")):
        stage(tmp_path, "tools.decode_e2e", inputs)
        with pytest.raises(InputError, match=f"expected a stage record beside it that leads to {what}, found none"):
            draw_nbest(tmp_path / "nbest.jsonl", None, tmp_path / "x.svg")
