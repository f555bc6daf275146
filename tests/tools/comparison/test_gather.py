import pytest

from graphs.errors import InputError
from hybrid.compare.comparison import System
from tests.tools.comparison.scored_work import add_scored, stage
from tools.comparison.gather import _one_each, _system, gather
from tools.comparison.lineage import Lineage


def test_the_memory_of_the_search_is_the_most_of_all_test_sets():
    systems = [System("a", "a", "a", "ctc", memory_mb=300), System("b", "b", "b", "ctc"),
               System("a", "a", "a", "ctc", memory_mb=400), System("a", "a", "a", "ctc")]
    assert [(one.key, one.memory_mb) for one in _one_each(systems)] == [
        ("a", 400), ("b", None), ("a", 400), ("a", 400)]


def test_what_no_record_tells_is_unknown(tmp_path):
    training = {"config": {}, "facts": {}}
    one = _system({"system": "a", "seed": 3}, Lineage([], [(tmp_path, training)], {}))
    assert (one.name, one.seed, one.kind, one.share) == ("a", 3, "other", 1.0)
    assert (one.memory_mb, one.training_memory_mb, one.parameters, one.training_seconds) == (None,) * 4
    one = _system({"system": "a", "seed": 3}, Lineage([], [
        (tmp_path, {**training, "peak_memory_mb": memory}) for memory in (5, None, 7)], {}))
    assert one.training_memory_mb == 7
    one = _system({"system": "a", "seed": 3, "parameters": 5, "training_seconds": 6.0}, Lineage([], [], {}))
    assert (one.parameters, one.training_seconds, one.training_memory_mb) == (5, 6.0, None)


def test_the_last_of_several_searches_counts(tmp_path):
    add_scored(tmp_path, "a", 3, tests=("test",))
    first = tmp_path / "exp/decode_a_seed1_test"
    again = stage(tmp_path / "exp/rescore_a_test", "tools.rescore", [first / "lattices.00000.npz"],
                  ("lattices.00000.npz",), peak_memory_mb=33)
    stage(tmp_path / "exp/score_a_seed1", "tools.score", [again / "lattices.00000.npz"], ())
    (one,) = gather([tmp_path])
    assert (one.decoded, one.system.memory_mb) == (str(again), 33)
    assert one.score.cer == pytest.approx(one.entry["cer"], abs=1e-3)


def test_damaged_scores_are_refused(tmp_path):
    add_scored(tmp_path, "a", 3)
    with open(tmp_path / "exp/score_a_seed1/test/hyp.txt", "a") as stream:
        stream.write("\n")
    with pytest.raises(InputError, match="hyp.txt is damaged"):
        gather([tmp_path])
