"""The phone graph of a sentence against every way to say it, taken one by one."""

import itertools
import math

import pytest

from graphs.decoding.training_graph import sentence_fst, training_graph
from graphs.errors import InputError
from tests.graphs.hmms import small_model
from tests.reference.paths import all_paths

SIL, YES, NO = 1, math.log(0.3), math.log(0.7)
VARIANTS = {5: [((2, 3), -0.1), ((3,), -1.0)], 6: [((3, 2, 4), -0.5)]}


def every_way(word_ids, silence):
    """[(phones, score)]: variants of the words, silence or not at both ends and between them."""
    gaps = [((), NO), ((SIL,), YES)] if silence else [((), 0.0)]
    parts = [gaps]
    for word_id in word_ids:
        parts += [VARIANTS[word_id], gaps]
    return [(sum((phones for phones, _ in way), ()), sum(score for _, score in way))
            for way in itertools.product(*parts)]


@pytest.mark.parametrize("word_ids", [[5], [6, 5], [5, 5, 6]])
@pytest.mark.parametrize("silence", [True, False])
def test_every_way_to_say_it_and_no_other(word_ids, silence):
    fst = sentence_fst(word_ids, VARIANTS, SIL, YES, NO) if silence else sentence_fst(word_ids, VARIANTS)
    found = list(all_paths(fst, 20))
    assert {words for _, words, _ in found} == {tuple(word_ids)}
    expected = sorted(every_way(word_ids, silence))
    assert sorted(phones for phones, _, _ in found) == [phones for phones, _ in expected]
    assert sorted((phones, round(score, 4)) for phones, _, score in found) == sorted(
        (phones, round(score, 4)) for phones, score in expected)
    assert set(fst.src) | set(fst.dst) == set(range(fst.num_states)) and (fst.ilabel > 0).all()


def test_nothing_said_is_silence():
    assert [(phones, words, round(score, 4)) for phones, words, score in all_paths(
        sentence_fst([], {}, SIL, YES, NO), 9)] == [((SIL,), (), round(YES, 4))]


def test_what_cannot_be_said_is_refused():
    with pytest.raises(InputError, match="at least one word, or an optional silence"):
        sentence_fst([], VARIANTS)
    with pytest.raises(InputError, match="word_id 7: expected a pronunciation, found none"):
        sentence_fst([5, 7], VARIANTS, SIL)
    with pytest.raises(InputError, match="word_id 8"):
        sentence_fst([8], {8: []})


def test_states_and_arcs_are_in_order_and_start_with_the_words():
    tree, transitions = small_model("2state", "1state")
    graph = training_graph(sentence_fst([5], VARIANTS, SIL, YES, NO), tree, transitions)
    assert (graph.src[1:] >= graph.src[:-1]).all() and (graph.ilabel > 0).all()
    shortest = min(len(inputs) for inputs, _, _ in all_paths(graph, 4))
    assert shortest == 2  # phone 3 in two states, no silence
