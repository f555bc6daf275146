"""Scoring a system from its decoding folders: choose the scales, score each test set, write the findings."""

import logging
from pathlib import Path
from typing import Dict, NamedTuple, Optional

from hybrid.outcomes import Outcomes
from hybrid.recognize.scoring import (
    ScoreOptions, holds_lattices, outcomes_of, path_words, read_hypotheses, result_entry, score_set,
    write_details)
from hybrid.recognize.sweep import Scales, sweep
from hybrid.recognize.text_filter import Rules
from hybrid.recognize.texts import read_references
from hybrid.recognize.wer import Score
from hybrid.report.figures import save_figure


class TestSet(NamedTuple):
    """cuts: the references; source: a folder of lattices, or hypotheses as text."""

    name: str
    cuts: Path
    source: Path

    __test__ = False  # not for pytest


class Scorer:
    def __init__(self, options: ScoreOptions, rules: Optional[Rules] = None, words: Optional[Path] = None,
                 nj: int = 1, log: Optional[logging.Logger] = None):
        """
        Args:
          rules: mapping of words, see text_filter.
          words: words.txt; default: the one in each folder of lattices.
        """
        self._options, self._words, self._nj = options, words, nj
        self._filter = options.text_filter(rules or {})
        self._log = log or logging.getLogger(__name__)

    def choose_scales(self, dev: TestSet, out: Path) -> Scales:
        """The best scales on the development set; writes sweep.tsv and sweep.png. Without lattices: the
        fixed scales of the options."""
        from graphs.lattices.lattice_io import read_lattices
        if not holds_lattices(dev.source):
            return self._options.fixed
        found = sweep(read_lattices(dev.source), read_references(dev.cuts, self._filter),
                      path_words(dev.source, self._words, self._filter), self._options.grid,
                      self._options.costs, self._nj)
        (out / "sweep.tsv").write_text(found.to_tsv(), encoding="utf-8")
        save_figure(found.picture(), out / "sweep.png")
        best = found.best()
        self._log.info("%s: lm_scale %g, word_insertion_penalty %g give %.2f %% WER, chosen of %d settings",
                       dev.name, *best, found.counts[best].wer, len(found.counts))
        for name in found.at_edge():
            self._log.warning("the best setting is at the edge of score.%s; try a wider range", name)
        return best

    def score(self, test: TestSet, scales: Scales, out: Path, system: str, **more) -> Dict:
        """Scores a test set into the folder `out` and returns its entry of results.json.

        Args:
          more: what else goes into the entry.
        Raises: TooManyFailures when no utterance has a hypothesis.
        """
        references = read_references(test.cuts, self._filter)
        hypotheses = read_hypotheses(test.source, self._words, self._filter, scales, self._options, self._nj)
        result = score_set(references, hypotheses, self._options)
        write_details(out, references, hypotheses, result)
        outcomes = outcomes_of(result, hypotheses, self._log)
        outcomes.write(out / "outcomes.tsv")
        outcomes.check(1.0, f"{test.name}: scoring")
        audio_seconds = round(sum(reference.seconds for reference in references.values()), 2)
        used = scales if holds_lattices(test.source) else None
        entry = result_entry(system, test.name, result, outcomes, used, self._options,
                             audio_seconds=audio_seconds, **more)
        self._tell(test.name, result, outcomes, entry)
        return entry

    def _tell(self, name: str, result: Score, outcomes: Outcomes, entry: Dict) -> None:
        c = result.counts
        self._log.info("%s: WER %.2f %% [%.2f, %.2f]: %d of %d words, %d ins, %d del, %d sub; %s", name,
                       result.wer, *entry["ci95"], c.errors, c.words, c.insertions, c.deletions,
                       c.substitutions, outcomes.summary())
