"""Oracle: every path of a small transducer, one by one."""

import math
from collections import defaultdict


def all_paths(arcs, max_labels):
    """Yields (input labels, output labels, score) of every path with up to max_labels input labels.

    arcs: graphs.fst.arcs.Arcs without cycles of input epsilons. Output labels keep epsilons out.
    """
    leaving = defaultdict(list)
    for row in zip(arcs.src.tolist(), arcs.dst.tolist(), arcs.ilabel.tolist(), arcs.olabel.tolist(),
                   arcs.score.tolist()):
        leaving[row[0]].append(row[1:])
    finals = defaultdict(list)
    for state, score, olabel in zip(arcs.final_state.tolist(), arcs.final_score.tolist(),
                                    arcs.final_olabel.tolist()):
        finals[state].append((score, olabel))

    def walk(state, inputs, outputs, score):
        for final_score, olabel in finals[state]:
            yield inputs, outputs + ((olabel,) if olabel else ()), score + final_score
        for dst, ilabel, olabel, arc_score in leaving[state]:
            if ilabel and len(inputs) == max_labels:
                continue
            yield from walk(dst, inputs + ((ilabel,) if ilabel else ()),
                            outputs + ((olabel,) if olabel else ()), score + arc_score)

    yield from walk(0, (), (), 0.0)


def best_scores(arcs, max_labels):
    """{(input labels, output labels): best score}."""
    best = {}
    for inputs, outputs, score in all_paths(arcs, max_labels):
        key = (inputs, outputs)
        best[key] = max(score, best.get(key, -math.inf))
    return best


def logsumexp(values):
    highest = max(values)
    return highest + math.log(sum(math.exp(v - highest) for v in values))
