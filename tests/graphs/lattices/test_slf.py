"""HTK's format, read again by a reader of its own."""

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.slf import to_slf
from tests.graphs.lattices.material import path_list, random_of_both
from tests.reference.slf import read_slf

WORDS = ["<eps>", "'tis", 'a"b\\c', "naïve", "x=y"]


def paths_of(slf, state=0, words=(), acoustic=0.0, graph=0.0):
    if state == int(slf.head["end"]):
        yield words, round(acoustic, 4), round(graph, 4)
    for link in slf.links:
        if int(link["S"]) == state:
            word = () if link["W"] == "!NULL" else (WORDS.index(link["W"]),)
            scores = acoustic + float(link["a"]), graph + float(link["l"])
            yield from paths_of(slf, int(link["E"]), words + word, *scores)


@pytest.mark.parametrize("seed", range(8))
def test_the_paths_are_those_of_the_lattice(seed):
    lattice = random_of_both(seed)
    slf = read_slf(to_slf(lattice, WORDS, frame_shift=0.03))
    expected = [(words, round(acoustic, 4), round(graph, 4)) for words, _, acoustic, graph, _ in path_list(lattice)]
    found = sorted(paths_of(slf))
    assert len(found) == len(expected)
    for one, other in zip(found, sorted(expected)):
        assert one[0] == other[0] and one[1:] == pytest.approx(other[1:], abs=2e-4)
    assert [float(node["t"]) for node in slf.nodes] == pytest.approx((0.03 * lattice.state_frames()).tolist())


def test_the_head():
    lattice = random_of_both(0, name='"u"')
    lattice.partial = True
    text = to_slf(lattice, WORDS, lm_scale=12.0, acoustic_scale=0.5, word_insertion_penalty=1.5)
    head = read_slf(text).head
    assert head["VERSION"] == "1.0" and head["UTTERANCE"] == '"u"' and head["start"] == "0"
    assert (head["lmscale"], head["acscale"], head["wdpenalty"]) == ("12", "0.5", "-1.5")
    assert float(head["base"]) == pytest.approx(np.e, abs=1e-5) and "# partial" in text
    assert "partial" not in to_slf(random_of_both(0), WORDS)


def test_a_frame_shift_that_is_none_is_refused():
    with pytest.raises(InputError, match="frame_shift"):
        to_slf(random_of_both(0), WORDS, frame_shift=-0.01)
