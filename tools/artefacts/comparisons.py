"""Comparisons of systems."""

from pathlib import Path
from typing import Iterable, Optional

from hybrid.compare.comparison_file import FILE, read_comparison
from tools.artefacts.kind import Kind, facts, folder_with, not_found, section, some


def describe_comparison(path: Path, item: Optional[str] = None) -> str:
    """item: an utterance."""
    found = read_comparison(path)
    if item is not None:
        return _utterance(path, found, item)
    rows = ((system.key, system.kind, system.seed, f"{100 * system.share:g}", system.parameters, result.test,
             result.wer.percent) for system in found.systems for result in found.results
            if result.system == system.key)
    pairs = ((pair.test, pair.a, pair.b, pair.difference, pair.p_holm, pair.verdict) for pair in found.pairs)
    return facts(("title", found.title), *found.facts.items(), ("systems", len(found.systems)),
                 ("tests", some(test.name for test in found.tests)), ("utterances", len(found.utterances)),
                 *(("note", note) for note in found.notes)) + section(
        "word error rates", ("system", "kind", "seed", "% of data", "parameters", "test", "WER %"), rows) + section(
        "pairs", ("test", "system", "against", "difference of WER", "p (Holm)", "it is"), pairs)


def _utterance(path: Path, found, utterance_id: str) -> str:
    utterances = [one for one in found.utterances if one.utterance_id == utterance_id]
    if not utterances:
        raise not_found(path, "an utterance", utterance_id, (one.utterance_id for one in found.utterances))
    return "\n".join(
        facts(("utterance", one.utterance_id), ("test", one.test), ("speaker", one.speaker),
              ("seconds", one.seconds), *one.conditions.items(), ("audio", one.audio),
              ("reference", " ".join(one.reference))) + section(
            "hypotheses", ("system", "errors", "words"),
            ((h.system, h.errors, " ".join(h.words)) for h in one.hypotheses)) for one in utterances)


def comparison_problems(path: Path) -> Iterable[str]:
    """What the reader finds, and results that their utterances do not add up to."""
    found = read_comparison(path)
    for result in found.results:
        own = [(one, h) for one in found.utterances if one.test == result.test for h in one.hypotheses
               if h.system == result.system]
        errors, words = sum(h.errors for _, h in own), sum(len(one.reference) for one, _ in own)
        known = result.insertions + result.deletions + result.substitutions
        if own and (errors, words) != (known, result.words):
            yield (f"{path}: {result.system} on {result.test}: expected {known} errors of {result.words} words, as "
                   f"the result says, found {errors} of {words} in the utterances")


def _is_comparison(path: Path) -> bool:
    return path.is_file() and path.name == FILE


KINDS = (
    Kind("comparison", f"{FILE}, or a folder with it",
         lambda path: _is_comparison(path) or folder_with(FILE)(path), describe_comparison, comparison_problems,
         item="utterance"),
)
