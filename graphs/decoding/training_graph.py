"""The graph of all ways to say a known sentence: the numerator of alignment and of training criteria.

Every pronunciation of every word, optional silence between words and at both ends, HMMs with
self-loops (Kaldi decoder/training-graph-compiler.h). Small, so it is built directly from the lexicon.
"""

from typing import Dict, List, Sequence, Tuple

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.hmm.context_fst import compose_context
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.hmm_fst import add_self_loops, compose_hmm
from graphs.hmm.transitions import TransitionModel

Pronunciations = Dict[int, List[Tuple[Tuple[int, ...], float]]]


def sentence_fst(word_ids: Sequence[int], pronunciations: Pronunciations, silence_phone: int = 0,
                 silence_log_prob: float = 0.0, no_silence_log_prob: float = 0.0) -> Arcs:
    """Phones to words, without epsilons on the phone side.

    Args:
      word_ids: the sentence; may be empty when there is a silence phone.
      pronunciations: word_id -> [(phone_ids, log probability)].
      silence_phone: phone_id of the optional silence; 0 for none.
      silence_log_prob, no_silence_log_prob: of silence, and of its absence, at each place.
    Raises: InputError for a word without pronunciation, or for no words without silence.
    """
    if not word_ids and not silence_phone:
        raise InputError("sentence", "at least one word, or an optional silence", "neither")
    arcs: List[tuple] = []
    before, num_states = 0, 1  # `before`: where silence may come; `after`: where it may not any more
    for word_id in word_ids:
        starts = [(before, no_silence_log_prob if silence_phone else 0.0)]
        if silence_phone:
            arcs.append((before, num_states, silence_phone, 0, silence_log_prob))
            starts.append((num_states, 0.0))
            num_states += 1
        end, num_states = num_states, num_states + 1
        if not pronunciations.get(word_id):
            raise InputError(f"word_id {word_id}", "a pronunciation", "none")
        for phone_ids, log_prob in pronunciations[word_id]:
            inner = [*range(num_states, num_states + len(phone_ids) - 1), end]
            num_states += len(phone_ids) - 1
            arcs += [(start, inner[0], phone_ids[0], word_id, score + log_prob) for start, score in starts]
            arcs += [(s, d, p, 0, 0.0) for s, d, p in zip(inner, inner[1:], phone_ids[1:])]
        before = end
    finals = [(before, no_silence_log_prob if silence_phone else 0.0)]
    if silence_phone:
        arcs.append((before, num_states, silence_phone, 0, silence_log_prob))
        finals.append((num_states, 0.0))
    if not word_ids:
        finals = finals[1:]  # no words: silence and nothing else
    return Arcs.from_lists(arcs, finals)


def training_graph(sentence: Arcs, tree: ContextTree, transitions: TransitionModel) -> Arcs:
    """H o C o sentence with self-loops: transition_ids to words."""
    in_context, windows = compose_context(sentence, tree)
    return add_self_loops(compose_hmm(in_context, windows, tree, transitions), transitions).sorted_by_source()
