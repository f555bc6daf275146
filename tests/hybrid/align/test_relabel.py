"""Alignments over plain phones as those over phones of words or positions: names change, times and states do not."""

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.topology import TopologyOptions
from graphs.hmm.transitions import TransitionModel
from graphs.lang.make_lang import LangOptions, make_lang
from hybrid.align.alignment import Alignment, Segment, phone_segments
from hybrid.align.convert import Converter
from hybrid.align.relabel import Relabelling
from tests.graphs.langs import make_lexicon, small_lang

PLAIN = small_lang()
COUNTS = {"b": 5, "bad": 3, "add": 2}
# frames of each phone; what stands between words is silence
SAID = [("", "SIL", 3), ("bad", "B", 4), ("bad", "A", 3), ("b", "B", 5), ("", "SIL", 4), ("add", "A", 3),
        ("add", "D", 3), ("add", "D", 6), ("", "SIL", 3)]


def words_lang(least=3, entries=None):
    lexicon = make_lexicon(entries) if entries else make_lexicon()
    return make_lang(lexicon, LangOptions(word_phones=least), TopologyOptions(), word_counts=COUNTS)


def hmm(lang):
    tree = ContextTree.monophone(lang.topology)
    return tree, TransitionModel.from_tree(tree, lang.topology)


def alignment_of(lang):
    """SAID as an alignment: the first frames of a phone in its first two states, the others in its last one."""
    transitions = hmm(lang)[1]
    ids, words, start = [], [], 0
    for n, (word, phone, frames) in enumerate(SAID):
        own = np.flatnonzero(transitions.phone_id == lang.phones.id_of(phone))
        forward = [int(i) for i in own if not transitions.is_self_loop[i]]
        loop = int(own[transitions.is_self_loop[own]][-1])
        ids += forward + [loop] * (frames - 3)
        if word and (SAID[n - 1][0] != word):
            total = sum(f for w, _, f in SAID[n:] if w == word)
            words.append(Segment(lang.words.id_of(word), start, total))
        start += frames
    return Alignment("u", np.array(ids, np.int32), -1.0, tuple(words), 0.01)


def names(alignment, lang):
    return [lang.phones.symbol_of(segment.label) for segment in phone_segments(alignment, hmm(lang)[1])]


@pytest.mark.parametrize("target, expected", [
    (words_lang(), ["SIL", "B(bad)", "A(bad)", "B(b)", "SIL", "A", "D", "D", "SIL"]),
    (words_lang(1), ["SIL", "B(bad)", "A(bad)", "B(b)", "SIL", "A(add)", "D(add)", "D(add)", "SIL"]),
    (small_lang(position_dependent=True), ["SIL", "B_B", "A_E", "B_S", "SIL", "A_B", "D_I", "D_E", "SIL"])])
def test_phones_get_the_names_of_their_words(target, expected):
    alignment, (tree, transitions) = alignment_of(PLAIN), hmm(target)
    source = hmm(PLAIN)[1]
    found = Converter(source, tree, transitions, phones=Relabelling(PLAIN, target)).convert(alignment)
    assert found.outcome == "done" and names(found.alignment, target) == expected
    for values in ("hmm_state", "is_self_loop", "next_state"):
        assert (getattr(transitions, values)[found.alignment.transition_ids]
                == getattr(source, values)[alignment.transition_ids]).all()
    assert [(target.words.symbol_of(word.label), *word[1:]) for word in found.alignment.words] == [
        (PLAIN.words.symbol_of(word.label), *word[1:]) for word in alignment.words]


def test_there_and_back_again_is_the_same_path():
    target = words_lang(1)
    there = Converter(hmm(PLAIN)[1], *hmm(target), phones=Relabelling(PLAIN, target)).convert(alignment_of(PLAIN))
    back = Converter(hmm(target)[1], *hmm(PLAIN), phones=Relabelling(target, PLAIN)).convert(there.alignment)
    assert back.alignment.transition_ids.tolist() == alignment_of(PLAIN).transition_ids.tolist()


def test_a_word_that_the_other_lang_says_otherwise_fails_by_name():
    other = words_lang(entries=[("b", "B", 1.0), ("bad", "B A D", 1.0), ("add", "A D D", 1.0)])
    convert = Converter(hmm(PLAIN)[1], *hmm(other), phones=Relabelling(PLAIN, other)).convert
    assert convert(alignment_of(PLAIN)).reason == "the other lang does not say bad as B A"
    lacking = words_lang(entries=[("bad", "B A", 1.0), ("add", "A D D", 1.0)])
    convert = Converter(hmm(PLAIN)[1], *hmm(lacking), phones=Relabelling(PLAIN, lacking)).convert
    assert convert(alignment_of(PLAIN)).reason == "the other lang does not say b as B"
    with pytest.raises(InputError, match="the phone D"):
        Relabelling(PLAIN, small_lang([("b", "B A", 1.0)]))
