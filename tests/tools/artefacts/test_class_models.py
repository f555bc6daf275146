import pytest

from graphs.errors import InputError
from tests.tools.artefacts.shown import lines_of
from tools.artefacts.class_models import class_lm_problems, describe_class_lm

NAMES = [f"C{n}" for n in range(11)]


@pytest.fixture
def folder(tmp_path):
    """Eleven classes: one of 51 words as likely as each other, one of three, and of one word each."""
    ngrams = [f"-1 {word}\n" for word in ("<s>", "</s>", *NAMES)]
    (tmp_path / "lm.arpa").write_text(f"\\data\\\nngram 1={len(ngrams)}\n\n\\1-grams:\n{''.join(ngrams)}\n\\end\\\n")
    lines = [f"C0 {1 / 51} w{n:02d}\n" for n in range(51)] + ["C1 0.25 b\nC1 0.25 a\nC1 0.5 z\n"]
    (tmp_path / "classes.txt").write_text("".join([*lines, *(f"{name} 1 x{name}\n" for name in NAMES[2:])]))
    return tmp_path


def test_the_ten_largest_classes_and_their_likeliest_words(folder):
    assert lines_of(describe_class_lm(folder)) == [
        "order: 1", "classes: 11", "words in classes: 63", "n-grams: 13", "largest classes",
        "class words most probable",
        "C0 51 w00, w01, w02, w03, w04, w05, ... (51 in all)", "C1 3 z, a, b",
        *(f"{name} 1 x{name}" for name in NAMES[2:10])]


def test_a_word_and_a_class(folder):
    assert lines_of(describe_class_lm(folder, "w50")) == [
        "word: w50", "class: C0", "probability in it: 0.0196078",
        "words of the class: w00, w01, w02, w03, w04, w05, w06, w07, w08, w09, w10, w11, ... (51 in all)"]
    assert lines_of(describe_class_lm(folder, "C1")) == [
        "class: C1", "words: 3", "words", "word probability", "z 0.5", "a 0.25", "b 0.25"]
    shown = lines_of(describe_class_lm(folder, "C0"))
    assert shown[1] == "words: 51" and shown[4:] == [f"w{n:02d} 0.01961" for n in range(50)]  # the likeliest fifty
    with pytest.raises(InputError, match="expected a word or a class such as w00, w01, w02, .* found C99"):
        describe_class_lm(folder, "C99")


def test_classes_that_the_model_lacks_and_words_without_probabilities(folder):
    assert list(class_lm_problems(folder)) == []
    path = folder / "classes.txt"
    path.write_text("Z 0.5 a\nY 1 b\nC1 1 c\nZ 0.5 d\n")
    assert list(class_lm_problems(folder)) == [f"{path}: expected classes of lm.arpa, found {name}" for name in "YZ"]
    path.write_text("C1 a\nC1 b\n")
    assert list(class_lm_problems(folder)) == [
        f"{path}: expected the probability of each word in its class, found none"]
    assert lines_of(describe_class_lm(folder, "a")) == ["word: a", "class: C1", "words of the class: a, b"]
    assert lines_of(describe_class_lm(folder, "C1"))[-2:] == ["a 0", "b 0"]
