"""HTK's format, read again by a reader of its own."""

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.slf import to_slf
from tests.graphs.lattices.material import random_of_both
from tests.reference.slf import read_slf

WORDS = ["<eps>", "'tis", 'a"b\\c', "naïve", "x=y"]


def test_the_head():
    lattice = random_of_both(0, name='"u"')
    lattice.partial = True
    text = to_slf(lattice, WORDS, lm_scale=12.0, acoustic_scale=0.5, word_insertion_penalty=1.5)
    head = read_slf(text).head
    assert head["VERSION"] == "1.0" and head["UTTERANCE"] == '"u"' and head["start"] == "0"
    assert (head["lmscale"], head["acscale"], head["wdpenalty"]) == ("12", "0.5", "-1.5")
    assert float(head["base"]) == pytest.approx(np.e, abs=1e-5) and "# partial" in text
    assert "partial" not in to_slf(random_of_both(0), WORDS)


def test_frames_of_ten_milliseconds_and_scores_as_they_are_unless_said():
    plain = read_slf(to_slf(random_of_both(0), WORDS))
    assert [plain.head[name] for name in ("lmscale", "acscale", "wdpenalty")] == ["1", "1", "0"]
    assert plain.nodes[1]["t"] == "0.010"


def test_words_that_the_table_lacks_are_named():
    with pytest.raises(InputError, match="lattice r0, word_ids: expected numbers from 0 to below 1, found 0 to "):
        to_slf(random_of_both(0, name="r0"), WORDS[:1])


def test_a_frame_shift_that_is_none_is_refused():
    with pytest.raises(InputError, match="frame_shift"):
        to_slf(random_of_both(0), WORDS, frame_shift=-0.01)
