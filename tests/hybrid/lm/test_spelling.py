"""The tree of spellings: which units may follow, and their probability together."""

import numpy as np
import pytest
import torch

from hybrid.lm.spelling import SpellingTree

SPELLINGS = [(), (5, 1), (3, 1), (3, 4, 1), (3, 4, 2), (2,), ()]  # no word begins another


@pytest.fixture
def tree():
    return SpellingTree(SPELLINGS)


def test_nodes_are_the_beginnings_of_words(tree):
    """The empty one, 5, 3, and 3 4; after the first the sentence can end."""
    assert tree.starts.tolist() == [0, 4, 5, 7, 9]
    assert tree.units.tolist() == [0, 2, 3, 5, 1, 1, 4, 1, 2] and tree.units.dtype == np.int64
    assert tree.after.tolist() == [0, 0, 2, 1, 0, 0, 3, 0, 0]


def test_units_lead_from_node_to_node(tree):
    nodes, units = np.array([0, 0, 0, 1, 2, 2, 3, 3, 0]), np.array([3, 5, 0, 1, 4, 1, 1, 2, 2])
    assert tree.follow(nodes, units).tolist() == [2, 1, 0, 0, 3, 0, 0, 0, 0]
    assert tree.follow(nodes[:0], units[:0]).tolist() == []


def test_normalizers_sum_over_what_may_follow(tree):
    log_probs = torch.randn(5, 6, generator=torch.Generator().manual_seed(0)).double()
    log_probs[3] -= 2000.0  # up to a constant for each row
    log_probs[4, [0, 3, 5]] = -float("inf")
    nodes = np.array([3, 0, 2, 0, 0])
    found = tree.normalizers(log_probs, nodes)
    may_follow = {0: [0, 2, 3, 5], 2: [1, 4], 3: [1, 2]}
    expected = torch.stack([row[may_follow[node]].logsumexp(0) for row, node in zip(log_probs, nodes.tolist())])
    assert found.dtype == torch.float64 and torch.allclose(found, expected, rtol=1e-12)
    assert found[4] == pytest.approx(float(log_probs[4, 2]))
    assert torch.allclose(tree.normalizers(log_probs.float(), nodes), expected, rtol=1e-5)


def test_without_words_a_sentence_can_only_end():
    tree = SpellingTree([(), ()])
    assert tree.starts.tolist() == [0, 1] and tree.units.tolist() == tree.after.tolist() == [0]
    assert tree.normalizers(torch.tensor([[-1.5, 3.0]]), np.array([0])).tolist() == [-1.5]
