import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.mixed_lm import MixedLm
from graphs.grammar.ngram import NgramModel, NgramTable
from graphs.grammar.ngram_lm import NgramLm
from hybrid.lm import perplexity as module
from hybrid.lm.ngram_train import NgramOptions, train_ngram
from hybrid.lm.perplexity import Perplexity, TextIds, log_probs, measure, read_text_ids, unknown_ids
from tests.hybrid.lm.material import make_lm
from tests.hybrid.lm.test_ngram_train import random_text
from tests.reference.ngrams import perplexity

LOG_10 = math.log(10.0)


@pytest.mark.parametrize("batch", [1, 7, 1024])
def test_events_are_scored_as_one_by_one(monkeypatch, batch):
    monkeypatch.setattr(module, "BATCH", batch)
    model = train_ngram(random_text(0), NgramOptions(order=3))
    sentences = [*random_text(1, 20), ["a"], [], ["b", "zebra", "c"]]
    text = TextIds.of(sentences)
    scores, ends = log_probs(NgramLm(model, text.words), text)
    expected = [[model.log10_prob(word, ["<s>", *words[:i]]) for i, word in enumerate((*words, "</s>"))]
                for words in sentences]
    assert (scores / LOG_10).tolist() == pytest.approx([value for row in expected for value in row[:-1]])
    assert (ends / LOG_10).tolist() == pytest.approx([row[-1] for row in expected])


def test_counts_and_the_three_perplexities():
    model = train_ngram([["a", "b"], ["b", "a", "c"]], NgramOptions(order=2))
    text = TextIds.of([["a", "zebra", "b"], ["<unk>", "cow"], ["b"]])
    found = measure(NgramLm(model, text.words), text)
    p = model.log10_prob
    known = [p("a", ["<s>"]), p("b", ["<unk>"]), p("</s>", ["b"]), p("</s>", ["<unk>"]), p("b", ["<s>"]),
             p("</s>", ["b"])]
    unknown = [p("<unk>", ["a"]), p("<unk>", ["<s>"]), p("<unk>", ["<unk>"])]
    assert (found.sentences, found.words, found.unknown, found.impossible, found.events) == (3, 6, 3, 0, 6)
    assert found.log_prob / LOG_10 == pytest.approx(sum(known))
    assert found.perplexity == pytest.approx(10 ** (-sum(known) / 6))
    assert found.perplexity_words == pytest.approx(10 ** (-sum(known) / 3))
    assert found.perplexity_unknown == pytest.approx(10 ** (-sum(known + unknown) / 9))
    assert found.perplexity_unknown == pytest.approx(
        perplexity(model, [["a", "zebra", "b"], ["<unk>", "cow"], ["b"]]))
    assert found.facts()["log10_prob"] == pytest.approx(sum(known))


def test_impossible_words_and_a_model_without_unk():
    log10_prob = np.array([-np.inf, -0.5, -0.3, -np.inf])
    unigrams = NgramTable(np.array([[0], [1], [2], [3]], np.int32), log10_prob, np.zeros(4))
    text = TextIds.of([["a", "b", "zebra"]])
    found = measure(NgramLm(NgramModel(["<s>", "</s>", "a", "b"], [unigrams]), text.words), text)
    assert (found.words, found.unknown, found.impossible, found.events) == (3, 1, 1, 2)
    assert found.perplexity == pytest.approx(10 ** 0.4) and found.perplexity_words == pytest.approx(10 ** 0.8)
    assert found.perplexity_unknown == math.inf and found.facts()["perplexity_unknown"] is None
    assert math.isnan(Perplexity(1, 0, 0, 1, 0.0, 0.0).perplexity)
    assert Perplexity(1, 0, 0, 0, -1e6, 0.0).perplexity == Perplexity(1, 0, 0, 0, -700.0, 0.0).perplexity == math.inf
    assert Perplexity(1, 0, 0, 0, -699.5, 0.0).perplexity == pytest.approx(math.exp(699.5))


def test_what_a_model_has_remembered_of_a_text_is_forgotten():
    lm = make_lm()
    assert measure(lm, TextIds.of([["a"]], lm.vocabulary.words)).words == 1 and len(lm._cache) == 1


def test_facts_are_json():
    assert Perplexity(2, 3, 1, 1, -6.0, -2.0).facts() == pytest.approx({
        "sentences": 2, "words": 3, "unknown": 1, "impossible": 1, "log_prob": -6.0, "log_prob_unknown": -2.0,
        "log10_prob": -6.0 / LOG_10, "perplexity": math.exp(2.0), "perplexity_words": math.exp(6.0),
        "perplexity_unknown": math.exp(2.0)})
    nothing = Perplexity(2, 0, 0, 2, 0.0, -math.inf).facts()
    assert [name for name, value in nothing.items() if value is None] == [
        "log_prob_unknown", "perplexity", "perplexity_words", "perplexity_unknown"]


def test_unknown_words_are_those_that_a_model_lacks_and_the_unknown_word_itself():
    class Model:
        missing = ["b", "no word of the text"]
    words = TextIds.of([["a", "b", "<UNK>", "<unk>", "unk"]]).words
    assert words.symbols == ["<eps>", "a", "b", "<UNK>", "<unk>", "unk"]
    assert unknown_ids(Model(), words).tolist() == [False, False, True, True, True, False]
    assert unknown_ids(object(), words).tolist() == [False, False, False, True, True, False]


def test_a_mixture_is_measured_over_the_words_of_all():
    first = train_ngram([["a", "b"]], NgramOptions(order=1))
    second = train_ngram([["b", "c"]], NgramOptions(order=1))
    text = TextIds.of([["a", "b", "c", "zebra"]])
    lm = MixedLm([NgramLm(model, text.words) for model in (first, second)], [0.25, 0.75], text.words)
    found = measure(lm, text)
    p, q = (lambda word: 10 ** first.log10_prob(word)), (lambda word: 10 ** second.log10_prob(word))
    assert found.unknown == 1
    assert found.log_prob == pytest.approx(
        math.log(0.25 * p("a")) + math.log(0.25 * p("b") + 0.75 * q("b")) + math.log(0.75 * q("c"))
        + math.log(0.25 * p("</s>") + 0.75 * q("</s>")))
    assert found.log_prob_unknown == pytest.approx(math.log(0.25 * p("<unk>") + 0.75 * q("<unk>")))


def test_texts_share_their_words(tmp_path):
    (tmp_path / "a.txt").write_text("x y\n\ny\n")
    (tmp_path / "b.txt").write_text("z x\n")
    first = read_text_ids(tmp_path / "a.txt", TextIds.of([["y"]]).words)
    second = read_text_ids(tmp_path / "b.txt", first.words)
    assert first.words.symbols == ["<eps>", "y", "x", "z"] == second.words.symbols
    assert first.word_ids.tolist() == [2, 1, 1] and first.lengths.tolist() == [2, 1]
    assert second.word_ids.tolist() == [3, 2] and second.word_ids.dtype == second.lengths.dtype == np.int64
    assert read_text_ids(str(tmp_path / "a.txt")).words.symbols == ["<eps>", "x", "y"]


def test_bad_texts(tmp_path):
    with pytest.raises(InputError, match="text: expected at least one sentence, found none"):
        TextIds.of([])
    (tmp_path / "a.txt").write_text("a\n\nb </s>\n")
    with pytest.raises(InputError, match="a.txt: sentence 2: expected no reserved words .*, found </s>"):
        read_text_ids(tmp_path / "a.txt", TextIds.of([["y"]]).words)
