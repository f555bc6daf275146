"""tools.score on lattices in which the best LM scale of the development set is not that of the test set."""

import json
import sys
import threading

import numpy as np
import pytest

from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice import Lattice
from graphs.lattices.lattice_io import write_lattices
from tests.hybrid.report.tensorboard_reader import read_rows
from tools.frame.fingerprint import files_of
from tools.frame.records import read_record, write_record
from tools.score import PROGRAM, work


def two_paths(utterance_id, first, second, threshold, partial=False):
    """A lattice of two one-word paths; `second` wins where lm_scale is above the threshold."""
    ids = (np.array(column, np.int32) for column in ([0, 0], [1, 1], [1, 1], [first, second]))
    return Lattice(utterance_id, 1, *ids, np.array([0.0, -threshold], np.float32),
                   np.array([-1.0, 0.0], np.float32), partial)


@pytest.fixture
def folder(tmp_path):
    """The development set wants lm_scale above 6, the test set below."""
    for name, wanted in (("dev", "b"), ("test", "a")):
        write_lattices(tmp_path / f"decode_{name}", 0, [
            two_paths(f"{name}{n}", 1, 2, 6.0, partial=n == 0) for n in range(4)])
        SymbolTable(["a", "b", "#0", "<s>", "</s>"]).write(tmp_path / f"decode_{name}" / "words.txt")
        (tmp_path / f"{name}.txt").write_text("".join(f"{name}{n} {wanted}\n" for n in range(4)))
    facts = {"search_seconds": 7.5, "outcomes": {"retried": 2}}
    models = {}
    for name, parameters, file in (("am", 1000, "model.json"), ("other", 200, "e2e.json")):
        (tmp_path / name).mkdir()
        write_record(tmp_path / name, {"seconds": 61.0, "facts": {"parameters": parameters, "training_seed": 1}})
        models[str(tmp_path / name / file)] = [0, 0, "digest"]
    write_record(tmp_path / "decode_test", {"seconds": 9.0, "facts": facts, "inputs": models})
    return tmp_path


def run(folder, *more, dev=True, out="score_am", test="decode_test", cuts="test.txt"):
    choice = ["--dev", folder / "decode_dev", "--dev-cuts", folder / "dev.txt"] if dev else []
    arguments = [*choice, "--test", folder / test, "--test-cuts", folder / cuts, "--out", folder / out,
                 "--nj", "1", *more]
    return PROGRAM.run(work, list(map(str, arguments)))


def entries(folder, out="score_am"):
    return json.loads((folder / out / "result.json").read_text())


def test_the_scales_come_from_the_development_set_alone(folder):
    assert run(folder) == 0
    dev, test = entries(folder)
    assert (dev["test"], dev["wer"], dev["tuned_on"]) == ("dev", 0.0, True)
    assert (test["test"], test["wer"], test["tuned_on"]) == ("test", 100.0, False)
    assert dev["lm_scale"] == test["lm_scale"] > 6


def test_without_a_development_set_the_given_scales_hold(folder):
    assert run(folder, "score.lm_scale=3", "score.word_insertion_penalty=1", dev=False) == 0
    (test,) = entries(folder)
    assert (test["wer"], test["lm_scale"], test["word_insertion_penalty"]) == (0.0, 3.0, 1.0)
    assert not (folder / "score_am" / "sweep.tsv").exists()


def test_an_entry_says_all_that_the_results_need(folder):
    assert run(folder, "--seed", "5") == 0
    test = entries(folder)[1]
    assert test["system"] == "am" and test["seed"] == 5
    assert (test["errors"], test["words"], test["ins"], test["del"], test["sub"]) == (4, 4, 0, 0, 4)
    assert test["ci95"][0] <= test["wer"] <= test["ci95"][1]
    assert (test["seconds"], test["retried"], test["partial"], test["missing"]) == (7.5, 2, 1, 0)
    assert (test["parameters"], test["training_seconds"]) == (1200, 122.0)


@pytest.mark.parametrize("out, more, name", [
    ("score_score_b", [], "score_b"), ("voted", [], "voted"), ("rescore_am", [], "rescore_am"),
    ("score_am", ["--name", "Grüne"], "Grüne")])
def test_the_name_of_a_system(folder, out, more, name):
    """That of the folder without one score_ in front; the results stand as text, a line each."""
    assert run(folder, *more, dev=False, out=out) == 0
    text = (folder / out / "result.json").read_text(encoding="utf-8")
    (found,) = json.loads(text)
    assert found["system"] == name and text.startswith(f'[\n {{\n  "system": "{name}",\n') and text.endswith("\n]\n")
    assert read_record(folder / out)["facts"]["wer"] == {"test": found["wer"]}


def test_what_is_not_known_of_a_decoding(folder):
    """Text that no stage wrote; lattices of a stage that tells its seconds alone, by models of which one tells more."""
    (folder / "hyp.txt").write_text("".join(f"test{n} a\n" for n in range(4)))
    assert run(folder, dev=False, test="hyp.txt") == 0
    names = ("seconds", "retried", "parameters", "training_seconds")
    assert [entries(folder)[0][name] for name in names] == [None, 0, None, None]
    for name, record in (("am", {"seconds": 61.26, "facts": {"parameters": 1000}}), ("other", {"seconds": 5.0})):
        write_record(folder / name, record)
    inputs = read_record(folder / "decode_test")["inputs"]
    write_record(folder / "decode_test", {"seconds": 9.0, "inputs": inputs})
    assert run(folder, dev=False, out="score_lat") == 0
    assert [entries(folder, "score_lat")[0][name] for name in names] == [9.0, 0, 1000, 61.3]


def test_everything_is_written(folder):
    assert run(folder) == 0
    out = folder / "score_am"
    names = ("per_utt.txt per_utt.tsv per_speaker.tsv confusions.tsv hyp.txt ref.txt outcomes.tsv").split()
    for path in ["sweep.tsv", "sweep.png", *(f"{test}/{name}" for test in ("dev", "test") for name in names)]:
        assert (out / path).stat().st_size > 0, path
    assert (out / "test" / "hyp.txt").read_text() == "test0 b\ntest1 b\ntest2 b\ntest3 b\n"
    assert (out / "test" / "confusions.tsv").read_text() == "count\treference\thypothesis\n4\ta\tb\n"


def test_an_utterance_without_lattice_counts_as_deleted_and_is_named(folder):
    with open(folder / "test.txt", "a") as stream:
        stream.write("lost a b a\n")
    assert run(folder) == 0
    test = entries(folder)[1]
    assert (test["words"], test["del"], test["missing"]) == (7, 3, 1)
    assert "lost\tfailed" in (folder / "score_am" / "test" / "outcomes.tsv").read_text()


def test_hypotheses_may_come_as_text(folder):
    (folder / "hyp.txt").write_text("test0 a\ntest1 a b\ntest2 a\ntest3 A\n")
    assert run(folder, "score.fold_case=true", dev=False, test="hyp.txt") == 0
    (test,) = entries(folder)
    assert (test["errors"], test["ins"], test["lm_scale"]) == (1, 1, None)


def test_the_map_and_the_ignored_words_hold_for_both_sides(folder):
    (folder / "map.glm").write_text("b => a x\n")
    assert run(folder, "--map", str(folder / "map.glm"), "score.ignore=x") == 0
    assert [entry["errors"] for entry in entries(folder)] == [0, 0]


@pytest.mark.parametrize("arguments, message", [
    ({"cuts": "dev.txt", "dev": False}, "a reference for each hypothesis"),
    ({"cuts": "empty.txt", "dev": False}, "transcripts with words"),
    ({"test": "nothing", "dev": False}, "neither"),
    ({"cuts": "dev.txt"}, "a name of its own"),
])
def test_bad_input_is_named(folder, capsys, arguments, message):
    (folder / "empty.txt").write_text("test0\n")
    (folder / "nothing").mkdir()
    assert run(folder, **arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments, message", [
    (["--dev", "decode_dev", "--test", "decode_test", "--test-cuts", "test.txt"],
     "--dev: expected --dev and --dev-cuts together, found one of them"),
    (["--dev-cuts", "dev.txt", "--test", "decode_test", "--test-cuts", "test.txt"],
     "--dev: expected --dev and --dev-cuts together, found one of them"),
    ([], "--dev and --test: expected at least one of them, found neither"),
    (["--test", "decode_test", "decode_dev", "--test-cuts", "test.txt"],
     "--test-cuts: expected 2 paths, as for --test, found 1"),
    (["--dev", "decode_dev", "--dev-cuts", "dev.txt", "--test", "decode_test", "--test-cuts", "dev.txt"],
     "--test-cuts: expected a name of its own for each test set, found dev, dev")])
def test_sets_that_do_not_match_are_refused(folder, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    assert PROGRAM.run(work, [*arguments, "--out", "out"]) == 2
    assert message in capsys.readouterr().err


def test_a_set_of_which_nothing_was_recognized_fails(folder, capsys):
    (folder / "none.txt").write_text("\n")
    assert run(folder, dev=False, test="none.txt") == 2
    assert "4 of 4" in capsys.readouterr().err


def test_tensorboard_shows_the_results_beside_the_options_of_the_model(folder):
    (folder / "am").rename(folder / "exp_am")
    for name, config in (("exp_am", {"am": {"dropout": 0.5, "epochs": 3}}),
                         ("other", {"e2e": {"dropout": 0.5, "epochs": 4}})):
        write_record(folder / name, {**read_record(folder / name), "config": config})
    both = {str(folder / "exp_am" / "model.json"): [0, 0, "x"], str(folder / "other" / "e2e.json"): [0, 0, "x"]}
    for test in ("dev", "test"):
        write_record(folder / f"decode_{test}", {"seconds": 9.0, "inputs": dict([*both.items()][:1])})
    assert run(folder, out="score_exp_am") == run(folder, out="score_named") == 0
    for test in ("dev", "test"):
        write_record(folder / f"decode_{test}", {"seconds": 9.0, "inputs": both})
    assert run(folder, out="score_other") == 0
    write_record(folder / "decode_dev", {"seconds": 9.0, "inputs": dict([*both.items()][:1])})
    write_record(folder / "decode_test", {"seconds": 9.0})
    assert run(folder, out="score_first") == 0
    assert not [thread for thread in threading.enumerate() if type(thread).__module__.startswith("tensorboard")]
    rows, place = read_rows(folder), str(folder.resolve())
    assert rows[f"{place}/exp_am"][0] == rows[f"{place}/score_named"][0] == {"dropout": 0.5, "epochs": 3}
    assert rows[f"{place}/score_other"][0] == {"dropout": 0.5}  # what its models have in common
    figures = rows[f"{place}/score_other"][1]
    assert (figures["wer/dev"], figures["wer/test"], figures["system/parameters"]) == (0.0, 100.0, 1200.0)
    assert rows[f"{place}/score_first"][1]["system/parameters"] == 1000.0  # those of the first set
    assert not any("tfevents" in file.name for file in files_of(folder / "score_voted"))  # not what a stage reads


def test_without_tensorboard_the_scores_are_the_same(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    assert run(folder) == 0 and entries(folder)[0]["wer"] == 0.0
    assert not list((folder / "score_am").glob("events*"))
