import json

from hybrid.report.results import Table
from tests.hybrid.report.test_results import add_system
from tools.frame.fingerprint import digest
from tools.frame.records import read_record, write_record
from tools.report import main, markdown, report, stage_table


def stage(work, folder, program, seconds, megabytes, state="done"):
    (work / folder).mkdir(parents=True, exist_ok=True)
    write_record(work / folder, {"program": program, "state": state, "seconds": seconds, "peak_memory_mb": megabytes})


def test_results_and_stages_are_gathered(tmp_path, capsys):
    add_system(tmp_path, "score_am", "am", 6, tests=("dev", "test"))
    add_system(tmp_path, "score_ctc", "ctc", 12)
    stage(tmp_path, "lang", "tools.prepare_lang", 1.5, 80)
    stage(tmp_path, "exp/am", "tools.train_am", 300.25, 900)
    stage(tmp_path, "exp/broken", "tools.train_am", 1.0, 1, state="running")
    assert main(["--work", str(tmp_path), "--command", "./run.sh egs/x", "--nj", "2", "am.seed=3"]) == 0
    entries = json.loads((tmp_path / "results.json").read_text())
    assert [(e["system"], e["test"], e["errors"]) for e in entries] == [
        ("ctc", "test", 12), ("am", "test", 6), ("am", "dev", 6)]
    for key in "system test wer errors words ins del sub ci95 lm_scale seed seconds".split():
        assert key in entries[0], key
    text = (tmp_path / "RESULTS.md").read_text()
    assert "`./run.sh egs/x`" in text and "tools.train_am" in text and "exp/broken" not in text
    assert "2 stages, 302 s, peak memory of a process 900 MB" in text
    assert "Spread over seeds" not in text  # only one seed
    assert (tmp_path / "errors.png").exists()
    printed = capsys.readouterr().out
    assert "ctc" in printed and "10.00" in printed and "RESULTS.md" in printed


def test_a_second_report_replaces_the_first(tmp_path):
    add_system(tmp_path, "score_am", "am", 6)
    assert main(["--work", str(tmp_path)]) == 0
    add_system(tmp_path, "score_am", "am", 3)
    assert main(["--work", str(tmp_path)]) == 0
    (entry,) = json.loads((tmp_path / "results.json").read_text())
    assert entry["errors"] == 3


def test_a_run_without_seeds_before_one_with_them_is_told(tmp_path, capsys):
    for folder, seed in (("score_am", 1), ("score_am_seed1", 1), ("score_am_seed2", 2)):
        add_system(tmp_path, folder, "am", 6, seed)
    assert main(["--work", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("score_am on test is left out: score_am_seed1 is the same system")
    assert [entry["seed"] for entry in json.loads((tmp_path / "results.json").read_text())] == [1, 2]


def test_a_folder_without_results_is_named(tmp_path, capsys):
    assert main(["--work", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_the_table_of_the_stages_and_their_sum(tmp_path):
    """Of finished stages; none is no error."""
    assert stage_table(tmp_path) == (Table(("folder", "program", "seconds", "peak memory MB"), []),
                                     "0 stages, 0 s, peak memory of a process 0 MB")
    for folder, seconds, megabytes, state in (("lang", 1.5, 80, "done"), ("exp/am", 300.5, 70, "done"),
                                              ("exp/cut", 9.0, 999, "running")):
        stage(tmp_path, folder, "tools.toy", seconds, megabytes, state)
    table, totals = stage_table(tmp_path)
    assert sorted(table.rows) == [("exp/am", "tools.toy", "300.5", 70), ("lang", "tools.toy", "1.5", 80)]
    assert totals == "2 stages, 302 s, peak memory of a process 80 MB"


def test_the_document(tmp_path, monkeypatch):
    """The picture stands below the table without a title; tables without rows are left out."""
    monkeypatch.setattr("tools.report.commit", lambda: None)
    table, empty = Table(("a", "b"), [(1, "x")]), Table(("a",), [])
    found = markdown(tmp_path, None, [("", table), ("Nothing", empty), ("Stages", table)], "2 stages")
    rows = "| a | b |\n| -: | -- |\n| 1 | x |\n"
    assert found == f"# Results\n\n- totals: 2 stages\n\n{rows}\n![errors](errors.png)\n\n## Stages\n\n{rows}"


def test_a_report_from_python_names_no_command(tmp_path, capsys):
    """And the results are text for people."""
    add_system(tmp_path, "score_am", "à", 6)
    report(tmp_path)
    assert "- command:" not in (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    text = (tmp_path / "results.json").read_text(encoding="utf-8")
    assert text.startswith('[\n {\n  "system": "à",\n') and text.endswith("\n]\n")
    printed = capsys.readouterr().out
    assert printed.endswith(f"0 stages, 0 s, peak memory of a process 0 MB\nmore in {tmp_path / 'RESULTS.md'}\n")


def test_what_a_recipe_gives_to_every_program_is_taken(tmp_path, monkeypatch):
    """And its command comes from the environment."""
    monkeypatch.setenv("RECIPE_COMMAND", "./run.sh egs/y")
    add_system(tmp_path, "score_am", "am", 6)
    assert main(["am.epochs=2", "--work", str(tmp_path), "--conf", "a.conf", "--nj", "3", "--by-content", "x.y=1"]) == 0
    assert "- command: `./run.sh egs/y`\n" in (tmp_path / "RESULTS.md").read_text()
    assert main(["--work", str(tmp_path), "--command", "mine"]) == 0
    assert "- command: `mine`\n" in (tmp_path / "RESULTS.md").read_text()


def test_damaged_scores_are_told(tmp_path, capsys):
    add_system(tmp_path, "score_am", "am", 6)
    folder = tmp_path / "exp/score_am"
    result = folder / "result.json"
    write_record(folder, {**read_record(folder), "program": "tools.score", "state": "done",
                          "outputs": {"result.json": digest(result)}})
    result.write_text(result.read_text().replace('"errors": 6', '"errors": 5'))
    assert main(["--work", str(tmp_path)]) == 2
    assert "result.json is damaged" in capsys.readouterr().err and not (tmp_path / "results.json").exists()
