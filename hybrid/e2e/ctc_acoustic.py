"""The CTC output of an end-to-end model as an acoustic model: its pdf_ids are token_ids, its HMMs those of
graphs/hmm/ctc_topology.py. So decoding graphs, search and lattices are those of the hybrid models.
"""

from pathlib import Path

import torch

from graphs.errors import InputError
from graphs.hmm.ctc_topology import ctc_hmm
from hybrid.am.acoustic_model import AcousticModel
from hybrid.e2e.model import E2E_DESCRIPTION, E2eModel
from hybrid.nn.model_folder import PRIORS, read_priors


def ctc_acoustic_model(folder: Path, prior_scale: float = 0.0, device: str = "cpu") -> AcousticModel:
    """
    Args:
      prior_scale: the share of the label priors that is divided out. Since blank has most frames, that favours tokens.
    Raises: InputError for a model without CTC output, and for one without priors where they are asked for.
    """
    model = E2eModel.load(folder, device=device)
    network, description = model.network, model.description
    if network.ctc is None:
        raise InputError(str(Path(folder) / E2E_DESCRIPTION), "a network with a CTC output (ctc_weight above 0)",
                         "one without")
    log_priors = torch.zeros(network.num_tokens)
    if prior_scale:
        if PRIORS not in description["files"]:
            raise InputError(str(folder), f"a model with {PRIORS}, for a prior scale of {prior_scale:g}", "none")
        log_priors = read_priors(folder, {**description, "out_dim": network.num_tokens}, E2E_DESCRIPTION)
    return AcousticModel(network, log_priors, *ctc_hmm(network.num_tokens), model.feature_dim, prior_scale,
                         model.frame_shift)
