"""L against every path that its definition allows."""

import itertools
import math

import numpy as np
import pytest

from graphs.lang.lexicon_fst import make_lexicon_fst
from tests.graphs.langs import small_lang
from tests.reference.paths import all_paths


def expected_paths(lang, disambig, max_labels):
    """{(phone symbols, words): score}: words one after another, silence before and after each or not."""
    silence = [lang.optional_silence] if lang.optional_silence else []
    if silence and disambig:
        silence.append(lang.phones.symbol_of(lang.silence_disambig))
    gaps = [((), math.log(1 - lang.silence_prob))]
    if silence:
        gaps.append((tuple(silence), math.log(lang.silence_prob)))
    found = {}
    waiting = [(gap, (), score) for gap, score in gaps]
    while waiting:
        phones, words, score = waiting.pop()
        if len(phones) > max_labels:
            continue
        assert (phones, words) not in found or not disambig
        found.setdefault((phones, words), []).append(score)
        entries = zip(lang.lexicon, lang.disambiguation)
        for (entry, number), (gap, gap_score) in itertools.product(entries, gaps):
            mark = (f"#{number}",) if number and disambig else ()
            waiting.append((phones + entry.phones + mark + gap, words + (entry.word,),
                            score + math.log(entry.probability) + gap_score))
    return found


def paths_of(lang, disambig, max_labels):
    arcs = make_lexicon_fst(lang, disambig)
    found = {}
    backoff = lang.phones.id_of("#0")
    for ilabels, olabels, score in all_paths(arcs, max_labels):
        if backoff not in ilabels:
            key = (tuple(map(lang.phones.symbol_of, ilabels)), tuple(map(lang.words.symbol_of, olabels)))
            found.setdefault(key, []).append(score)
    return found


@pytest.mark.parametrize("silence_prob", [0.5, 0.2, None])
@pytest.mark.parametrize("disambig", [False, True])
def test_every_path_and_no_other(silence_prob, disambig):
    lang = small_lang(silence_prob=silence_prob)
    expected, found = (paths(lang, disambig, 6 if disambig else 4) for paths in (expected_paths, paths_of))
    assert len(expected) > 100 and found.keys() == expected.keys()
    for key, scores in expected.items():
        np.testing.assert_allclose(sorted(found[key]), sorted(scores), rtol=1e-5)


def test_backoff_label_passes_between_words_only():
    lang = small_lang(silence_prob=0.5)
    arcs = make_lexicon_fst(lang, disambig=True)
    rows = np.flatnonzero(arcs.ilabel == lang.phones.id_of("#0"))
    assert len(rows) == 1
    row = rows[0]
    assert arcs.src[row] == arcs.dst[row] == arcs.final_state[0] and arcs.score[row] == 0
    assert arcs.olabel[row] == lang.words.id_of("#0")
    assert not np.isin(make_lexicon_fst(lang, disambig=False).ilabel, lang.disambig_ids).any()


@pytest.mark.parametrize("silence_prob, epsilons", [(0.5, 1), (None, 0)])
def test_no_needless_epsilons_and_words_on_first_phones(silence_prob, epsilons):
    lang = small_lang(silence_prob=silence_prob)
    for disambig in (False, True):
        arcs = make_lexicon_fst(lang, disambig)
        assert (arcs.ilabel == 0).sum() == epsilons
        assert set(arcs.src) | set(arcs.dst) == set(range(arcs.num_states))
        leaving_loop = (arcs.src == arcs.final_state[0]) & (arcs.olabel != lang.words.id_of("#0"))
        assert (arcs.olabel[leaving_loop] > 0).all()
        assert (arcs.olabel[~leaving_loop & (arcs.src != arcs.dst)] == 0).all()


@pytest.mark.parametrize("silence_prob", [0.5, None])
def test_probabilities_leaving_after_one_word_sum_to_its_pronunciations(silence_prob):
    lang = small_lang(silence_prob=silence_prob)
    totals = {}
    for (phones, words), scores in paths_of(lang, False, 6).items():
        if len(words) == 1:
            totals[words[0]] = totals.get(words[0], 0.0) + sum(math.exp(score) for score in scores)
    assert totals == pytest.approx({"b": 1, "bee": 1, "bad": 1, "add": 1, "<unk>": 1}, rel=1e-5)


def test_position_dependent_words_keep_plain_silence():
    lang = small_lang(position_dependent=True)
    found = paths_of(lang, False, 3)
    assert (("SIL", "B_S", "SIL"), ("b",)) in found and (("B_B", "A_E"), ("bad",)) in found
    assert not any("SIL_S" in phones for phones, _ in found)


def test_disambiguated_lexicon_is_deterministic_up_to_its_words():
    """No two word sequences share their labels: what determinization needs (Mohri et al. 2002)."""
    words_of = {}
    for phones, words in paths_of(small_lang(), True, 6):
        assert words_of.setdefault(phones, words) == words
