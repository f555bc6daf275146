"""Word LMs as token LMs: against the word LM itself, over all token sequences of tiny tables."""

import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.sentences import SentenceSet, score_sentences
from graphs.lang.symbols import SymbolTable
from hybrid.e2e.fusion import FusionOptions, WordFusion, WordFusionOptions, score_tokens
from hybrid.e2e.tokens import BLANK_SYMBOL, SPACE, TokenTable
from tests.hybrid.e2e.material import (UNKNOWN_WORD, WORDS, all_sequences, character_tokens, ngram_lm, piece_tokens)

TABLES = {"character": character_tokens("abc"), "piece": piece_tokens(("_a", "b", "_ab", "a", "_", "bb")),
          "strange": piece_tokens(("_a", "b", "_ca", "a"))}  # no word begins with ca
LONGEST = {"character": 4, "piece": 3, "strange": 4}
PENALTY, PER_CHARACTER = -0.7, -1.3


def options(look_ahead="history", is_open=True):
    return WordFusionOptions(look_ahead, is_open, PENALTY, PER_CHARACTER)


def by_words(lm, table, tokens, sequence, is_open):
    """What the word LM says of the words that the tokens spell."""
    total, ids = 0.0, []
    for word in (spelled.word for spelled in tokens.words(sequence)):
        if word in table:
            ids.append(table.id_of(word))
        elif is_open:
            ids.append(table.id_of(UNKNOWN_WORD))
            total += PENALTY + PER_CHARACTER * len(word)
        else:
            return -math.inf
    return total + score_sentences(lm, [ids])[0]


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("look_ahead", ("history", "start", "none"))
@pytest.mark.parametrize("is_open", (True, False))
def test_increments_sum_up_to_the_word_lm(tmp_path, kind, look_ahead, is_open):
    lm, table = ngram_lm(tmp_path, seed=3)
    tokens = TABLES[kind]
    fusion = WordFusion(lm, table, tokens, options(look_ahead, is_open), UNKNOWN_WORD)
    sequences = list(all_sequences(tokens.num_tokens, LONGEST[kind]))
    expected = [by_words(lm, table, tokens, sequence, is_open) for sequence in sequences]
    assert score_tokens(fusion, sequences) == pytest.approx(np.array(expected), abs=1e-9)
    assert sum(map(math.isfinite, expected)) > 20


@pytest.mark.parametrize("is_open", (True, False))
def test_look_ahead_is_the_sum_over_words_that_the_beginning_can_become(tmp_path, is_open):
    lm, table = ngram_lm(tmp_path, seed=4)
    tokens = character_tokens("abc")
    fusion = WordFusion(lm, table, tokens, options(is_open=is_open), UNKNOWN_WORD)
    before = table.id_of("ba")
    said, state = lm.advance(np.array([lm.start]), np.array([before]))

    def prob(word):
        return math.exp(lm.advance(state, np.array([table.id_of(word)]))[0][0])

    for text in ("a", "ab", "abb", "b", "ba"):
        symbols = ["b", "a", SPACE, *text]
        at, total = np.array([fusion.start]), 0.0
        for token_id in map(tokens.symbols.index, symbols):
            total += fusion.scores(at)[0, token_id]
            at = fusion.advance(at, np.array([token_id]))
        known = sum(prob(word) for word in WORDS if word.startswith(text))
        unknown = prob(UNKNOWN_WORD) * math.exp(PENALTY + PER_CHARACTER * len(text)) * is_open
        assert total - said[0] == pytest.approx(math.log(known + unknown), abs=1e-9)


@pytest.mark.parametrize("look_ahead", ("history", "start", "none"))
def test_a_beginning_of_no_word_is_unknown_or_impossible_at_once(tmp_path, look_ahead):
    lm, table = ngram_lm(tmp_path, seed=3)
    unknown = lm.advance(np.array([lm.start]), np.array([table.id_of(UNKNOWN_WORD)]))[0][0] + PENALTY
    for is_open in (True, False):
        fusion = WordFusion(lm, table, TABLES["strange"], options(look_ahead, is_open), UNKNOWN_WORD)
        begun = (0.0 if look_ahead == "none" else unknown) + 2 * PER_CHARACTER
        assert fusion.scores(np.array([fusion.start]))[0, 3] == pytest.approx(begun if is_open else -math.inf)


def test_the_lm_is_asked_once_about_a_state(tmp_path, monkeypatch):
    lm, table = ngram_lm(tmp_path)
    fusion, asked = WordFusion(lm, table, TABLES["character"], options(), UNKNOWN_WORD), []
    states = fusion.advance(np.array([0, 0]), np.array([2, 3]))
    monkeypatch.setattr(lm, "final", lambda states, final=lm.final: asked.append(len(states)) or final(states))
    again = [fusion.scores(states) for _ in range(2)]
    assert asked == [2] and np.array_equal(*again)


def test_states_meet_and_do_not_depend_on_what_is_asked_together(tmp_path):
    lm, table = ngram_lm(tmp_path)
    tokens = TABLES["piece"]
    together = WordFusion(lm, table, tokens, options(), UNKNOWN_WORD)
    alone = WordFusion(lm, table, tokens, options(), UNKNOWN_WORD)
    first = np.array([tokens.symbols.index(SPACE + "a"), tokens.symbols.index(SPACE + "ab")])
    states = together.advance(np.zeros(2, np.int64), first)
    after = together.advance(states[:1], np.array([tokens.symbols.index("b")]))
    assert after == states[1:]  # the same word, spelled in two ways
    assert np.array_equal(together.scores(states)[1:], alone.scores(alone.advance(np.array([0]), first[1:])))
    assert together.scores(np.zeros(0, np.int64)).shape == (0, tokens.num_tokens)


def test_reset_forgets_states(tmp_path):
    lm, table = ngram_lm(tmp_path)
    fusion = WordFusion(lm, table, TABLES["character"], options(), UNKNOWN_WORD)
    before = fusion.scores(np.array([fusion.start]))
    one = fusion.advance(np.array([0, 0]), np.array([2, 3]))
    fusion.reset()
    assert np.array_equal(fusion.scores(np.array([fusion.start])), before)
    assert fusion.advance(np.array([0]), np.array([3]))[0] == one[0] == 1


def test_table_of_words_is_made_anew_when_it_is_full(tmp_path, monkeypatch):
    lm, table = ngram_lm(tmp_path, seed=3)
    tokens = TABLES["character"]
    sequences = list(all_sequences(tokens.num_tokens, 3))
    expected = score_tokens(WordFusion(lm, table, tokens, options(), UNKNOWN_WORD), sequences)
    monkeypatch.setattr("hybrid.e2e.word_scores._MOST_NUMBERS", 1)
    assert np.array_equal(score_tokens(WordFusion(lm, table, tokens, options(), UNKNOWN_WORD), sequences), expected)


def test_words_that_start_no_sentence_can_come_later():
    table = SymbolTable([UNKNOWN_WORD, "a", "b", "#0", "<s>", "</s>"])
    tokens = character_tokens()
    sequence = [2, 1, 3]  # a b
    lm = SentenceSet([[table.id_of("a"), table.id_of("b")]])
    for look_ahead in ("history", "start", "none"):
        fusion = WordFusion(lm, table, tokens, options(look_ahead, False), UNKNOWN_WORD)
        assert score_tokens(fusion, [sequence, [3]]).tolist() == pytest.approx([0.0, -math.inf])


def test_an_lm_without_unknown_word_closes_the_vocabulary(tmp_path):
    lm, table = ngram_lm(tmp_path, unknown=False)
    tokens = TABLES["character"]
    fusion = WordFusion(lm, table, tokens, options(), UNKNOWN_WORD)
    sequences = list(all_sequences(tokens.num_tokens, 3))
    expected = [by_words(lm, table, tokens, sequence, False) for sequence in sequences]
    assert score_tokens(fusion, sequences) == pytest.approx(np.array(expected), abs=1e-9)


def test_names_words_that_cannot_be_spelled(tmp_path):
    lm, table = ngram_lm(tmp_path)
    open_one, closed = (WordFusion(lm, table, character_tokens("a"), options(is_open=is_open), UNKNOWN_WORD)
                        for is_open in (True, False))
    expected = "4 words cannot be spelled with the tokens but as unknown words: ab, abb, b, ba"
    assert open_one.lines() == [expected]
    assert "with the tokens or recognized: ab, abb, b, ba" in closed.lines()[0]
    assert WordFusion(lm, table, character_tokens(), options(), UNKNOWN_WORD).lines() == []
    for lost, text in ("bcdefghi", "b, c, d, e, f, g, h, i"), ("bcdefghij", "b, c, d, e, f, g, h, i, ..."):
        lm, table = ngram_lm(tmp_path, words=("a", *lost))
        lines = WordFusion(lm, table, character_tokens("a"), options(is_open=False), UNKNOWN_WORD).lines()
        assert lines == [f"{len(lost)} words cannot be spelled with the tokens or recognized: {text}"]


def test_composed_and_decomposed_words_are_one(tmp_path):
    lm, table = ngram_lm(tmp_path, words=("e\u0301", "a"))
    fusion = WordFusion(lm, table, character_tokens("\u00e9a"), options(is_open=False), UNKNOWN_WORD)
    assert score_tokens(fusion, [[2]])[0] == pytest.approx(score_sentences(lm, [[table.id_of("e\u0301")]])[0])


def test_what_fits_not_is_named(tmp_path):
    lm, table = ngram_lm(tmp_path)
    phones = TokenTable("phone", [BLANK_SYMBOL, "A"], spellings={"a": (1,)})
    for tokens, oov_word, message in ((phones, UNKNOWN_WORD, "found phones"), (character_tokens(), "<oov>", "<oov>"),
                                      (character_tokens("x"), UNKNOWN_WORD, "words that the tokens can spell")):
        with pytest.raises(InputError, match=message):
            WordFusion(lm, table, tokens, options(), oov_word)
    fusion = WordFusion(lm, table, character_tokens(), options(), UNKNOWN_WORD)
    for token_id in (0, 4):
        with pytest.raises(InputError, match="numbers from 1 to below 4"):
            fusion.advance(np.array([0]), np.array([token_id]))


@pytest.mark.parametrize("bad", ({"lm_scale": -0.1}, {"lm_scale": math.inf}, {"lm_scale": math.nan},
                                 {"token_bonus": math.nan}, {"word_bonus": math.inf}, {"token_bonus": 1e308},
                                 {"word_bonus": -1e7}, {"lm_scale": 1e7}))
def test_bad_fusion_options(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        FusionOptions(**bad)


@pytest.mark.parametrize("bad", ({"look_ahead": "words"}, {"unknown_penalty": math.nan},
                                 {"unknown_character": math.inf}, {"unknown_penalty": -1e308}))
def test_bad_word_fusion_options(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        WordFusionOptions(**bad)


def test_weighted_adds_bonuses_but_not_to_the_end(tmp_path):
    lm, table = ngram_lm(tmp_path)
    fusion = WordFusion(lm, table, character_tokens(), options(), UNKNOWN_WORD)
    scores = np.array([[-1.0, -2.0, -math.inf, -4.0]])
    found = FusionOptions(lm_scale=0.5, token_bonus=0.25, word_bonus=2.0).weighted(scores, fusion)
    assert found.tolist() == [[-0.5, -1.0 + 0.25 + 2.0, -math.inf, -2.0 + 0.25]]
    assert FusionOptions(lm_scale=0.0).weighted(scores, None).tolist() == [[0.0, 0.0, -math.inf, 0.0]]
    assert scores[0, 1] == -2.0


def test_total_is_what_was_added_along_the_way(tmp_path):
    lm, table = ngram_lm(tmp_path)
    fusion = WordFusion(lm, table, TABLES["piece"], options(), UNKNOWN_WORD)
    chosen = FusionOptions(lm_scale=0.3, token_bonus=0.25, word_bonus=2.0)
    tokens, state, total = (3, 2, 1), np.array([fusion.start]), 0.0
    for token_id in tokens:
        total += chosen.weighted(fusion.scores(state), fusion)[0, token_id]
        state = fusion.advance(state, np.array([token_id]))
    begun = score_tokens(fusion, [tokens], ends=False)[0]
    assert chosen.total(begun, tokens, fusion) == pytest.approx(total)
    whole = score_tokens(fusion, [tokens])[0]
    assert chosen.total(whole, tokens, fusion) == pytest.approx(total + 0.3 * fusion.scores(state)[0, 0])
    assert chosen.total(0.0, tokens, None) == 0.75


def test_defaults():
    assert WordFusionOptions() == WordFusionOptions("history", True, 0.0, -2.5)
