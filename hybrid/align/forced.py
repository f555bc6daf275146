"""Forced alignment: the best HMM path through all ways to say the transcript (Kaldi bin/gmm-align-compiled.cc)."""

import math
from dataclasses import dataclass, field
from typing import List, Optional, Tuple

import numpy as np
from torch import Tensor

from graphs.decoding.decoding_options import check_beams
from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.transitions import TransitionModel
from graphs.lang.lang import Lang
from graphs.options import check_between, check_positive
from hybrid.align.alignment import Alignment, Segment


@dataclass(frozen=True)
class AlignOptions:
    beam: float = field(default=200.0, metadata={"help": "beam of the first try, in log-likelihood"})
    retry_beam: float = field(default=1000.0, metadata={"help": "beam of the second try"})
    acoustic_scale: float = field(default=1.0, metadata={"help": "factor on log-likelihoods"})
    max_failed_share: float = field(default=0.05, metadata={"help": "share of utterances that may fail"})

    def __post_init__(self):
        if not 0 < self.beam <= self.retry_beam:
            raise ValueError(f"beam and retry_beam: expected 0 < beam <= retry_beam, found {self.beam} "
                             f"and {self.retry_beam}")
        check_beams(self, "beam", "retry_beam")
        check_positive(self, "acoustic_scale")
        check_between(0, 1, self, "max_failed_share")


@dataclass(frozen=True)
class Outcome:
    """outcome: done, retried or failed; alignment is None when failed."""

    outcome: str
    reason: str = ""
    alignment: Optional[Alignment] = None


class Aligner:
    """Aligns transcripts of a lang's words to log-likelihoods of a transition model's pdf_ids."""

    def __init__(self, lang: Lang, tree: ContextTree, transitions: TransitionModel, options: AlignOptions,
                 frame_shift: float):
        """Raises InputError when lang, tree and transitions are not of the same phones and pdf_ids."""
        lacking = sorted(set(lang.topology.phone_ids) - set(transitions.topology.phone_ids))
        if lacking:
            raise InputError("transition model", "the phones of the lang", f"none of phone_id {lacking[0]}")
        if tree.num_pdfs != transitions.num_pdfs:
            raise InputError("transition model", f"{tree.num_pdfs} pdf_ids as in the tree", str(transitions.num_pdfs))
        if not frame_shift > 0:
            raise InputError("frame_shift", "seconds above 0", str(frame_shift))
        self.lang, self.tree, self.transitions = lang, tree, transitions
        self.options, self.frame_shift = options, frame_shift

    def align(self, utterance_id: str, text: str, log_likelihoods: Tensor) -> Outcome:
        """
        Args:
          text: words between blanks; unknown words are taken as the lang's oov_word.
          log_likelihoods: ``[T, num_pdfs]`` float32.
        Raises: InputError for what can be no log-likelihoods of the transition model.
        """
        from graphs.decoding.decoding_graph import DecodingGraph
        from graphs.decoding.search import Searcher, SearchOptions
        from graphs.decoding.training_graph import training_graph
        from graphs.fst.word_sequences import WordSequences
        word_ids, _ = self.lang.word_ids(text)
        if not word_ids and not self.lang.optional_silence:
            return Outcome("failed", "empty transcript and no optional silence")
        graph = DecodingGraph(training_graph(self.sentence(word_ids), self.tree, self.transitions),
                              WordSequences(len(self.lang.words)), [])
        for beam, outcome in ((self.options.beam, "done"), (self.options.retry_beam, "retried")):
            options = SearchOptions(beam=beam, lattice_beam=1.0, min_active=0, max_active=graph.arcs.num_states + 1,
                                    acoustic_scale=self.options.acoustic_scale, retries=0)
            result = Searcher(graph, self.transitions, options, partial=False, one_path=True).search(
                [(utterance_id, log_likelihoods)])[utterance_id]
            if result.lattice is not None:
                path = result.lattice.best_path(1.0, self.options.acoustic_scale)
                return Outcome(outcome, "" if outcome == "done" else f"beam {beam:g}",
                               self._alignment(utterance_id, path))
        fewest = sum(min(sum(self.lang.topology.min_frames(p) for p in phones)
                         for phones, _ in self.lang.pronunciations(w)) for w in word_ids)
        if fewest > len(log_likelihoods):
            return Outcome("failed", f"{len(log_likelihoods)} frames, but the words need {fewest}")
        return Outcome("failed", result.reason)

    def sentence(self, word_ids: List[int]):
        """The phone graph of the words with their variants and optional silence."""
        from graphs.decoding.training_graph import sentence_fst
        lang = self.lang
        variants = {word_id: lang.pronunciations(word_id) for word_id in set(word_ids)}
        if not lang.optional_silence:
            return sentence_fst(word_ids, variants)
        return sentence_fst(word_ids, variants, lang.phones.id_of(lang.optional_silence),
                            math.log(lang.silence_prob), math.log1p(-lang.silence_prob))

    def _alignment(self, utterance_id: str, path) -> Alignment:
        alignment = Alignment(utterance_id, path.transition_ids, path.score / len(path.transition_ids),
                              frame_shift=self.frame_shift)
        words = word_segments(alignment, path.word_ids, path.word_frames, self.transitions, self.lang.silence_ids)
        return Alignment(utterance_id, path.transition_ids, alignment.log_likelihood_per_frame, words,
                         self.frame_shift)


def word_segments(alignment: Alignment, word_ids: List[int], word_frames: List[int], transitions: TransitionModel,
                  silence_ids) -> Tuple[Segment, ...]:
    """Words with their times: from the frame of a word's label to the next word or to the silence before it.

    A silence phone that belongs to the word's own pronunciation (a word of silence phones only) stays in it.
    """
    silent = np.isin(transitions.phone_id[alignment.transition_ids], list(silence_ids))
    ends = [*word_frames[1:], alignment.num_frames]
    segments = []
    for word_id, start, end in zip(word_ids, word_frames, ends):
        if not silent[start:end].all():
            while silent[end - 1]:
                end -= 1
        segments.append(Segment(word_id, start, end - start))
    return tuple(segments)
