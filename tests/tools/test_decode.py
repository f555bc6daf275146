"""tools.decode with log-likelihoods that are planted instead of computed."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("k2")
from graphs.lattices.lattice_io import read_lattices  # noqa: E402
from hybrid.outcomes import Outcomes  # noqa: E402
from hybrid.recognize import decode as library  # noqa: E402
from tests.graphs.decoding.test_search import scores, sentence_graph  # noqa: E402
from tests.graphs.hmms import small_model  # noqa: E402
from tests.hybrid.recognize.test_decode import Features, work  # noqa: E402, F401
from tools import decode, decode_e2e  # noqa: E402
from tools.frame.records import read_record  # noqa: E402


@pytest.fixture
def run(work, tmp_path, monkeypatch):  # noqa: F811
    """Models are called by the factor on their scores."""
    tree, transitions = small_model()[0], sentence_graph([5, 6])[1]

    def load(folder, device):
        return SimpleNamespace(tree=tree, transitions=transitions, spaces=[], output_shift=0.01, prior_scale=0.0,
                               log_priors=0.0, log_likelihoods=lambda features: float(folder.name) * features)
    monkeypatch.setattr("hybrid.am.acoustic_model.AcousticModel.load", load)
    for name in ("features", "1", "3"):
        (tmp_path / name).mkdir()
    (tmp_path / "1" / "transitions").write_text("of the model\n")
    (tmp_path / "graph" / "transitions").write_text("of the graph\n")
    (tmp_path / "graph" / "words.txt").write_text("<eps> 0\n")
    options = [f"search.{name}={value}" for name, value in vars(work.options).items() if name != "memory_mb"]

    def program(out, *models, more=()):
        library._load.cache_clear()
        return decode.PROGRAM.run(decode.work, [
            "--features", str(tmp_path / "features"), "--graph", str(tmp_path / "graph"), "--out", str(tmp_path / out),
            "--model", *(str(tmp_path / model) for model in models), "--nj", "1", "--device", "cpu", *more, *options])
    program.options, program.transitions = work.options, transitions
    return program


def test_what_stands_beside_the_lattices(run, tmp_path):
    """What their ids mean: by the first model, or by the graph where the model does not tell."""
    for models, owner in ((("1", "3"), "model"), (("3", "1"), "graph")):
        out = tmp_path / f"by_{owner}"
        assert run(out, *models, more=["--part-size", "2"]) == 0
        assert (out / "transitions").read_text() == f"of the {owner}\n"
        assert (out / "words.txt").read_text() == "<eps> 0\n"
        assert len(list(out.glob("lattices.*.npz"))) == 3  # five utterances
        assert (out / "outcomes.tsv").read_text() == "item\toutcome\treason\nu3\tfailed\tno frames\n"
        facts, arcs = read_record(out)["facts"], sum(lattice.num_arcs for lattice in read_lattices(out))
        assert facts["outcomes"] == {"done": 4, "failed": 1} and facts["frames"] == 8 + 9 + 10 + 12
        assert facts["arcs_per_frame"] == round(arcs / 39, 2) and facts["search_seconds"] > 0
        assert facts["acoustic_scale"] == run.options.acoustic_scale
        assert f"39 frames, {arcs / 39:.1f} lattice arcs a frame\n" in (out / "log.txt").read_text()


@pytest.mark.parametrize("more, expected", [
    ((), lambda x: 2 * x), (("--weights", "1", "3"), lambda x: 2.5 * x),
    (("--average", "linear"), lambda x: np.log(0.5 * np.exp(x) + 0.5 * np.exp(3 * x)))])
def test_several_models_are_averaged(run, tmp_path, more, expected):
    assert run("out", "1", "3", more=more) == 0
    for lattice in read_lattices(tmp_path / "out"):
        number, path = int(lattice.utterance_id[1:]), lattice.best_path(1.0, run.options.acoustic_scale)
        own = scores(8 + number, run.transitions, number).double().numpy()
        own = own[np.arange(len(own)), run.transitions.pdf_id[path.transition_ids]]
        assert path.acoustic == pytest.approx(expected(own).sum(), abs=1e-3)


@pytest.mark.parametrize("given, there, device, processes", [
    ("auto", False, "cpu", 3), ("auto", True, "cuda", 1), ("cpu", True, "cpu", 3), ("cuda", True, "cuda", 1)])
def test_where_is_computed_and_in_how_many_processes(tmp_path, monkeypatch, given, there, device, processes):
    """A GPU is for one process."""
    seen = []

    def found(decoding, out, nj, part_size, log):
        seen.append((decoding.device, nj, part_size))
        outcomes = Outcomes()
        outcomes.add("u")
        return outcomes, {"arcs": 3, "frames": 0}
    monkeypatch.setattr("hybrid.recognize.decode.decode_folder", found)
    monkeypatch.setattr("hybrid.e2e.decode.decode_e2e", found)
    monkeypatch.setattr("tools.frame.program.Job.seconds", lambda job: 1.23456)
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    monkeypatch.setattr("torch.cuda.device_count", lambda: int(there))
    for name in ("features", "model", "graph"):
        (tmp_path / name).mkdir()
    for name in ("model/transitions", "graph/words.txt"):
        (tmp_path / name).write_text("")
    arguments = ["--features", str(tmp_path / "features"), "--model", str(tmp_path / "model"), "--nj", "3",
                 "--device", given, "--part-size", "7"]
    assert decode.PROGRAM.run(decode.work, [*arguments, "--graph", str(tmp_path / "graph"), "--out",
                                            str(tmp_path / "out")]) == 0
    assert decode_e2e.PROGRAM.run(decode_e2e.work, [*arguments, "--out", str(tmp_path / "e2e")]) == 0
    assert seen == [(device, processes, 7)] * 2 and read_record(tmp_path / "out")["facts"]["arcs_per_frame"] == 3
    assert [read_record(tmp_path / name)["facts"]["search_seconds"] for name in ("out", "e2e")] == [1.23, 1.23]


def test_nothing_but_failures_is_an_error(run, tmp_path, monkeypatch, capsys):
    nothing = Features({"u0": scores(0, run.transitions, 0)})
    monkeypatch.setattr("hybrid.data.features.FeatureReader", lambda folder, cache_mb=0: nothing)
    assert run("out", "1") == 2
    assert "decoding: 1 of 1 items failed" in capsys.readouterr().err
    assert run("out", "1", more=["--ctc-prior-scale", "0.5"]) == 2
    assert "--ctc-prior-scale: expected an end-to-end model" in capsys.readouterr().err


def test_a_language_model_that_helps_needs_the_words(tmp_path, capsys):
    for name in ("features", "model", "lm", "lang"):
        (tmp_path / name).mkdir()
    arguments = [word for name in ("features", "model", "lm") for word in (f"--{name}", str(tmp_path / name))]
    assert decode_e2e.PROGRAM.run(decode_e2e.work, [*arguments, "--out", str(tmp_path / "out")]) == 2
    assert "--lang: expected a lang folder, since there is --lm, found none\n" in capsys.readouterr().err
    assert decode_e2e.PROGRAM.run(decode_e2e.work, [*arguments, "--lang", str(tmp_path / "lang"), "--out",
                                                    str(tmp_path / "out")]) == 2
    assert "since there is --lm" not in capsys.readouterr().err  # but the folder is empty
