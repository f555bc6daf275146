"""Searches by name. One more is a file with its options and its `search`, and a line here."""

from graphs.options import choice
from hybrid.e2e.search.attention_beam import AttentionBeamOptions
from hybrid.e2e.search.ctc_beam import CtcBeamOptions
from hybrid.e2e.search.ctc_greedy import CtcGreedyOptions
from hybrid.e2e.search.transducer_beam import TransducerBeamOptions
from hybrid.e2e.search.transducer_graph import TransducerGraphOptions
from hybrid.e2e.search.transducer_greedy import TransducerGreedyOptions

# ``search(network, encoded [B, T, D], lengths [B], fusion) -> B lists of hypotheses``, the best first, at least one of
# each utterance; fusion: hybrid.e2e.fusion.TokenLm (for transducer_graph hybrid.e2e.token_graph.TokenGraph), or None.
# Neither padding nor other utterances change a result.
# A search that does not count parts of the network's score as they are has their factors, `part_weights`.
SEARCHES = {"ctc_greedy": CtcGreedyOptions, "ctc_beam": CtcBeamOptions, "attention_beam": AttentionBeamOptions,
            "transducer_greedy": TransducerGreedyOptions, "transducer_beam": TransducerBeamOptions,
            "transducer_graph": TransducerGraphOptions}


def search_field():
    """The field `search` of options that decode."""
    return choice(SEARCHES, "ctc_greedy", "for the best token sequences")
