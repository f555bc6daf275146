"""What a sweep leaves for people: trials.tsv, SWEEP.md and sweep.png."""

import shlex
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from hybrid.report.tables import markdown_table, tsv
from tools.frame.provenance import commit
from tools.frame.records import write_text_atomically
from tools.sweep.space import Space
from tools.sweep.study import Study
from tools.sweep.trials import Trial, as_texts, best, is_logarithmic

TABLE, TEXT, PICTURE = "trials.tsv", "SWEEP.md", "sweep.png"


def write_report(folder: Path, study: Study, trials: Sequence[Trial], importances: Dict[str, float],
                 baseline: Optional[float], command: str, again: Sequence[str]) -> None:
    """
    Args:
      command: that ran the sweep.
      again: the words of the command that runs the recipe with the best options.
    """
    order = sorted(trials, key=lambda trial: (trial.value is None, trial.value or 0.0, trial.number))
    write_text_atomically(folder / TABLE, tsv(header(study), [row(trial, study.space) for trial in trials]))
    lines = [f"# Sweep {study.name}\n", f"- command: `{command}`", f"- commit: {commit() or 'none'}",
             f"- minimized: {study.options.minimize} of {study.options.system} ({study.options.recipe})",
             f"- baseline: {'none' if baseline is None else f'{baseline:.4f}'}"]
    found = best(trials)
    if found is not None:
        lines += [f"- best: {found.value:.4f}, trial {found.number}", f"- to run it: `{shlex.join(again)}`"]
        _draw(folder, study, trials, importances, baseline)
        lines.append(f"\n![how it went, and what mattered]({PICTURE})")
    lines += ["\n## What mattered\n", _importance_text(importances), "## Trials, the best first\n",
              markdown_table(header(study), [row(trial, study.space, short=True) for trial in order])]
    write_text_atomically(folder / TEXT, "\n".join(lines))


def header(study: Study) -> List[str]:
    return ["trial", "state", study.options.minimize, *study.space, "epochs", "seconds", "note"]


def row(trial: Trial, space: Space, short: bool = False) -> List:
    """short: numbers with the digits that a reader wants."""
    values = trial.params if short else as_texts(trial.params)
    shown = [f"{values[key]:.4g}" if isinstance(values.get(key), float) else values.get(key) for key in space]
    return [trial.number, trial.state, None if trial.value is None else f"{trial.value:.4f}", *shown,
            max(trial.epochs, default=None), None if trial.seconds is None else f"{trial.seconds:.1f}", trial.note]


def _importance_text(importances: Dict[str, float]) -> str:
    if not importances:
        return "Too few trials with different figures tell.\n"
    rows = [(key, f"{share:.3f}") for key, share in importances.items()]
    return markdown_table(("option", "share of importance"), rows)


def _draw(folder: Path, study: Study, trials: Sequence[Trial], importances: Dict[str, float],
          baseline: Optional[float]) -> None:
    from hybrid.report.figures import save_figure
    from hybrid.report.sweep_picture import Point, draw_sweep
    points = [Point(trial.number, trial.params, trial.value) for trial in trials if trial.value is not None]
    logarithmic = {key: is_logarithmic(study.space, key) for key in study.space}
    save_figure(draw_sweep(points, logarithmic, importances, study.options.minimize, baseline), folder / PICTURE)
