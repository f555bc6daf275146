"""L, the lexicon transducer: phone_ids in, word_ids out (Kaldi utils/lang/make_lexicon_fst.py).

Words leave a loop state and come back to it. With optional silence each word ends twice: in the loop
state, and in the silence state, from which the silence phone leads to the loop state. So neither words
nor silence need an epsilon; the one epsilon arc is a sentence's start without silence.

    start  --<eps>-->  loop                   log(1 - silence_prob)
    start  --SIL--->   loop                   log silence_prob
    loop   --p1:w ... pk-->  loop             log probability + log(1 - silence_prob)
    loop   --p1:w ... pk-->  silence          log probability + log silence_prob
    silence --SIL-->   loop                   0

L_disambig ends words with their symbol #n, silence with one of its own, and has a self-loop #0:#0 at
the loop state that lets the back-off labels of G pass.
"""

import math
from typing import List, Tuple

import numpy as np

from graphs.fst.arcs import Arcs
from graphs.lang.lang import Lang
from graphs.lang.lexicon import BACKOFF


def make_lexicon_fst(lang: Lang, disambig: bool) -> Arcs:
    """
    Args:
      disambig: with disambiguation symbols, for composition with G; without, for training graphs.
    Returns: Arcs; ilabel = phone_id, olabel = word_id, which stands on the first arc of a word.
    """
    silent = lang.optional_silence is not None
    loop, silence_state = (1, 2) if silent else (0, None)
    columns, num_states = _word_arcs(lang, disambig, loop, silence_state)
    extra, num_states = _silence_arcs(lang, disambig, num_states) if silent else ([], num_states)
    if disambig:
        extra.append((loop, loop, lang.phones.id_of(BACKOFF), lang.words.id_of(BACKOFF), 0.0))
    extra_columns = list(zip(*extra)) if extra else [()] * 5
    columns = [np.concatenate([np.array(more, dtype=np.float64), column])
               for column, more in zip(columns, extra_columns)]
    return Arcs(*columns, np.array([loop]), np.zeros(1), num_states)


def _silence_arcs(lang: Lang, disambig: bool, num_states: int) -> Tuple[List[tuple], int]:
    start, loop, silence_state = 0, 1, 2
    silence = lang.phones.id_of(lang.optional_silence)
    after = num_states if disambig else loop
    arcs = [(start, loop, 0, 0, math.log(1.0 - lang.silence_prob)),
            (start, after, silence, 0, math.log(lang.silence_prob)),
            (silence_state, after, silence, 0, 0.0)]
    if disambig:
        arcs.append((after, loop, lang.silence_disambig, 0, 0.0))
        num_states += 1
    return arcs, num_states


def _word_arcs(lang: Lang, disambig: bool, loop: int, silence_state) -> Tuple[List[np.ndarray], int]:
    """Columns src, dst, ilabel, olabel, score of all words, and the number of states so far."""
    phone_id = {symbol: i for i, symbol in enumerate(lang.phones)}
    sequences = [[phone_id[phone] for phone in entry.phones] for entry in lang.lexicon]
    if disambig:
        for sequence, number in zip(sequences, lang.disambiguation):
            if number:
                sequence.append(phone_id[f"#{number}"])
    lengths = np.array([len(sequence) for sequence in sequences])
    entry = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    is_first, is_last = position == 0, position == lengths[entry] - 1
    # an entry of k labels has k - 1 states of its own
    first_inner = loop + 1 if silence_state is None else silence_state + 1
    inner = first_inner + np.repeat(np.cumsum(lengths - 1) - (lengths - 1), lengths) + position
    word_ids = np.array([lang.words.id_of(e.word) for e in lang.lexicon])
    log_probs = np.log([e.probability for e in lang.lexicon])
    ilabel = np.array([label for sequence in sequences for label in sequence])
    src, dst = np.where(is_first, loop, inner - 1), np.where(is_last, loop, inner)
    olabel, score = np.where(is_first, word_ids[entry], 0), np.where(is_first, log_probs[entry], 0.0)
    columns = [src, dst, ilabel, olabel, score]
    num_states = first_inner + int((lengths - 1).sum())
    if silence_state is None:
        return columns, num_states
    ending = [column[is_last] for column in columns]  # once more, into the silence state
    ending[1] = np.full_like(ending[1], silence_state)
    ending[4] = ending[4] + math.log(lang.silence_prob)
    score[is_last] += math.log(1.0 - lang.silence_prob)
    return [np.concatenate(pair) for pair in zip(columns, ending)], num_states
