import shutil

import pytest

from tests.tools.comparison.scored_work import add_cuts, add_scored, stage
from tools.comparison import lineage
from tools.comparison.gather import gather
from tools.experiments.records import Records

TESTS = ("dev", "test")


def lineage_of(scores, test, tests):
    return lineage.lineage_of(Records([scores.parent]), scores, test, tests)


def test_it_was_trained_on_all_that_its_networks_were_trained_on(tmp_path):
    gpu, cpu = "A GPU beside a CPU, 16 cores", "a CPU, 2 cores"
    for name, devices, expected in (("a", [gpu], "A GPU"), ("b", [cpu, gpu, cpu], "a CPU, 2 cores, A GPU"),
                                    ("c", [None], ""), ("d", [], "")):
        add_scored(tmp_path, name, 3, runs=[{"device": device} for device in devices])
        assert lineage_of(tmp_path / f"exp/score_{name}_seed1", "test", TESTS).trained_on == expected
    (found,) = {one.system.trained_on for one in gather([tmp_path], ["b"])}
    assert found == "a CPU, 2 cores, A GPU"


def folders(stages):
    return [folder.name for folder, _ in stages]


def test_a_system_stands_on_its_decoding_and_its_network(tmp_path):
    add_cuts(tmp_path, 0.25, 0.7)
    add_scored(tmp_path, "tdnn", 3, seed=2)
    found = lineage_of(tmp_path / "exp/score_tdnn_seed2", "test", TESTS)
    assert folders(found.decodings) == ["decode_tdnn_seed2_test"] and folders(found.trainings) == ["tdnn_seed2"]
    assert (found.kind, found.epochs, found.parameters, found.training_seconds) == ("hybrid", 6, 1000, 120.0)
    assert (found.share, found.hours) == (0.25, 0.7)
    assert found.configuration() == {"am.arch": "tdnn", "am.epochs": 6, "am.seed": 2, "search.beam": 15.0}
    assert found.commands() == ("python -m tools.train_am --out tdnn_seed2",
                                "python -m tools.decode --out decode_tdnn_seed2_test")


@pytest.mark.parametrize("kind", ["hybrid", "ctc", "joint"])
def test_kinds_are_told_by_training_and_search(tmp_path, kind):
    add_scored(tmp_path, "x", 3, kind)
    assert lineage_of(tmp_path / "exp/score_x_seed1", "test", TESTS).kind == kind


@pytest.mark.parametrize("decoder, weight, search, kind", [
    ("none", 1.0, {"search": "ctc_greedy"}, "ctc"), ("lstm", 0.3, {"search": "ctc_greedy"}, "ctc"),
    ("lstm", 0.3, {"search": "attention_beam", "ctc_weight": 0.0}, "attention"),
    ("lstm", 0.3, {"search": "attention_beam", "ctc_weight": 0.3}, "joint"),
    ("transducer", 0.3, {"search": "transducer_beam"}, "transducer"),
    ("transducer", 0.3, {}, "transducer"), ("none", 1.0, {}, "ctc"), ("transformer", 0.0, {}, "attention"),
    ("transformer", 0.5, {}, "joint"), ("lstm", None, {}, "attention"),
])
def test_of_end_to_end_networks_the_search_tells_the_kind(tmp_path, decoder, weight, search, kind):
    model = stage(tmp_path / "m", "tools.train_e2e", files=("e2e.json",),
                  config={"e2e": {"decoder": decoder, **({} if weight is None else {"ctc_weight": weight})}})
    decoded = stage(tmp_path / "decode_test", "tools.decode_e2e", [model / "e2e.json"], ("lattices.0.npz",),
                    config={"e2e_search": search} if search else {})
    scores = stage(tmp_path / "score_m", "tools.score", [decoded / "lattices.0.npz"])
    assert lineage_of(scores, "test", ["test"]).kind == kind


def test_several_networks_or_votes_are_a_combination(tmp_path):
    for name, wrong in (("a", 3), ("b", 4)):
        add_scored(tmp_path, name, wrong, config={"epochs": 5} if name == "b" else None)
    inputs = [tmp_path / f"exp/decode_{name}_seed1_test/lattices.00000.npz" for name in "ab"]
    voted = stage(tmp_path / "exp/decode_voted_test", "tools.combine", inputs, ("hyp.txt",))
    scores = stage(tmp_path / "exp/score_voted", "tools.score", [voted / "hyp.txt"])
    found = lineage_of(scores, "test", TESTS)
    assert folders(found.decodings) == ["decode_voted_test", "decode_a_seed1_test", "decode_b_seed1_test"]
    assert found.kind == "combination" and found.epochs is None
    assert (found.parameters, found.training_seconds) == (2000, 120.0)
    assert [command.rpartition(" ")[2] for command in found.commands()] == [
        "a_seed1", "b_seed1", "decode_b_seed1_test", "decode_a_seed1_test", "decode_voted_test"]
    assert found.configuration()["am.epochs"] == 6 and found.configuration()["b: am.epochs"] == 5
    single = stage(tmp_path / "exp/decode_one_test", "tools.rover", inputs[:1], ("words.ctm",))
    scores = stage(tmp_path / "exp/score_one", "tools.score", [single / "words.ctm"])
    assert lineage_of(scores, "test", TESTS).kind == "combination"
    both = stage(tmp_path / "exp/decode_both_test", "tools.decode",
                 [tmp_path / f"exp/{name}_seed1/model.json" for name in "ab"], ("lattices.00000.npz", "words.txt"))
    scores = stage(tmp_path / "exp/score_both", "tools.score", [both / "lattices.00000.npz"])
    assert lineage_of(scores, "test", TESTS).kind == "combination"


def test_test_sets_of_longer_names_are_told_apart(tmp_path):
    add_scored(tmp_path, "a", 3, tests=("clean", "test_clean"))
    for test in ("clean", "test_clean"):
        found = lineage_of(tmp_path / "exp/score_a_seed1", test, ("clean", "test_clean"))
        assert folders(found.decodings) == [f"decode_a_seed1_{test}"]


def test_a_work_folder_that_moved_keeps_its_systems(tmp_path):
    add_scored(tmp_path / "old", "tdnn", 3)
    shutil.move(tmp_path / "old", tmp_path / "new")
    found = lineage_of(tmp_path / "new/exp/score_tdnn_seed1", "test", TESTS)
    assert folders(found.trainings) == ["tdnn_seed1"] and found.kind == "hybrid"


def test_scores_without_records_tell_nothing(tmp_path):
    found = lineage_of(tmp_path / "score_a", "test", TESTS)
    assert found == ([], [], {}) and found.kind == "other" and found.share == 1.0
    assert (found.epochs, found.parameters, found.training_seconds, found.hours) == (None, None, None, None)


def test_networks_whose_records_tell_little(tmp_path):
    found = lineage.Lineage([], [(tmp_path, {"config": {}, "facts": {}})], {})
    assert (found.kind, found.epochs, found.parameters, found.training_seconds) == ("other", None, None, None)
