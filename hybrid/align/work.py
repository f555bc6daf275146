"""Aligning a features folder: by the CTC model of the bootstrap, or by an acoustic model."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Tuple

import numpy as np

from graphs.hmm.context_tree import ContextTree
from graphs.hmm.hmm_folder import Hmm, monophone_hmm, write_hmm
from graphs.hmm.transitions import TransitionModel
from graphs.lang.lang import Lang
from graphs.lang.lang_folder import read_lang
from hybrid.align.alignment import Alignment, phone_segments, write_alignments
from hybrid.align.forced import Aligner, AlignOptions, Outcome
from hybrid.align.times.times import times_of, write_times
from hybrid.data.copies import original_of
from hybrid.loaded import kept_while_unchanged
from hybrid.outcomes import Outcomes

CHUNK = 16  # utterances handed to a process at once
DELAY_SAMPLE = 200  # utterances that a delay is estimated on
MOST_DELAY = 20  # frames


@dataclass(frozen=True)
class AlignWork:
    """What a process needs to align utterances. Exactly one of `ctc` and `model` is a folder."""

    features: Path
    lang: Path
    options: AlignOptions
    ctc: Optional[Path] = None
    bootstrap: object = None  # hybrid.align.bootstrap.BootstrapOptions
    model: Optional[Path] = None
    speakers: Tuple[Path, ...] = ()  # tables of speakers that the model was trained with

    def __call__(self, utterance_ids: List[str]) -> List[Tuple[str, Outcome]]:
        reader, scores, aligner, finish = _load(self)
        results = []
        for utterance_id in utterance_ids:
            outcome = aligner.align(utterance_id, reader.text(utterance_id), scores(reader[utterance_id], utterance_id))
            results.append((utterance_id, finish(outcome)))
        return results

    def hmm(self) -> Hmm:
        aligner = _load(self)[2]
        return aligner.tree, aligner.transitions


@kept_while_unchanged()
def _load(work: AlignWork):
    """(features, function features, utterance_id -> log-likelihoods, Aligner, function Outcome -> Outcome)."""
    from hybrid.data.features import FeatureReader
    reader = FeatureReader(work.features, cache_mb=0)
    shift = reader.frame_shift
    lang = read_lang(work.lang)
    if work.ctc is None:
        from hybrid.am.ensemble import EnsembleFolders
        model = EnsembleFolders((work.model,), work.speakers).load(reader)
        tree, transitions, shift = model.tree, model.transitions, model.output_shift
        scores, finish = model.log_likelihoods, lambda outcome: outcome
    else:
        tree, transitions = monophone_hmm(lang.topology)
        scores, finish = _bootstrap(work, lang, transitions)
    return reader, scores, Aligner(lang, tree, transitions, work.options, shift), finish


def _bootstrap(work: AlignWork, lang: Lang, transitions: TransitionModel) -> Tuple[Callable, Callable]:
    from hybrid.align.bootstrap import ctc_log_likelihoods, even_states
    from hybrid.align.ctc_model import CtcModel
    model = CtcModel.load(work.ctc)

    def scores(features, utterance_id):
        return ctc_log_likelihoods(model.log_posteriors(features), model.log_priors, len(features), lang,
                                   transitions, work.bootstrap)

    def finish(outcome: Outcome) -> Outcome:
        if outcome.alignment is None:
            return outcome
        even = even_states(outcome.alignment.transition_ids, transitions)
        return replace(outcome, alignment=replace(outcome.alignment, transition_ids=even))

    return scores, finish


def with_delay(work: AlignWork, nj: int, log) -> AlignWork:
    """The same work with the delay of its CTC model, estimated where the options leave it open."""
    from hybrid.align.delay import estimate_delay
    from hybrid.data.features import FeatureReader
    if work.bootstrap.delay is not None:
        return work
    reader, (_, transitions) = FeatureReader(work.features), work.hmm()
    features, pdf_ids = [], []
    sample = spread_sample(list(copies_of(reader.ids)), DELAY_SAMPLE)
    for results in in_parallel(work, sample, nj, "delay of the CTC model"):
        for utterance_id, outcome in results:
            if outcome.alignment is not None:
                features.append(reader[utterance_id])
                pdf_ids.append(outcome.alignment.pdf_ids(transitions))
    delay = estimate_delay(features, pdf_ids, MOST_DELAY) if features else 0
    log.info("the CTC model answers %d frames late, by %d utterances", delay, len(features))
    return replace(work, bootstrap=replace(work.bootstrap, delay=delay))


def spread_sample(items: list, most: int) -> list:
    """At most so many of them, from all over the list."""
    return items[::max(1, -(-len(items) // most))]


def in_parallel(work: Callable[[List[str]], list], ids: List[str], nj: int, title: str) -> Iterator[list]:
    """Results of `work` on chunks of the utterances, in order."""
    import torch

    from hybrid.data.parallel import ordered_map
    torch.set_num_threads(1)
    chunks = [ids[i:i + CHUNK] for i in range(0, len(ids), CHUNK)]
    return ordered_map(work, chunks, nj, title, size=len, unit="utt")


def align_folder(work: AlignWork, out: Path, nj: int, log, textgrids: bool = False) -> Tuple[Outcomes, Dict]:
    """Aligns every utterance of the features folder and writes the archive, CTM files, tree and transitions.

    Copies in other acoustics get the alignment of their original, where the folder has it.
    The transition probabilities written are estimated from the alignments.

    Returns: the outcomes, and facts for the record.
    """
    from hybrid.data.features import FeatureReader
    (tree, transitions), lang = work.hmm(), read_lang(work.lang)
    outcomes, alignments = Outcomes(log), []
    copies = copies_of(FeatureReader(work.features).ids)
    for results in in_parallel(work, list(copies), nj, "align"):
        for original, outcome in results:
            for utterance_id in (original, *copies[original]):
                outcomes.add(utterance_id, outcome.outcome, outcome.reason)
                if outcome.alignment is not None:
                    alignments.append(replace(outcome.alignment, utterance_id=utterance_id))
    outcomes.write(out / "outcomes.tsv")
    outcomes.check(work.options.max_failed_share, "alignment")
    frames = write_folder(out, alignments, tree, transitions, lang, textgrids)
    score = sum(a.log_likelihood_per_frame * a.num_frames for a in alignments) / frames
    log.info("%s; %d frames, log-likelihood per frame %.3f", outcomes.summary(), frames, score)
    return outcomes, {"outcomes": outcomes.counts, "frames": frames, "log_likelihood_per_frame": score}


def copies_of(utterance_ids: List[str]) -> Dict[str, List[str]]:
    """Utterances to align, in order -> the copies that share its alignment (hybrid/data/copies.py)."""
    present = set(utterance_ids)
    copies: Dict[str, List[str]] = {}
    for utterance_id in utterance_ids:
        original = original_of(utterance_id)
        if original == utterance_id or original not in present:
            copies.setdefault(utterance_id, [])
        else:
            copies.setdefault(original, []).append(utterance_id)
    return copies


def write_folder(out: Path, alignments: List[Alignment], tree: ContextTree, transitions: TransitionModel, lang: Lang,
                 textgrids: bool) -> int:
    """Archive, CTM files, tree, and transitions whose probabilities the alignments give; returns the frames."""
    counts = np.zeros(transitions.num_transition_ids + 1)
    for alignment in alignments:
        counts += np.bincount(alignment.transition_ids, minlength=len(counts))
    transitions.estimate(counts)
    write_hmm(out, tree, transitions)
    write_times(out, {one.utterance_id: times_of(one, phone_segments(one, transitions), lang) for one in alignments},
                textgrids)
    write_alignments(out, alignments)
    return sum(alignment.num_frames for alignment in alignments)
