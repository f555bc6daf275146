"""What a training tells of itself, and what can be read of it again."""

import io
import json
import logging
import sys
import threading
import time

import pytest
import torch

from graphs.errors import InputError
from hybrid.training.journal import Journal, Sums, read_history
from tests.hybrid.report.tensorboard_reader import read_rows, read_runs

ENTRIES = [{"epoch": 1, "train": {"loss": 1.5}, "dev": {"loss": 0.25, "error": 0.125}, "batches": 3, "skipped": 0,
            "learning_rate": 0.00123, "seconds": 4.06},
           {"epoch": 2, "train": {"loss": 0.5}, "dev": {"loss": 2, "error": 0.0625}, "batches": 3, "skipped": 1,
            "learning_rate": 0.5, "seconds": 0}]
LOG = logging.getLogger("test.journal")


def test_sums_keep_vectors_apart_from_figures():
    sums = Sums()
    sums.add({"loss": (torch.tensor(2.0), 4), "vector": (torch.tensor([1.0, 2.0]), 2)})
    sums.add({"loss": (1.0, 2), "vector": (torch.tensor([1.0, 0.0]), 2)})
    assert sums.figures() == {"loss": 0.5} and sums.mean("vector").tolist() == [0.5, 0.5]


def test_sums_are_divided_by_their_weights():
    """Of whole numbers, too; what weighs nothing is no figure."""
    sums, value = Sums(), torch.tensor(0.1)
    for figures in ({"loss": (value, 1), "errors": (3, 4)}, {"loss": (value, 2), "nothing": (0.0, 0), "one": (2.0, 1)}):
        sums.add(figures)
    assert sums.of == {"loss": [2 * value.item(), 3.0], "errors": [3.0, 4.0], "nothing": [0.0, 0.0], "one": [2.0, 1.0]}
    assert sums.figures() == {"loss": 2 * value.item() / 3, "errors": 0.75, "one": 2.0}
    assert sums.mean("errors") == 0.75
    vector = torch.tensor([0.1, 0.2], requires_grad=True)
    sums.add({"vector": (vector, 1)})
    assert sums.of["vector"][0].dtype == torch.float64 and not sums.of["vector"][0].requires_grad


def test_each_epoch_is_told_and_the_history_can_be_read(tmp_path, caplog):
    journal = Journal(tmp_path, LOG, tensorboard=False)
    with caplog.at_level(logging.INFO):
        journal.epoch(ENTRIES[:1])
        assert read_history(tmp_path) == ENTRIES[:1]
        journal.epoch(ENTRIES)
        Journal(tmp_path, tensorboard=False).epoch(ENTRIES)
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        (LOG.name, "epoch 1: train loss 1.5000 | dev loss 0.2500 error 0.1250 | lr 0.0012 | 4.1 s"),
        (LOG.name, "epoch 2: train loss 0.5000 | dev loss 2.0000 error 0.0625 | lr 0.5 | 0.0 s"),
        ("hybrid.training.journal", "epoch 2: train loss 0.5000 | dev loss 2.0000 error 0.0625 | lr 0.5 | 0.0 s")]
    assert read_history(tmp_path) == ENTRIES
    assert (tmp_path / "train.jsonl").read_text() == "".join(json.dumps(entry) + "\n" for entry in ENTRIES)
    journal.write([])
    assert read_history(tmp_path) == []


def test_tensorboard_has_each_epoch_at_once_and_every_tenth_step(tmp_path, monkeypatch):
    """However slow the disk is."""
    writer = pytest.importorskip("tensorboard.summary.writer.record_writer").RecordWriter
    write, before = writer.write, set(threading.enumerate())
    monkeypatch.setattr(writer, "write", lambda self, record: time.sleep(0.02) or write(self, record))
    journal = Journal(tmp_path / "toy", LOG, options={"epochs": 2})
    for step in range(21):
        journal.step(step, step / 4, 1 / (step + 1))
    journal.epoch(ENTRIES[:1])
    runs = read_runs(tmp_path)["toy"]
    assert runs == {"step/loss": [0.0, 2.5, 5.0], "step/learning_rate": pytest.approx([1.0, 1 / 11, 1 / 21]),
                    "train/loss": [1.5], "dev/loss": [0.25], "dev/error": [0.125]}
    (_, (options, _)), = read_rows(tmp_path).items()
    assert options == {"epochs": 2}
    journal.step(30, 7.5, 0.0)
    journal.close(ENTRIES[:1])
    assert read_runs(tmp_path)["toy"]["step/loss"] == [0.0, 2.5, 5.0, 7.5]
    assert set(threading.enumerate()) <= before  # nobody waits for more


def test_without_options_tensorboard_has_no_row_of_them(tmp_path):
    pytest.importorskip("tensorboard")
    journal = Journal(tmp_path / "toy", LOG)
    journal.epoch(ENTRIES)
    journal.close(ENTRIES)
    assert read_rows(tmp_path) == {}


def test_a_picture_is_drawn_at_the_end_where_it_can_be(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "hybrid.report.curves", None)
    with caplog.at_level(logging.INFO):
        Journal(tmp_path, LOG, tensorboard=False).close(ENTRIES)
    assert "no picture of the learning curves: import of hybrid.report.curves" in caplog.text
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    Journal(tmp_path, LOG, tensorboard=False).close(ENTRIES)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_bar_counts_epochs_of_the_whole_training_and_makes_room_for_lines(tmp_path, monkeypatch):
    pytest.importorskip("tqdm")
    terminal = type("Terminal", (io.StringIO,), {"isatty": lambda self: True})()
    monkeypatch.setattr(sys, "stderr", terminal)
    journal = Journal(tmp_path, LOG, tensorboard=False)
    bar = journal.progress(0.5, 4)
    assert journal.progress(1.5, 9) is bar
    assert (bar.total, bar.done, bar.title, bar.unit) == (4, 0.5, "training", "epoch")
    for work in (journal.epoch, journal.close):
        drawn = len(terminal.getvalue())
        work(ENTRIES)
        cleared = terminal.getvalue()[drawn:]
        assert cleared.startswith("\r") and not cleared.strip()


def test_no_history_is_said(tmp_path):
    with pytest.raises(InputError, match="train.jsonl: expected the figures of each epoch, found No such file"):
        read_history(tmp_path)


@pytest.mark.parametrize("change", [
    {"epoch": True}, {"epoch": "2"}, {"epoch": 3}, {"seconds": None}, {"seconds": False}, {"learning_rate": "0.1"},
    {"train": None}, {"dev": [1]}, {"train": {"loss": True}}, {"dev": {"loss": 0.1, "error": None}}])
def test_an_entry_without_figures_is_named(tmp_path, change):
    lines = [json.dumps(entry) for entry in (ENTRIES[0], {**ENTRIES[1], **change})]
    (tmp_path / "train.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as error:
        read_history(tmp_path)
    assert str(error.value) == f"{tmp_path}/train.jsonl:2: expected the figures of epoch 2, found " \
        f"{lines[1].encode()[:80]!r}"


def test_a_history_that_is_no_text_or_nests_without_end_is_refused(tmp_path):
    for line in (b'{"epoch": 1, "\xff": 2}', b"[" * 100_000):
        (tmp_path / "train.jsonl").write_bytes(line + b"\n")
        with pytest.raises(InputError, match="train.jsonl:1: expected the figures of epoch 1"):
            read_history(tmp_path)


@pytest.mark.parametrize("text, message", [
    ('{"epoch": 1}\n', "train.jsonl:1: expected the figures of epoch 1"), ("[1]\n", "train.jsonl:1"),
    ('{"epoch": 2, "learning_rate": 1, "seconds": 1, "train": {}, "dev": {}}\n', "epoch 1"),
    ('{"epoch": 1, "learning_rate": 1, "seconds": 1, "train": {}, "dev": {}}', "cut off"),
    ('{"epoch": 1, "learning_rate": 1, "seconds": 1, "train": {}, "dev": {"loss": "x"}}\n', "epoch 1"),
])
def test_a_damaged_history_is_refused(tmp_path, text, message):
    (tmp_path / "train.jsonl").write_text(text)
    with pytest.raises(InputError, match=message):
        read_history(tmp_path)
