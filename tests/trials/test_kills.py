"""What tests/trials/kills.py compares, and its table."""

import json
import signal

from tests.trials.kills import Trial, contents, table


def test_files_must_have_the_same_bytes_but_for_times(tmp_path):
    def stage(name, seconds, weight):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "train.jsonl").write_text(json.dumps({"loss": 1.5, "seconds": seconds}) + "\n")
        (folder / "report.tsv").write_text(f"step\tarcs\tseconds\nH\t12\t{seconds}\n")
        (folder / "weights").write_bytes(bytes([weight]))
        (folder / "log.txt").write_text(name)
        return {path.relative_to(folder).name: read() for path, read in contents(folder).items()}

    one, same, other = stage("one", 1.0, 7), stage("same", 2.0, 7), stage("other", 1.0, 8)
    assert one == same and one != other and "log.txt" not in one
    assert one["report.tsv"] == [["step", "arcs"], ["H", "12"]] and one["train.jsonl"] == [{"loss": 1.5}]


def test_the_table_sums_up_what_went_wrong():
    trials = [Trial("child", signal.SIGKILL, 1.2), Trial("child", signal.SIGKILL, 15.0, hang=True),
              Trial("group", signal.SIGTERM, 0.3, orphans=2, different=4)]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table(trials).splitlines()[2:]]
    assert rows == [["child", "SIGKILL", "2", "1", "0", "0", "0", "15.0"],
                    ["group", "SIGTERM", "1", "0", "2", "0", "1", "0.3"], ["all", "", "3", "1", "2", "0", "1", "15.0"]]
    assert [trial.bad for trial in trials] == [False, True, True]
