"""Making a tree folder: statistics of a features folder and its alignments, questions, tree, transitions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch

from graphs.errors import InputError
from graphs.hmm.hmm_folder import monophone_hmm, read_hmm, write_hmm
from graphs.hmm.topology import Topology, named_entry
from graphs.hmm.transitions import TransitionModel
from graphs.lang.lang import Lang
from graphs.lang.lang_folder import read_lang
from hybrid.align.alignment import read_alignments
from hybrid.align.convert import Converter
from hybrid.loaded import kept_while_unchanged
from hybrid.outcomes import Outcomes
from hybrid.tree.build import BuiltTree, Limits, build_tree
from hybrid.tree.objectives import Gaussians, MeanLogs, SoftCounts, make_objective
from hybrid.tree.options import TreeOptions
from hybrid.tree.questions import Question, Questions, automatic_sets, read_sets, write_sets
from hybrid.tree.roots import Root, check_roots, default_roots, read_roots, write_roots
from hybrid.tree.stats import EventStats, accumulate
from hybrid.tree.summary import write_summary

CHUNK = 32  # utterances summed up at once
MOST_PARTS = 16  # that wait to be joined
FRAME_TOLERANCE = 1  # frames by which an alignment may differ from its features


@dataclass(frozen=True)
class StatsWork:
    """What a process needs to sum up utterances. model: a folder, for the statistics of a network."""

    features: Path
    alignment: Path
    lang: Path
    options: TreeOptions
    model: Optional[Path] = None

    def __call__(self, utterance_ids: List[str]) -> Tuple[List[Tuple[str, str, str]], Optional[EventStats]]:
        """((utterance_id, outcome, reason) of each, statistics of those that are done)."""
        reader, alignments, moments, converter = _load(self)
        outcomes, used = [], []
        for utterance_id in utterance_ids:
            alignment, frames = alignments.get(utterance_id), reader.num_frames(utterance_id)
            if alignment is None:
                outcomes.append((utterance_id, "no_alignment", "features without an alignment"))
                continue
            if abs(alignment.num_frames - frames) > FRAME_TOLERANCE:
                outcomes.append((utterance_id, "other_length", f"{frames} frames, alignment of {alignment.num_frames}"))
                continue
            outcome = converter.convert(alignment)
            outcomes.append((utterance_id, outcome.outcome, outcome.reason))
            if outcome.alignment is not None:
                rows = np.minimum(np.arange(0, alignment.num_frames, self.options.subsampling), frames - 1)
                used.append((outcome.alignment, moments(reader[utterance_id])[rows]))
        options = self.options
        return outcomes, accumulate(used, converter.target, options.context_width,
                                    options.central_position) if used else None

    def topology(self) -> Topology:
        return _load(self)[3].target.topology


@kept_while_unchanged()
def _load(work: StatsWork):
    """(FeatureReader, alignments, function features -> moments, Converter to the topology of the tree)."""
    from hybrid.data.features import FeatureReader
    reader, options = FeatureReader(work.features, cache_mb=0), work.options
    lang, (_, source) = read_lang(work.lang), read_hmm(work.alignment)
    topology = wanted_topology(source.topology, options, lang)
    converter = Converter(source, *monophone_hmm(topology), options.subsampling)
    moments = _feature_moments(options) if options.statistics == "gaussians" else _network_moments(work)
    return reader, read_alignments(work.alignment), moments, converter


def wanted_topology(topology: Topology, options: TreeOptions, lang: Lang) -> Topology:
    """The alignment's topology with what the options change."""
    names = {True: options.silence_topology, False: options.speech_topology}
    return Topology({phone_id: named_entry(names[lang.is_silence(phone_id)]) if names[lang.is_silence(phone_id)]
                     else entry for phone_id, entry in topology.entry_of.items()})


def _feature_moments(options: TreeOptions):
    from hybrid.data.transforms import add_deltas, splice

    def moments(features: torch.Tensor) -> np.ndarray:
        wide = splice(add_deltas(features, options.deltas), options.splice, options.splice)
        return Gaussians.moments(wide.numpy())

    return moments


def _network_moments(work: StatsWork):
    from hybrid.am.acoustic_model import AcousticModel
    from hybrid.nn.inputs import utterance_batch
    if work.model is None:
        raise InputError("--model", f"an acoustic model, since tree.statistics is {work.options.statistics}", "none")
    model = AcousticModel.load(work.model)
    if model.spaces:
        raise InputError(str(work.model), "a model of features as they are", "one trained behind speakers' transforms")
    kind = SoftCounts if work.options.statistics == "posteriors" else MeanLogs

    def moments(features: torch.Tensor) -> np.ndarray:
        log_posteriors, _ = model.batch_log_posteriors(*utterance_batch(features, model.feature_dim))
        return kind.moments(log_posteriors[0].cpu().numpy())

    return moments


def sum_up(work: StatsWork, nj: int, log) -> Tuple[EventStats, Outcomes]:
    """Statistics over the features folder; the same for any number of processes.

    Raises: TooManyFailures above the allowed share.
    """
    from hybrid.data.features import FeatureReader
    from hybrid.data.parallel import ordered_map
    torch.set_num_threads(1)
    ids = FeatureReader(work.features, cache_mb=0).ids
    chunks = [ids[i:i + CHUNK] for i in range(0, len(ids), CHUNK)]
    outcomes, parts = Outcomes(log), []
    for results, part in ordered_map(work, chunks, nj, "tree statistics", size=len, unit="utt"):
        for result in results:
            outcomes.add(*result)
        if part is not None:
            parts.append(part)
        if len(parts) == MOST_PARTS:
            parts = [EventStats.joined(parts)]
    outcomes.check(work.options.max_failed_share, "tree statistics")
    return EventStats.joined(parts), outcomes


def make_tree(work: StatsWork, out: Path, nj: int, log, questions: Optional[Path] = None,
              roots: Optional[Path] = None) -> Dict:
    """Builds a tree on the statistics of a features folder and writes it, and outcomes.tsv.

    Args:
      questions, roots: files; None for automatic questions, and roots by the lang.
    Returns: facts for the record.
    """
    lang = read_lang(work.lang)
    sets = read_sets(questions, lang.phones) if questions else None  # a bad file is found before the long work
    own_roots = read_roots(roots, lang.phones) if roots else default_roots(lang)
    topology = work.topology()
    check_roots(own_roots, topology)
    stats, outcomes = sum_up(work, nj, log)
    outcomes.write(out / "outcomes.tsv")
    facts = write_tree(out, stats, topology, lang, work.options, log, sets, own_roots)
    return {**facts, "outcomes": outcomes.counts}


def write_tree(out: Path, stats: EventStats, topology: Topology, lang: Lang, options: TreeOptions, log,
               sets: Optional[Sequence[Question]], roots: Sequence[Root]) -> Dict:
    """Writes tree, transitions, questions.txt, roots.txt, leaves.tsv, splits.tsv and tree.json.

    sets: questions about phones; None for automatic ones.
    """
    objective = make_objective(options.statistics, stats.counts, stats.sums, options.variance_floor)
    if sets is None:
        sets = automatic_sets(stats, objective, lang)
    questions = Questions(tuple(sets), max(map(topology.num_pdf_classes, topology.phone_ids)))
    built = build_tree(stats, objective, roots, questions, topology, Limits(
        options.num_leaves, options.min_count, options.min_gain, options.merge_loss))
    write_hmm(out, built.tree, TransitionModel.from_tree(built.tree, topology))
    write_sets(out / "questions.txt", sets, lang.phones)
    write_roots(out / "roots.txt", roots, lang.phones)
    facts = write_summary(out, built, stats, options, lang.phones)
    _report(log, built, stats, facts, lang)
    return facts


def _report(log, built: BuiltTree, stats: EventStats, facts: Dict, lang: Lang) -> None:
    unseen = [lang.phones.symbol_of(phone_id) for stump in built.stumps if not len(stump.node.rows)
              for phone_id in stump.root.phone_ids]
    if unseen:
        log.warning("no frames of %s: pdf_ids without data", ", ".join(dict.fromkeys(unseen)))
    log.info("%d events, %d frames; %d leaves after %d splits, %d after joining; log-likelihood per frame %.4f at the "
             "roots, %.4f split, %.4f joined", len(stats), facts["frames"], built.num_split_leaves, len(built.steps),
             built.tree.num_pdfs, *(value / facts["frames"] for value in built.objectives))
