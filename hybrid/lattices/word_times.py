"""When the words and phones of a path were said.

A label says that its word begins about there: on the way to the graph it may have moved to a later phone. The phones of
the path say where words end, since their pronunciations, with silences between, are the path's phones.
"""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from graphs.lattices.base import Path
from hybrid.align.alignment import Alignment, Segment, phone_segments

Span = Tuple[int, int]


class WordTimes(NamedTuple):
    """words: one segment for each word of the path; phones: silences among them; exact: by the pronunciations."""

    words: List[Segment]
    phones: List[Segment]
    exact: bool


class Timer:
    def __init__(self, transitions=None, lang=None, phones=None):
        """
        Args:
          transitions: graphs.hmm.transitions.TransitionModel of the lattices; without it there are no phones.
          lang: graphs.lang.lang.Lang whose pronunciations the graph was made of; without it words last from their
            label to that of the next.
          phones: SymbolTable of the phones; without it their ids are their names.
        """
        self._transitions, self._lang, self._phones = transitions, lang, phones

    @property
    def phone_ids(self) -> np.ndarray:
        """By transition_id."""
        return self._transitions.phone_id.clip(0)

    def symbol_of(self, phone_id: int) -> str:
        return str(phone_id) if self._phones is None else self._phones.symbol_of(phone_id)

    def __call__(self, path: Path) -> WordTimes:
        """Raises: InputError for transition_ids that the model lacks."""
        ends = [*path.word_frames[1:], len(path.transition_ids)]
        by_label = [Segment(*row) for row in zip(path.word_ids, path.word_frames, [
            end - start for start, end in zip(path.word_frames, ends)])]
        if self._transitions is None:
            return WordTimes(by_label, [], False)
        phones = phone_segments(Alignment("path", path.transition_ids, 0.0), self._transitions)
        labels = [phone.label for phone in phones]
        spans = None if self._lang is None else self._spans(path.word_ids, labels)
        if spans is None and self._lang is not None:
            spans = self._spans_of_ctc(path.word_ids, labels)
        if spans is None:
            return WordTimes(by_label, phones, False)
        ends = [phone.start_frame + phone.num_frames for phone in phones]
        words = [Segment(word_id, phones[first].start_frame, ends[end - 1] - phones[first].start_frame)
                 for word_id, (first, end) in zip(path.word_ids, spans)]
        return WordTimes(words, phones, True)

    def _spans(self, word_ids: Sequence[int], phones: Sequence[int]) -> Optional[List[Span]]:
        """The phones of each word, first and end; None where the pronunciations do not make up the phones.

        Ways are tried by the words said; of several ways to the same place the first pronunciation's stays.
        """
        places: Dict[int, Tuple[Span, ...]] = self._after_silence({0: ()}, phones)
        for word_id in word_ids:
            reached: Dict[int, Tuple[Span, ...]] = {}
            for first, spans in places.items():
                for pronunciation, _ in self._lang.pronunciations(word_id):
                    end = first + len(pronunciation)
                    if tuple(phones[first:end]) == pronunciation:
                        reached.setdefault(end, (*spans, (first, end)))
            places = self._after_silence(reached, phones)
        found = places.get(len(phones))
        return None if found is None else list(found)

    def _spans_of_ctc(self, word_ids: Sequence[int], phones: Sequence[int]) -> Optional[List[Span]]:
        """The same where silences, which are CTC's blanks, stand within words, too."""
        places = [place for place, phone in enumerate(phones) if not self._lang.is_silence(phone)]
        spans = self._spans(word_ids, [phones[place] for place in places])
        return None if spans is None else [(places[first], places[end - 1] + 1) for first, end in spans]

    def _after_silence(self, places: Dict[int, Tuple[Span, ...]], phones: Sequence[int]) -> Dict[int, Tuple[Span, ...]]:
        """The places, and those that silences lead on to."""
        reached = dict(places)
        for first, spans in places.items():
            while first < len(phones) and self._lang.is_silence(phones[first]):
                first += 1
                reached.setdefault(first, spans)
        return reached
