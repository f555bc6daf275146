"""The lang of decoding graphs for CTC: words spelled with the tokens of an end-to-end model.

phone_ids are token_ids, and blank is the phone behind the last one (graphs/hmm/ctc_topology.py). Blank, and U+2581
between words spelled with characters, count as silence: they belong to no word.
"""

from typing import Iterable, List

import numpy as np

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.hmm.ctc_topology import ctc_hmm
from graphs.lang.disambiguation import disambiguation_numbers
from graphs.lang.lang import Lang
from graphs.lang.lexicon import BACKOFF, RESERVED_WORDS, Lexicon, Pronunciation
from graphs.lang.lexicon_fst import make_lexicon_fst
from graphs.lang.symbols import SymbolTable
from hybrid.e2e.tokens import BLANK_SYMBOL, SPACE, TokenTable


def ctc_lang(tokens: TokenTable, lang: Lang) -> Lang:
    """The words of a lang folder, spelled with tokens.

    Phones keep the pronunciations of the lang folder. Characters and pieces spell each word in one way; words that
    they cannot spell are left out, and the lexicon's notes say so. The word for unknown ones cannot be said with them.

    Raises: InputError for phones that are not those of the lang folder, and where no word can be spelled.
    """
    if tokens.kind == "phone":
        lexicon, silence = lang.lexicon, lang.silence_phones
        if lang.phones.symbols[1:lang.num_phones + 1] != tokens.symbols[1:]:
            raise InputError("phones of the lang folder", "those of the model's tokens, in their order", "others")
    else:
        lexicon = _spelled((word for word in lang.words if word not in (*RESERVED_WORDS, lang.oov_word)), tokens)
        lexicon = lexicon.with_entries([Pronunciation(lang.oov_word, (BLANK_SYMBOL,))])
        silence = tuple(symbol for symbol in tokens.symbols if symbol == SPACE and tokens.kind == "character")
    numbers = disambiguation_numbers([entry.phones for entry in lexicon])
    marks = [f"#{n}" for n in range(max(numbers) + 2)]
    taken = {*tokens.symbols} & {*marks}
    if taken:
        raise InputError("tokens of a decoding graph", f"other names than {marks[0]} ... {marks[-1]}", taken.pop())
    words = SymbolTable([word for word in lang.words if word in lexicon or word in RESERVED_WORDS])
    phones = SymbolTable([*tokens.symbols[1:], BLANK_SYMBOL, *marks])
    return Lang(phones, words, lexicon, (*silence, BLANK_SYMBOL), None, 0.0, lang.oov_word,
                ctc_hmm(tokens.num_tokens)[1].topology)


def _spelled(words: Iterable[str], tokens: TokenTable) -> Lexicon:
    entries: List[Pronunciation] = []
    lost: List[str] = []
    for word in words:
        token_ids = tokens.encode([word])
        if token_ids:
            entries.append(Pronunciation(word, tuple(tokens.symbols[token_id] for token_id in token_ids)))
        else:
            lost.append(word)
    if not entries:
        raise InputError("words of the lang folder", "words that the tokens can spell", "none")
    notes = [f"{len(lost)} words left out, the tokens cannot spell them: {', '.join(lost[:8])}"
             f"{', ...' * (len(lost) > 8)}"]
    return Lexicon(entries, notes if lost else ())


def ctc_lexicon_fst(lang: Lang) -> Arcs:
    """L of `ctc_lang`, with disambiguation symbols; between words spelled with characters there is U+2581."""
    lexicon = make_lexicon_fst(lang, disambig=True)
    if SPACE not in lang.silence_phones:
        return lexicon
    return _with_separators(lexicon, lang.phones.id_of(SPACE), lang.phones.id_of(BACKOFF))


def _with_separators(lexicon: Arcs, separator: int, backoff: int) -> Arcs:
    """From L with one state between words, 0: words start at 0 for the first word and at `inner` for others, and end in
    `end`, from where the separator leads to `inner`. Back-off passes at 0 and at `end`."""
    inner, end = lexicon.num_states, lexicon.num_states + 1
    words = np.flatnonzero(lexicon.ilabel != backoff)
    loop = np.flatnonzero(lexicon.ilabel == backoff)
    starts = words[lexicon.src[words] == 0]
    rows = np.concatenate([words, starts, loop, loop])
    src, dst = lexicon.src[rows], lexicon.dst[rows]
    dst[dst == 0] = end
    src[len(words):len(words) + len(starts)] = inner
    src[-len(loop):] = end
    dst[-2 * len(loop):-len(loop)] = 0
    return Arcs(np.append(src, end), np.append(dst, inner), np.append(lexicon.ilabel[rows], separator),
                np.append(lexicon.olabel[rows], 0), np.append(lexicon.score[rows], 0.0), np.array([0, end]),
                np.zeros(2), lexicon.num_states + 2)
