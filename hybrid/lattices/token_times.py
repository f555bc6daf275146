"""When the words and tokens of an end-to-end system's path were emitted."""

from typing import List, Sequence, Tuple

import numpy as np

from graphs.checks import check_range
from graphs.ids import BLANK
from graphs.lattices.base import Path
from hybrid.align.alignment import Segment
from hybrid.e2e.tokens import SPACE, TokenTable
from hybrid.lattices.word_times import WordTimes


class TokenTimer:
    """As hybrid.lattices.word_times.Timer, for lattices whose transition_ids are token_id + 1, blank's between tokens.

    A word lasts from its first token to the end of its last one's frame; the "phones" are the tokens, with
    transition_ids as labels, a frame each.
    """

    def __init__(self, symbols: Sequence[str]):
        """symbols: of the tokens, by token_id."""
        self._symbols = list(symbols)
        self._spelling = TokenTable("character", symbols)  # pieces make words by the same rule

    @property
    def phone_ids(self) -> np.ndarray:
        """By transition_id."""
        return np.arange(len(self._symbols) + 1)

    def symbol_of(self, label: int) -> str:
        return self._symbols[label - 1]

    def __call__(self, path: Path) -> WordTimes:
        """Raises: InputError for transition_ids that are no tokens."""
        check_range("path, transition_ids", path.transition_ids, 1, len(self._symbols) + 1)
        places = np.flatnonzero(path.transition_ids != BLANK + 1)
        tokens = [Segment(int(label), int(frame), 1) for label, frame in zip(path.transition_ids[places], places)]
        spans = self._spans(path.transition_ids[places] - 1, places)
        if len(spans) != len(path.word_ids):  # more tokens than frames, or a lattice that was changed
            ends = [*path.word_frames[1:], len(path.transition_ids)]
            spans = list(zip(path.word_frames, ends))
            return WordTimes(_segments(path.word_ids, spans), tokens, False)
        return WordTimes(_segments(path.word_ids, spans), tokens, True)

    def _spans(self, token_ids: np.ndarray, frames: np.ndarray) -> List[Tuple[int, int]]:
        """First frame and end of each word; a U+2581 before a word is no part of it."""
        return [(int(frames[one.first + (self._symbols[token_ids[one.first]] == SPACE)]), int(frames[one.last]) + 1)
                for one in self._spelling.words(token_ids.tolist())]


def _segments(word_ids: Sequence[int], spans: Sequence[Tuple[int, int]]) -> List[Segment]:
    return [Segment(word_id, start, end - start) for word_id, (start, end) in zip(word_ids, spans)]
