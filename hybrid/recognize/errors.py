"""Where the errors are: aligned utterances, speakers, confusion pairs."""

from collections import Counter
from typing import Iterable, List, Sequence, Tuple

from hybrid.recognize.edit_distance import Pair
from hybrid.recognize.wer import Score, UtteranceScore
from hybrid.report.tables import display_width, pad, tsv

GAP = "***"


def _mark(pair: Pair) -> str:
    reference, hypothesis = pair
    if reference == hypothesis:
        return ""
    return "I" if reference is None else "D" if hypothesis is None else "S"


def aligned_text(utterance: UtteranceScore) -> str:
    """The utterance as sclite's `pra` report shows it: REF, HYP and EVAL (I, D, S) under each other."""
    counts = utterance.counts
    head = (f"id: {utterance.utterance_id}  speaker: {utterance.speaker}\n"
            f"scores: correct {counts.correct}  substituted {counts.substitutions}  "
            f"deleted {counts.deletions}  inserted {counts.insertions}"
            f"{'  (no hypothesis)' if utterance.missing else ''}\n")
    rows: List[List[str]] = [["REF: "], ["HYP: "], ["EVAL:"]]
    for pair in utterance.pairs:
        cells = [GAP if pair[0] is None else pair[0], GAP if pair[1] is None else pair[1], _mark(pair)]
        width = max(map(display_width, cells))
        for row, cell in zip(rows, cells):
            row.append(pad(cell, width))
    return head + "".join(" ".join(row).rstrip() + "\n" for row in rows)


def aligned_report(score: Score) -> str:
    """All utterances, those with most errors first (ties: by id)."""
    worst = sorted(score.utterances, key=lambda u: (-u.counts.errors, u.utterance_id))
    return "\n".join(map(aligned_text, worst))


def confusions(score: Score) -> List[Tuple[str, str, int]]:
    """(reference word, hypothesis word, count) of all errors, most frequent first; *** for the gap."""
    counter = Counter(
        (GAP if ref is None else ref, GAP if hyp is None else hyp)
        for utterance in score.utterances for ref, hyp in utterance.pairs if ref != hyp)
    return [(ref, hyp, n) for (ref, hyp), n in sorted(counter.items(), key=lambda item: (-item[1], item[0]))]


def confusions_tsv(score: Score) -> str:
    return tsv(("count", "reference", "hypothesis"), ((n, ref, hyp) for ref, hyp, n in confusions(score)))


SCORE_COLUMNS = ("words", "errors", "ins", "del", "sub", "wer")


def score_cells(score: Score) -> Tuple:
    """The cells under SCORE_COLUMNS."""
    c = score.counts
    return c.words, c.errors, c.insertions, c.deletions, c.substitutions, c.wer


def speaker_rows(score: Score) -> List[Sequence]:
    """One row a speaker, the worst first, under `speaker, utterances, SCORE_COLUMNS, cer, ser`."""
    rows = [(speaker, len(own.utterances), *score_cells(own), own.cer, own.ser)
            for speaker, own in score.by_speaker().items()]
    return sorted(rows, key=lambda row: (-row[7], row[0]))


def speakers_tsv(score: Score) -> str:
    return tsv(("speaker", "utterances", *SCORE_COLUMNS, "cer", "ser"), speaker_rows(score))


def utterances_tsv(utterances: Iterable[UtteranceScore]) -> str:
    """One line an utterance: all that a confidence interval or a comparison of systems needs."""
    return tsv(("utterance", "speaker", *SCORE_COLUMNS, "characters", "character_errors", "missing"),
               ((u.utterance_id, u.speaker, *score_cells(Score([u])), u.characters, u.character_errors,
                 int(u.missing)) for u in utterances))
