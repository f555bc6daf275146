"""Times of a folder of alignments, to a part of a frame."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.hmm.hmm_folder import read_hmm
from graphs.lang.lang_folder import read_lang
from graphs.options import check_between, check_positive
from graphs.text_file import read_json_object
from hybrid.align.alignment import phone_segments, read_alignments
from hybrid.align.convert import Converter
from hybrid.align.times.chain import BEYOND, chain_of, median_starts
from hybrid.align.times.late import late_by_phone, taken_off
from hybrid.align.times.times import Times, times_of, write_times
from hybrid.align.work import in_parallel, spread_sample
from hybrid.loaded import kept_while_unchanged
from hybrid.outcomes import Outcomes

LATE_SAMPLE = 2000  # utterances that lateness is estimated on
LATE = "late.json"


@dataclass(frozen=True)
class TimesOptions:
    acoustic_scale: float = field(default=0.2, metadata={
        "help": "factor on log-likelihoods: frames are not independent; counted in full they would make too little of "
                "how long phones last"})
    late: bool = field(default=True, metadata={
        "help": "take off by how much each phone is found late, as the features tell (hybrid/align/times/late.py)"})
    max_failed_share: float = field(default=0.05, metadata={"help": "share of utterances that may fail"})

    def __post_init__(self):
        check_positive(self, "acoustic_scale")
        check_between(0, 1, self, "max_failed_share")


class Result(NamedTuple):
    """
    Attributes:
      reason: why there is none, or empty.
      starts: seconds at which the phones begin.
      first_frames, pdf_ids: frames of the model at which they do, and the pdf_id of each frame.
    """

    reason: str = ""
    starts: Optional[np.ndarray] = None
    first_frames: Optional[np.ndarray] = None
    pdf_ids: Optional[np.ndarray] = None


@dataclass(frozen=True)
class TimesWork:
    """What a process needs. The model may answer at another rate than the alignment's."""

    features: Path
    alignment: Path
    model: Path
    options: TimesOptions
    speakers: Tuple[Path, ...] = ()  # tables of speakers that the model was trained with

    def __call__(self, utterance_ids: List[str]) -> List[Tuple[str, Result]]:
        return [(utterance_id, self._times(utterance_id)) for utterance_id in utterance_ids]

    def _times(self, utterance_id: str) -> Result:
        loaded = _load(self)
        alignment, shift = loaded.alignments[utterance_id], loaded.model.output_shift
        if utterance_id not in loaded.ids:
            return Result("no features")
        converted = loaded.converter.convert(alignment)
        if converted.alignment is None:
            return Result(converted.reason)
        scores = loaded.model.log_likelihoods(loaded.reader[utterance_id], utterance_id).numpy()
        duration = alignment.num_frames * alignment.frame_shift
        if abs(len(scores) * shift - duration) > 2.5 * max(shift, alignment.frame_shift):
            return Result(f"{len(scores) * shift:.2f} s of features, but the alignment has {duration:.2f} s")
        transitions = loaded.model.transitions
        segments = phone_segments(converted.alignment, transitions)
        chain = chain_of(converted.alignment, segments, transitions)
        ratio = alignment.frame_shift / shift
        beyond = BEYOND / shift
        bounds = [(one.start_frame * ratio - beyond, (one.start_frame + one.num_frames) * ratio + beyond)
                  for one in segments]
        try:
            found = median_starts(self.options.acoustic_scale * scores.astype(np.float64), chain, transitions, bounds)
        except ValueError as error:
            return Result(str(error))
        return Result("", shift * found.starts, found.first_frames, transitions.pdf_id[chain.forward][found.states])


class _Loaded(NamedTuple):
    reader: object
    ids: frozenset
    model: object
    alignments: Dict
    converter: Converter


@kept_while_unchanged()
def _load(work: TimesWork) -> _Loaded:
    from hybrid.am.ensemble import EnsembleFolders
    from hybrid.data.features import FeatureReader
    reader = FeatureReader(work.features, cache_mb=0)
    model = EnsembleFolders((work.model,), work.speakers).load(reader)
    converter = Converter(read_hmm(work.alignment)[1], model.tree, model.transitions)
    return _Loaded(reader, frozenset(reader.ids), model, read_alignments(work.alignment), converter)


def times_folder(work: TimesWork, lang_folder: Path, out: Path, nj: int, log, late_of: Optional[Path] = None,
                 textgrids: bool = False) -> Tuple[Outcomes, Dict]:
    """Writes phones.ctm, words.ctm, late.json (phone -> seconds) and outcomes.tsv.

    Args:
      late_of: a folder of this function, of the same model, whose late.json is taken; without, it is estimated.
    Returns: the outcomes, and facts for the record.
    Raises: TooManyFailures above the allowed share.
    """
    loaded, lang, outcomes = _load(work), read_lang(lang_folder), Outcomes(log)
    ids = list(loaded.alignments)
    sample = set() if late_of or not work.options.late else set(spread_sample(ids, LATE_SAMPLE))
    results: Dict[str, Result] = {}
    for part in in_parallel(work, ids, nj, "times"):
        for utterance_id, result in part:
            outcomes.add(utterance_id, "failed" if result.reason else "done", result.reason)
            if not result.reason:
                results[utterance_id] = result if utterance_id in sample else result._replace(pdf_ids=None)
    outcomes.write(out / "outcomes.tsv")
    outcomes.check(work.options.max_failed_share, "times")
    segments = {utterance_id: phone_segments(loaded.alignments[utterance_id], loaded.converter.source)
                for utterance_id in results}
    names = {utterance_id: [lang.base_phone(lang.phones.symbol_of(segment.label)) for segment in own]
             for utterance_id, own in segments.items()}
    late = {}
    if work.options.late:
        late = read_late(late_of) if late_of else _late(
            loaded, {one: result for one, result in results.items() if one in sample}, names, log)
    mean = float(np.mean(list(late.values()))) if late else 0.0
    times: Dict[str, Times] = {}
    for utterance_id, result in results.items():
        alignment = loaded.alignments[utterance_id]
        starts = taken_off(result.starts, [late.get(name, mean) for name in names[utterance_id]],
                           alignment.num_frames * alignment.frame_shift)
        times[utterance_id] = times_of(alignment, segments[utterance_id], lang, starts)
    write_times(out, times, textgrids)
    (out / LATE).write_text(json.dumps(late, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    log.info("%s", outcomes.summary())
    return outcomes, {"outcomes": outcomes.counts}


def _late(loaded: _Loaded, results: Dict[str, Result], names: Dict[str, List[str]], log) -> Dict[str, float]:
    """Phone -> seconds by which it is found late, estimated on these results."""
    shift = loaded.model.output_shift
    if abs(shift - loaded.reader.frame_shift) > 1e-9:
        raise InputError("option times.late", "a model that answers for each frame of the features "
                         f"({loaded.reader.frame_shift:g} s)", f"one that answers for each {shift:g} s")
    found = late_by_phone([loaded.reader[one] for one in results], [one.pdf_ids for one in results.values()],
                          [one.first_frames for one in results.values()], [names[one] for one in results])
    late = {name: shift * frames for name, frames in found.items()}
    if late:
        first, last = min(late, key=late.get), max(late, key=late.get)
        log.info("phones come late by %.1f ms (%s) to %.1f ms (%s), by %d utterances; it is taken off",
                 1000 * late[first], first, 1000 * late[last], last, len(results))
    return late


def read_late(folder: Path) -> Dict[str, float]:
    """Raises InputError for a file that is none of `times_folder`."""
    found = read_json_object(folder / LATE)
    for phone, seconds in found.items():
        if type(seconds) not in (int, float) or not abs(seconds) < 1:
            raise InputError(f"{folder / LATE}, {phone}", "seconds, less than 1", repr(seconds))
    return found
