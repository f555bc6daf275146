"""Phones of one lang as those of another in which the same words are said alike, but for position markers and words.

Alignments over plain phones become those over the phones of a lang with lang.word_phones or lang.position_dependent:
what a phone is called there depends on the word that it stands in.
"""

from dataclasses import replace
from typing import Dict, List, NamedTuple, Sequence, Tuple

from graphs.errors import InputError
from graphs.lang.lang import Lang
from hybrid.align.alignment import Alignment, Segment


class Relabelled(NamedTuple):
    """reason: why it failed, or empty."""

    alignment: Alignment
    segments: List[Segment]
    reason: str = ""


class Relabelling:
    """
    Attributes:
      pairs: (phone_id of the source, phone_id of the target) of all phones that may stand for each other.
    """

    def __init__(self, source: Lang, target: Lang):
        """Raises: InputError for a phone that the target has in no form."""
        self._source, self._target = source, target
        self._base: Dict[int, str] = {i: source.base_phone(source.phones.symbol_of(i))
                                      for i in range(1, source.num_phones + 1)}
        alike: Dict[str, List[int]] = {}
        for phone_id in range(1, target.num_phones + 1):
            alike.setdefault(target.base_phone(target.phones.symbol_of(phone_id)), []).append(phone_id)
        lacking = next((base for base in self._base.values() if base not in alike), None)
        if lacking is not None:
            raise InputError("lang of the target", f"the phone {lacking}", "none")
        self.pairs: List[Tuple[int, int]] = [(i, other) for i, base in self._base.items() for other in alike[base]]
        self._between = {i: alike[base][0] for i, base in self._base.items()}  # silence: the form without a marker

    def __call__(self, alignment: Alignment, segments: Sequence[Segment]) -> Relabelled:
        """segments: the alignment's phones. Of a word that the target pronounces otherwise the result says so."""
        words, phones, at = [], [], 0
        for word in alignment.words:
            symbol, end = self._source.words.symbol_of(word.label), word.start_frame + word.num_frames
            while segments[at].start_frame < word.start_frame:
                phones.append(self._between[segments[at].label])
                at += 1
            begin = at
            while at < len(segments) and segments[at].start_frame < end:
                at += 1
            said = [self._base[segment.label] for segment in segments[begin:at]]
            found = self._phones_of(symbol, said)
            if not found:
                return Relabelled(alignment, [], f"the other lang does not say {symbol} as {' '.join(said)}")
            phones += found
            words.append(word._replace(label=self._target.words.id_of(symbol)))
        phones += [self._between[segment.label] for segment in segments[at:]]
        return Relabelled(replace(alignment, words=tuple(words)),
                          [segment._replace(label=phone_id) for segment, phone_id in zip(segments, phones)])

    def _phones_of(self, word: str, said: List[str]) -> Tuple[int, ...]:
        target = self._target
        if word not in target.words:
            return ()
        for phone_ids, _ in target.pronunciations(target.words.id_of(word)):
            if [target.base_phone(target.phones.symbol_of(phone_id)) for phone_id in phone_ids] == said:
                return phone_ids
        return ()
