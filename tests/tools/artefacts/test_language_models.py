import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from hybrid.lm.nets.recurrent import LstmOptions
from hybrid.lm.network import LmNetwork, LmOptions
from hybrid.lm.neural_folder import write_neural_lm
from hybrid.lm.vocabulary import Vocabulary
from hybrid.nn.tensor_file import write_tensors
from tests.tools.artefacts.shown import lines_of
from tools.artefacts.language_models import describe_lm, lm_problems


@pytest.fixture
def folder(tmp_path):
    """Of a, which is common, and of rarer words: b was said once, c never."""
    words = SymbolTable(["a", "b", "c", "<unk>", "#0", "<s>", "</s>"])
    options = LmOptions(arch=LstmOptions(hidden_dim=2), embedding_dim=3)
    vocabulary = Vocabulary.of_text([["a", "a", "b"], ["a"]], words, "<unk>", min_count=2)
    network = LmNetwork(options, vocabulary.unit_counts)
    write_tensors(tmp_path / "best.safetensors", network.state_dict())
    write_neural_lm(tmp_path, options, vocabulary, checkpoint="best", dev_perplexity=4.5, training={"seed": 3})
    (tmp_path / "numbers").write_text(str(sum(one.numel() for one in network.parameters())))
    return tmp_path


def test_a_neural_language_model(folder):
    shown = lines_of(describe_lm(folder))
    told = ["dev_perplexity: 4.5", "seed: 3", "embedding_dim: 3", f"parameters: {(folder / 'numbers').read_text()}"]
    assert set(told) <= set(shown) and "weights" in shown and "training" not in shown
    assert next(line for line in shown if line.startswith("predicts: ")).startswith("predicts: 3 units: ")
    (folder / "train.jsonl").write_text(
        '{"epoch": 1, "train": {"loss": 1.5}, "dev": {"loss": 1.25}, "learning_rate": 0.5, "seconds": 2}\n')
    assert lines_of(describe_lm(folder))[-2:] == ["epoch train loss dev loss rate s", "1 1.5000 1.2500 0.5 2.0"]
    assert list(lm_problems(folder)) == []


def test_words_and_their_share_of_the_rare_ones(folder):
    assert lines_of(describe_lm(folder, "a")) == ["word_id: 1", "count: 3", "units: a", "share of them: all"]
    b, c = lines_of(describe_lm(folder, "b")), lines_of(describe_lm(folder, "c"))
    assert b[:3] == ["word_id: 2", "count: 1", "units: rare words"] and c[:2] == ["word_id: 3", "count: 0"]
    share = {one[0]: float(one[-1].split()[-1]) for one in (b, c)}
    assert 1 > share["word_id: 2"] > share["word_id: 3"] > 0
    for word in ("zebra", "<s>", "#0", "<eps>"):
        with pytest.raises(InputError, match=f"expected a word such as .* found {word}"):
            describe_lm(folder, word)
