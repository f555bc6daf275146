"""HCLG = asl(H o C o rmeps(det(L o G))): the decoding graph (Mohri et al. 2008; Kaldi utils/mkgraph.sh).

L o G is composed and determinized by k2. Then disambiguation symbols go, the graph is minimized, C and H are composed,
epsilons removed and self-loops added (graphs/hmm/hmm_fst.py). Every arc of the result consumes a frame, which k2's
dense intersection needs. For CTC, blanks are put into L o G, and units are HMMs of one state
(graphs/hmm/ctc_topology.py).

The order of steps is the one that leaves the fewest arcs. The epsilons of back-off are kept through minimization, C and
H, and removed when a phone's last HMM state branches to the histories, instead of the phone as a whole. What they leave
beside them stands in a state of its own while L o G is minimized (graphs/fst/epsilon_forms.py), and arcs that enter a
state with the same phone share their inner HMM states, or else windows that begin alike (graphs/hmm/hmm_prefixes.py).
"""

import time
from typing import Callable, Dict, List, Tuple

import k2
import numpy as np

from graphs.decoding.decoding_graph import DecodingGraph
from graphs.decoding.decoding_options import GraphOptions
from graphs.decoding.intersect import search_label, search_order
from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.epsilon import remove_input_epsilons
from graphs.fst.epsilon_forms import with_copied_targets, with_epsilons_apart, without_lone_epsilons
from graphs.fst.minimize import minimize
from graphs.fst.ops import from_k2, to_k2
from graphs.fst.push import push_scores
from graphs.fst.word_sequences import WordSequences
from graphs.hmm.context_fst import compose_context
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.ctc_topology import with_blank_loops, with_blanks
from graphs.hmm.hmm_fst import add_self_loops, compose_hmm
from graphs.hmm.hmm_prefixes import share_prefixes
from graphs.hmm.transitions import TransitionModel


_PUSH = {"tropical": k2.DeterminizeWeightPushingType.kTropicalWeightPushing,
         "log": k2.DeterminizeWeightPushingType.kLogWeightPushing,
         "none": k2.DeterminizeWeightPushingType.kNoWeightPushing}


class _Steps:
    """Times each step and notes the size of what it made."""

    def __init__(self, say: Callable[[str], None]):
        self.report: List[Dict] = []
        self.say, self._start = say, time.time()

    def done(self, name: str, states: int, arcs: int) -> None:
        seconds = round(time.time() - self._start, 2)
        self._start = time.time()
        self.report.append({"step": name, "states": states, "arcs": arcs})  # no times: the same graph, the same file
        self.say(f"{name}: {states} states, {arcs} arcs, {seconds:.2f} s")


def compile_lg(lexicon: Arcs, grammar: Arcs, first_disambig_phone: int, first_disambig_word: int,
               sequences: WordSequences, options: GraphOptions, steps: _Steps) -> Arcs:
    """det(L o G) without disambiguation symbols: with epsilons where it is minimized, else without."""
    for name, arcs in (("L", lexicon), ("G", grammar)):
        if not len(arcs.final_state):  # k2 would abort
            raise InputError(name, "a path from the start to the end", "no final state")
    lg = k2.connect(k2.compose(k2.arc_sort(to_k2(lexicon)), to_k2(grammar)))
    steps.done("L o G", lg.shape[0], lg.num_arcs)
    if lg.num_arcs == 0:
        raise InputError("L o G", "a path from the start to the end", "none: do lexicon and LM share a word?")
    lg = k2.connect(k2.determinize(lg, _PUSH[options.push]))
    steps.done("determinized", lg.shape[0], lg.num_arcs)
    words = lg.aux_labels.values if isinstance(lg.aux_labels, k2.RaggedTensor) else lg.aux_labels
    words[words >= first_disambig_word] = 0  # before labels of several words, which have larger numbers, stand there
    arcs = from_k2(lg, sequences)
    del lg
    arcs.ilabel[arcs.ilabel >= first_disambig_phone] = 0
    if options.minimize:
        arcs = _minimize(arcs, sequences, steps.say)
        steps.done("minimized", arcs.num_states, arcs.num_arcs)
    else:
        arcs = remove_input_epsilons(arcs, sequences)
        steps.done("epsilons removed", arcs.num_states, arcs.num_arcs)
    return arcs


def _minimize(lg: Arcs, sequences: WordSequences, say: Callable[[str], None]) -> Arcs:
    """An equivalent L o G with few states and arcs behind its epsilons, which it keeps."""
    lg = with_epsilons_apart(with_copied_targets(without_lone_epsilons(lg, sequences), sequences))
    try:
        lg = push_scores(lg)
    except InputError as error:  # back-off weights above 1 can gain with each word; the graph is right all the same
        say(f"minimized without pushing of scores: {error}")
    return minimize(lg)


def compile_tokens_to_words(lexicon: Arcs, grammar: Arcs, first_disambig_token: int, first_disambig_word: int,
                            num_words: int, options: GraphOptions = GraphOptions(),
                            say: Callable[[str], None] = lambda message: None) -> Tuple[Arcs, WordSequences]:
    """L o G alone, without epsilons, for searches of their own kind; arguments as of compile_hclg.

    Returns: token_ids to output labels, and what those labels stand for.
    """
    steps, sequences = _Steps(say), WordSequences(num_words)
    arcs = compile_lg(lexicon, grammar, first_disambig_token, first_disambig_word, sequences, options, steps)
    return remove_input_epsilons(arcs, sequences) if options.minimize else arcs, sequences


def compile_hclg(lexicon: Arcs, grammar: Arcs, tree: ContextTree, transitions: TransitionModel,
                 first_disambig_phone: int, first_disambig_word: int, num_words: int,
                 options: GraphOptions = GraphOptions(),
                 say: Callable[[str], None] = lambda message: None, ctc_blank: int = 0) -> DecodingGraph:
    """Builds the decoding graph.

    Args:
      lexicon: L with disambiguation symbols, phones to words.
      grammar: G, words to words, back-off arcs with the disambiguation word on the input side.
      first_disambig_phone, first_disambig_word: ids from here on are disambiguation symbols.
      num_words: size of the word table (output labels from there on are word sequences).
      say: receives a line about each step.
      ctc_blank: phone_id of blank where phones are units of CTC, with the tree and transitions of `ctc_hmm`; their
        transitions have no scores.
    Raises: InputError when lexicon and grammar share no sentence.
    """
    steps = _Steps(say)
    sequences = WordSequences(num_words)
    lg = compile_lg(lexicon, grammar, first_disambig_phone, first_disambig_word, sequences, options, steps)
    if ctc_blank:
        lg = (with_blank_loops if options.ctc_topology == "compact" else with_blanks)(lg, ctc_blank)
        steps.done("blanks", lg.num_states, lg.num_arcs)
    clg, windows = compose_context(lg, tree, sequences)
    del lg
    steps.done("C o LG", clg.num_states, clg.num_arcs)
    graph = compose_hmm(clg, windows, tree, transitions, options.transition_scale)
    del clg
    steps.done("H o CLG", graph.num_states, graph.num_arcs)
    if options.minimize:
        graph = share_prefixes(graph, max(map(len, transitions.topology.entry_of.values())) - 1)
        graph = remove_input_epsilons(graph, sequences)
        steps.done("epsilons removed", graph.num_states, graph.num_arcs)
    if not ctc_blank:
        graph = add_self_loops(graph, transitions, options.self_loop_scale)
    elif options.ctc_topology == "full":
        graph = add_self_loops(graph, transitions, 0.0)
    graph = graph.reordered(search_order(graph, search_label(graph.ilabel, transitions)))
    steps.done("self-loops", graph.num_states, graph.num_arcs)
    if not np.all(graph.ilabel > 0):
        raise InputError("HCLG", "no input epsilons", f"{int((graph.ilabel == 0).sum())}")
    return DecodingGraph(graph, sequences, steps.report, transitions.fingerprint(), tree.fingerprint())
