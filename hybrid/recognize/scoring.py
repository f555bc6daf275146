"""Scores of a test set, from hypotheses to the files that a person reads."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.options import check_at_least, check_choice
from hybrid.outcomes import Outcomes
from hybrid.recognize.confidence import wer_interval
from hybrid.recognize.edit_distance import KALDI, SCLITE, Costs
from hybrid.recognize.errors import aligned_report, confusions_tsv, speakers_tsv, utterances_tsv
from hybrid.recognize.sweep import Grid, Hypothesis, Scales, best_hypotheses
from hybrid.recognize.text_filter import Rules, TextFilter
from hybrid.recognize.texts import read_text, write_text
from hybrid.recognize.wer import Reference, Score, score


LARGEST = 1e6  # of scales and penalties


def _option(default, help: str):
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class ScoreOptions:
    lm_scales: Tuple[float, ...] = _option(
        tuple(map(float, range(2, 21))), "factors on graph scores to try on the development set; 0 leaves them out")
    word_insertion_penalties: Tuple[float, ...] = _option(
        (-10.0, -5.0, 0.0, 5.0, 10.0), "to try with each lm_scale; subtracted for each word")
    lm_scale: float = _option(10.0, "without a development set; with one, what it must give reasons to leave")
    word_insertion_penalty: float = _option(0.0, "likewise")
    acoustic_scale: float = _option(1.0, "factor on log-likelihoods; only its ratio to lm_scale matters")
    ignore: Tuple[str, ...] = _option((), "words left out on both sides, such as noises")
    fold_case: bool = _option(False, "compare without case")
    count_spaces: bool = _option(True, "a space between words is a character for CER")
    alignment: str = _option("kaldi", "kaldi (least errors, as compute-wer) or sclite (NIST)")
    resamples: int = _option(10_000, "of the bootstrap for the 95 % interval")
    by_speaker: bool = _option(False, "the bootstrap draws whole speakers instead of utterances")
    seed: int = _option(0, "of the bootstrap")

    def __post_init__(self):
        check_choice(("kaldi", "sclite"), self, "alignment")
        if not (self.lm_scales and min(self.lm_scales) >= 0 and self.lm_scale >= 0 and self.acoustic_scale > 0):
            raise ValueError("lm_scales, lm_scale and acoustic_scale: expected values from 0 up, the last above 0")
        if not all(abs(value) <= LARGEST for value in (
                *self.lm_scales, self.lm_scale, self.acoustic_scale, self.word_insertion_penalty,
                *self.word_insertion_penalties)):
            raise ValueError(f"scales and penalties: expected numbers up to {LARGEST:g}")
        if not self.word_insertion_penalties:
            raise ValueError("word_insertion_penalties: expected at least one value")
        check_at_least(100, self, "resamples")

    @property
    def grid(self) -> Grid:
        return Grid(self.lm_scales, self.word_insertion_penalties, self.acoustic_scale, self.fixed)

    @property
    def fixed(self) -> Scales:
        """Where no development set chooses."""
        return Scales(self.lm_scale, self.word_insertion_penalty)

    @property
    def costs(self) -> Costs:
        return KALDI if self.alignment == "kaldi" else SCLITE

    def text_filter(self, rules: Rules) -> TextFilter:
        return TextFilter(self.fold_case, self.ignore, rules)


class PathWords:
    """word_ids of a path -> the words that are scored."""

    def __init__(self, words: SymbolTable, text_filter: TextFilter):
        self._words, self._filter = words, text_filter

    def __call__(self, word_ids: Sequence[int]) -> List[str]:
        return self._filter([self._words.symbol_of(word_id) for word_id in word_ids])


def holds_lattices(source: Path) -> bool:
    return source.is_dir() and any(source.glob("lattices.*.npz"))


def path_words(source: Path, words: Optional[Path], text_filter: TextFilter) -> PathWords:
    """words: words.txt, or None for the one in the folder of lattices."""
    path = words or source / "words.txt"
    if not path.exists():
        raise InputError(str(path), "the words.txt of the lattices (tools.score: or say which with --words)", "none")
    return PathWords(SymbolTable.read(path), text_filter)


def read_hypotheses(source: Path, words: Optional[Path], text_filter: TextFilter, scales: Scales,
                    options: ScoreOptions, nj: int = 1) -> Dict[str, Hypothesis]:
    """utterance_id -> hypothesis.

    Args:
      source: a folder of lattices, of which the best paths at `scales` are taken; or Kaldi's text, or a
        folder with hyp.txt, which is taken as it is.
    """
    if holds_lattices(source):
        from graphs.lattices.lattice_io import read_lattices
        to_words = path_words(source, words, text_filter)
        return best_hypotheses(read_lattices(source), to_words, scales, options.acoustic_scale, nj)
    text = source / "hyp.txt" if source.is_dir() else source
    if not text.exists():
        raise InputError(str(source), "lattices (lattices.*.npz) or a text (hyp.txt)", "neither")
    return {key: Hypothesis(text_filter(said), False) for key, said in read_text(text).items()}


def score_set(references: Mapping[str, Reference], hypotheses: Mapping[str, Hypothesis],
              options: ScoreOptions) -> Score:
    """See `wer.score`; InputError when a hypothesis has no reference."""
    words = {utterance_id: hypothesis.words for utterance_id, hypothesis in hypotheses.items()}
    return score(references, words, options.costs, options.count_spaces)


def outcomes_of(result: Score, hypotheses: Mapping[str, Hypothesis], log=None) -> Outcomes:
    """done, partial, or failed (no hypothesis: counted as deletions)."""
    outcomes = Outcomes(log)
    for utterance in result.utterances:
        if utterance.missing:
            outcomes.add(utterance.utterance_id, "failed", "no hypothesis: every word counts as deleted")
        elif hypotheses[utterance.utterance_id].partial:
            outcomes.add(utterance.utterance_id, "partial", "the search did not reach the end of the graph")
        else:
            outcomes.add(utterance.utterance_id)
    return outcomes


def write_details(folder: Path, references: Mapping[str, Reference], hypotheses: Mapping[str, Hypothesis],
                  result: Score) -> None:
    """Into the folder: hyp.txt and ref.txt (Kaldi's text), per_utt.txt (aligned), per_utt.tsv,
    per_speaker.tsv, confusions.tsv."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "ref.txt", {key: reference.words for key, reference in references.items()})
    write_text(folder / "hyp.txt", {key: hypothesis.words for key, hypothesis in hypotheses.items()})
    texts = {"per_utt.txt": aligned_report(result), "per_utt.tsv": utterances_tsv(result.utterances),
             "per_speaker.tsv": speakers_tsv(result), "confusions.tsv": confusions_tsv(result)}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def interval_of(result: Score, options: ScoreOptions) -> Tuple[float, float]:
    """The 95 % interval of the WER, percent."""
    errors, words = zip(*((u.counts.errors, u.counts.words) for u in result.utterances))
    speakers = [u.speaker for u in result.utterances] if options.by_speaker else None
    return wer_interval(errors, words, speakers, resamples=options.resamples, seed=options.seed)


def result_entry(system: str, test: str, result: Score, outcomes: Outcomes, scales: Optional[Scales],
                 options: ScoreOptions, **more) -> Dict:
    """One entry of results.json.

    Args:
      scales: None where the hypotheses did not come from lattices.
      more: seed, seconds, tuned_on and whatever else is known of the run.
    """
    counts = result.counts
    low, high = interval_of(result, options)
    return {
        "system": system, "test": test, "wer": round(result.wer, 4), "errors": counts.errors,
        "words": counts.words, "ins": counts.insertions, "del": counts.deletions, "sub": counts.substitutions,
        "ci95": [round(low, 4), round(high, 4)], "cer": round(result.cer, 4), "ser": round(result.ser, 4),
        "utterances": len(result.utterances), "partial": outcomes.counts.get("partial", 0),
        "missing": len(result.missing),
        "lm_scale": scales.lm_scale if scales else None,
        "word_insertion_penalty": scales.word_insertion_penalty if scales else None,
        "acoustic_scale": options.acoustic_scale if scales else None, **more}
