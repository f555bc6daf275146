"""A system on a test set, read back from its score folder."""

from pathlib import Path
from typing import NamedTuple

from graphs.errors import InputError
from hybrid.compare.comparison import System
from hybrid.recognize.edit_distance import KALDI, Costs
from hybrid.recognize.texts import read_text
from hybrid.recognize.wer import Reference, Score, score
from hybrid.report.results import Entry, Result, read_speakers


class Scored(NamedTuple):
    """
    Attributes:
      entry: of result.json.
      score: utterance by utterance.
      details: folder of the test set in the score folder.
      decoded: folder or text that was scored, "" where the records do not tell.
    """

    system: System
    entry: Entry
    score: Score
    details: Path
    decoded: str = ""

    @property
    def test(self) -> str:
        return self.entry["test"]


def read_score(result: Result, costs: Costs = KALDI, count_spaces: bool = True) -> Score:
    """The score as tools.score had it, from ref.txt, hyp.txt and per_utt.tsv.

    Raises: InputError when the three, or the result, do not fit.
    """
    details, entry = result.details, result.entry
    said, speakers = read_text(details / "ref.txt"), read_speakers(details)
    if set(said) != set(speakers):
        raise InputError(f"{details / 'per_utt.tsv'}", f"the {len(said)} utterances of ref.txt", f"{len(speakers)}")
    references = {key: Reference(tuple(said[key]), speaker) for key, speaker in speakers.items()}
    found = score(references, read_text(details / "hyp.txt"), costs, count_spaces)
    if (found.counts.errors, found.counts.words) != (entry["errors"], entry["words"]):
        raise InputError(f"{details}", f"{entry['errors']} errors of {entry['words']} words, as in result.json",
                         f"{found.counts.errors} of {found.counts.words} in ref.txt and hyp.txt")
    return found
