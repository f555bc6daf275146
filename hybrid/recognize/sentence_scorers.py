"""Models that can score the sentences of other systems, by their folders: picklable, for processes."""

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence

import numpy as np
from torch import Tensor

from graphs.errors import InputError
from hybrid.am.ensemble import EnsembleFolders


@dataclass(frozen=True)
class E2eFolder:
    """ctc_weight: None for that of the training."""

    model: Path
    ctc_weight: Optional[float] = None
    device: str = "cpu"
    scale = 1.0  # of its scores, usually

    def load(self, reader):
        """A SentenceScorer for the features of the reader. Raises: InputError for what does not fit."""
        from hybrid.e2e.model import E2eModel
        from hybrid.e2e.sentence_scores import E2eScorer
        model = E2eModel.load(self.model, device=self.device)
        if model.feature_dim != reader.dim:
            raise InputError(str(reader.folder), f"{model.feature_dim} coefficients, as of {self.model}",
                             str(reader.dim))
        scorer = E2eScorer(model, self.ctc_weight)
        return lambda utterance_ids, features, sentences: scorer(features, sentences)


@dataclass(frozen=True)
class AcousticFolders:
    """lang: folder with the words' pronunciations."""

    models: EnsembleFolders
    lang: Path
    device: str = "cpu"
    scale = 0.1

    def load(self, reader):
        """As E2eFolder.load."""
        from graphs.lang.lang_folder import read_lang
        from hybrid.align.forced import Aligner, AlignOptions
        from hybrid.align.sentence_scores import ViterbiScorer
        model = self.models.load(reader, self.device)
        aligner = Aligner(read_lang(self.lang), model.tree, model.transitions, AlignOptions(), model.output_shift)
        scorer = ViterbiScorer(aligner)

        def scores(utterance_ids: Sequence[str], features: Sequence[Tensor],
                   sentences: Sequence[Sequence[Sequence[str]]]) -> List[np.ndarray]:
            return [scorer.scores(model.log_likelihoods(one, utterance_id), own)
                    for utterance_id, one, own in zip(utterance_ids, features, sentences)]
        return scores
