"""What programs want to be told, what they take where nothing is said, and which of them go on after a kill."""

import math
import runpy

import pytest
import torch

from tools import (
    adapt, align, align_ctc, boundaries, build_tree, combine, compare, compute_features, convert_alignment, decode,
    decode_e2e, decode_on_the_fly, estimate_fmllr, estimate_ivectors, import_audio, import_kaldi, import_lhotse,
    import_texts, interpolate_ngrams, make_graph, page, perplexity, phone_times, prepare_lang, prune_ngram,
    rescore_with_model, rover, score, train_am, train_class_lm, train_ctc, train_e2e, train_lm, train_ngram,
    validate_data)
from tools.frame.program import Run
from tools.lattices import (
    calibrate, compose, confusions, convert, ctm, determinize, draw, filter, join, mbr, nbest, oracle, prune,
    rescore, reshape, sample, scale, statistics)

FEW = {"max_failed_share": 0.02}  # of lattices
SCALED = {**FEW, "graph_scale": 1.0, "acoustic_scale": None}
WANTED = {
    adapt: ("--features --lang --model --lattices", {"section": "adapt", "speaker_transforms": []}),
    align: ("--features --lang --model", {"textgrids": False}),
    align_ctc: ("--features --lang --ctc", {"textgrids": False, "delay_of": None}),
    boundaries: ("--alignment --cuts --lang", {}),
    build_tree: ("--alignment --features --lang", {"section": "tree"}),
    combine: ("--cuts --lattices", {"scores": [], "weights": []}),
    compare: ("--work", {"systems": [], "tests": [], "align": []}),
    compute_features: ("--cuts --split", {}),
    convert_alignment: ("--alignment --lang", {"tree": None, "textgrids": False}),
    decode: ("--features --model --graph", {"average": "log", "part_size": 20, "device": "auto", "weights": [],
                                            "ctc_prior_scale": 0.0}),
    decode_e2e: ("--features --model", {"part_size": 20, "device": "auto", "lm": None}),
    decode_on_the_fly: ("--graph-lm --lm --features --model --graph", {"average": "log", "part_size": 20}),
    estimate_fmllr: ("--features --lang", {}),
    estimate_ivectors: ("--features", {}),
    import_audio: ("--audio", {}),
    import_kaldi: ("--data", {"max_failed_share": 0.05}),
    import_lhotse: ("--manifests", {"max_failed_share": 0.05}),
    import_texts: ("--data", {"max_failed_share": 0.05, "splits": None}),
    interpolate_ngrams: ("--lm", {"gzip": False}),
    make_graph: ("--lang --arpa", {}),
    page: ("--comparison", {"features": []}),
    perplexity: ("--lm --text", {"device": "auto", "weights": None}),
    phone_times: ("--alignment --model --features --lang", {}),
    prepare_lang: ("", {"text": None}),
    prune_ngram: ("--lm", {"history_lm": None}),
    rescore_with_model: ("--lattices --features --model", {"device": "cpu", "part_size": 100, "weights": []}),
    rover: ("--ctm", {"dev_ctm": []}),
    score: ("", {"test": [], "test_cuts": [], "seed": None}),
    train_am: ("--features --dev-features --alignment --dev-alignment", {"section": "am", "start_from": None}),
    train_class_lm: ("--text", {"gzip": False}),
    train_ctc: ("--features --dev-features --lang", {}),
    train_e2e: ("--features --dev-features", {"start_from": None}),
    train_lm: ("--text --dev-text", {"section": "neural_lm"}),
    train_ngram: ("--text", {"gzip": False}),
    validate_data: ("--corpus", {}),
    calibrate: ("--ctm --cuts", {"seed": 0}),
    compose: ("--lattices", {**FEW, "scale": 1.0, "backoff": 0}),
    confusions: ("--sausages", {"least": 0.01}),
    convert: ("", {"part_size": 100, "ids": False, "gzip": False}),
    ctm: ("--lattices", {"weights": [], "scores": []}),
    determinize: ("--lattices", SCALED),
    draw: ("--lattices", {"number": 10, "format": "png", "max_states": 40, "sentences": 20}),
    filter: ("--ctm", {}),
    join: ("--lattices --others --how", {**SCALED, "weights": []}),
    mbr: ("--lattices", {"weights": [], "scores": [], "frame_shift": None}),
    nbest: ("--lattices", {**SCALED, "number": 10, "word_insertion_penalty": 0.0}),
    oracle: ("--lattices --cuts", {**FEW, "beams": [0, 1, 2, 4, 6, 8, 10, math.inf]}),
    prune: ("--lattices --beam", SCALED),
    rescore: ("--lm --lattices", {"device": "cpu", "part_size": 100, "mixture": [], "graph_lm": None}),
    reshape: ("--lattices --steps", SCALED),
    sample: ("--lattices", {**SCALED, "number": 1, "word_insertion_penalty": 0.0, "seed": 0}),
    scale: ("--lattices", {**FEW, "graph_factor": 1.0, "acoustic_factor": 1.0,
                           "word_insertion_penalty": 0.0}),
    statistics: ("--lattices", FEW),
}
VALUES = {"--beam": "1", "--how": "union", "--steps": "sort"}  # others take any word
LEAST = [(decode, "--part-size", 1), (decode_e2e, "--part-size", 1), (decode_on_the_fly, "--part-size", 1),
         (rescore_with_model, "--part-size", 1), (calibrate, "--seed", 0), (compose, "--backoff", 0),
         (convert, "--part-size", 1), (draw, "--number", 1), (draw, "--max-states", 0), (draw, "--sentences", 1),
         (nbest, "--number", 1), (rescore, "--part-size", 1), (sample, "--number", 1), (sample, "--seed", 0)]
GO_ON = {decode, decode_e2e, decode_on_the_fly, train_am, train_ctc, train_e2e, train_lm}
UNCOUNTED = {perplexity, rescore_with_model, rescore}  # whose --device makes no other result


@pytest.mark.parametrize("module, paths", [
    (train_am, "--features --dev-features --alignment --dev-alignment"),
    (train_ctc, "--features --dev-features --lang"), (train_e2e, "--features --dev-features"),
    (train_lm, "--text --dev-text"), (perplexity, "--lm --text"), (estimate_fmllr, "--features --lang --alignment"),
    (estimate_ivectors, "--features"), (adapt, "--features --lang --model --lattices")])
def test_programs_compute_with_the_threads_that_they_are_told(module, paths, tmp_path):
    """Before they read what is not there."""
    (tmp_path / "empty").mkdir()
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        words = [word for flag in paths.split() for word in (flag, str(tmp_path / "empty"))]
        assert module.PROGRAM.run(module.work, ["--out", str(tmp_path / "out"), "--nj", "1", *words]) == 2
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("module, flag, least", LEAST, ids=lambda value: getattr(value, "__name__", value))
def test_numbers_that_are_too_small_are_refused_before_the_work(module, flag, least, capsys):
    program = module.PROGRAM
    words = [word for name in WANTED[module][0].split() for word in (name, VALUES.get(name, "x"))]
    args = program.parse(["--out", "out", *words, flag, str(least)])
    assert getattr(args, flag[2:].replace("-", "_")) == least
    with pytest.raises(SystemExit):
        program.parse(["--out", "out", *words, flag, str(least - 1)])
    expected = f"argument {flag}: expected a whole number of at least {least}, found '{least - 1}'\n"
    assert capsys.readouterr().err.endswith(expected)


@pytest.mark.parametrize("module", WANTED, ids=lambda module: module.PROGRAM.name)
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_what_a_program_is_told(module, capsys, monkeypatch):
    program, (required, defaults) = module.PROGRAM, WANTED[module]
    monkeypatch.setattr("sys.argv", [program.name])
    with pytest.raises(SystemExit):  # as from the command line
        runpy.run_module(module.__name__, run_name="__main__")
    lacking = ", ".join(["--out", *required.split()])
    assert capsys.readouterr().err.endswith(f"error: the following arguments are required: {lacking}\n")
    words = [word for flag in required.split() for word in (flag, VALUES.get(flag, "x"))]
    args = program.parse(["--out", "out", *words])
    assert {key: getattr(args, key) for key in defaults} == defaults
    assert program.resumable == (module in GO_ON)
    assert ("device" in Run(program, args).counted) == (hasattr(args, "device") and module not in UNCOUNTED)


@pytest.mark.parametrize("name, required", [
    ("align_audio", "--alignment, --data, --out"), ("report", "--work"), ("reproduce", "folder"),
    ("transcribe", "--scores, --audio, --out"), ("validate", "PATH")])
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_what_programs_that_are_no_stages_want_to_be_told(name, required, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", [name])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"tools.{name}", run_name="__main__")
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: the following arguments are required: {required}\n")
