"""Decoding a folder in parts, with log-likelihoods that are planted instead of computed."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("k2")
from graphs.decoding.graph_io import write_graph  # noqa: E402
from graphs.decoding.search import Searcher  # noqa: E402
from graphs.errors import InputError  # noqa: E402
from graphs.lattices.compact_lattice import CompactLattice  # noqa: E402
from graphs.lattices.determinize import determinize  # noqa: E402
from graphs.lattices.lattice_io import read_lattices  # noqa: E402
from hybrid.am.ensemble import EnsembleFolders  # noqa: E402
from hybrid.recognize import decode  # noqa: E402
from hybrid.recognize.decode import DecodeWork, decode_folder  # noqa: E402
from hybrid.recognize.lattice_folder import Changed  # noqa: E402
from tests.graphs.decoding.test_search import WIDE, scores, sentence_graph  # noqa: E402
from tests.graphs.hmms import small_model  # noqa: E402

LOG = logging.getLogger(__name__)


class Features(dict):
    @property
    def ids(self):
        return list(self)

    def speaker(self, utterance_id):
        return ""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Five utterances; u3 has no frames."""
    graph, transitions = sentence_graph([5, 6])
    write_graph(tmp_path / "graph", graph, transitions)
    reader = Features({f"u{n}": scores(0 if n == 3 else 8 + n, transitions, n) for n in range(5)})
    model = SimpleNamespace(tree=small_model()[0], transitions=transitions, spaces=[], output_shift=0.01,
                            log_likelihoods=lambda features: features)
    monkeypatch.setattr("hybrid.data.features.FeatureReader", lambda folder, cache_mb=0: reader)
    monkeypatch.setattr("hybrid.am.acoustic_model.AcousticModel.load", lambda folder, device: model)
    decode._load.cache_clear()
    yield DecodeWork(Path("features"), EnsembleFolders((Path("model"),)), tmp_path / "graph", WIDE, "cpu")
    decode._load.cache_clear()


def test_every_utterance_comes_back_in_order(work, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        outcomes, totals = decode_folder(work, tmp_path / "out", 1, 2, LOG)
    assert "already" not in caplog.text
    assert outcomes.counts == {"done": 4, "failed": 1} and outcomes.notable == {"u3": ("failed", "no frames")}
    lattices = list(read_lattices(tmp_path / "out"))
    assert [lattice.utterance_id for lattice in lattices] == ["u0", "u1", "u2", "u4"]
    assert totals == {"frames": 8 + 9 + 10 + 12, "arcs": sum(lattice.num_arcs for lattice in lattices)}
    assert {tuple(lattice.best_path().word_ids) for lattice in lattices} == {(5, 6)}
    reader, _, searcher = work.prepare()
    alone = searcher.search([("u1", reader["u1"])])["u1"].lattice
    assert alone.best_path().score == lattices[1].best_path().score
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        f"{kind}.{n:05d}.{end}" for kind, end in (("lattices", "npz"), ("outcomes", "json")) for n in range(3)]


def test_parts_that_are_there_are_kept(work, tmp_path, caplog, monkeypatch):
    out = tmp_path / "out"
    first = decode_folder(work, out, 1, 2, LOG)
    (out / "outcomes.00001.json").unlink()
    asked, search = [], Searcher.search

    def watched(self, utterances):
        asked.extend(utterance_id for utterance_id, _ in utterances)
        return search(self, utterances)
    monkeypatch.setattr(Searcher, "search", watched)
    with caplog.at_level(logging.INFO):
        again = decode_folder(work, out, 1, 2, LOG)
    assert asked == ["u2", "u3"] and "2 of 3 parts are there already" in caplog.text
    assert again[0].counts == first[0].counts and again[1] == first[1]
    caplog.clear()
    decode_folder(work, out, 1, 2, LOG)
    assert asked == ["u2", "u3"]


def test_a_part_says_what_became_of_its_utterances(work, tmp_path):
    decode_folder(work, tmp_path, 1, 4, LOG)
    record = json.loads((tmp_path / "outcomes.00000.json").read_text())
    assert record["outcomes"] == [*([f"u{n}", "done", ""] for n in range(3)), ["u3", "failed", "no frames"]]
    assert record["frames"] == 8 + 9 + 10 and record["arcs"] > 0


def test_a_graph_of_another_model_is_refused(work, monkeypatch):
    tree, transitions = small_model("2state", "1state", seed=5)
    other = SimpleNamespace(tree=tree, transitions=transitions, spaces=[], output_shift=0.01)
    monkeypatch.setattr("hybrid.am.acoustic_model.AcousticModel.load", lambda folder, device: other)
    with pytest.raises(InputError, match="the graph is stale"):
        work.prepare()


def test_threads_are_left_to_the_processes(work, tmp_path):
    torch.set_num_threads(2)
    decode_folder(work, tmp_path, 1, 5, LOG)
    assert torch.get_num_threads() == 1


def test_lattices_keep_what_is_within_the_lattice_beam_and_no_more(work, tmp_path):
    scale = work.options.acoustic_scale
    decode_folder(work, tmp_path / "wide", 1, 5, LOG)
    narrow = replace(work, options=replace(work.options, lattice_beam=2.0))
    decode_folder(narrow, tmp_path / "narrow", 1, 5, LOG)
    for one, other in zip(read_lattices(tmp_path / "narrow"), read_lattices(tmp_path / "wide")):
        best, scores = one.best_path(1.0, scale), one.scores(1.0, scale)
        forward, backward = one.forward_backward(scores, best=True)
        assert (forward[one.src] + scores + backward[one.dst]).min() > best.score - 2.0 - 1e-4
        assert best.score == pytest.approx(other.best_path(1.0, scale).score, abs=1e-5)
        assert one.to_text() == other.prune(2.0, 1.0, scale).to_text()


def test_lattices_are_determinized_if_that_is_asked_for(work, tmp_path, monkeypatch):
    plain, _ = decode_folder(work, tmp_path / "plain", 1, 5, LOG)
    small = replace(work, options=replace(work.options, determinize=True, lattice_beam=3.0))
    outcomes, totals = decode_folder(small, tmp_path / "small", 1, 5, LOG)
    assert outcomes.counts == plain.counts
    for one, other in zip(read_lattices(tmp_path / "small"), read_lattices(tmp_path / "plain")):
        assert isinstance(one, CompactLattice) and one.num_arcs < other.num_arcs
        expected = determinize(other, 3.0, 1.0, work.options.acoustic_scale).lattice
        assert one.to_text() == expected.to_text()
    monkeypatch.setattr("hybrid.recognize.lattice_changes.determinized",
                        lambda lattice, *arguments: Changed(lattice, "retried", "a narrower beam"))
    outcomes, _ = decode_folder(small, tmp_path / "smaller", 1, 5, LOG)
    assert outcomes.counts == {"retried": 4, "failed": 1} and outcomes.notable["u0"] == ("retried", "a narrower beam")
