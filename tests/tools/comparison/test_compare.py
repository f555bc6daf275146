import argparse
import json
import shutil

import pytest

from hybrid.compare.comparison_file import read_comparison
from tests.hybrid.report.test_results import add_system
from tests.tools.comparison.scored_work import add_cuts, add_scored, stage
from tools.compare import PROGRAM, facts, features, results_and_records, work
from tools.frame.records import read_record


def run(*arguments):
    return PROGRAM.run(work, ["compare.resamples=200", *map(str, arguments)])


def test_systems_and_seeds_of_a_work_folder_are_compared(tmp_path, capsys):
    for seed, wrong in ((1, 5), (2, 6), (3, 7)):
        add_scored(tmp_path, "tdnn", wrong, seed=seed)
    add_scored(tmp_path, "ctc", 30, "ctc")
    assert run("--work", tmp_path, "--out", tmp_path / "compare", "--title", "Tiny") == 0
    found = read_comparison(tmp_path / "compare")
    assert [(s.key, s.family, s.kind, s.seed, s.epochs, s.memory_mb, s.training_memory_mb) for s in found.systems] == [
        ("ctc", "ctc", "ctc", 1, 6, 400, 700), ("tdnn (seed 1)", "tdnn", "hybrid", 1, 6, 400, 700),
        ("tdnn (seed 2)", "tdnn", "hybrid", 2, 6, 400, 700), ("tdnn (seed 3)", "tdnn", "hybrid", 3, 6, 400, 700)]
    assert [(t.name, t.utterances, t.words, t.speakers, t.seconds, t.drawn, t.tuned_on) for t in found.tests] == [
        ("test", 40, 120, 8, 60.0, "speakers", False)]
    assert found.tests[0].not_in_training == 40  # each `three`
    (ctc, tdnn) = found.families
    assert (ctc.family, ctc.rate.percent, ctc.deviation) == ("ctc", 25.0, None)
    assert (tdnn.systems, tdnn.rate.percent) == (("tdnn (seed 1)", "tdnn (seed 2)", "tdnn (seed 3)"), 5.0)
    (pair,) = found.pairs
    assert (pair.a, pair.b, pair.difference, pair.verdict) == ("ctc", "tdnn", -20.0, "better")
    assert pair.unlike == ("training min 2.0 and 1.0", "number of seeds 3 and 1")  # tdnn's first
    assert found.results[0].real_time_factor == 0.1 and found.results[0].decoded.endswith("decode_ctc_seed1_test")
    told = read_record(tmp_path / "compare")["facts"]
    assert (told["systems"], told["tests"]) == (4, ["test"])
    assert told["page"]["bytes"] == (tmp_path / "compare/report.html").stat().st_size
    text = (tmp_path / "compare/COMPARISON.md").read_text()
    assert text.startswith("# Tiny\n") and "## Differences on test" in text and "25.00" in text
    assert "25.00" in capsys.readouterr().out


@pytest.mark.parametrize("systems", [["a,b"], ["a", "b"], ["a,", "b"]])
def test_names_stand_between_blanks_or_commas(tmp_path, systems):
    for name in ("a", "b", "c"):
        add_scored(tmp_path, name, 3)
    assert run("--work", tmp_path, "--out", tmp_path / "compare", "--tests", "test,dev", "--systems", *systems) == 0
    found = read_comparison(tmp_path / "compare")
    assert ({one.name for one in found.systems}, {test.name for test in found.tests}) == ({"a", "b"}, {"test", "dev"})


def test_shares_of_the_data_are_families_of_their_own(tmp_path):
    for name, share, wrong in (("all", 1.0, 4), ("quarter", 0.25, 20)):
        add_cuts(tmp_path / name, share, share * 0.8)
        add_scored(tmp_path / name, "tdnn", wrong)
    assert run("--work", tmp_path / "all", tmp_path / "quarter", "--out", tmp_path / "compare") == 0
    found = read_comparison(tmp_path / "compare")
    assert {(s.key, s.name, s.share, s.hours) for s in found.systems} == {
        ("tdnn", "tdnn", 1.0, 0.8), ("tdnn (25 %)", "tdnn", 0.25, 0.2)}
    assert found.title == "all, quarter"
    assert found.pairs[0].b == "tdnn" and found.pairs[0].unlike == ("% of the data 100 and 25",)


def test_the_same_system_of_two_folders_has_their_names(tmp_path):
    for name, wrong in (("one", 4), ("two", 20)):
        add_scored(tmp_path / name, "tdnn", wrong)
    assert run("--work", tmp_path / "one", tmp_path / "two", "--out", tmp_path / "compare") == 0
    assert [s.key for s in read_comparison(tmp_path / "compare").systems] == ["tdnn (of two)", "tdnn (of one)"]


def test_systems_and_test_sets_can_be_chosen(tmp_path):
    for name, wrong in (("a", 4), ("b", 8), ("c", 12)):
        add_scored(tmp_path, name, wrong)
    out = tmp_path / "compare"
    assert run("--work", tmp_path, "--out", out, "--systems", "a", "c", "--tests", "dev") == 0
    found = read_comparison(out)
    assert [s.key for s in found.systems] == ["c", "a"] and [t.name for t in found.tests] == ["dev"]
    assert found.tests[0].tuned_on and "scales were chosen on it" in (out / "COMPARISON.md").read_text()


def test_a_new_result_below_the_work_folder_counts(tmp_path, capsys):
    out = tmp_path / "exp/compare"
    add_scored(tmp_path, "a", 4)
    assert run("--work", tmp_path, "--out", out) == 0
    capsys.readouterr()
    assert run("--work", tmp_path, "--out", out) == 0
    assert "is up to date" in capsys.readouterr().out
    add_scored(tmp_path, "b", 8)
    assert run("--work", tmp_path, "--out", out) == 0
    assert [s.key for s in read_comparison(out).systems] == ["b", "a"]


def test_without_a_test_set_the_development_set_is_compared(tmp_path):
    add_scored(tmp_path, "a", 4, tests=("dev",))
    assert run("--work", tmp_path, "--out", tmp_path / "compare") == 0
    assert [t.name for t in read_comparison(tmp_path / "compare").tests] == ["dev"]


def test_seeds_that_differ_in_more_are_told(tmp_path, capsys):
    add_scored(tmp_path, "a", 4, seed=1)
    add_scored(tmp_path, "a", 4, seed=2, config={"epochs": 7})
    assert run("--work", tmp_path, "--out", tmp_path / "compare") == 0
    assert read_comparison(tmp_path / "compare").notes[0] == "a: its seeds differ in am.epochs, too"
    assert "its seeds differ in am.epochs" in capsys.readouterr().err


def test_a_run_without_seeds_yields_to_the_one_of_the_same_seed(tmp_path, capsys):
    for seed, wrong in ((1, 4), (2, 6)):
        add_scored(tmp_path, "a", wrong, seed=seed)
    shutil.copytree(tmp_path / "exp/score_a_seed1", tmp_path / "exp/score_a")
    assert run("--work", tmp_path, "--out", tmp_path / "compare") == 0
    assert [s.key for s in read_comparison(tmp_path / "compare").systems] == ["a (seed 1)", "a (seed 2)"]
    assert "score_a on test is left out: score_a_seed1 is" in capsys.readouterr().err


def test_facts_of_the_runs_and_features_of_the_test_sets(tmp_path):
    """Of the last run of each stage, each once; what no run tells is left out."""
    for name, runs in (("a/one", [{"recipe": "old", "commit": "c0", "device": "x"}, {"recipe": "r1", "commit": "c1"}]),
                       ("a/two", [{"recipe": "r1", "commit": "c2"}]), ("b/one", [{"recipe": "r2", "commit": "c1"}]),
                       ("b/none", [])):
        stage(tmp_path / name, "tools.toy", runs=runs)
    works = [tmp_path / "a", tmp_path / "b"]
    assert facts(works[:1]) in ({"commands": "r1", "commit": "c1; c2"}, {"commands": "r1", "commit": "c2; c1"})
    assert set(facts(works)["commands"].split("; ")) == {"r1", "r2"} and facts([tmp_path / "c"]) == {}
    for path in ("a/features/test", "a/features/dev", "b/features/test", "b/features/other/test"):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "features.json").write_text("{}")
    assert features(works, {"test": []}) == [tmp_path / "a/features/test", tmp_path / "b/features/test"]


def test_stages_that_are_finished_and_do_not_compare_count(tmp_path):
    for name, program, state in (("am", "tools.train_am", "done"), ("cut", "tools.train_am", "running"),
                                 ("compare", "tools.compare", "done"), ("page", "tools.page", "done")):
        stage(tmp_path / name, program, state=state)
    add_system(tmp_path, "score_am", "am", 1)
    found = results_and_records(argparse.Namespace(work=[tmp_path]))
    assert found == [tmp_path / "exp/score_am", tmp_path / "am/.stage.json"]


@pytest.mark.parametrize("arguments, message", [
    (["--systems", "z"], "--systems: expected one of a, found z"),
    (["--tests", "z"], "--tests: expected one of test, dev, found z"),
])
def test_unknown_names_are_refused(tmp_path, capsys, arguments, message):
    add_scored(tmp_path, "a", 4)
    assert run("--work", tmp_path, "--out", tmp_path / "compare", *arguments) == 2
    assert message in capsys.readouterr().err


def test_scores_that_do_not_fit_are_named(tmp_path, capsys):
    add_scored(tmp_path, "a", 4)
    folder = tmp_path / "exp/score_a_seed1"
    (folder / ".stage.json").unlink()
    entries = json.loads((folder / "result.json").read_text())
    entries[1]["errors"] = 5
    (folder / "result.json").write_text(json.dumps(entries))
    assert run("--work", tmp_path, "--out", tmp_path / "compare") == 2
    assert "expected 5 errors of 120 words, as in result.json, found 4" in capsys.readouterr().err
    assert run("--work", tmp_path / "exp/a_seed1", "--out", tmp_path / "compare") == 2
    assert "a result (score_*/result.json)" in capsys.readouterr().err
