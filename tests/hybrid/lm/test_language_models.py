import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.class_lm import ClassLm, WordClasses
from graphs.grammar.mixed_lm import MixedLm
from graphs.grammar.ngram_lm import NgramLm
from graphs.lang.symbols import SymbolTable
from hybrid.lm.language_models import mixed, mixture_weights, open_lm
from hybrid.lm.mixture import held_out, tune_weights
from hybrid.lm.ngram_train import NgramOptions, train_ngram
from hybrid.lm.perplexity import TextIds
from tests.hybrid.lm.test_ngram_train import random_text

WORDS = SymbolTable(["a", "b", "zebra", "#0", "<s>", "</s>"])


def models():
    return [train_ngram(random_text(seed, 40), NgramOptions(order=2)) for seed in (0, 1)]


def test_an_arpa_file(tmp_path):
    model = models()[0]
    model.write_arpa(tmp_path / "lm.arpa.gz")
    lm, notes = open_lm(tmp_path / "lm.arpa.gz", WORDS)
    assert isinstance(lm, NgramLm)
    assert lm.advance(np.zeros(1, int), np.array([1]))[0][0] == pytest.approx(
        model.log10_prob("a", ["<s>"]) * np.log(10), abs=1e-6)
    assert notes[0].startswith("n-grams: 9 of order 1") and notes[1].endswith("scored as <unk>: zebra")
    assert isinstance(open_lm(tmp_path, WORDS).model, NgramLm)
    with pytest.raises(InputError, match="expected an existing file, found none"):
        open_lm(tmp_path / "none", WORDS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="expected an ARPA file, or a folder with .*, found none of them"):
        open_lm(tmp_path / "empty", WORDS)


@pytest.mark.parametrize("name", ["lm.arpa", "lm.arpa.gz"])
def test_a_folder_of_a_class_model(tmp_path, name):
    train_ngram([["V", "V"], ["V"]], NgramOptions(order=2)).write_arpa(tmp_path / name)
    assert isinstance(open_lm(tmp_path, WORDS).model, NgramLm)
    WordClasses({"a": "V", "b": "V"}, {"a": 0.25, "b": 0.75}).write(tmp_path / "classes.txt")
    lm, notes = open_lm(str(tmp_path), WORDS)
    assert isinstance(lm, ClassLm) and notes[1] == "1 words are in no class of the LM: zebra"
    a, b = lm.advance(np.zeros(2, int), np.array([1, 2]))[0]
    assert b - a == pytest.approx(np.log(3.0))


def test_weights_are_given_or_tuned_or_equal():
    text = TextIds.of(random_text(2, 30))
    lms = [NgramLm(model, text.words) for model in models()]
    assert mixture_weights(lms, None, None) == [0.5, 0.5] and mixture_weights(lms[:1], None, None) == [1.0]
    assert mixture_weights(lms, [0.25, 0.75], None) == [0.25, 0.75]
    tuned = tune_weights(held_out(lms, text)).weights.tolist()
    assert mixture_weights(lms, None, text) == tuned != [0.5, 0.5]
    with pytest.raises(InputError, match="--weights: expected none, since --tune finds them"):
        mixture_weights(lms, [0.5, 0.5], text)
    with pytest.raises(InputError, match="--mixture: expected none"):
        mixture_weights(lms, [0.5, 0.5], text, "--mixture")
    assert mixture_weights(lms, [1.0, 3.0], None) == [0.25, 0.75]
    with pytest.raises(InputError, match="--mixture: expected 2 numbers"):
        mixture_weights(lms, [0.5], None, "--mixture")
    with pytest.raises(InputError, match="--weights: expected 2 numbers from 0 up"):
        mixture_weights(lms, [0.5, -0.5], None)


def test_a_mixture_of_one_is_that_model():
    lms = [NgramLm(model, WORDS) for model in models()]
    assert mixed(lms[:1], [1.0], WORDS) is lms[0]
    both = mixed(lms, [0.5, 0.5], WORDS)
    assert isinstance(both, MixedLm) and both.models == lms
