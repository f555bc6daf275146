"""Finds what is known of a test set beside its scores: cuts, training text, lattices, alignments."""

from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from graphs.errors import InputError
from graphs.text_file import split_blanks
from hybrid.align.times.ctm import read_ctm
from hybrid.compare.breakdowns import training_counts
from hybrid.compare.material import Material, Timed, cut_facts
from hybrid.compare.scored import Scored
from hybrid.data.manifest import read_cuts, text_of
from hybrid.recognize.scoring import ScoreOptions, holds_lattices
from hybrid.recognize.texts import CUTS
from tools.frame.records import read_record

CTM = "words.ctm"
TRAIN = "train.jsonl.gz"


def material_of(test: str, scored: Sequence[Scored], works: Sequence[Path], extra: Sequence[Path] = (),
                log=None) -> Material:
    """
    Args:
      scored: systems on the test set.
      works: their work folders.
      extra: alignments (CTM, or folders with words.ctm) beside those of the works.
    """
    cuts = _cuts(test, scored, works)
    facts = {cut.id: cut_facts(cut) for cut in cuts if len(cut.supervisions) == 1}
    decoded: Dict[str, Timed] = {}
    forced: List[Tuple[str, Timed]] = []
    if any(one.truth for one in facts.values()):
        decoded = {one.system.key: timed for one in scored for timed in [_decoded(one, log)] if timed is not None}
        folders = [path.parent for work in works for made in ("align", "times")
                   for path in sorted(work.rglob(f"{made}_*_{test}/{CTM}"))]
        forced = [(path.stem if path.is_file() else path.name.replace("align_", "", 1).replace(f"_{test}", ""),
                   Timed(str(path), read_ctm(path / CTM if path.is_dir() else path))) for path in [*folders, *extra]]
        for _, timed in forced[len(folders):]:
            if log and not facts.keys() & timed.words.keys():
                log.warning("alignment %s: expected utterances of %s, found none of them", timed.source, test)
    return Material(facts, _counts(scored, works), decoded, forced)


def _cuts(test: str, scored: Sequence[Scored], works: Sequence[Path]) -> Sequence:
    """Those that the scores were made with, by the records; else those of the work folder's cuts; else none."""
    named = (Path(path) for one in scored for path in read_record(one.details.parent).get("inputs", {}))
    places = [path for path in named if path.name == f"{test}.jsonl.gz"
              or path.name == CUTS and path.parent.name == test]
    places += [work / "cuts" / f"{test}.jsonl.gz" for work in works]
    return next((read_cuts(path) for path in places if path.is_file()), ())


def _counts(scored: Sequence[Scored], works: Sequence[Path]) -> Mapping[str, int]:
    """Of the words of all training transcripts, as the scores write words; {} where there are none."""
    config = read_record(scored[0].details.parent).get("config", {}).get("score", {})
    text_filter = ScoreOptions(ignore=tuple(config.get("ignore", ())),
                               fold_case=config.get("fold_case", False)).text_filter({})
    texts = [work / "cuts" / TRAIN for work in works if (work / "cuts" / TRAIN).is_file()]
    largest = max(texts, key=lambda path: path.stat().st_size, default=None)  # the others are shares of it
    cuts = read_cuts(largest) if largest else ()
    return training_counts(text_filter(split_blanks(text_of(cut))) for cut in cuts)


def _decoded(one: Scored, log) -> Optional[Timed]:
    """Times of the words of a system's hypotheses, None where nothing tells them."""
    if not one.decoded:
        return None
    folder = Path(one.decoded)
    scales = tuple(one.entry.get(name) for name in ("lm_scale", "acoustic_scale", "word_insertion_penalty"))
    try:
        if holds_lattices(folder) and None not in scales:
            return _of_lattices(folder, scales)
        return Timed(str(folder), read_ctm(folder / CTM)) if (folder / CTM).is_file() else None
    except InputError as error:
        if log:
            log.warning("no times of the words of %s: %s", one.system.key, error)
        return None


def _of_lattices(folder: Path, scales: Tuple[float, float, float]) -> Timed:
    from graphs.lang.lang_folder import read_lang
    from hybrid.compare.lattice_times import lattice_times
    from tools.artefacts.kind import input_of
    from tools.lattices.inputs import frame_shift_of, timer_of, words_of
    path = input_of(folder, "lang.json")
    lang = read_lang(path.parent) if path else None
    return lattice_times(folder, scales, timer_of(folder, lang), words_of(folder), frame_shift_of(folder, None))
