"""Words and phones of a path whose phones are known."""

from dataclasses import replace

import numpy as np
import pytest

from graphs.hmm.context_tree import ContextTree
from graphs.hmm.transitions import TransitionModel
from graphs.lattices.base import Path
from hybrid.lattices.word_times import Timer
from tests.graphs.langs import small_lang
from tests.tools.work_folder import path_of

LANG = small_lang(silence_prob=0.5)
TRANSITIONS = TransitionModel.from_tree(ContextTree.monophone(LANG.topology), LANG.topology)


def path(words, phones, seed=0, word_frames=None):
    """A path of the phones; labels stand on frame 0 where they are not given."""
    ids = path_of(phones.split(), LANG, TRANSITIONS, np.random.default_rng(seed))
    word_ids = [LANG.words.id_of(word) for word in words.split()]
    return Path(word_ids, ids, word_frames or [0] * len(word_ids), 0.0, 0.0, 0.0)


@pytest.mark.parametrize("words, phones, spans", [
    ("bad add", "SIL B A D SIL A D D SIL", [(1, 4), (5, 8)]),
    ("bad add", "B A D A D D", [(0, 3), (3, 6)]),
    ("bad bad", "B A B A D", [(0, 2), (2, 5)]),  # a variant, and one that begins like it
    ("b bad bee", "SIL SIL B B A SIL B", [(2, 3), (3, 5), (6, 7)]),
    ("bad add", "SIL B SIL A D SIL A SIL SIL D SIL D SIL", [(1, 5), (6, 12)]),  # silence as CTC's blank
    ("", "SIL SIL", []),
])
@pytest.mark.parametrize("seed", range(3))
def test_words_have_the_frames_of_their_phones(words, phones, spans, seed):
    one = path(words, phones, seed)
    found = Timer(TRANSITIONS, LANG)(one)
    assert found.exact and [LANG.phones.symbol_of(phone.label) for phone in found.phones] == phones.split()
    starts = [phone.start_frame for phone in found.phones] + [len(one.transition_ids)]
    assert [(word.label, word.start_frame, word.start_frame + word.num_frames) for word in found.words] == [
        (word_id, starts[first], starts[end]) for word_id, (first, end) in zip(one.word_ids, spans)]


@pytest.mark.parametrize("words, phones", [("bad", "B A D D"), ("bad add", "B A D"), ("add", "B A"), ("", "B"),
                                           ("bad", "SIL")])
def test_where_pronunciations_do_not_fit_labels_say_the_times(words, phones):
    one = path(words, phones, word_frames=[2, 5][:len(words.split())])
    found = Timer(TRANSITIONS, LANG)(one)
    assert not found.exact and len(found.phones) == len(phones.split())
    assert [(word.start_frame, word.start_frame + word.num_frames) for word in found.words] == list(
        zip(one.word_frames, [*one.word_frames[1:], len(one.transition_ids)]))


def test_without_transitions_there_are_no_phones():
    one = path("bad add", "B A D A D D", word_frames=[0, 9])
    for timer in (Timer(), Timer(None, LANG)):
        found = timer(one)
        assert found.phones == [] and not found.exact
        assert [word.start_frame for word in found.words] == [0, 9]
        assert found.words[1].num_frames == len(one.transition_ids) - 9
    assert Timer(TRANSITIONS)(one).words == found.words and len(Timer(TRANSITIONS)(one).phones) == 6
    assert Timer()(replace(one, word_ids=[], word_frames=[])).words == []


def test_phone_ids_by_transition_id():
    phone_ids = Timer(TRANSITIONS).phone_ids
    assert phone_ids[0] == 0 and (phone_ids[1:] == TRANSITIONS.phone_id[1:]).all()
