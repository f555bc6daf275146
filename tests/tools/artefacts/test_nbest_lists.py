import pytest

from graphs.errors import InputError
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.nbest_file import Nbest, write_nbest
from hybrid.lattices.frames import Frames
from tests.tools.artefacts.shown import lines_of
from tools.artefacts.nbest_lists import KINDS, NBEST, describe_nbest, nbest_problems, utterances_of

TOKENS = ("<blk>", "\u2581", "a", "b")
BEST = Hypothesis((2, 1, 3), (1, 4, 4), -1.5, {"ctc": -1.25, "lm": -0.25})
LISTS = [Nbest("u0", 15, [BEST, Hypothesis((2, 9), (14, 14), -7.0, {"ctc": -7.0}, finished=False)]),
         Nbest("u1", 9, [Hypothesis((), (), -2.0, {"ctc": -2.0})]), Nbest("u2", 3, [])]


def written(folder, lists, tokens=TOKENS):
    write_nbest(folder / NBEST, lists)
    if tokens:
        Frames(0.04, tokens).write(folder)
    return folder / NBEST


def test_all_lists_in_short(tmp_path):
    path = written(tmp_path, LISTS)
    assert lines_of(describe_nbest(path)) == [
        "utterances: 3", "without a hypothesis: 1", "hypotheses an utterance: 1.0", "broken off: 1",
        "parts of scores: ctc, lm", "first utterances", "utterance frames hypotheses score best",
        "u0 15 2 -1.50 a b", "u1 9 1 -2.00"]
    assert list(utterances_of(path)) == ["u0", "u1"]
    more = [Nbest(f"v{n}", 5, [BEST]) for n in range(11)]
    assert lines_of(describe_nbest(written(tmp_path, more)))[-1] == "v9 5 1 -1.50 a b"  # the first ten
    assert lines_of(describe_nbest(written(tmp_path, []))) == [
        "utterances: 0", "without a hypothesis: 0", "hypotheses an utterance: 0.0", "broken off: 0"]


def test_the_list_of_an_utterance(tmp_path):
    """A token that the table lacks is marked; a part that only some hypotheses have is blank in others."""
    path = written(tmp_path, LISTS)
    assert lines_of(describe_nbest(path, "u0")) == [
        "utterance: u0", "frames: 15", "hypotheses", "rank score ctc lm at frames tokens",
        "1 -1.50 -1.25 -0.25 1 to 4 a b", "2 -7.00 -7.00 broken off 14 to 14 a#9?"]
    assert lines_of(describe_nbest(path, "u1"))[-1] == "1 -2.00 -2.00"
    with pytest.raises(InputError, match="expected an utterance such as u0, u1, u2, found u3"):
        describe_nbest(path, "u3")
    (tmp_path / "frames.json").unlink()
    assert lines_of(describe_nbest(path, "u0"))[-1] == "2 -7.00 -7.00 broken off 14 to 14 2 9"


def test_both_sides_of_each_limit(tmp_path):
    def hypothesis(*tokens, frames=(), score=-1.0):
        return Hypothesis(tokens, frames or (1,) * len(tokens), score, {})
    good = [hypothesis(1, 3, frames=(0, 14)), hypothesis(2, 2, frames=(14, 14)), hypothesis()]
    assert list(nbest_problems(written(tmp_path, [Nbest("u0", 15, good), Nbest("u1", 0, [hypothesis()])]))) == []
    bad = [hypothesis(3, 4), hypothesis(2, 2, frames=(0, 15)), hypothesis(0),
           hypothesis(*[2] * 9, frames=(*range(8, -1, -1),)), hypothesis(2, score=-0.5)]
    path = written(tmp_path, [Nbest("u0", 15, bad), Nbest("u0", 9, [])])
    assert lines_of(describe_nbest(path, "u0"))[1] == "frames: 15"  # the first of that name
    assert [problem.replace(str(path), "") for problem in nbest_problems(path)] == [
        ": u0: expected hypotheses in the order of their scores, found another",
        ": u0, hypothesis 1: expected tokens from 1 to 3, found [3, 4]",
        ": u0, hypothesis 2: expected frames below 15, never falling, found [0, 15]",
        ": u0, hypothesis 3: expected tokens from 1 to 3, found [0]",
        ": u0, hypothesis 4: expected frames below 15, never falling, found [8, 7, 6, 5, 4, 3, 2, 1]",
        ": u0: expected once, found again"]


def test_without_a_table_of_tokens_there_is_no_highest_one(tmp_path):
    found = [Hypothesis((99,), (1,), -1.0, {}), Hypothesis((1,) * 8 + (0, 1), (1,) * 10, -1.0, {})]
    path = written(tmp_path, [Nbest("u0", 15, found)], tokens=None)
    assert list(nbest_problems(path)) == [
        f"{path}: u0, hypothesis 2: expected tokens from 1, found [1, 1, 1, 1, 1, 1, 1, 1]"]


def test_lists_are_known_by_the_name_of_their_file(tmp_path):
    path = written(tmp_path, [])
    (tmp_path / "other.jsonl").write_text("")
    assert [KINDS[0].matches(one) for one in (path, tmp_path / "other.jsonl", tmp_path, tmp_path / "no" / NBEST)] == [
        True, False, False, False]
