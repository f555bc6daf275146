"""Trees against exhaustive splitting of single frames, planted questions, and what holds for every tree."""

from itertools import chain, combinations

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.topology import Topology, chain_entry, left_to_right
from hybrid.tree.build import BuiltTree, Limits, best_split, build_tree, make_stumps, merge
from hybrid.tree.objectives import Gaussians
from hybrid.tree.questions import Questions
from hybrid.tree.roots import Root
from tests.hybrid.tree.material import SIL, random_frames, stats_of, topology_of
from tests.reference.trees import Frame, best_first, gaussian_likelihood, splits_of

FLOOR = 0.05
OBJECTIVE = Gaussians(FLOOR)
PHONES = (1, 2, 3, 4)
ALL_SETS = tuple(frozenset(one) for size in (1, 2) for one in combinations((0, *PHONES), size))
QUESTIONS = Questions(ALL_SETS, 2)
FEW = Questions(tuple(map(frozenset, ([1], [2, 3], [1, 4], [0, 1], [3]))), 2)
KEYS = (-1, 0, 1, 2)
ROOTS = [Root((SIL,), False, False), Root((2, 3)), Root((4,))]


def build(frames, limits, questions=FEW, roots=ROOTS, topology=None) -> BuiltTree:
    return build_tree(stats_of(frames), OBJECTIVE, roots, questions, topology or topology_of(), limits)


def leaves_of(frames, tree: ContextTree):
    """Frames by pdf_id."""
    found = [[] for _ in range(tree.num_pdfs)]
    for frame in frames:
        found[tree.pdf_id(frame.window, frame.pdf_class)].append(frame)
    return found


def likelihood(groups):
    return sum(gaussian_likelihood(group, FLOOR) for group in groups)


def begun(frames, roots=ROOTS, classes=2):
    """Frames of each stump, and whether it may be split."""
    groups = []
    for root in roots:
        own = [frame for frame in frames if frame.window[1] in root.phone_ids]
        groups += [(own, root.split)] if root.shared else [
            ([frame for frame in own if frame.pdf_class == c], root.split) for c in range(classes)]
    return groups


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("min_count", [0, 40])
def test_the_first_split_is_the_best_of_all_splits(seed, min_count):
    frames = random_frames(seed, 200)
    stats = stats_of(frames)
    found = best_split(stats, np.arange(len(stats)), OBJECTIVE, QUESTIONS, min_count)
    whole = gaussian_likelihood(frames, FLOOR)
    gains = {(key, values): likelihood([yes, no]) - whole
             for key, values, yes, no in splits_of(frames, QUESTIONS, KEYS, min_count)}
    assert found.gain == pytest.approx(max(gains.values()), rel=1e-9)
    assert gains[found.key, found.values] == pytest.approx(found.gain, rel=1e-9)
    assert found.yes_count + found.no_count == 200 and min(found.yes_count, found.no_count) >= min_count


@pytest.mark.parametrize("seed", range(6))
def test_trees_are_those_of_trying_everything(seed):
    frames = random_frames(seed, 250)
    groups, may = zip(*begun(frames))
    for num_leaves in (4, 5, 8, 14):
        built = build(frames, Limits(num_leaves, min_count=8, merge_loss=0))
        expected = best_first(list(groups), list(may), FEW, KEYS, num_leaves, 8, FLOOR)
        found = leaves_of(frames, built.tree)
        assert {frozenset(map(id, leaf)) for leaf in found} == {frozenset(map(id, leaf)) for leaf in expected}
        assert built.objectives[1:] == pytest.approx([likelihood(expected)] * 2, rel=1e-9)
        assert built.objectives[0] == pytest.approx(likelihood(groups), rel=1e-9)
        assert built.num_split_leaves == built.tree.num_pdfs == len(expected) == 4 + len(built.steps)


def test_planted_questions_are_found():
    """Phone 2 sounds different after 3 and 4, and, less so, before 1."""
    rng = np.random.default_rng(0)
    frames = []
    for _ in range(400):
        left, right, pdf_class = int(rng.integers(5)), int(rng.integers(5)), int(rng.integers(2))
        mean = 10.0 * (left in (3, 4)) + 4.0 * (right == 1)
        frames.append(Frame((left, 2, right), pdf_class, np.array([rng.normal(mean, 1.0)], np.float32)))
    topology = topology_of((2,))
    built = build(frames, Limits(20, 5, min_gain=20.0, merge_loss=0), QUESTIONS, [Root((2,))], topology)
    asked = [(step.choice.key, step.choice.values) for step in built.steps]
    assert asked[0] == (0, {3, 4})
    assert asked[1:] == [(2, {1}), (2, {1})]
    pdf_id = built.tree.pdf_id
    assert pdf_id((3, 2, 2), 0) == pdf_id((4, 2, 0), 1) != pdf_id((1, 2, 2), 0) == pdf_id((0, 2, 3), 1)
    assert pdf_id((3, 2, 1), 0) == pdf_id((4, 2, 1), 1) != pdf_id((3, 2, 2), 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("merge_loss", [None, 0, 5.0, 1e9])
def test_what_holds_for_every_tree(seed, merge_loss):
    frames = random_frames(seed, 300)
    built = build(frames, Limits(15, 10, 0.5, merge_loss))
    tree, leaves = built.tree, leaves_of(frames, built.tree)
    assert sum(map(len, leaves)) == 300 and all(leaves)
    assert len(leaves) <= built.num_split_leaves <= 15
    assert built.objectives[2] == pytest.approx(likelihood(leaves), rel=1e-9)
    assert built.objectives[0] <= built.objectives[2] + 1e-9 and built.objectives[2] <= built.objectives[1] + 1e-9
    for step in built.steps:
        assert step.choice.gain >= 0.5 and min(step.choice.yes_count, step.choice.no_count) >= 10
        assert step.stump.root.split
    for leaf in leaves:  # a pdf_id belongs to one root, and to one pdf class where these are not shared
        roots = {next(root for root in ROOTS if frame.window[1] in root.phone_ids) for frame in leaf}
        assert len(roots) == 1
        assert roots.pop().shared or len({frame.pdf_class for frame in leaf}) == 1
    if merge_loss == 1e9:
        assert len(leaves) == 4
    for window in chain(((left, 2, right) for left in range(5) for right in range(5)), [(0, SIL, 0), (4, 4, 9)]):
        assert all(0 <= tree.pdf_id(window, c) < tree.num_pdfs for c in range(2))
    again = ContextTree.from_text(tree.to_text())
    assert again.root == tree.root and (again.context_width, again.central_position) == (3, 1)


def test_silence_is_the_same_in_every_context():
    tree = build(random_frames(), Limits(30)).tree
    assert len(tree.pdf_ids_of(SIL, 0)) == len(tree.pdf_ids_of(SIL, 1)) == 1
    assert tree.pdf_ids_of(SIL, 0) != tree.pdf_ids_of(SIL, 1)
    assert len(tree.pdf_ids_of(2, 0)) > 1


def test_numbers_of_leaves_and_gains_are_limits():
    frames = random_frames(1)
    many = build(frames, Limits(1000, merge_loss=0))
    assert many.num_split_leaves < 1000
    gains = sorted(step.choice.gain for step in many.steps)
    limit = gains[len(gains) // 2]
    assert all(step.choice.gain >= limit for step in build(frames, Limits(1000, 0, limit)).steps)
    first = many.steps[0].choice.gain
    assert build(frames, Limits(1000, 0, first)).steps and not build(frames, Limits(1000, 0, 1.001 * first)).steps
    assert build(frames, Limits(6, merge_loss=0)).num_split_leaves == 6
    assert build(frames, Limits(4)).tree.num_pdfs == 4
    with pytest.raises(InputError, match="num_leaves: expected at least 4, one for each root, found 3"):
        build(frames, Limits(3))


@pytest.mark.parametrize("roots", [[(2, 4), (1, 3)], [(1, 2, 3, 4)], [(4,), (3, 1, 2)], [(3,), (1, 2, 4)]])
def test_phones_of_a_root_share_a_tree_whatever_the_order_of_roots(roots):
    tree = build(random_frames(), Limits(len(roots)), roots=list(map(Root, roots))).tree
    for number, phones in enumerate(roots):
        assert {tree.pdf_id((0, phone, 0), c) for phone in phones for c in range(2)} == {number}


def test_phones_that_were_not_seen_have_pdf_ids():
    frames = [frame for frame in random_frames() if frame.window[1] not in (SIL, 4)]
    tree = build(frames, Limits(12)).tree
    seen = {tree.pdf_id(frame.window, frame.pdf_class) for frame in frames}
    assert len(tree.pdf_ids_of(4, 0) | tree.pdf_ids_of(SIL, 0) | tree.pdf_ids_of(SIL, 1)) == 3
    assert tree.pdf_ids_of(4, 0).isdisjoint(seen) and tree.pdf_ids_of(4, 0) == tree.pdf_ids_of(4, 1)


def test_monophones_are_told_apart_by_pdf_classes_alone():
    frames = random_frames()
    mono = [Frame((frame.window[1],), frame.pdf_class, frame.values) for frame in frames]
    tree = build_tree(stats_of(mono, 0), OBJECTIVE, [Root((p,), False) for p in PHONES], FEW, topology_of(),
                      Limits(100)).tree
    assert tree.root == ContextTree.monophone(topology_of()).root


@pytest.mark.parametrize("width, central", [(2, 1), (5, 2), (3, 0)])
def test_windows_of_any_width(width, central):
    rng = np.random.default_rng(0)
    frames = []
    for _ in range(600):
        window = tuple(int(p) for p in rng.integers(1, 5, width))
        mean = 8.0 * (window[0] in (3, 4)) if central else 8.0 * (window[-1] in (3, 4))
        frames.append(Frame(window, 0, np.array([rng.normal(mean, 1.0)], np.float32)))
    built = build_tree(stats_of(frames, central), OBJECTIVE, [Root((p,)) for p in PHONES], Questions(ALL_SETS, 1),
                       topology_of(classes=1), Limits(8))
    assert {step.choice.key for step in built.steps} == {0 if central else width - 1}
    assert (built.tree.context_width, built.tree.central_position, built.tree.num_pdfs) == (width, central, 8)


def test_a_tree_of_the_chain_topology_asks_for_the_self_loop():
    rng = np.random.default_rng(0)
    frames = [Frame((0, 2, right), c, np.array([rng.normal(20.0 * c + 3.0 * right, 1.0)], np.float32))
              for right in (0, 3) for c in (0, 1) for _ in range(50)]
    topology = Topology({2: chain_entry(), 3: chain_entry()})
    tree = build(frames, Limits(10, 10), QUESTIONS, [Root((2,)), Root((3,))], topology).tree
    assert len({tree.pdf_id((0, 2, right), c) for right in (0, 3) for c in (0, 1)}) == 4


def brute_force_merge(groups, limit):
    """Joins, as long as it loses less than the limit, the two groups that lose least."""
    groups = [list(group) for group in groups]
    while len(groups) > 1:
        loss, one, other = min(
            (likelihood([groups[i], groups[j]]) - likelihood([groups[i] + groups[j]]), i, j)
            for i, j in combinations(range(len(groups)), 2))
        if loss >= limit:
            break
        groups[one] += groups.pop(other)
    return groups


@pytest.mark.parametrize("seed", range(10))
def test_joining_is_that_of_trying_every_pair(seed):
    frames = random_frames(seed, 90)
    rng = np.random.default_rng(seed)
    groups = [[frames[i] for i in part] for part in np.array_split(rng.permutation(90), 9)]
    leaves = [(float(len(group)), Gaussians.moments(np.stack([f.values for f in group])).sum(axis=0))
              for group in groups]
    for limit in (0.0, 3.0, 8.0, 1e9):
        numbers, lost = merge(leaves, OBJECTIVE, limit)
        found = [sum((groups[n] for n in np.flatnonzero(np.array(numbers) == k)), []) for k in range(max(numbers) + 1)]
        expected = brute_force_merge(groups, limit)
        assert [set(map(id, part)) for part in found] == [set(map(id, part)) for part in expected]
        assert lost == pytest.approx(likelihood(groups) - likelihood(expected), abs=1e-6)
    assert len(found) == 1


def test_events_that_the_topology_lacks_are_refused():
    frames = random_frames()
    with pytest.raises(InputError, match="phone_id 4: expected a phone of the topology"):
        build(frames, Limits(20), topology=topology_of((1, 2, 3)))
    roots = [Root((p,)) for p in (1, 2, 3)]
    with pytest.raises(InputError, match="statistics: expected phones of the topology, found phone_id 4"):
        build(frames, Limits(20), roots=roots, topology=topology_of((1, 2, 3)))
    with pytest.raises(InputError, match="phone_id 1: expected 1 pdf classes, found pdf class 1"):
        build(frames, Limits(20), topology=topology_of(classes=1))


def test_stumps():
    stats = stats_of(random_frames())
    stumps = make_stumps(stats, ROOTS, topology_of())
    assert [(stump.root.phone_ids, stump.pdf_class) for stump in stumps] == [
        ((1,), 0), ((1,), 1), ((2, 3), -1), ((4,), -1)]
    assert sorted(np.concatenate([stump.node.rows for stump in stumps])) == list(range(len(stats)))
    for stump in stumps:
        assert set(stats.central[stump.node.rows]) == set(stump.root.phone_ids)
        assert set(stats.pdf_classes[stump.node.rows]) == ({0, 1} if stump.root.shared else {stump.pdf_class})
    assert left_to_right(2) == topology_of().entry(1)


def two_neighbours(phones, neighbours=(1, 4), number=30):
    """Frames of phones that sound different after one neighbour and the other, and the same from phone to phone."""
    return [Frame((left, phone, left), place, np.array([10.0 * left], np.float32))
            for phone in phones for place, left in enumerate(neighbours) for _ in range(number)]


def test_of_equal_gains_the_first_key_question_and_root_are_taken():
    frames = two_neighbours((2,))
    stats, rows = stats_of(frames), np.arange(2)
    sets = tuple(map(frozenset, ([3], [4], [1])))
    assert best_split(stats, rows, OBJECTIVE, Questions(sets, 2), 0)[1:] == (-1, {0}, 30, 30)
    assert best_split(stats, rows, OBJECTIVE, Questions(sets, 1), 0)[1:] == (0, {4}, 30, 30)
    for order in ((2, 3), (3, 2)):
        built = build(two_neighbours((2, 3)), Limits(3), Questions(sets, 1), [Root((p,)) for p in order],
                      topology_of((2, 3)))
        assert [step.stump.root.phone_ids for step in built.steps] == [order[:1]]


def test_nothing_is_split_where_no_question_leaves_frames_enough():
    frames = two_neighbours((2,))
    stats, rows = stats_of(frames), np.arange(2)
    assert best_split(stats, rows, OBJECTIVE, QUESTIONS, 30).yes_count == 30
    assert best_split(stats, rows, OBJECTIVE, QUESTIONS, 31) is None
    assert best_split(stats, rows, OBJECTIVE, Questions((), 1), 0) is None
    assert best_split(stats, rows[:1], OBJECTIVE, QUESTIONS, 0) is None
    same = [Frame(frame.window, frame.pdf_class, np.zeros(1, np.float32)) for frame in frames]
    built = build(same, Limits(9), QUESTIONS, [Root((2,))], topology_of((2,)))  # nothing is gained either
    assert not built.steps and built.tree.num_pdfs == 1 and built.objectives[0] == built.objectives[2]


def test_without_further_limits_any_gain_is_enough_and_the_smallest_is_that_of_joining():
    assert Limits(7) == (7, 0.0, 0.0, None)
    joined = 0
    for seed in range(4):
        frames = random_frames(seed)
        built = build(frames, Limits(12))
        smallest = min(step.choice.gain for step in built.steps)
        assert built.tree.to_text() == build(frames, Limits(12, merge_loss=smallest)).tree.to_text()
        joined += built.num_split_leaves - built.tree.num_pdfs
    assert joined
    faint = [Frame((left, 2, 0), 0, np.array([0.1 * left + sign], np.float32))
             for left in (1, 3) for sign in (-1, 1) for _ in range(5)]
    step, = build(faint, Limits(9), QUESTIONS, [Root((2,))], topology_of((2,))).steps
    assert step.choice.gain == pytest.approx(10 * np.log(1.01), rel=1e-4)  # variances 1, 1 and 1.01


def test_what_loses_just_the_limit_is_not_joined():
    leaves = [(10.0, np.array([10.0 * mean, 10.0 * (mean ** 2 + 1)])) for mean in (0.0, 1.0, 9.0)]
    one, other, both = (OBJECTIVE.value(np.array(count), sums) for count, sums in (
        leaves[0], leaves[1], (20.0, leaves[0][1] + leaves[1][1])))
    loss = float(one + other - both)
    assert loss == pytest.approx(10 * np.log(1.25))  # variances 1, 1 and 1.25
    assert merge(leaves, OBJECTIVE, 0.999 * loss) == ([0, 1, 2], 0.0)
    numbers, lost = merge(leaves, OBJECTIVE, 1.001 * loss)
    assert numbers == [0, 0, 1] and lost == pytest.approx(loss)
    same = [leaves[0], leaves[0]]  # loses nothing
    assert merge(same, OBJECTIVE, 0.0)[0] == [0, 1] and merge(same, OBJECTIVE, 1e-6)[0] == [0, 0]
    assert merge(leaves[:1], OBJECTIVE, 1e9) == ([0], 0.0)
