"""Builds a tree: greedy splits by gain in log-likelihood, then leaves of a root that differ little are joined.

Each leaf knows its best question, the one whose answers gain most; the leaf with the largest gain is split first, until
there are enough leaves or none gains enough (Kaldi tree/build-tree-utils.cc, SplitDecisionTree). Joining goes on as
long as the smallest loss is below the limit (ClusterEventMapRestrictedByMap).
"""

import heapq
from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.hmm import context_tree
from graphs.hmm.context_tree import PDF_CLASS, ContextTree, Leaf, Table
from graphs.hmm.topology import Topology
from hybrid.tree.questions import Question, Questions
from hybrid.tree.roots import Root, check_roots
from hybrid.tree.stats import EventStats, sum_groups


class Limits(NamedTuple):
    """
    num_leaves: splitting ends when there are so many, those that are not split among them.
    min_count: frames that each side of a split must have.
    min_gain: of log-likelihood, that a split must bring.
    merge_loss: leaves of a root are joined while that loses less; None for the smallest gain of a split, 0 for never.
    """

    num_leaves: int
    min_count: float = 0.0
    min_gain: float = 0.0
    merge_loss: Optional[float] = None


class Choice(NamedTuple):
    """A question about a key, what it gains, and the frames of its two answers."""

    gain: float
    key: int
    values: Question
    yes_count: float
    no_count: float


@dataclass
class Node:
    """rows: its events. Once it is split it has a choice and two nodes; a leaf gets a group, its pdf_id."""

    rows: np.ndarray
    choice: Optional[Choice] = None
    yes: Optional["Node"] = None
    no: Optional["Node"] = None
    group: int = -1

    def leaves(self) -> List["Node"]:
        return [self] if self.yes is None else self.yes.leaves() + self.no.leaves()


class Stump(NamedTuple):
    """Where a tree begins: a root, or a pdf class of a root that does not share them (-1 for all)."""

    root: Root
    pdf_class: int
    node: Node


class Step(NamedTuple):
    """One split, in the order in which they were made."""

    stump: Stump
    choice: Choice


@dataclass(frozen=True)
class BuiltTree:
    """
    Attributes:
      tree: graphs.hmm.context_tree.ContextTree.
      stumps: with the nodes below them.
      steps: the splits.
      objectives: log-likelihood of all frames with the stumps, after the splits and after joining.
      num_split_leaves: leaves before joining.
    """

    tree: ContextTree
    stumps: Sequence[Stump]
    steps: Sequence[Step]
    objectives: Tuple[float, float, float]
    num_split_leaves: int


def build_tree(stats: EventStats, objective, roots: Sequence[Root], questions: Questions, topology: Topology,
               limits: Limits) -> BuiltTree:
    """
    Args:
      stats: events of the topology's phones and pdf classes.
      objective: of hybrid/tree/objectives.py, fitting the sums.
      roots: one for each phone of the topology.
    Raises: InputError when roots, statistics and topology do not fit, or for fewer leaves than stumps.
    """
    check_roots(roots, topology)
    _check_events(stats, topology)
    stumps = make_stumps(stats, roots, topology)
    if limits.num_leaves < len(stumps):
        raise InputError("num_leaves", f"at least {len(stumps)}, one for each root", str(limits.num_leaves))
    worth = _Worth(stats, objective)
    begun = sum(worth(stump.node) for stump in stumps)
    steps = grow(stats, objective, questions, stumps, limits)
    leaves = [leaf for stump in stumps for leaf in stump.node.leaves()]
    grown = sum(map(worth, leaves))
    limit = limits.merge_loss
    if limit is None:
        limit = min((step.choice.gain for step in steps), default=0.0)
    groups, lost = 0, 0.0
    for stump in stumps:
        own = stump.node.leaves()
        numbers, loss = merge([worth.sums(leaf) for leaf in own], objective, limit)
        for leaf, number in zip(own, numbers):
            leaf.group = groups + number
        groups, lost = groups + max(numbers) + 1, lost + loss
    tree = ContextTree(stats.width, stats.central_position, _table(stumps, stats.central_position))
    return BuiltTree(tree, stumps, steps, (begun, grown, grown - lost), len(leaves))


class _Worth:
    """The objective of a node's events, and their sums."""

    def __init__(self, stats: EventStats, objective):
        self.stats, self.objective = stats, objective

    def sums(self, node: Node) -> Tuple[float, np.ndarray]:
        return self.stats.counts[node.rows].sum(), self.stats.sums[node.rows].sum(axis=0)

    def __call__(self, node: Node) -> float:
        count, sums = self.sums(node)
        return float(self.objective.value(np.asarray(count), sums))


def _check_events(stats: EventStats, topology: Topology) -> None:
    for phone_id in np.unique(stats.central):
        if phone_id not in topology.entry_of:
            raise InputError("tree statistics", "phones of the topology", f"phone_id {phone_id}")
        top = int(stats.pdf_classes[stats.central == phone_id].max())
        if top >= topology.num_pdf_classes(phone_id):
            raise InputError(f"tree statistics, phone_id {phone_id}",
                             f"{topology.num_pdf_classes(phone_id)} pdf classes", f"pdf class {top}")


def make_stumps(stats: EventStats, roots: Sequence[Root], topology: Topology) -> List[Stump]:
    stumps = []
    for root in roots:
        rows = np.flatnonzero(np.isin(stats.central, root.phone_ids))
        if root.shared:
            stumps.append(Stump(root, -1, Node(rows)))
            continue
        for pdf_class in range(topology.num_pdf_classes(root.phone_ids[0])):
            stumps.append(Stump(root, pdf_class, Node(rows[stats.pdf_classes[rows] == pdf_class])))
    return stumps


def grow(stats: EventStats, objective, questions: Questions, stumps: Sequence[Stump], limits: Limits) -> List[Step]:
    """Splits the leaves of the stumps, the best first. Returns the splits in their order."""
    heap: List[tuple] = []
    steps: List[Step] = []

    def offer(node: Node, stump: Stump) -> None:
        choice = best_split(stats, node.rows, objective, questions, limits.min_count) if stump.root.split else None
        if choice is not None and choice.gain > 0 and choice.gain >= limits.min_gain:
            heapq.heappush(heap, (-choice.gain, len(offered), node, stump, choice))
            offered.append(node)

    offered: List[Node] = []  # their number decides between equal gains
    for stump in stumps:
        offer(stump.node, stump)
    while heap and len(stumps) + len(steps) < limits.num_leaves:
        _, _, node, stump, choice = heapq.heappop(heap)
        answer = np.isin(stats.values(choice.key)[node.rows], list(choice.values))
        node.choice, node.yes, node.no = choice, Node(node.rows[answer]), Node(node.rows[~answer])
        steps.append(Step(stump, choice))
        offer(node.yes, stump)
        offer(node.no, stump)
    return steps


def best_split(stats: EventStats, rows: np.ndarray, objective, questions: Questions, min_count: float
               ) -> Optional[Choice]:
    """The question that gains most on the events `rows`; None where no question leaves frames enough on both sides."""
    counts, sums = stats.counts[rows], stats.sums[rows]
    whole = float(objective.value(counts.sum(), sums.sum(axis=0)))
    best: Optional[Choice] = None
    for key in (PDF_CLASS, *range(stats.width)):
        values, number = np.unique(stats.values(key)[rows], return_inverse=True)
        if len(values) < 2:
            continue  # no question has two answers
        answers = questions.answers(key, values)
        by_value = sum_groups(number, counts, len(values)), sum_groups(number, sums, len(values))
        yes, no = ([side.astype(np.float64) @ part for part in by_value] for side in (answers, ~answers))
        fits = (np.minimum(yes[0], no[0]) >= min_count) & answers.any(axis=1) & ~answers.all(axis=1)
        if not fits.any():
            continue
        gains = np.where(fits, objective.value(*yes) + objective.value(*no) - whole, -np.inf)
        top = int(np.argmax(gains))
        if best is None or gains[top] > best.gain:
            best = Choice(float(gains[top]), key, questions.of_key(key)[top], float(yes[0][top]), float(no[0][top]))
    return best


def merge(leaves: Sequence[Tuple[float, np.ndarray]], objective, limit: float) -> Tuple[List[int], float]:
    """Joins groups, always the two that lose least, while that is below the limit.

    Args:
      leaves: count and sums ``[D]`` of each.
    Returns: the group of each leaf, 0, 1, ... in the order of their first leaves, and what was lost.
    """
    counts = np.array([count for count, _ in leaves])
    sums = np.stack([total for _, total in leaves])
    worth, group, lost = objective.value(counts, sums), np.arange(len(leaves)), 0.0

    def losses(one: int) -> np.ndarray:
        return worth + worth[one] - objective.value(counts + counts[one], sums + sums[one])

    loss = np.stack([losses(one) for one in range(len(leaves))])
    loss[np.tril_indices(len(leaves))] = np.inf
    while True:
        one, other = np.unravel_index(np.argmin(loss), loss.shape)
        if not loss[one, other] < limit:
            break
        lost += loss[one, other]
        group[group == other] = one
        counts[one], sums[one] = counts[one] + counts[other], sums[one] + sums[other]
        worth[one] = objective.value(counts[one], sums[one])
        gone = np.isinf(loss[one]) & np.isinf(loss[:, one])  # itself and those joined before
        new = np.where(gone, np.inf, losses(one))
        loss[one, one + 1:], loss[:one, one] = new[one + 1:], new[:one]
        loss[other], loss[:, other] = np.inf, np.inf
    return np.unique(group, return_inverse=True)[1].tolist(), lost


def _table(stumps: Sequence[Stump], central_position: int) -> Table:
    of_root: Dict[Root, List[Stump]] = {}
    for stump in stumps:
        of_root.setdefault(stump.root, []).append(stump)
    branches: List[Optional[context_tree.Node]] = [None] * (1 + max(max(root.phone_ids) for root in of_root))
    for root, own in of_root.items():
        nodes = [_node(stump.node) for stump in own]
        branch = nodes[0] if root.shared else Table(PDF_CLASS, tuple(nodes))
        for phone_id in root.phone_ids:
            branches[phone_id] = branch
    return Table(central_position, tuple(branches))


def _node(node: Node) -> context_tree.Node:
    if node.yes is None:
        return Leaf(node.group)
    return context_tree.Split(node.choice.key, node.choice.values, _node(node.yes), _node(node.no))
