from hybrid.compare.comparison import System
from tools.comparison.gather import _one_each, _system
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
