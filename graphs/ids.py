"""The glossary of integer ids, and the one place where ids turn into graph labels.

| name          | base | what it is                                                              |
| ------------- | ---- | ----------------------------------------------------------------------- |
| phone_id      | 1    | line of phones.txt; 0 is <eps>; disambiguation symbols come last        |
| word_id       | 1    | line of words.txt; 0 is <eps>; it stands on FSTs as an output label     |
| pdf_id        | 0    | a column of the acoustic model's output                                 |
| transition_id | 1    | an arc of a phone's HMM in its context; it stands on FSTs               |
| hmm_state     | 0    | a state of a phone's topology                                           |
| graph label   | 0    | what stands on an FSA: 0 is epsilon, -1 (k2) marks the final arc        |
| token_id      | 0    | a column of a CTC model's output; 0 is blank                            |
| frame         | 0    | row of a feature matrix; `seconds = frame * frame_shift`                |

A dense score matrix that k2 intersects with a graph has one column per graph label, and label 0
is epsilon: pdf_id p therefore stands in the graph as label p + 1 and column 0 of the scores is
dead. `pdf_label` and `scores_for_graph` are the only code that knows this.
"""

import torch
from torch import Tensor

EPSILON = 0
LARGEST_ID = 10 ** 7  # more phones or pdfs than any recognizer has: such a file is damaged
FINAL_LABEL = -1  # k2's label on arcs that enter the final state
BLANK = 0  # token_id of the CTC blank


def pdf_label(pdf_id):
    """Graph label of a pdf_id (int or integer tensor)."""
    return pdf_id + 1


def scores_for_graph(log_likelihoods: Tensor) -> Tensor:
    """Puts the dead epsilon column in front.

    Args:
      log_likelihoods: ``[..., num_pdfs]`` float, column = pdf_id.
    Returns:
      ``[..., num_pdfs + 1]``, column = graph label; column 0 is -1e30 (k2 subtracts scores, and
      -inf would turn into nan there).
    """
    dead = log_likelihoods.new_full((*log_likelihoods.shape[:-1], 1), -1e30)
    return torch.cat([dead, log_likelihoods], dim=-1)
