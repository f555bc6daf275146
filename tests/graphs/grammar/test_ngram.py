import gzip
import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.arpa import ArpaReport, read_arpa
from graphs.grammar.ngram import NgramIndex, NgramModel, NgramScorer, NgramTable
from tests.graphs.arpas import arpa_text, oracle_score, random_entries, random_sentences

SMALL = """\\data\\
ngram 1=5
ngram 2=3
ngram 3=1

\\1-grams:
-99\t<s>\t-0.5
-0.6\t</s>
-1.0\t<unk>
-0.4\ta\t-0.2
-0.8\tb\t-0.1

\\2-grams:
-0.3\t<s> a\t-0.25
-0.2\ta b\t-0.05
-0.7\tb </s>

\\3-grams:
-0.1\t<s> a b

\\end\\
"""


def read(tmp_path, data, name="lm.arpa"):
    path = tmp_path / name
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return read_arpa(path)


def test_scores_by_hand(tmp_path):
    model, report = read(tmp_path, SMALL)
    assert model.order == 3 and report.lines() == ["n-grams: 5 of order 1, 3 of order 2, 1 of order 3"]
    assert model.log10_prob("a") == pytest.approx(-0.4)
    assert model.log10_prob("b", ["<s>", "a"]) == pytest.approx(-0.1)  # a trigram
    assert model.log10_prob("a", ["<s>", "a"]) == pytest.approx(-0.25 - 0.2 - 0.4)  # down to the unigram
    assert model.log10_prob("b", ["b", "b", "a"]) == pytest.approx(-0.2)  # no history "b a": weight 1
    # <s> a b </s>: "a b </s>" backs off with weight of "a b" to "b </s>"
    assert model.score(["a", "b"]) == pytest.approx(-0.3 - 0.1 - 0.05 - 0.7)
    assert model.score([]) == pytest.approx(-0.5 - 0.6)
    assert model.score(["zebra"]) == pytest.approx(model.score(["<unk>"])) == pytest.approx(-0.5 - 1.0 - 0.6)


@pytest.mark.parametrize("seed", range(8))
def test_scores_equal_the_definition_even_with_missing_histories(tmp_path, seed):
    entries = random_entries(seed, order=1 + seed % 4)
    model, report = read(tmp_path, arpa_text(entries))
    for sentence in random_sentences(seed, 60):
        assert model.score(sentence) == pytest.approx(oracle_score(entries, sentence), abs=1e-5)
    if seed % 4 == 3:
        assert report.added_histories > 0  # the generator does leave some out


@pytest.mark.parametrize("name", ["again.arpa", "again.arpa.gz"])
def test_writing_and_reading_again(tmp_path, name):
    model, _ = read(tmp_path, arpa_text(random_entries(5)))
    model.write_arpa(tmp_path / name)
    again, report = read_arpa(tmp_path / name)
    assert (tmp_path / name).read_bytes()[:2] == (b"\x1f\x8b" if name.endswith(".gz") else b"\\d")
    assert again.words == model.words and report.missing_words == ["<unk>"]
    for sentence in random_sentences(1, 40):
        assert again.score(sentence) == pytest.approx(model.score(sentence), abs=1e-5)


@pytest.mark.parametrize("ending", [".arpa", ".arpa.gz"])
def test_a_file_of_ours_is_written_again_byte_by_byte(tmp_path, ending):
    read(tmp_path, arpa_text(random_entries(5)))[0].write_arpa(tmp_path / f"first{ending}")
    read_arpa(tmp_path / f"first{ending}")[0].write_arpa(tmp_path / f"second{ending}")
    assert (tmp_path / f"first{ending}").read_bytes() == (tmp_path / f"second{ending}").read_bytes()


def test_zero_is_written_as_minus_99_and_less_is_zero(tmp_path):
    model, _ = read(tmp_path, SMALL.replace("-0.8\tb\t-0.1", "-98.5\tb\t-99").replace("-0.4\ta\t-0.2", "-99\ta\t-98.5"))
    assert [model.log10_prob(word) for word in "ab"] == [-math.inf, -98.5]
    model.write_arpa(tmp_path / "again.arpa")
    lines = (tmp_path / "again.arpa").read_text().splitlines()
    assert "-99\ta\t-98.5" in lines and "-98.5\tb\t-99" in lines
    assert lines[:5] == ["\\data\\", "ngram 1=5", "ngram 2=3", "ngram 3=1", ""] and lines[-2:] == ["", "\\end\\"]
    assert "-0.1\t<s> a b" in lines  # no weight in the highest order


def test_layouts_of_the_wild(tmp_path):
    """Prose with false marks before the data, blanks instead of tabs, DOS ends, a byte-order mark, gzip."""
    plain, _ = read(tmp_path, SMALL)
    prose = ("This is a 2-gram model\nBeginning of data mark: \\data\\\nngram 1=nr\n"
             "\\1-grams:\np_1 wd_1 bo\n\n")
    for data in (prose + SMALL, SMALL.replace("\t", "  "), SMALL.replace("\n", " \r\n"),
                 b"\xef\xbb\xbf" + SMALL.encode(), gzip.compress(SMALL.encode()),
                 SMALL.replace("ngram 1=5", "ngram 1 = 5"), SMALL + "anything after the end\n",
                 SMALL.replace("-0.8\tb", "\n-0.8\tb")):
        model, report = read(tmp_path, data)
        assert len(report.lines()) == 1
        for sentence in (["a", "b"], ["b"], []):
            assert model.score(sentence) == plain.score(sentence)


@pytest.mark.parametrize("old, new, line", [
    ("-0.4\ta\t-0.2", "-0.4\ta\x0bn\t-0.2", 10), ("-0.4\ta\t-0.2", "-0.4\ta\x0c2", 10), ("-0.2\ta b", "-0.2\ta\rb", 15),
    ("-0.7\tb </s>", "-0.7\tb\x0b</s>", 16), ("-0.1\t<s> a b", "-0.1\t<s> a\x0cb", 19)])
def test_control_characters_that_would_part_a_word(tmp_path, old, new, line):
    with pytest.raises(InputError, match=f"lm.arpa:{line}: expected no blanks but spaces and tabs, found '-"):
        read(tmp_path, SMALL.replace(old, new))


def test_missing_unknown_word(tmp_path):
    model, report = read(tmp_path, SMALL.replace("-1.0\t<unk>\n", "").replace("1=5", "1=4"))
    assert report.missing_words == ["<unk>"] and "the model has no <unk>" in report.lines()
    assert model.score(["a", "zebra"]) == -math.inf


def test_marks_in_capitals(tmp_path):
    text = SMALL.replace("<s>", "<S>").replace("</s>", "</S>").replace("<unk>", "<UNK>")
    model, report = read(tmp_path, text)
    assert report.renamed == ["<S>", "</S>", "<UNK>"] and report.missing_words == []
    assert model.score(["a", "zebra"]) == pytest.approx(read(tmp_path, SMALL)[0].score(["a", "zebra"]))
    both, report = read(tmp_path, SMALL.replace("-0.8\tb\t", "-0.8\tb\t").replace(
        "-1.0\t<unk>", "-1.0\t<unk>\n-2.0\t<UNK>").replace("1=5", "1=6"))
    assert "<UNK>" in both.words and report.renamed == []


def test_odd_ngrams_are_counted(tmp_path):
    odd = "-0.1\ta <s>\n-0.1\t</s> a\n-0.1\ta cow\n-9\ta b\n0.3\tb a\n"
    text = SMALL.replace("\\3-grams:", odd + "\\3-grams:")
    text = text.replace("-0.8\tb", "-0.8\tb\t0\n-0.9\tb")
    model, report = read(tmp_path, text)
    assert (report.misplaced_boundaries, report.unknown_words) == (2, 1)
    assert (report.duplicates, report.above_one) == (2, 1)
    assert report.ngrams == [5, 4, 1]
    assert report.wrong_counts == ["says 5 n-grams of order 1, the file has 6",
                                   "says 3 n-grams of order 2, the file has 8"]
    assert model.log10_prob("b", ["a"]) == pytest.approx(-0.2)  # the first of the two counts
    assert len(report.lines()) == 1 + 4 + 2


def test_missing_and_closing_backoff_weights(tmp_path):
    text = SMALL.replace("-0.4\ta\t-0.2", "-0.4\ta").replace("</s>\n-1.0", "</s>\t-99\n-1.0")
    text = text.replace("-0.2\ta b\t-0.05", "-0.2\ta b\t-99")
    model, report = read(tmp_path, text)
    # "a" has a continuation and no weight; "a b" has a weight of 0 and no continuation
    assert (report.missing_backoffs, report.dead_ends) == (1, 1)
    assert model.log10_prob("a", ["a"]) == pytest.approx(-0.4)
    assert model.log10_prob("b", ["a", "b"]) == pytest.approx(-0.1 - 0.8)
    closed, _ = read(tmp_path, SMALL.replace("-0.4\ta\t-0.2", "-0.4\ta\t-99"))
    assert closed.log10_prob("a", ["a"]) == -math.inf  # a history that continues may be closed


def test_added_history_gets_its_backed_off_probability(tmp_path):
    text = SMALL.replace("-0.3\t<s> a\t-0.25\n", "").replace("2=3", "2=2")
    model, report = read(tmp_path, text)
    assert report.added_histories == 1 and report.ngrams == [5, 3, 1]
    assert model.log10_prob("a", ["<s>"]) == pytest.approx(-0.5 - 0.4)
    assert model.log10_prob("b", ["<s>", "a"]) == pytest.approx(-0.1)


def test_histories_are_added_from_the_longest_down(tmp_path):
    """The beginnings of a 4-gram and of a 3-gram are all missing."""
    text = ("\\data\\\nngram 1=5\nngram 2=1\nngram 3=1\nngram 4=1\n\n\\1-grams:\n-99\t<s>\t-0.1\n-0.9\t</s>\t-99\n"
            "-0.5\ta\t-0.2\n-0.6\tb\t-0.3\n-0.7\tc\n\n\\2-grams:\n-0.4\tb a\t-0.05\n\n\\3-grams:\n-0.3\tc c a\n\n"
            "\\4-grams:\n-0.125\ta b c a\n\n\\end\\\n")
    model, report = read(tmp_path, text)
    assert report.added_histories == 3 and [len(table) for table in model.tables] == [5, 3, 2, 1]
    assert report.ngrams == [5, 3, 2, 1] and report.wrong_counts == []
    assert model.log10_prob("a", ["a", "b", "c"]) == pytest.approx(-0.125)
    assert model.log10_prob("c", ["a", "b"]) == pytest.approx(-0.3 - 0.7)  # no "b c": back-off of b
    assert model.log10_prob("b", ["a"]) == pytest.approx(-0.2 - 0.6)
    assert model.log10_prob("a", ["c", "c"]) == pytest.approx(-0.3)
    assert model.log10_prob("b", ["a", "b", "c"]) == pytest.approx(-0.6)
    assert model.tables[0].log10_backoff[model.index_of["</s>"]] == 0.0  # nothing follows it


def test_what_the_report_says(tmp_path):
    text = SMALL.replace("<unk>", "<UNK>").replace("ngram 3=1", "ngram 3=2").replace("ngram 1=5\n", "")
    _, report = read(tmp_path, text)
    assert report.lines() == ["n-grams: 5 of order 1, 3 of order 2, 1 of order 3", "<UNK> is taken as <unk>",
                              "header says 0 n-grams of order 1, the file has 5",
                              "header says 2 n-grams of order 3, the file has 1"]
    assert ArpaReport(ngrams=[1]).lines() == ["n-grams: 1 of order 1"]
    _, report = read(tmp_path, SMALL.replace("ngram 3=1\n", "ngram 3=1\nngram 4=0\n"))
    assert report.wrong_counts == []
    _, report = read(tmp_path, SMALL.replace("ngram 3=1\n", "ngram 3=1\nngram 4=1\n"))
    assert report.wrong_counts == ["says 1 n-grams of order 4, the file has 0"]
    _, report = read(tmp_path, SMALL.replace("ngram 3=1\n", ""))
    assert report.wrong_counts == ["says 0 n-grams of order 3, the file has 1"]


@pytest.mark.parametrize("zero", ["-99", "-100", "-inf", "-Infinity", "-1e400"])
def test_probability_zero_is_written_in_many_ways(tmp_path, zero):
    """SRILM writes -99 (or -inf) for <s>, which is never predicted; others write 0, which says as little."""
    first = [line for line in SMALL.splitlines() if line.split()[1:2] == ["<s>"]][0]
    for start in (zero, "0"):
        model, report = read(tmp_path, SMALL.replace(first, "\t".join([start, *first.split()[1:]])))
        assert model.log10_prob("b", ["<s>", "a"]) == pytest.approx(-0.1) and report.above_one == 0
    model, _ = read(tmp_path, SMALL.replace("-0.8\tb", f"{zero}\tb"))
    assert model.log10_prob("b", []) == -math.inf


@pytest.mark.parametrize("old, new, message", [
    ("\\data\\", "data", "expected the mark \\data\\ of an ARPA file, found the end of the file"),
    ("\\end\\\n", "", "lm.arpa:21: expected \\end\\, found the end of the file"),
    ("-0.2\ta b\t-0.05", "-0.2\ta b\tx", "lm.arpa:15: expected log10 probability, 2 words and perhaps"),
    ("-0.2\ta b\t-0.05", "-0.2\ta", "lm.arpa:15: expected log10 probability, 2 words"),
    ("-0.2\ta b\t-0.05", "-0.2\ta b c\t-0.05", "lm.arpa:15: expected log10 probability, 2 words"),
    ("-0.8\tb", "x\tb", "lm.arpa:11: expected numbers for log10 probability and back-off weight"),
    ("-0.8\tb\t-0.1", "-0.8\tb\tb\t-0.1", "lm.arpa:11: expected log10 probability, word and perhaps"),
    ("-0.8\tb\t-0.1", "word", "lm.arpa:11: expected log10 probability, word and perhaps"),
    ("-0.8\tb\t-0.1", "\\end\\ of", "lm.arpa:11: expected numbers for log10 probability"),
    ("-0.2\ta b\t-0.05", "word", "lm.arpa:15: expected log10 probability, 2 words"),
    ("\\3-grams:", "\\4-grams:", "lm.arpa:18: expected \\3-grams: or \\end\\"),
    ("\\1-grams:", "\\2-grams:", "lm.arpa:6: expected \\1-grams: or \\end\\"),
    ("-0.1\t<s> a b", "nan\t<s> a b", "lm.arpa:19: expected log10 probability, 3 words"),
    ("-0.1\t<s> a b", "-0_1\t<s> a b", "lm.arpa:19: expected log10 probability, 3 words"),
    ("-0.8\tb\t-0.1", "-0.8\tb\tinf", "lm.arpa:11: expected numbers for log10 probability"),
    ("-0.8\tb\t-0.1", "1e400\tb\t-0.1", "lm.arpa:11: expected numbers for log10 probability"),
])
def test_bad_files_are_refused_with_the_line(tmp_path, old, new, message):
    assert old in SMALL
    with pytest.raises(InputError) as error:
        read(tmp_path, SMALL.replace(old, new, 1))
    assert message in str(error.value)


def test_an_order_that_no_recursion_bears_is_refused(tmp_path):
    def of_order(order):
        ngrams = ["-1 a 0\n-1 b 0", *("-1 " + " ".join(n * "a") for n in range(2, order + 1))]
        text = "".join(f"\n\\{n}-grams:\n{line}\n" for n, line in enumerate(ngrams, 1))
        return f"\\data\\\nngram 1=2\n{text}\n\\end\\\n"
    assert read(tmp_path, of_order(50))[0].order == 50
    with pytest.raises(InputError, match="expected n-grams of order 50 at most"):
        read(tmp_path, of_order(51))


def test_files_of_other_kinds(tmp_path):
    with pytest.raises(InputError, match="not a KenLM binary"):
        read(tmp_path, b"mmap lm http://kheafield.com/code format version 5\n\0\0\n")
    with pytest.raises(InputError, match="lm.arpa:11: expected utf-8 text"):
        read(tmp_path, SMALL.encode().replace(b"-0.8\tb", b"-0.8\t\xff"))
    with pytest.raises(InputError, match="a whole gzip file"):
        read(tmp_path, gzip.compress(SMALL.encode())[:-12])
    with pytest.raises(InputError, match="expected n-grams, found none"):
        read(tmp_path, "\\data\\\n\\end\\\n")
    with pytest.raises(InputError, match="expected an existing file"):
        read_arpa(tmp_path / "none")


def test_words_of_any_script(tmp_path):
    text = SMALL
    for sign in "\t ":
        text = text.replace(f"{sign}b", f"{sign}\u0928\u092e\u0938\u094d")
        text = text.replace(f"{sign}a", f"{sign}x\u00a0y")
    model, _ = read(tmp_path, text)
    assert model.score(["x\u00a0y", "\u0928\u092e\u0938\u094d"]) == pytest.approx(-0.3 - 0.1 - 0.05 - 0.7)


def table(*ngrams):
    return NgramTable(np.array(ngrams, np.int32), np.zeros(len(ngrams)), np.zeros(len(ngrams)))


def test_rows_are_found_by_their_words():
    tables = [table([2], [0], [1]), table([2, 1], [0, 0], [2, 0])]
    index = NgramIndex([*tables, NgramTable(np.zeros((0, 3), np.int32), np.zeros(0), np.zeros(0))], num_words=3)
    assert index.rows(np.array([[0], [1], [2]])).tolist() == [1, 2, 0]
    assert index.rows(np.array([[2, 0], [2, 1], [0, 0], [2, 2], [1, 0], [0, 1]])).tolist() == [2, 0, 1, -1, -1, -1]
    assert index.rows(np.array([[2, 1, 0], [1, 1, 1]])).tolist() == [-1, -1]
    assert index.rows(np.zeros((2, 0), np.int32)).tolist() == [0, 0]
    assert [rows.tolist() for rows in index.prefix_rows] == [[0, 0, 0], [0, 1, 0], []]
    with pytest.raises(ValueError, match="an n-gram whose history is no n-gram"):
        NgramIndex([table([2], [0]), table([1, 0])], num_words=3)


def test_selected_rows_keep_their_numbers():
    both = NgramTable(np.array([[4], [5]]), np.array([-1.0, -2.0]), np.array([-3.0, -4.0]))
    found = both.select(np.array([False, True]))
    assert (found.word_ids.tolist(), found.log10_prob.tolist(), found.log10_backoff.tolist()) == ([[5]], [-2.0], [-4.0])


def test_without_unk_an_unknown_word_is_no_word():
    assert NgramModel(["a"], [table([0])]).log10_prob("zebra") == -math.inf


@pytest.mark.parametrize("seed", range(6))
def test_many_probabilities_at_once(tmp_path, seed):
    model, _ = read(tmp_path, arpa_text(random_entries(seed, order=1 + seed % 4)))
    scorer = NgramScorer(model.tables, len(model.words))
    rng = np.random.default_rng(seed)
    for length in range(1, 6):
        ngrams = rng.integers(-1, len(model.words), (50, length))
        expected = [model.log10_prob("?" if ids[-1] < 0 else model.words[ids[-1]],
                                     ["?" if i < 0 else model.words[i] for i in ids[:-1]]) for ids in ngrams.tolist()]
        assert scorer.log10_prob(ngrams).tolist() == pytest.approx(expected)
    assert len(scorer.log10_prob(np.zeros((0, 2), np.int64))) == 0


def test_places_of_words():
    marked, plain = NgramModel(["a", "<unk>", "b"], [table([0])]), NgramModel(["a"], [table([0])])
    assert marked.places(["b", "zebra", "a", "<unk>"]).tolist() == [2, 1, 0, 1]
    assert plain.places(["b", "a"]).tolist() == [-1, 0]
