from tools.artefacts.runs import code_of, how_to_repeat, run_facts, seeds_of
from tools.frame.fingerprint import digest
from tools.frame.provenance import code_digest

RUN = {"started": "at noon", "commit": "c2", "code": "abc", "versions": {"python": "3.11", "torch": "2.8"},
       "folder": "/here", "device": "a CPU", "recipe": "./run.sh egs/x"}


def test_the_facts_of_the_last_run():
    """Earlier ones are named, each once."""
    earlier = [{"started": time, "commit": "c1"} for time in ("at nine", "at nine", "at ten")]
    record = {"runs": [*earlier, RUN], "config": {"am": {"seed": 3, "epochs": 2}, "augment": {"seed": 4}}}
    assert run_facts(record) == [
        ("started", "at noon"), ("gone on with after", "at nine at c1; at ten at c1"),
        ("seed", "am.seed=3 augment.seed=4"), ("commit", "c2 (code abc)"),
        ("versions", "python 3.11, torch 2.8"), ("device", "a CPU"), ("recipe", "./run.sh egs/x")]
    assert dict(run_facts({"runs": [RUN]}))["gone on with after"] == "" and run_facts({}) == []
    assert seeds_of({}) == [] and seeds_of(record) == [("am.seed", 3), ("augment.seed", 4)]


def test_the_commit_and_what_tells_its_code_from_others():
    assert code_of({"commit": "v1-2-gab-dirty", "code": "x"}) == "v1-2-gab with changes (code x)"
    assert code_of({"commit": None, "code": "x"}) == "none (code x)"


def test_how_a_stage_is_made_again(tmp_path):
    files = [tmp_path / str(n) for n in range(5)]
    for file in files:
        file.write_text("x")
    record = {"runs": [{"code": "", "folder": ""}] * 2 + [RUN], "command": "python -m toy",
              "inputs": {str(file): digest(file) for file in files}}
    head = "\nto make it again, in /here (tools.reproduce does, and compares)\n  python -m toy\nwith the code "
    assert how_to_repeat(record) == (f"{head}of commit c2 (code abc), which is another than now\n"
                                     "inputs: 5 files, all as they were\n")
    for file in files[1:]:
        file.unlink()
    record["runs"][-1] = {**RUN, "code": code_digest()}
    assert how_to_repeat(record) == f"{head}as it is now\ninputs: 4 of 5 files changed or gone since: " + ", ".join(
        map(str, files[1:4])) + "\n"
    assert how_to_repeat({**record, "inputs": {}}) == f"{head}as it is now\n"
    assert how_to_repeat({}) == "\nto make it again: not recorded: the folder was made by an earlier version\n"
