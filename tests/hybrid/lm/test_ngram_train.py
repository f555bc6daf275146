import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.grammar.grammar_fst import make_grammar
from graphs.lang.symbols import SymbolTable
from hybrid.lm.ngram_counts import Counts
from hybrid.lm.ngram_train import FALLBACK_DISCOUNTS, NgramOptions, _discounts, _ngram_table, train_ngram
from tests.reference.ngrams import perplexity


def random_text(seed, sentences=300, words=("a", "b", "c", "d", "e", "f")):
    """A first-order process, so that histories tell something; some words are rare."""
    rng = random.Random(seed)
    text = []
    for _ in range(sentences):
        sentence = [rng.choice(words)]
        while rng.random() < 0.8:
            place = words.index(sentence[-1])
            sentence.append(rng.choices(words, [1 / (1 + (place * 3 + i) % len(words)) ** 2
                                                for i in range(len(words))])[0])
        text.append(sentence)
    return text


OPTIONS = [NgramOptions(order=order, method=method, prune=prune)
           for order, method, prune in itertools.product((1, 2, 3, 4), ("kneser-ney", "witten-bell"),
                                                         ((), (0, 0, 1), (0, 1, 2)))]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_probabilities_sum_to_one_after_every_history(options):
    model = train_ngram(random_text(0), options, vocabulary=["a", "b", "c", "d", "e", "x"])
    predicted = [word for word in model.words if word != "<s>"]
    histories = [(), ("<s>",), ("x",), ("<unk>",)] + [
        tuple(model.words[i] for i in ids) for table in model.tables for ids in table.word_ids[::7]
        if "</s>" not in [model.words[i] for i in ids]]
    for history in histories:
        total = sum(10.0 ** model.log10_prob(word, history) for word in predicted)
        assert total == pytest.approx(1.0, abs=1e-6), history


def naive_kneser_ney(text, order):
    """p(word, history) of interpolated modified Kneser-Ney, by the formulas, with dictionaries."""
    sentences = [("<s>", *words, "</s>") for words in text]
    vocabulary = {word for sentence in sentences for word in sentence[1:]} | {"<unk>"}
    raw = {n: Counter(s[i - n:i] for s in sentences for i in range(max(n, 2), len(s) + 1))
           for n in range(1, order + 1)}
    counts = {}
    for n in range(1, order + 1):
        if n == order:
            counts[n] = raw[n]
        else:
            before = Counter(ngram[1:] for ngram in raw[n + 1])
            counts[n] = Counter({g: raw[n][g] if g[0] == "<s>" else before[g] for g in raw[n]})
    discounts = {}
    for n, table in counts.items():
        n1, n2, n3, n4 = (sum(c == k for c in table.values()) for k in (1, 2, 3, 4))
        if min(n1, n2, n3) == 0:
            discounts[n] = (0.0, *FALLBACK_DISCOUNTS)
        else:
            y = n1 / (n1 + 2 * n2)
            discounts[n] = (0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
            if not all(0 < d < k for k, d in enumerate(discounts[n][1:], 1)):
                discounts[n] = (0.0, *FALLBACK_DISCOUNTS)

    def prob(word, history):
        if history is None:
            return 1.0 / len(vocabulary)
        n = len(history) + 1
        after = {g: c for g, c in counts[n].items() if g[:-1] == history}
        total = sum(after.values())
        lower = prob(word, history[1:] if history else None)
        if not total:
            return lower
        discount = discounts[n]
        held_back = sum(discount[min(c, 3)] for c in after.values())
        count = after.get((*history, word), 0)
        return (count - discount[min(count, 3)] + held_back * lower) / total

    return prob


@pytest.mark.parametrize("order", [1, 2, 3])
def test_kneser_ney_equals_the_formulas(order):
    text = random_text(order, sentences=60)
    model, prob = train_ngram(text, NgramOptions(order=order)), naive_kneser_ney(text, order)
    histories = {tuple(sentence[max(0, end - order + 1):end])
                 for sentence in (["<s>", *words] for words in text) for end in range(1, len(sentence) + 1)}
    assert len(histories) >= 1
    for history in itertools.islice(sorted(histories), 40):
        for word in ("a", "c", "f", "</s>", "<unk>"):
            assert 10.0 ** model.log10_prob(word, history) == pytest.approx(
                prob(word, history[len(history) - order + 1:] if order > 1 else ()), rel=1e-6)


def test_witten_bell_by_hand():
    model = train_ngram([["a", "b"], ["a", "a"]], NgramOptions(order=2, method="witten-bell"))
    # unigrams: a 3, b 1, </s> 2; 3 different of 6; uniform over a, b, </s>, <unk>
    p_a = (3 + 3 / 4) / (6 + 3)
    assert 10.0 ** model.log10_prob("a") == pytest.approx(p_a)
    # after a: b 1, a 1, </s> 1
    assert 10.0 ** model.log10_prob("a", ["a"]) == pytest.approx((1 + 3 * p_a) / (3 + 3))
    # after b: </s> 1
    assert 10.0 ** model.log10_prob("a", ["b"]) == pytest.approx(1 * p_a / (1 + 1))


def test_kneser_ney_by_hand_where_too_little_is_seen_for_its_discounts(caplog):
    model = train_ngram([["a", "a", "b"], ["b"], ["b"]], NgramOptions(order=1))
    # a 2, b 3, </s> 3; discounts 0.5 of what is seen once, 1 of twice, 1.5 of more; uniform over a, b, </s>, <unk>
    rest = (1.0 + 1.5 + 1.5) / 8
    expected = {"a": (2 - 1) / 8 + rest / 4, "b": (3 - 1.5) / 8 + rest / 4, "</s>": (3 - 1.5) / 8 + rest / 4,
                "<unk>": rest / 4}
    assert {word: 10.0 ** model.log10_prob(word) for word in expected} == pytest.approx(expected)
    assert model.log10_prob("<s>") == -math.inf and model.tables[0].log10_backoff.tolist() == [0.0] * 5
    assert [record.getMessage() for record in caplog.records] == [
        "order 1: too few n-grams seen once, twice, ... (0, 1, 2, 0) for Kneser-Ney discounts; taking (0.5, 1.0, 1.5)"]
    once = train_ngram([["a"]], NgramOptions(order=1))  # a 1, </s> 1
    assert 10.0 ** once.log10_prob("a") == pytest.approx(0.5 / 2 + (0.5 + 0.5) / 2 / 3)


@pytest.mark.parametrize("seen, discounts", [
    ([1] * 4 + [2] * 2 + [3] + [4], (0.5, 1.25, 1.0)), ([1] * 6 + [2] * 3 + [3] * 2 + [4] + [9], (0.5, 1.0, 2.0)),
    ([1] * 4 + [2] * 2 + [3] * 2 + [4] * 3, FALLBACK_DISCOUNTS),  # D(3+) would be 0
    ([1] * 30 + [2] * 11 + [3] * 10 + [4] * 13, FALLBACK_DISCOUNTS),  # or 4e-16, if it were rounded
    ([1] * 4 + [2] * 2 + [3], FALLBACK_DISCOUNTS),  # or 3
    ([2, 2, 3, 4], FALLBACK_DISCOUNTS), ([1, 1, 3, 4], FALLBACK_DISCOUNTS), ([1, 1, 2, 4], FALLBACK_DISCOUNTS)])
def test_discounts_come_from_counts_of_counts(seen, discounts):
    assert _discounts(np.array(seen + [0]), 2) == pytest.approx(discounts)


def test_a_history_that_leaves_nothing_has_the_least_weight_that_files_know():
    zero = np.zeros(4, int)
    counts = Counts(np.arange(4)[:, None], np.ones(4, int), zero, zero)
    table = _ngram_table(counts, np.array([0.1, 0.5, 0.25, 0.0]), np.array([1.0, 0.0, 0.1, -1e-17]), np.arange(4) != 2)
    assert table.word_ids.tolist() == [[0], [1], [3]]
    assert table.log10_prob.tolist() == pytest.approx([-1.0, -math.inf, -99.0])
    assert table.log10_backoff.tolist() == pytest.approx([0.0, -99.0, -99.0])


@pytest.mark.parametrize("prune, thresholds", [
    ((), [0, 0, 0, 0]), ((0,), [0, 0, 0, 0]), ((0, 1), [0, 1, 1, 1]), ((0, 0, 2), [0, 0, 2, 2]),
    ((0, 1, 1, 3), [0, 1, 1, 3])])
def test_the_last_threshold_goes_on_for_higher_orders(prune, thresholds):
    options = NgramOptions(prune=prune)
    assert [options.threshold(order) for order in (1, 2, 3, 4)] == thresholds


def test_what_is_seen_as_often_as_the_threshold_says_is_dropped():
    text = [["a", "b"]] * 3 + [["a", "c"]] * 2 + [["rare", "b"]]
    model = train_ngram(text, NgramOptions(order=2, prune=(0, 2)))
    bigrams = [" ".join(model.words[i] for i in ids) for ids in model.tables[1].word_ids]
    assert bigrams == ["<s> a", "a b", "b </s>"]
    assert model.words[3:] == ["a", "b", "c", "rare"] and len(model.tables[0]) == 7  # words stay


@pytest.mark.parametrize("method", ["kneser-ney", "witten-bell"])
def test_after_a_gap_all_is_predicted_too(method):
    """Of "b c" there is no word before that counts: after b Kneser-Ney backs off to words alone."""
    text = [["x", "b", "c"], ["a", "a"], ["x", "b", "c", "a"]]
    model = train_ngram(text, NgramOptions(order=3, method=method, unknown="gap"), vocabulary=["a", "b", "c"])
    predicted = [word for word in model.words if word != "<s>"]
    for history in ((), ("<s>",), ("b",), ("b", "c"), ("x", "b"), ("a", "a")):
        assert sum(10.0 ** model.log10_prob(word, history) for word in predicted) == pytest.approx(1.0), history
    if method == "kneser-ney":
        for word in ("a", "c", "</s>", "<unk>"):
            assert model.log10_prob(word, ["b"]) == pytest.approx(model.log10_prob(word))


def test_vocabulary_and_unknown_words():
    model = train_ngram([["a", "b", "zebra"]] * 3, NgramOptions(order=2), vocabulary=["a", "b", "c"])
    assert model.words == ["<unk>", "<s>", "</s>", "a", "b", "c"]
    assert model.log10_prob("zebra", ["b"]) == model.log10_prob("<unk>", ["b"]) > model.log10_prob("c", ["b"])
    assert not math.isinf(model.log10_prob("c"))
    assert "zebra" in train_ngram([["a", "b", "zebra"]], NgramOptions(order=2)).words


def test_long_orders_and_short_sentences():
    model = train_ngram([["a"], ["b"]], NgramOptions(order=5))
    assert model.order == 3  # <s> a </s> is the longest n-gram there is
    assert train_ngram([[]], NgramOptions(order=1)).log10_prob("</s>") < 0


def test_higher_orders_predict_better_and_pruning_costs_little():
    train, test = random_text(1, 2000), random_text(2, 200)
    found = [perplexity(train_ngram(train, NgramOptions(order=order)), test) for order in (1, 2)]
    assert found[1] < 0.8 * found[0]
    full, pruned = (train_ngram(train, NgramOptions(order=3, prune=p)) for p in ((), (0, 0, 1)))
    assert len(pruned.tables[2]) < len(full.tables[2]) and len(pruned.tables[1]) == len(full.tables[1])
    assert perplexity(pruned, test) < 1.05 * perplexity(full, test)


def test_through_arpa_into_g(tmp_path):
    text = random_text(4)
    model = train_ngram(text, NgramOptions(order=3))
    model.write_arpa(tmp_path / "lm.arpa")
    again, report = read_arpa(tmp_path / "lm.arpa")
    assert report.lines()[1:] == []  # nothing to mend in our own files
    assert again.score(text[0]) == pytest.approx(model.score(text[0]), abs=1e-5)
    _, report = make_grammar(again, SymbolTable([*"abcdef", "#0", "<s>", "</s>"]))
    assert report.unknown_words == report.words_without_unigram == []


def test_vocabulary_limits_and_what_unknown_words_count_as():
    text = [["a", "b", "rare", "a"], ["b", "a", "odd"], ["a", "b"]] * 2 + [["once"]]
    limited = train_ngram(text, NgramOptions(order=2, max_words=2))
    assert limited.words == ["<unk>", "<s>", "</s>", "a", "b"]
    replaced = [["<unk>" if word in ("rare", "odd", "once") else word for word in words] for words in text]
    same = train_ngram(replaced, NgramOptions(order=2), vocabulary=["a", "b"])
    for history in ((), ("<s>",), ("a",), ("b",), ("<unk>",)):
        for word in ("a", "b", "<unk>", "</s>"):
            assert limited.log10_prob(word, history) == same.log10_prob(word, history)
    assert train_ngram(text, NgramOptions(order=2, min_count=2)).words[3:] == ["a", "b", "odd", "rare"]
    gap = train_ngram(text, NgramOptions(order=2, max_words=2, unknown="gap", method="witten-bell"))
    assert not any(gap.index_of["<unk>"] in ids for ids in gap.tables[1].word_ids.tolist())
    # seen: a 8, b 6, </s> 7; <unk> takes what any word unseen would
    assert 10 ** gap.log10_prob("<unk>") == pytest.approx(3 / (21 + 3) / 4)
    assert 10 ** gap.log10_prob("a") == pytest.approx((8 + 3 / 4) / 24)
    # after b: a 2, </s> 2; "b rare" is none
    assert 10 ** gap.log10_prob("a", ["b"]) == pytest.approx((2 + 2 * (8 + 3 / 4) / 24) / (4 + 2))


@pytest.mark.parametrize("options", [{"order": 0}, {"method": "katz"}, {"prune": (1, 0)}, {"prune": (1,)},
                                     {"prune": (0, -1)}, {"prune": (-1, 0)}, {"prune": (0, 2, 1)}, {"max_words": -1},
                                     {"min_count": 0}, {"unknown": "no"}])
def test_options_out_of_range(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        NgramOptions(**options)


@pytest.mark.parametrize("options", [{"order": 1}, {"prune": (0, 0)}, {"max_words": 0}, {"min_count": 1}])
def test_options_at_their_bounds(options):
    assert all(getattr(NgramOptions(**options), name) == value for name, value in options.items())


def test_bad_texts():
    with pytest.raises(InputError, match="expected at least one sentence"):
        train_ngram([], NgramOptions())
    with pytest.raises(InputError, match="sentence 2: expected no reserved words"):
        train_ngram([["a"], ["<s>", "a"]], NgramOptions())
