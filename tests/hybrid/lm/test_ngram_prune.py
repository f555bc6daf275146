import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.grammar.ngram import NgramModel, NgramTable
from hybrid.lm.backoff import normalized
from hybrid.lm.ngram_prune import PruneOptions, entropy_prune, perplexity_rises
from hybrid.lm.ngram_train import NgramOptions, train_ngram
from tests.hybrid.lm.test_ngram_train import random_text
from tests.reference.ngrams import SlowModel, perplexity


def some_model(seed=0, order=3, thin=False, **options):
    """thin: some n-grams are missing, among them such that others end with."""
    model = train_ngram(random_text(seed, 60), NgramOptions(order=order, **options))
    if not thin:
        return model
    rng = np.random.default_rng(seed)
    kept = [np.ones(len(model.tables[0]), bool), *(rng.random(len(table)) < 0.7 for table in model.tables[1:])]
    histories = {tuple(ids[:n]) for table, rows in zip(model.tables, kept) for ids in table.word_ids[rows].tolist()
                 for n in range(1, len(ids))}
    kept = [rows | [tuple(ids) in histories for ids in table.word_ids.tolist()]
            for table, rows in zip(model.tables, kept)]
    return normalized(NgramModel(model.words, [table.select(rows) for table, rows in zip(model.tables, kept)]))


def ngrams_of(model, order):
    return [tuple(model.words[i] for i in ids) for ids in model.tables[order - 1].word_ids.tolist()]


def assert_sums_to_one(model):
    slow = SlowModel.of(model)
    for order in range(1, model.order):
        for ngram in ngrams_of(model, order):
            assert ngram[-1] == "</s>" or slow.total(ngram) == pytest.approx(1.0, abs=1e-6), ngram


@pytest.mark.parametrize("seed, order, method, thin", [(0, 2, "kneser-ney", False), (1, 3, "witten-bell", False),
                                                       (2, 3, "kneser-ney", True), (3, 4, "witten-bell", True)])
def test_the_rise_is_the_relative_entropy_summed_over_all_words(seed, order, method, thin):
    model = some_model(seed, order, thin, method=method)
    slow, rises = SlowModel.of(model), perplexity_rises(model)
    assert np.isinf(rises[0]).all()
    expected = [dict(zip(ngrams_of(model, n), rises[n - 1])) for n in range(1, order + 1)]
    checked = 0
    for n in range(2, order + 1):
        needed = {ngram[:-1] for ngram in (ngrams_of(model, n + 1) if n < order else ())}
        for ngram in ngrams_of(model, n)[::3]:
            history = ngram[:-1]
            divergence = slow.history_prob(history) * slow.divergence(slow.without(ngram), history)
            if ngram in needed:  # goes when its longer ones go
                longer = max(rise for g, rise in expected[n].items() if g[:-1] == ngram)
                assert expected[n - 1][ngram] == pytest.approx(max(longer, math.expm1(divergence)), rel=1e-6, abs=1e-12)
            else:
                assert expected[n - 1][ngram] == pytest.approx(math.expm1(divergence), rel=1e-6, abs=1e-12)
            checked += 1
    assert checked > 10


def test_history_probabilities_of_another_model():
    model = some_model(0)
    other = train_ngram(random_text(5, 50, words=("a", "b", "c", "d")), NgramOptions(order=2, method="witten-bell"))
    slow, slow_other = SlowModel.of(model), SlowModel.of(other)
    rises = dict(zip(ngrams_of(model, 3), perplexity_rises(model, other)[2]))
    own = dict(zip(ngrams_of(model, 3), perplexity_rises(model)[2]))
    for ngram in [*list(rises)[::5], *(g for g in rises if "e" in g[:2])]:
        history = tuple("<unk>" if word in "ef" else word for word in ngram[:2])
        share = math.log1p(rises[ngram]) / math.log1p(own[ngram])
        assert share == pytest.approx(slow_other.history_prob(history) / slow.history_prob(ngram[:2]), rel=1e-5)


@pytest.mark.parametrize("thin", [False, True])
def test_what_falls_below_the_threshold_goes_and_the_rest_sums_to_one(thin):
    model = some_model(7, order=4, thin=thin)
    rises = perplexity_rises(model)
    threshold = float(np.quantile(np.concatenate(rises[1:]), 0.6))
    pruned = entropy_prune(model, PruneOptions(threshold=threshold))
    for n in range(1, pruned.order + 1):
        kept = {ngram for ngram, rise in zip(ngrams_of(model, n), rises[n - 1]) if rise >= threshold}
        assert set(ngrams_of(pruned, n)) == kept
        assert {ngram[:-1] for ngram in kept} <= ({()} if n == 1 else set(ngrams_of(pruned, n - 1)))
    assert sum(map(len, pruned.tables)) < 0.5 * sum(map(len, model.tables))
    assert_sums_to_one(pruned)
    for ngram in ngrams_of(pruned, 2):
        assert pruned.log10_prob(ngram[1], ngram[:1]) == model.log10_prob(ngram[1], ngram[:1])


@pytest.mark.parametrize("end", [None, 0.25])
def test_before_a_first_word_stands_the_end_of_a_sentence_if_there_is_one(end):
    """p(a | <s>) is 0.8 and not 0.5 as without it; <s> stands where p(</s>) of all places are, or everywhere."""
    rest = 1.0 - (end or 0.0)
    probs = {"<s>": 0.0, "a": 0.5, "b": rest - 0.5, **({} if end is None else {"</s>": end})}
    words, zero = list(probs), np.zeros(len(probs))
    with np.errstate(divide="ignore"):
        log10_prob = np.log10(np.array([*probs.values()]))
    unigrams = NgramTable(np.arange(len(words), dtype=np.int32)[:, None], log10_prob, zero)
    bigrams = NgramTable(np.array([[0, 1]], np.int32), np.log10([0.8]), np.zeros(1))
    rises = perplexity_rises(normalized(NgramModel(words, [unigrams, bigrams])))
    divergence = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    assert rises[1] == pytest.approx([math.expm1((end or 1.0) * divergence)]) and np.isinf(rises[0]).all()


def test_where_nothing_is_left_for_other_words():
    """After a stands b alone: without "a b" what is left goes to a and b as they are anywhere."""
    log10_prob, zero = np.log10([0.5, 0.5]), np.zeros(2)
    unigrams = NgramTable(np.array([[0], [1]], np.int32), log10_prob, zero)
    model = normalized(NgramModel(["a", "b"], [unigrams, NgramTable(np.array([[0, 1]], np.int32), zero[:1], zero[:1])]))
    assert 10.0 ** model.log10_prob("a", ["a"]) == 0.0
    assert perplexity_rises(model)[1] == pytest.approx([math.expm1(0.5 * math.log(2.0))])
    pruned = entropy_prune(model, PruneOptions(threshold=0.42))
    assert pruned.order == 1 and 10.0 ** pruned.log10_prob("b", ["a"]) == pytest.approx(0.5)
    assert entropy_prune(model, PruneOptions(threshold=0.41)).order == 2


def test_an_ngram_of_no_probability_matters_by_what_it_keeps_from_others():
    """After a stands a alone, since "a b" has p = 0; without it a and b share what is left."""
    zero = np.zeros(2)
    unigrams = NgramTable(np.array([[0], [1]], np.int32), np.log10([0.5, 0.5]), zero)
    impossible = NgramTable(np.array([[0, 1]], np.int32), np.array([-np.inf]), zero[:1])
    model = normalized(NgramModel(["a", "b"], [unigrams, impossible]))
    assert 10.0 ** model.log10_prob("a", ["a"]) == pytest.approx(1.0)
    assert perplexity_rises(model)[1] == pytest.approx([math.expm1(0.5 * math.log(2.0))])


def test_after_a_history_that_never_stands_nothing_matters_and_nothing_is_lost():
    """b has p = 0 and only "b b" has not; pruning to more n-grams than there are keeps it."""
    with np.errstate(divide="ignore"):
        unigrams = NgramTable(np.array([[0], [1]], np.int32), np.log10([1.0, 0.0]), np.zeros(2))
    bigrams = NgramTable(np.array([[1, 1]], np.int32), np.log10([0.5]), np.zeros(1))
    model = normalized(NgramModel(["a", "b"], [unigrams, bigrams]))
    assert perplexity_rises(model)[1].tolist() == [0.0]
    assert [len(table) for table in entropy_prune(model, PruneOptions(max_ngrams=9)).tables] == [2, 1]
    assert entropy_prune(model, PruneOptions(threshold=1e-9)).order == 1


def test_to_a_number_of_ngrams():
    model = some_model(1)
    unigrams, total = len(model.tables[0]), sum(map(len, model.tables))
    before = None
    for number in range(unigrams, total + 1, 7):
        pruned = entropy_prune(model, PruneOptions(max_ngrams=number))
        assert sum(map(len, pruned.tables)) == number
        now = {ngram for n in range(1, pruned.order + 1) for ngram in ngrams_of(pruned, n)}
        assert before is None or before < now
        before = now
    assert sum(map(len, entropy_prune(model, PruneOptions(max_ngrams=10 * total)).tables)) == total
    assert entropy_prune(model, PruneOptions(max_ngrams=unigrams)).order == 1
    with pytest.raises(InputError, match=f"max_ngrams: expected at least {unigrams}, the unigrams .* found 3"):
        entropy_prune(model, PruneOptions(max_ngrams=3))
    both = entropy_prune(model, PruneOptions(max_ngrams=total - 9, threshold=1.0))
    assert sum(map(len, both.tables)) == unigrams  # whichever is the stricter


def test_equal_rises_keep_the_histories():
    """Every n-gram of a uniform model is worth nothing."""
    uniform = [["a", "b"], ["b", "a"], ["a", "a"], ["b", "b"]] * 4
    model = train_ngram(uniform, NgramOptions(order=3))
    for number in range(len(model.tables[0]), sum(map(len, model.tables))):
        assert_sums_to_one(entropy_prune(model, PruneOptions(max_ngrams=number)))


def test_pruning_nothing_changes_nothing(tmp_path):
    model = some_model(3, order=3)
    again = entropy_prune(model, PruneOptions())
    for old, new in zip(model.tables, again.tables):
        assert old.word_ids.tolist() == new.word_ids.tolist() and old.log10_prob.tolist() == new.log10_prob.tolist()
        continued = {ngram[:-1] for n in (2, 3) for ngram in ngrams_of(model, n)}
        rows = [tuple(model.words[i] for i in ids) in continued for ids in old.word_ids.tolist()]
        assert new.log10_backoff[rows] == pytest.approx(old.log10_backoff[rows], abs=1e-7)
    assert not PruneOptions().prunes and PruneOptions(threshold=1e-9).prunes and PruneOptions(max_ngrams=1).prunes


def test_pruning_costs_less_than_dropping_what_was_seen_once():
    train, test = random_text(1, 1500), random_text(2, 300)
    full, cut = (train_ngram(train, NgramOptions(order=4, method="witten-bell", prune=prune))
                 for prune in ((), (0, 0, 2)))
    pruned = entropy_prune(full, PruneOptions(max_ngrams=sum(map(len, cut.tables))))
    assert sum(map(len, pruned.tables)) == sum(map(len, cut.tables)) < 0.8 * sum(map(len, full.tables))
    assert perplexity(pruned, test) < perplexity(cut, test)


def test_weights_of_a_file_that_does_not_sum_to_one(tmp_path, caplog):
    text = ("\\data\\\nngram 1=4\nngram 2=3\n\n\\1-grams:\n-99\t<s>\t-0.1\n-0.4\t</s>\n-0.4\ta\t-1\n-0.7\tb\n\n"
            "\\2-grams:\n-0.1\ta a\n-0.1\ta b\n-0.3\t<s> a\n\n\\end\\\n")
    (tmp_path / "lm.arpa").write_text(text)
    model = normalized(read_arpa(tmp_path / "lm.arpa")[0])
    assert "order 2: the probabilities after 1 histories sum to more than 1" in caplog.text
    assert model.log10_prob("</s>", ["a"]) == -math.inf  # there is nothing left
    assert 10 ** model.tables[0].log10_backoff[model.index_of["<s>"]] == pytest.approx(
        (1 - 10 ** -0.3) / (1 - 10 ** -0.4), rel=1e-9)
    assert model.tables[0].log10_backoff[model.index_of["b"]] == 0.0


@pytest.mark.parametrize("options", [{"threshold": -1e-9}, {"max_ngrams": -1}])
def test_options_out_of_range(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        PruneOptions(**options)
