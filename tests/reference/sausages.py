"""Oracle: figures 4 to 6 of Xu et al. 2011 (Kaldi lat/sausages.cc) state by state, arc by arc, with dictionaries."""

import math
from collections import defaultdict

from tests.reference.paths import logsumexp

DELTA = 1e-5


def _loss(a, b, penalize=False):
    return 0.0 if a == b else 1.0 + DELTA * penalize


def statistics(arcs, num_states, hypothesis):
    """(expected errors, gamma: place -> word -> probability).

    arcs: (src, dst, word, log probability); states from 0, the last one final, in topological order.
    hypothesis: with gaps (0).
    """
    places = len(hypothesis)
    r = [None, *hypothesis]
    into = defaultdict(list)
    for arc in arcs:
        into[arc[1]].append(arc)
    alpha, alpha_dash = {0: 0.0}, {0: [0.0] * (places + 1)}
    for q in range(1, places + 1):
        alpha_dash[0][q] = alpha_dash[0][q - 1] + _loss(0, r[q])

    def arc_costs(arc):
        costs, choices = [alpha_dash[arc[0]][0] + _loss(arc[2], 0, True)], [2]
        for q in range(1, places + 1):
            ways = (alpha_dash[arc[0]][q - 1] + _loss(arc[2], r[q]),
                    alpha_dash[arc[0]][q] + _loss(arc[2], 0, True), costs[q - 1] + _loss(0, r[q]))
            least = min(ways)
            costs.append(least)
            choices.append(next(i for i, way in enumerate(ways, 1) if way <= least + 1e-9))
        return costs, choices

    for n in range(1, num_states):
        alpha[n] = logsumexp([alpha[arc[0]] + arc[3] for arc in into[n]])
        alpha_dash[n] = [0.0] * (places + 1)
        for arc in into[n]:
            share = math.exp(alpha[arc[0]] + arc[3] - alpha[n])
            for q, cost in enumerate(arc_costs(arc)[0]):
                alpha_dash[n][q] += share * cost
    return alpha_dash[num_states - 1][places], _gammas(into, num_states, places, alpha, arc_costs)


def _gammas(into, num_states, places, alpha, arc_costs):
    beta = {n: [0.0] * (places + 1) for n in range(num_states)}
    beta[num_states - 1][places] = 1.0
    gamma = [defaultdict(float) for _ in range(places + 1)]
    for n in range(num_states - 1, 0, -1):
        for arc in into[n]:
            _, choices = arc_costs(arc)
            own = [0.0] * (places + 1)
            for q in range(places, 0, -1):
                own[q] += math.exp(alpha[arc[0]] + arc[3] - alpha[n]) * beta[n][q]
                if choices[q] == 1:
                    beta[arc[0]][q - 1] += own[q]
                    gamma[q][arc[2]] += own[q]
                elif choices[q] == 2:
                    beta[arc[0]][q] += own[q]
                else:
                    own[q - 1] += own[q]
                    gamma[q][0] += own[q]
            own[0] += math.exp(alpha[arc[0]] + arc[3] - alpha[n]) * beta[n][0]
            beta[arc[0]][0] += own[0]
    left = 0.0
    for q in range(places, 0, -1):
        left += beta[0][q]
        gamma[q][0] += left
    return [dict(table) for table in gamma[1:]]
