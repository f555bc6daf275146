import pytest

from graphs.errors import InputError
from hybrid.e2e.model import E2eModel
from tests.hybrid.e2e.material import character_tokens, write_model
from tests.tools.artefacts.shown import lines_of
from tools.artefacts.end_to_end import describe_e2e, e2e_problems


def test_an_end_to_end_model(tmp_path):
    """The tokens, eight of them by name; the encoder's share of the parameters; words as they are spelled."""
    folder = write_model(tmp_path / "ctc", character_tokens("abcdefg"))
    shown = lines_of(describe_e2e(folder))
    model = E2eModel.load(folder)
    numbers, own = (sum(one.numel() for one in network.parameters())
                    for network in (model.network, model.network.encoder))
    assert 0 < own < numbers and f"parameters: {numbers}, {own} of them the encoder's" in shown
    assert "emits: 9 tokens: <blk>, \u2581, a, b, c, d, e, f, ... (9 in all)" in shown
    assert "weights" in shown and "training" not in shown and list(e2e_problems(folder)) == []
    assert describe_e2e(folder, "bad") == "tokens: b a d\n"
    with pytest.raises(InputError, match="a word that the tokens can spell such as \u2581, a, b, .* found zoo"):
        describe_e2e(folder, "zoo")
    (folder / "train.jsonl").write_text(
        '{"epoch": 1, "train": {"loss": 1.5}, "dev": {"loss": 1.25}, "learning_rate": 0.5, "seconds": 2}\n')
    assert lines_of(describe_e2e(folder))[-2:] == ["epoch train loss dev loss rate s", "1 1.5000 1.2500 0.5 2.0"]


def test_its_files_and_its_history_are_checked(tmp_path):
    folder = write_model(tmp_path / "ctc", character_tokens("ab"))
    (folder / "train.jsonl").write_text("x")
    with pytest.raises(InputError, match="train.jsonl: expected a line end"):
        list(e2e_problems(folder))
    (folder / "train.jsonl").unlink()
    data = (folder / "best.safetensors").read_bytes()
    (folder / "best.safetensors").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(InputError, match="best.safetensors"):
        list(e2e_problems(folder))
