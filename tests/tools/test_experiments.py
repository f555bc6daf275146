"""tools.experiments on small work folders of stage records."""

import json
import runpy
import shutil
import sys

import pytest

from graphs.errors import InputError
from tests.hybrid.report.test_results import add_system
from tools.experiments.__main__ import _examples, main
from tools.experiments.columns import Condition, check_columns, columns_of, select
from tools.experiments.compare import _rows, chosen, compare
from tools.experiments.experiment import Experiment, find_experiments, is_trained
from tools.experiments.records import Records
from tools.experiments.tables import Section, render
from tools.frame.fingerprint import digest
from tools.frame.records import output_digests, write_record

RUN = {"started": "2026-01-02 03:04:05+00:00", "ended": "2026-01-02 03:05:05+00:00", "commit": "abc", "code": "77",
       "versions": {"torch": "1.13.1"}, "nj": 2, "device": "a CPU", "folder": "/", "recipe": None}


def make(folder, program, inputs=(), files=(), **more):
    """A stage's folder with files, each of its own content, and its record."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        (folder / name).write_text(f"{folder} {name}")
    read = {str(path.resolve()): digest(path) for path in inputs}
    write_record(folder, {"program": program, "state": "done", "seconds": 90.0, "peak_memory_mb": 50, "config": {},
                          "arguments": {}, "facts": {}, "inputs": read, "outputs": output_digests(folder), **more})


def train(work, name, inputs=(), section="am", parameters=1000, facts=(), **options):
    make(work / "exp" / name, "tools.train_am", [work / "features/train/features.json", *inputs],
         ["model.json", "train.jsonl"], config={"am": {"seed": 1, **options}},
         arguments={"section": section}, runs=[RUN],
         facts={"parameters": parameters, "training_seed": 1, "dev_loss": 0.25, **dict(facts)})


def decode(work, name, models, wrong, seed=1, beam=8.0):
    """Decodes the dev and the test set with the models, and scores."""
    exp = work / "exp"
    for test in ("dev", "test"):
        inputs = [exp / model / "model.json" for model in models] + [exp / "graph/HCLG.npz"]
        make(exp / f"decode_{name}_{test}", "tools.decode", inputs, ["lattices.0.npz"],
             config={"search": {"beam": beam}})
    add_system(work, f"score_{name}", name, wrong, seed, ("dev", "test"))
    lattices = [exp / f"decode_{name}_{test}/lattices.0.npz" for test in ("dev", "test")]
    make(exp / f"score_{name}", "tools.score", lattices, config={"score": {"fold_case": False}})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    work = tmp_path_factory.mktemp("experiments") / "work"
    make(work / "features/train", "tools.compute_features", files=["features.json"],
         config={"features": {"kind": "fbank"}})
    train(work, "dnn1", section="dnn", arch="dnn", hidden_dim=99)
    make(work / "exp/align", "tools.align", [work / "exp/dnn1/model.json"], ["alignments.npz", "transitions"])
    make(work / "exp/graph", "tools.make_graph", [work / "exp/align/transitions"], ["HCLG.npz"])
    for name, arch, learning_rate in (("tdnn", "tdnn", 0.002), ("blstm", "blstm", 0.0005)):
        train(work, name, [work / "exp/align/alignments.npz"], arch=arch, learning_rate=learning_rate,
              residual=True, dilations=[1, 3], hidden_dim=256)
    decode(work, "tdnn", ["tdnn"], 10)
    decode(work, "blstm", ["blstm"], 4, beam=9.0)
    decode(work, "voted", ["tdnn", "blstm"], 2)
    train(work, "running.unfinished", arch="tdnn")
    return work


@pytest.fixture
def run(capsys):
    """Runs the program; gives its status, output and errors."""
    def call(*argv):
        status = main([str(word) for word in argv])
        captured = capsys.readouterr()
        return status, captured.out, captured.err
    return call


def table(output):
    """Lines of tab-separated output, as dictionaries."""
    header, *lines = [line.split("\t") for line in output.splitlines()]
    return [dict(zip(header, line)) for line in lines]


def test_systems_with_their_scores_and_models_that_nothing_has_scored(run, made):
    rows = table(run("list", made, "--format", "tsv")[1])
    assert [(row["system"], row["folder"], row["dev.wer"], row["test.wer"]) for row in rows] == [
        ("blstm", "exp/score_blstm", "3.33", "3.33"), ("tdnn", "exp/score_tdnn", "8.33", "8.33"),
        ("voted", "exp/score_voted", "1.67", "1.67"),
        ("dnn1", "exp/dnn1", "", ""), ("running", "exp/running.unfinished", "", "")]
    assert [row["arch"] for row in rows] == ["blstm", "tdnn", "tdnn + blstm", "dnn", "tdnn"]
    assert [row["parameters"] for row in rows] == ["1000", "1000", "2000", "1000", "1000"]
    assert [row["training_minutes"] for row in rows] == ["1.5", "1.5", "3", "1.5", "1.5"]


def test_columns_of_results_options_facts_and_runs(run, made):
    columns = ("system", "models", "am.arch", "hidden_dim", "am.dilations", "residual", "search.beam", "features.kind",
               "dnn.hidden_dim", "dev_loss", "seconds", "commit", "version.torch", "test.errors", "training_seed")
    rows = table(run("list", made, "--where", "system=blstm", "--format", "tsv", "--columns", *columns)[1])
    assert rows == [dict(zip(columns, (
        "blstm", "blstm", "blstm", "256", "1, 3", "true", "9", "fbank", "99", "0.25", "90", "abc", "1.13.1", "4",
        "1")))]


@pytest.mark.parametrize("conditions, systems", [
    (["am.arch=blstm"], ["blstm"]), (["arch!=blstm", "dev.wer!=none"], ["tdnn", "voted"]),
    (["dev.wer<8.3"], ["blstm", "voted"]), (["learning_rate<=0.002", "learning_rate>0.0005"], ["tdnn"]),
    (["system=*n?*", "test.wer = none"], ["dnn1", "running"]), (["test.wer>=3.3333"], ["blstm", "tdnn"]),
    (["learning_rate=2e-3"], ["tdnn"]), (["residual=true", "search.beam=9"], ["blstm"]),
    (["system=t*", "am.dilations=1, 3"], ["tdnn"]), (["learning_rate!=none", "models=tdnn"], ["tdnn"]),
])
def test_conditions(run, made, conditions, systems):
    status, out, errors = run("list", made, "--where", *conditions, "--columns", "system", "--format", "tsv")
    assert status == 0, errors
    assert [row["system"] for row in table(out)] == systems


@pytest.mark.parametrize("sort, systems", [
    (["dev.wer"], ["voted", "blstm", "tdnn", "dnn1", "running"]),
    (["dev.wer", "--descending"], ["tdnn", "blstm", "voted", "dnn1", "running"]),
    (["search.beam", "dev.wer"], ["voted", "tdnn", "blstm", "dnn1", "running"]),
    (["system"], ["blstm", "dnn1", "running", "tdnn", "voted"]),
])
def test_sorted_with_what_lacks_the_column_at_the_end(run, made, sort, systems):
    assert [row["system"] for row in table(run("list", made, "--format", "tsv", "--sort", *sort)[1])] == systems


def test_json_keeps_numbers_lists_and_what_is_missing(run, made):
    columns = ["system", "dev.ci95", "am.dilations", "dev.wer", "learning_rate", "residual"]
    rows = json.loads(run("list", made, "--columns", *columns, "--sort", "system", "--format", "json")[1])
    assert rows[0]["am.dilations"] == [1, 3] and rows[0]["learning_rate"] == 0.0005 and rows[0]["residual"] is True
    assert len(rows[0]["dev.ci95"]) == 2 and rows[1] == {**dict.fromkeys(columns), "system": "dnn1"}


def test_markdown_and_text(run, made):
    assert "| tdnn    | exp/score_tdnn" in run("list", made, "--format", "markdown")[1]
    assert run("list", made)[1].splitlines()[1].startswith("------")


def test_the_work_folder_is_a_column_where_there_are_several(run, made):
    for works, first in (([made], "system"), ([made, made / "exp"], "work")):
        assert run("list", *works, "--format", "tsv")[1].split("\t")[0] == first


def test_the_program_tells_its_columns_and_asks_for_a_command(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "tools.experiments.__main__")
    for argv, status in ((["--help"], 0), ([], 2), (["list", "/nonexistent"], 2)):
        monkeypatch.setattr(sys, "argv", ["tools.experiments", *argv])
        with pytest.raises(SystemExit) as left:
            runpy.run_module("tools.experiments", run_name="__main__")
        assert left.value.code == status
    assert "Columns:\n\n    system work folder" in capsys.readouterr().out


def test_four_examples_of_forty_letters_are_told():
    assert _examples([3, 1, 3, 2]) == "3 | 1 | 2" and _examples([1, 2, 3, 4]) == "1 | 2 | 3 | 4"
    assert _examples([1, 2, 3, 4, 5]) == "1 | 2 | 3 | 4 | ..." and _examples(["x" * 50]) == "x" * 40


def test_all_columns_with_examples(run, made):
    rows = {row["column"]: row for row in table(run("columns", made, "--format", "tsv")[1])}
    assert rows["am.learning_rate"] == {"column": "am.learning_rate", "experiments": "3",
                                        "values": "0.0005 | 0.002 | 0.002 + 0.0005"}
    assert rows["dev.wer"]["experiments"] == "3" and "dnn.hidden_dim" in rows


def test_several_work_folders_of_which_one_has_moved(run, made, tmp_path):
    """Records hold absolute paths; those of a copy lead to the copy, as does what was moved."""
    moved = tmp_path / "elsewhere" / "copy"
    shutil.copytree(made, moved)
    (moved / "exp/tdnn/model.json").write_text("another")  # not what was decoded with
    rows = table(run("list", moved, made, "--columns", "work", "system", "models", "features.kind", "--where",
                     "dev.wer!=none", "--format", "tsv")[1])
    assert {row["work"] for row in rows} == {str(moved), str(made)} and len(rows) == 6
    assert {row["features.kind"] for row in rows} == {"fbank"}
    shutil.move(made, tmp_path / "hidden")
    try:
        found = {one.name: one for one in find_experiments([moved]) if one.results}
        assert [model.parts[-3:] for model in found["blstm"].models] == [("copy", "exp", "blstm")]
        assert found["blstm"].config["features.kind"] == "fbank"
    finally:
        shutil.move(tmp_path / "hidden", made)


def test_a_model_stands_for_the_system_of_its_name(tmp_path):
    make(tmp_path / "features/train", "tools.compute_features", files=["features.json"])
    make(tmp_path / "exp/graph", "tools.make_graph", files=["HCLG.npz"])
    train(tmp_path, "tdnn", arch="tdnn")
    for name, wrong in (("again", 2), ("tdnn", 4)):
        decode(tmp_path, name, ["tdnn"], wrong)
    (found,) = chosen([str(tmp_path / "exp/tdnn")], [])
    assert found.name == "tdnn"
    sections = compare([found, *chosen(["again"], [tmp_path])])
    assert [section.title for section in sections][2] == "configuration differences" and sections[2].rows == []
    assert ["test.lm_scale", 7.0, 7.0] in sections[0].rows, "results are told where they do not differ, too"
    assert [row[:4] for row in sections[1].rows] == [[test, "again", "tdnn", -1.67] for test in ("dev", "test")]
    assert _rows(["x", "y"], [{"x": 1}, {}], every=True) == [["x", 1, None]]


def test_damaged_records_are_left_out_and_the_first_work_folder_counts(tmp_path):
    for name in ("a", "b"):
        make(tmp_path / "exp" / name, "tools.decode", files=["x"])
    (tmp_path / "exp/a/.stage.json").write_text("{}")
    found = Records([tmp_path, tmp_path / "exp"])
    assert found.work == {(tmp_path / "exp/b").resolve(): tmp_path} and found.of.keys() == found.work.keys()


def test_two_systems_side_by_side(run, made):
    sections = json.loads(run("compare", "tdnn", "blstm", "--work", made, "--format", "json")[1])
    results = {row["figure"]: row for row in sections["results"]}
    assert results["test.errors"] == {"figure": "test.errors", "tdnn": 10, "blstm": 4}
    options = {row["option"]: row for row in sections["configuration differences"]}
    assert options["am.learning_rate"] == {"option": "am.learning_rate", "tdnn": 0.002, "blstm": 0.0005}
    assert set(options) == {"am.learning_rate", "am.arch", "search.beam"}
    sure = {row["test"]: row for row in sections["which differences are sure"]}
    assert sure["test"]["best"] == "blstm" and sure["test"]["difference of WER"] == -5.0
    assert sections["stages with other content"] == [] and sections["code and machine"] == []
    shown = run("compare", "tdnn", "blstm", "--work", made, "--all")[1]
    assert "am.residual" in shown and "version.torch" in shown


def test_folders_of_other_work_folders_with_what_they_stand_on(run, made, tmp_path):
    other = tmp_path / "other"
    make(other / "features/train", "tools.compute_features", files=["features.json"],
         config={"features": {"kind": "mfcc"}})
    make(other / "exp/graph", "tools.make_graph", files=["HCLG.npz"])
    train(other, "tdnn", arch="tdnn", learning_rate=0.002)
    decode(other, "tdnn", ["tdnn"], 10)
    status, out, errors = run("compare", made / "exp/tdnn", other / "exp/score_tdnn", "--format", "json")
    assert status == 0, errors
    sections = json.loads(out)
    labels = [str((work / "exp/score_tdnn").resolve()) for work in (made, other)]
    options = {row["option"]: [row[label] for label in labels] for row in sections["configuration differences"]}
    assert options["features.kind"] == ["fbank", "mfcc"] and options["am.hidden_dim"] == [256, None]
    stages = {row["stage"] for row in sections["stages with other content"]}
    assert "features/train" in stages and "exp/graph" in stages and "exp/tdnn" not in stages


@pytest.mark.parametrize("argv, message", [
    (["list", "{work}/nothing"], "work folder {work}/nothing: expected an existing folder, found none"),
    (["list", "{work}/features"], "expected a trained model or scores"),
    (["list", "{work}", "--columns", "am.arh"], "did you mean am.arch"),
    (["list", "{work}", "--sort", "zebra"], "--sort zebra: expected a column"),
    (["list", "{work}", "--where", "arch"], "--where arch: expected COLUMN=VALUE"),
    (["list", "{work}", "--where", "am.arhc=x"], "--where am.arhc: expected a column"),
    (["list", "{work}", "--where", "hidden_dim<x"], "--where hidden_dim<x: expected a number to compare with, found x"),
    (["compare", "tdnn", "--work", "{work}"], "expected two or more, found 1"),
    (["compare", "tdnn", "zebra", "--work", "{work}"], "experiment zebra: expected a folder, or a name"),
    (["compare", "tdnn", "blstm"], "found none of that name"),
    (["compare", "{work}/exp/graph", "{work}/exp/tdnn"], "a folder of scores or of a trained model"),
])
def test_what_cannot_be_done_is_said(run, made, argv, message):
    status, out, errors = run(*(word.format(work=made) for word in argv))
    assert status == 2 and out == ""
    assert message.format(work=made) in errors


def test_a_score_folder_that_holds_no_result_is_named(run, made, tmp_path):
    work = tmp_path / "work"
    make(work / "exp/score_x", "tools.score", files=["result.json"])
    status, _, errors = run("list", work)
    assert status == 2 and "score_x/result.json" in errors


def test_condition_signs_at_their_bounds():
    holds = {sign: [Condition("x", sign, "2").holds({"x": value}) for value in (1, 2, 3.0)]
             for sign in ("<", "<=", "=", "!=", ">", ">=")}
    assert holds == {"<": [True, False, False], "<=": [True, True, False], "=": [False, True, False],
                     "!=": [True, False, True], ">": [False, False, True], ">=": [False, True, True]}


def test_what_is_not_there_is_none_and_fits_no_wild_card():
    asked = [("=", "*"), ("!=", "*"), ("=", "None"), ("<", "3"), ("<", "none")]
    assert [Condition("x", *one).holds({}) for one in asked] == [False, True, True, False, False]
    assert [Condition("x", *one).holds({"x": 2}) for one in asked] == [True, False, False, True, False]


def test_three_columns_of_like_names_are_told():
    with pytest.raises(InputError, match="did you mean am.x[1-4] or am.x[1-4] or am.x[1-4][?]$"):
        check_columns(["am.x"], ["am.x1", "am.x2", "am.x3", "am.x4"], "--sort")


def test_the_smallest_stand_first_unless_said():
    rows = [{"x": 2}, {"x": 1}]
    assert select(rows, [], ["x"]) == rows[::-1] and select(rows, [], ["x"], True) == rows
    rows = [{"x": value} for value in ("b", 2, "a", -1.5, "1")]
    assert [row["x"] for row in select(rows, [], ["x"])] == [-1.5, "1", 2, "a", "b"]


def test_columns_of_the_set_that_chose_the_scales_and_of_folders_elsewhere(tmp_path):
    tuned = {"tune": {"system": "a", "test": "tune", "tuned_on": True, "seed": 1, "wer": 5.0}}
    found = columns_of(Experiment("a", tmp_path / "x", tmp_path / "work", {}, tuned))
    assert (found["dev.wer"], found["tune.wer"], found["folder"]) == (5.0, 5.0, str(tmp_path / "x"))
    assert "dev.wer" not in columns_of(Experiment("a", tmp_path, tmp_path, {}, {"test": {"seed": 1, "wer": 5.0}}))


def test_minutes_are_those_of_models_whose_seconds_are_known(tmp_path):
    for seconds, models, minutes in ((100.0, [tmp_path], 1.67), (100.0, [], None), (None, [tmp_path], None)):
        made = Experiment("a", tmp_path, tmp_path, {}, models=models, facts={"seconds": seconds})
        assert columns_of(made)["training_minutes"] == minutes


def test_a_seed_is_that_of_the_results_else_that_of_the_training(tmp_path):
    for results, facts, seed in (({"dev": {"seed": 3}}, {"training_seed": 4}, 3), ({}, {"training_seed": 4}, 4),
                                 ({}, {}, None)):
        assert Experiment("a", tmp_path, tmp_path, {}, results, facts=facts).seed == seed


def test_a_model_is_told_by_its_seed_or_by_its_epochs(tmp_path):
    assert is_trained(tmp_path, {"facts": {"training_seed": 1}}) and not is_trained(tmp_path, {})
    (tmp_path / "train.jsonl").write_text("")
    assert is_trained(tmp_path, {})


def test_scores_without_a_result_have_the_name_of_their_folder(tmp_path):
    add_system(tmp_path, "score_x_score_y", "other", 1)
    make(tmp_path / "exp/score_x_score_y", "tools.score")
    assert [one.name for one in find_experiments([tmp_path])] == ["other"]
    (tmp_path / "exp/score_x_score_y/result.json").write_text("[]")
    assert [one.name for one in find_experiments([tmp_path])] == ["x_score_y"]


def test_facts_of_two_models_and_the_last_run_of_the_first(tmp_path):
    for name, run, seconds, memory, facts in (("a", "new", 1.234, 70, {"parameters": 5}), ("b", "b", 2, 50, {})):
        make(tmp_path / "exp" / name, "tools.train_am", files=["model.json"], seconds=seconds, peak_memory_mb=memory,
             runs=[{"commit": "old"}, {"commit": run}], facts={"training_seed": 1, **facts})
    make(tmp_path / "exp/graph", "tools.make_graph", files=["HCLG.npz"])
    decode(tmp_path, "v", ["a", "b"], 1)
    (made,) = find_experiments([tmp_path])
    assert [made.facts[name] for name in ("seconds", "peak_memory_mb", "parameters")] == [3.23, 70, None]
    assert made.run == {"commit": "new"}


def test_stages_that_moved_are_known_by_the_content_of_their_files(tmp_path):
    """Each once; what no stage has made, and folders of like names with other files, are none of them."""
    exp = tmp_path / "old/exp"
    (tmp_path / "said").write_text("x")
    make(exp / "a/of", "tools.decode", files=["x"])
    make(exp / "a", "tools.decode", [tmp_path / "said"], ["x"])
    for name in ("b", "c"):
        make(exp / name, "tools.decode", [exp / "a/of/x"], ["x"])
    make(exp / "d", "tools.decode", [exp / "b/x", exp / "c/x"])
    make(tmp_path / "another/of", "tools.decode", files=["y"])
    shutil.rmtree(exp / "a/of")
    shutil.move(tmp_path / "old", tmp_path / "new")
    records, new = Records([tmp_path / "another", tmp_path / "new"]), tmp_path.resolve() / "new/exp"
    assert [folder for folder, _ in records.ancestors(new / "d")] == [new / name for name in "dbca"]


def test_the_four_forms_of_a_table():
    sections = [Section("Läufe", ("figure", "a"), [["dev.wer", 8.3333], ["loss", 0.125]]), Section("none", ("x",), [])]
    assert render(sections, "tsv") == "# Läufe\nfigure\ta\ndev.wer\t8.33\nloss\t0.125\n"
    assert render(sections, "markdown").startswith("## Läufe\n\n| figure")
    assert render(sections, "text").startswith("Läufe\nfigure")
    found = render(sections, "json")
    assert "Läufe" in found and json.loads(found) == {
        "Läufe": [{"figure": "dev.wer", "a": 8.3333}, {"figure": "loss", "a": 0.125}], "none": []}
