"""The synth recipe with two systems at a small size, from synthesis to the table of results, and run again."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid.align.times.ctm import read_ctm
from tools import align_ctc, phone_times
from tools.frame.records import read_record

ROOT = Path(__file__).parent.parent.parent
# without noise and augmentation, so that a few minutes of speech teach something
SMALL = ["corpus.num_train=200", "corpus.num_dev=8", "corpus.num_test=12", "corpus.clean_share=1",
         "ctc.epochs=12", "ctc.hidden_dim=128", "ctc.max_duration=8", "ctc.spec_augment=false",
         "dnn.epochs=6", "dnn.hidden_dim=96", "dnn.max_duration=12",
         "am.epochs=8", "am.hidden_dim=96", "am.max_duration=10", "am.spec_augment=false",
         "score.lm_scales=2,4", "score.word_insertion_penalties=0", "score.resamples=200"]


def run_recipe(work, *arguments):
    command = ["bash", str(ROOT / "egs/synth/run.sh"), "--work", str(work), "--python", sys.executable]
    done = subprocess.run([*command, *SMALL, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=900,
                          stdin=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "2"})
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    for package in ("k2", "kaldifeat", "espeakng_loader"):
        pytest.importorskip(package)
    work = tmp_path_factory.mktemp("synth")
    status, output = run_recipe(work, "--systems", "tdnn,dnn")
    assert status == 0, output[-3000:]
    return work, output


def test_every_utterance_comes_out_scored(finished):
    work, output = finished
    found = json.loads((work / "results.json").read_text())
    assert sorted((entry["system"], entry["test"]) for entry in found) == [
        ("dnn", "dev"), ("dnn", "test"), ("tdnn", "dev"), ("tdnn", "test")]
    entries = {entry["test"]: entry for entry in found if entry["system"] == "tdnn"}
    keys = {"system", "test", "wer", "errors", "words", "ins", "del", "sub", "ci95", "lm_scale", "seed", "seconds"}
    assert keys <= entries["test"].keys()
    assert entries["test"]["utterances"] == 12 and entries["dev"]["utterances"] == 8
    assert entries["test"]["errors"] == sum(entries["test"][kind] for kind in ("ins", "del", "sub"))
    # a few minutes of speech teach little, but more than silence, which deletes every word
    assert entries["test"]["errors"] < entries["test"]["words"]
    for table in ((work / "RESULTS.md").read_text(), output):
        assert "tdnn    test" in re.sub(r"[| ]+", "    ", table) and "dnn    test" in re.sub(r"[| ]+", "    ", table)


def test_systems_share_all_but_their_own(finished):
    work, _ = finished
    folders = {path.parent.name for path in (work / "exp").rglob(".stage.json")}
    own = {f"{kind}{system}{split}" for system in ("tdnn", "dnn")
           for kind, split in (("", ""), ("decode_", "_dev"), ("decode_", "_test"), ("score_", ""))}
    shared = {"comparison", "ctc", "dnn1", "dnn2", "graph_dnn2", "align_dnn2_test", "boundaries_test",
              "times_dnn2_train", "times_dnn2_test",
              *(f"align_{model}_{split}" for model in ("ctc", "dnn1", "dnn2") for split in ("train", "dev"))}
    assert folders == own | shared


def test_alignments_are_near_the_truth(finished):
    work, _ = finished
    text = (work / "exp/boundaries_test/boundaries.txt").read_text()
    median_ms = float(re.search(r"^all\s+\d+\s+[\d.]+\s+([\d.]+)", text, re.M)[1])
    assert median_ms < 30  # phones are about 80 ms long: chance would be far worse


def test_the_delay_of_the_ctc_model_is_found_on_train_and_taken_for_dev(finished, tmp_path, capsys):
    work, _ = finished
    train, dev = (read_record(work / f"exp/align_ctc_{split}") for split in ("train", "dev"))
    assert train["facts"]["delay_frames"] == dev["facts"]["delay_frames"]
    assert "frames late" in (work / "exp/align_ctc_train/log.txt").read_text()
    assert "frames late" not in (work / "exp/align_ctc_dev/log.txt").read_text()
    folders = {"features": "features/dev", "lang": "lang", "ctc": "exp/ctc", "delay-of": "exp/ctc"}
    arguments = [word for name, path in folders.items() for word in (f"--{name}", str(work / path))]
    assert align_ctc.PROGRAM.run(align_ctc.work, [*arguments, "--out", str(tmp_path / "out")]) == 2
    assert "exp/ctc: expected a folder of tools.align_ctc" in capsys.readouterr().err


def test_times_come_late_as_the_training_set_tells(finished, tmp_path):
    work, _ = finished
    train, test = (work / f"exp/times_dnn2_{split}" for split in ("train", "test"))
    assert (train / "late.json").read_bytes() == (test / "late.json").read_bytes()
    assert len(json.loads((train / "late.json").read_text())) > 20
    folders = {"alignment": "exp/align_dnn2_test", "model": "exp/dnn2", "features": "features/test", "lang": "lang"}
    arguments = [word for flag, folder in folders.items() for word in (f"--{flag}", str(work / folder))]
    out = ["--out", str(tmp_path / "out"), "--textgrids", "times.late=false", "times.acoustic_scale=1"]
    assert phone_times.PROGRAM.run(phone_times.work, [*arguments, *out]) == 0
    aligned, found = (read_ctm(folder / "phones.ctm") for folder in (work / "exp/align_dnn2_test", tmp_path / "out"))
    moved = [abs(one.start - other.start) for name in aligned for one, other in zip(aligned[name], found[name])]
    assert 0 < sum(moved) / len(moved) < 0.01 and len(list((tmp_path / "out/textgrid").iterdir())) == len(found)


def test_artefacts_pass_their_validators(finished):
    work, _ = finished
    done = subprocess.run([sys.executable, "-m", "tools.validate", str(work)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_run_does_nothing_and_a_change_reruns_what_depends_on_it(finished):
    work, _ = finished
    before = {path: path.stat().st_mtime_ns for path in work.rglob(".stage.json")}
    status, output = run_recipe(work, "--systems", "all-but-blstm")
    assert status != 0 and "all-but-blstm" in output and "blstm" in output
    status, output = run_recipe(work, "--systems", "tdnn,dnn")
    assert status == 0 and len(set(re.findall(r"(\S+) is up to date", output))) == len(before)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    status, output = run_recipe(work, "search.max_active=400")
    assert status == 0
    changed = {path.parent.name for path, time in before.items() if path.stat().st_mtime_ns != time}
    assert {"decode_tdnn_dev", "decode_tdnn_test"} <= changed <= {"decode_tdnn_dev", "decode_tdnn_test", "score_tdnn"}


def test_a_bad_option_stops_the_recipe_with_its_name(finished):
    work, _ = finished
    status, output = run_recipe(work, "--stage", "10", "search.bem=3")
    assert status != 0 and "search.bem" in output and "beam" in output
