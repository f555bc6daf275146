"""The report of a validated corpus, for people and for the next stage."""

from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence

from hybrid.data.hints import spelling_hints
from hybrid.data.transcript import Transcripts
from hybrid.data.validate import NOTES, REASONS, Rejected, Validated, is_test
from hybrid.outcomes import Outcomes


def write_rejected(path: Path, rejected: Sequence[Rejected]) -> None:
    """Tab-separated: utterance, reason, detail; only the heading when nothing was rejected."""
    lines = ("\t".join(" ".join(field.split()) for field in one) + "\n" for one in rejected)
    path.write_text("utterance\treason\tdetail\n" + "".join(lines), encoding="utf-8")


def check_share(split: str, result: Validated, allowed_share: float, out: Path) -> None:
    """Raises TooManyFailures, with the list's name, above the share."""
    outcomes = Outcomes()
    for cut in result.cuts:
        outcomes.add(cut.id)
    for one in result.rejected:
        outcomes.add(one.utterance_id, one.reason, one.detail)
    outcomes.check(allowed_share, f"{split} (each is named in {out / f'rejected_{split}.tsv'})")


def report_lines(results: Dict[str, Validated], transcripts: Transcripts, rate: Optional[int]) -> List[str]:
    """Counts of each split, what was mended, what was rejected and why, with some names."""
    lines = []
    for split, result in results.items():
        hours = sum(cut.duration for cut in result.cuts) / 3600
        speakers = {s.speaker for cut in result.cuts for s in cut.supervisions}
        lines.append(f"{split}: {len(result.cuts)} good utterances, {hours:.2f} hours, "
                     f"{len(speakers)} speakers; {len(result.rejected)} rejected")
        lines.extend(_details(split, result, rate))
    if transcripts.lexicon is not None and transcripts.words:
        words, unknown = transcripts.words.total(), transcripts.oov.total()
        common = ", ".join(word for word, _ in transcripts.oov.most_common(10))
        lines.append(f"training transcripts: {unknown} of {words} words are not in the lexicon"
                     + (f" ({common})" if common else ""))
    return lines + spelling_hints(transcripts)


def _details(split: str, result: Validated, rate: Optional[int]) -> Iterator[str]:
    for name, ids in sorted(result.notes.items()):
        what = f"resampled to {rate} Hz" if name == "resampled" else NOTES[name]
        yield f"  {len(ids)} {what} ({_some(ids)})"
    for reason, count in result.reasons.most_common():
        ids = [one.utterance_id for one in result.rejected if one.reason == reason]
        yield f"  {count} rejected: {reason}, {REASONS[reason]} ({_some(ids)})"
    if is_test(split) and result.rejected:
        yield f"  the {len(result.rejected)} rejected utterances of {split} will not be scored"


def _some(ids: Sequence[str], number: int = 3) -> str:
    return ", ".join(ids[:number]) + (", ..." if len(ids) > number else "")
