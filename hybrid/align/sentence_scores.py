"""What an acoustic model gives to sentences: the best HMM path through all ways to say each of them."""

from typing import Sequence

import numpy as np
from torch import Tensor

from graphs.decoding.training_graph import training_graph
from graphs.decoding.viterbi import best_scores
from graphs.fst.union import union
from hybrid.align.forced import Aligner


class ViterbiScorer:
    """All sentences of an utterance at once, exactly: their graphs, side by side, are searched without a beam."""

    def __init__(self, aligner: Aligner):
        self._aligner = aligner

    def scores(self, log_likelihoods: Tensor, sentences: Sequence[Sequence[str]]) -> np.ndarray:
        """``[len(sentences)]`` float64: log-likelihoods of the best path of each, and the log probabilities of its
        pronunciations, silences and transitions; -inf where the frames are too few.

        Args:
          log_likelihoods: ``[T, num_pdfs]`` of the model's transition_ids.
          sentences: words; unknown ones are taken as the lang's oov_word.
        """
        lang, places, graphs = self._aligner.lang, [], []
        for place, words in enumerate(sentences):
            word_ids, _ = lang.word_ids(" ".join(words))
            if word_ids or lang.optional_silence:
                places.append(place)
                graphs.append(self._aligner.sentence(word_ids))
        found = np.full(len(sentences), -np.inf)
        if places:
            graph = training_graph(union(graphs), self._aligner.tree, self._aligner.transitions)
            found[places] = self._ends(graph, log_likelihoods, len(places))
        return found

    def _ends(self, graph, log_likelihoods: Tensor, number: int) -> np.ndarray:
        ends = best_scores(graph, log_likelihoods.cpu().numpy(), self._aligner.transitions.pdf_id)
        return ends[1:number + 1]
