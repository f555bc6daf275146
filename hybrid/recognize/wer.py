"""Word, character and sentence error rates.

    WER = 100 * (substitutions + deletions + insertions) / reference words

CER is the same over characters: the code points of the words joined by one space each, after NFC (a space
counts, as in jiwer and ESPnet, so a wrong word boundary is an error; `count_spaces=False` leaves them out, as
is usual for Chinese). SER is the share of utterances with any error.

An utterance without a hypothesis counts as empty: all its words are deletions, and it is named.
"""

import unicodedata
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from graphs.errors import InputError
from hybrid.recognize.edit_distance import KALDI, Costs, Pair, align, edit_distance


@dataclass(frozen=True)
class Reference:
    """What was said, and by whom."""

    words: Tuple[str, ...]
    speaker: str = "unknown"
    seconds: float = 0.0  # length of the audio


@dataclass(frozen=True)
class Counts:
    words: int = 0  # of the reference
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> "Counts":
        return cls(
            words=sum(ref is not None for ref, _ in pairs),
            substitutions=sum(ref is not None and hyp is not None and ref != hyp for ref, hyp in pairs),
            deletions=sum(hyp is None for _, hyp in pairs),
            insertions=sum(ref is None for ref, _ in pairs))

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def correct(self) -> int:
        return self.words - self.substitutions - self.deletions

    @property
    def wer(self) -> float:
        return error_rate(self.errors, self.words)


def error_rate(errors: int, words: int) -> float:
    """Percent; without a reference word, 0 when nothing was inserted and infinite otherwise."""
    if not words:
        return float("inf") if errors else 0.0
    return 100.0 * errors / words


@dataclass(frozen=True)
class UtteranceScore:
    utterance_id: str
    speaker: str
    pairs: Tuple[Pair, ...]
    counts: Counts
    characters: int  # of the reference
    character_errors: int
    missing: bool  # no hypothesis was there


class Score:
    """The scores of a test set, utterance by utterance."""

    def __init__(self, utterances: Sequence[UtteranceScore]):
        self.utterances: List[UtteranceScore] = list(utterances)

    @cached_property
    def counts(self) -> Counts:
        return sum((utterance.counts for utterance in self.utterances), Counts())

    @property
    def wer(self) -> float:
        """Percent."""
        return self.counts.wer

    @property
    def cer(self) -> float:
        """Percent."""
        return error_rate(sum(u.character_errors for u in self.utterances),
                          sum(u.characters for u in self.utterances))

    @property
    def ser(self) -> float:
        """Percent of the utterances with an error."""
        return error_rate(sum(u.counts.errors > 0 for u in self.utterances), len(self.utterances))

    @property
    def missing(self) -> List[str]:
        """Ids of the utterances without a hypothesis."""
        return [u.utterance_id for u in self.utterances if u.missing]

    def by_speaker(self) -> Dict[str, "Score"]:
        """Speaker -> score, sorted by name."""
        groups: Dict[str, List[UtteranceScore]] = {}
        for utterance in self.utterances:
            groups.setdefault(utterance.speaker, []).append(utterance)
        return {speaker: Score(groups[speaker]) for speaker in sorted(groups)}


def characters(words: Iterable[str], count_spaces: bool = True) -> str:
    """The text whose code points CER counts."""
    return unicodedata.normalize("NFC", (" " if count_spaces else "").join(words))


def score_utterance(utterance_id: str, reference: Reference, hypothesis: Optional[Sequence[str]],
                    costs: Costs = KALDI, count_spaces: bool = True) -> UtteranceScore:
    """hypothesis: words, or None when there is none. Raises: InputError for a string in place of words."""
    for item, words in (("hypothesis", hypothesis), ("reference", reference.words)):
        if isinstance(words, str):
            raise InputError(f"{item} of {utterance_id}", "a sequence of words", f"the string {words[:40]!r}")
    pairs = align(reference.words, hypothesis or (), costs)
    said, heard = (characters(words, count_spaces) for words in (reference.words, hypothesis or ()))
    return UtteranceScore(utterance_id, reference.speaker, tuple(pairs), Counts.of(pairs),
                          len(said), edit_distance(said, heard), hypothesis is None)


def score(references: Mapping[str, Reference], hypotheses: Mapping[str, Sequence[str]],
          costs: Costs = KALDI, count_spaces: bool = True) -> Score:
    """Scores every reference, in the references' order.

    Args:
      references: utterance_id -> reference.
      hypotheses: utterance_id -> words; those not there count as deletions.
    Raises: InputError for a hypothesis without a reference: the two are of different test sets.
    """
    check_same_set(references, hypotheses)
    return Score([score_utterance(utterance_id, reference, hypotheses.get(utterance_id), costs, count_spaces)
                  for utterance_id, reference in references.items()])


def check_same_set(references: Iterable[str], utterance_ids: Iterable[str]) -> None:
    strangers = sorted(set(utterance_ids) - set(references))
    if strangers:
        raise InputError(f"utterance {strangers[0]}", "a reference for each hypothesis",
                         f"none for {len(strangers)} of them")
