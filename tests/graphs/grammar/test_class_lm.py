import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.grammar.class_lm import ClassLm, WordClasses, make_class_grammar
from graphs.lang.symbols import SymbolTable
from tests.graphs.arpas import arpa_text, oracle_score, random_entries, random_sentences
from tests.graphs.grammar.test_grammar_fst import Walker

WORDS = SymbolTable(["red", "dog", "blue", "and", "cat", "odd", "<unk>", "COLOUR", "#0", "<s>", "</s>"])
CLASSES = WordClasses({"red": "COLOUR", "blue": "COLOUR", "dog": "PET", "cat": "PET", "mouse": "PET"},
                      {"red": 0.25, "blue": 0.75, "dog": 0.5, "cat": 0.3, "mouse": 0.2})
LOG_10 = math.log(10.0)
SYMBOLS = ("COLOUR", "PET", "and", "<unk>")


def read(tmp_path, entries):
    (tmp_path / "lm.arpa").write_text(arpa_text(entries))
    return read_arpa(tmp_path / "lm.arpa")[0]


def expected_score(entries, sentence):
    """Natural log, by the definition."""
    symbols = [CLASSES.class_of.get(word, word if word == "and" else "<unk>") for word in sentence]
    return oracle_score(entries, symbols) * LOG_10 + sum(math.log(CLASSES.prob.get(word, 1.0)) for word in sentence)


def sentences(seed, number, words=("red", "blue", "dog", "cat", "and", "odd", "COLOUR")):
    return random_sentences(seed, number, words)


def score(lm, sentence):
    states, total = np.array([lm.start]), 0.0
    for word in sentence:
        value, states = lm.advance(states, np.array([WORDS.id_of(word)]))
        total += value[0]
    return total + lm.final(states)[0]


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_the_definition(tmp_path, seed):
    entries = random_entries(seed, words=SYMBOLS)
    lm = ClassLm(read(tmp_path, entries), CLASSES, WORDS)
    assert lm.missing == ["odd", "COLOUR"]  # the name of a class is no word
    assert lm.lines() == ["2 words are in no class of the LM: odd, COLOUR"]
    for sentence in sentences(seed, 40):
        assert score(lm, sentence) == pytest.approx(expected_score(entries, sentence), abs=1e-4)
    lm.reset()
    scores, states = lm.advance(np.zeros(2, int), np.array([WORDS.id_of("red"), WORDS.id_of("blue")]))
    assert states[0] == states[1] and scores[1] - scores[0] == pytest.approx(math.log(3.0))
    penalized = ClassLm(read(tmp_path, entries), CLASSES, WORDS, unknown_penalty=-2.0)
    assert score(penalized, ["odd", "and"]) == pytest.approx(score(lm, ["odd", "and"]) - 2.0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("oov_word", [None, "<unk>"])
def test_expanded_to_words(tmp_path, seed, oov_word):
    entries = random_entries(seed, words=SYMBOLS)
    grammar, report = make_class_grammar(read(tmp_path, entries), CLASSES, WORDS, oov_word)
    assert sorted(report.words_without_unigram) == ["COLOUR", "odd"]
    assert report.oov_word == (oov_word is not None)
    walker = Walker(grammar, WORDS.id_of("#0"))
    words = ("red", "blue", "dog", "cat", "and") + (("<unk>",) if oov_word else ())
    for sentence in sentences(seed, 40, words):
        found = walker.exact([WORDS.id_of(word) for word in sentence])
        assert found == pytest.approx(expected_score(entries, sentence), abs=1e-3)
    assert walker.exact([WORDS.id_of("odd")]) == -math.inf
    backoff = grammar.ilabel == WORDS.id_of("#0")
    assert backoff.any() and not grammar.olabel[backoff].any()
    assert (grammar.olabel[~backoff] == grammar.ilabel[~backoff]).all()


def test_words_of_no_probability_have_no_arc(tmp_path):
    classes = WordClasses(CLASSES.class_of, {**CLASSES.prob, "red": 0.0, "blue": 1.0})
    model = read(tmp_path, random_entries(0, words=SYMBOLS))
    grammar = make_class_grammar(model, classes, WORDS)[0]
    assert WORDS.id_of("red") not in grammar.ilabel and WORDS.id_of("blue") in grammar.ilabel
    assert score(ClassLm(model, classes, WORDS), ["red"]) == -math.inf


def test_files(tmp_path):
    CLASSES.write(tmp_path / "classes.txt")
    assert (tmp_path / "classes.txt").read_text() == (
        "COLOUR 0.75 blue\nCOLOUR 0.25 red\nPET 0.3 cat\nPET 0.5 dog\nPET 0.2 mouse\n")
    assert WordClasses.read(tmp_path / "classes.txt") == CLASSES
    plain = WordClasses(CLASSES.class_of, {})
    plain.write(tmp_path / "plain.txt")
    assert (tmp_path / "plain.txt").read_text().splitlines()[0] == "COLOUR blue"
    assert WordClasses.read(tmp_path / "plain.txt") == plain


def test_without_probabilities_there_is_no_model(tmp_path):
    for make in (ClassLm, make_class_grammar):
        with pytest.raises(InputError, match="expected the probability of each word in its class, found none"):
            make(read(tmp_path, random_entries(0, words=SYMBOLS)), WordClasses(CLASSES.class_of, {}), WORDS)


@pytest.mark.parametrize("text, message", [
    ("", "classes.txt: expected classes of words, found none"),
    ("A\n", "classes.txt:1: expected CLASS, perhaps its word's probability, and WORD, found 'A'"),
    ("A a\n\nA 1 b c\n", "classes.txt:3: expected CLASS, perhaps"),
    ("A a\nB a\n", "classes.txt:2: expected every word once, found a again"),
    ("A x a\n", "classes.txt:1: expected a probability from 0 to 1, found x"),
    ("A 1.5 a\n", "classes.txt:1: expected a probability from 0 to 1, found 1.5"),
    ("A -0.5 a\n", "classes.txt:1: expected a probability from 0 to 1, found -0.5"),
    ("A 0.5 a\nA 0.4 b\n", "classes.txt: expected probabilities of class A that sum to 1, found 0.9"),
    ("A 1 a\nA b\n", "classes.txt: expected a probability for each word or for none, found none for b"),
    ("A <s>\n", "classes.txt:1: expected no reserved words and no <unk>, found A <s>"),
    ("<unk> a\n", "classes.txt:1: expected no reserved words and no <unk>, found <unk> a"),
])
def test_bad_files(tmp_path, text, message):
    (tmp_path / "classes.txt").write_text(text)
    with pytest.raises(InputError) as error:
        WordClasses.read(tmp_path / "classes.txt")
    assert message in str(error.value)
