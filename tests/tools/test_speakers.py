"""The programs of speakers, one after the other as a recipe runs them, on a tiny corpus."""

import argparse
import json

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from graphs.hmm.hmm_folder import read_hmm, write_hmm
from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice import Lattice
from graphs.lattices.lattice_io import write_lattices
from hybrid.align.alignment import read_alignments
from hybrid.am.acoustic_model import AcousticModel
from hybrid.am.ensemble import EnsembleFolders
from hybrid.data.features import FeatureReader
from hybrid.data.manifest import write_cuts
from hybrid.recognize.texts import read_text
from hybrid.speakers.fmllr import FmllrOptions
from hybrid.speakers.table import SpeakerTable
from tests.graphs.hmms import small_model
from tests.hybrid.data.material import noise_cut
from tests.hybrid.report.test_results import add_system
from tests.hybrid.training.material import make_corpus
from tests.tools.test_score import two_paths
from tools import adapt, combine, estimate_fmllr, estimate_ivectors, train_am
from tools.frame.records import read_record

TRAIN = ("am.arch=tdnn", "am.hidden_dim=16", "am.dilations=1,1", "am.epochs=4", "am.learning_rate=0.02",
         "am.max_duration=2", "am.tensorboard=false", "am.device=cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """As make_corpus, and lattices of one path each for dev, as of a first pass without errors."""
    folder = make_corpus(tmp_path_factory.mktemp("corpus"))
    lattices = []
    for name, alignment in read_alignments(folder / "ali_dev").items():
        number = alignment.num_frames
        states, zeros = np.arange(number + 1), np.zeros(number)
        lattices.append(Lattice(name, number, states[:-1], states[1:], alignment.transition_ids, zeros, zeros, zeros))
    write_lattices(folder / "lattices", 0, lattices)
    write_hmm(folder / "lattices", *read_hmm(folder / "ali_dev"))
    return folder


def run(module, *arguments):
    """Programs compute with as many threads as --nj says."""
    torch.set_num_threads(2)
    status = module.PROGRAM.run(module.work, list(map(str, arguments)) + ["--nj", "1"])
    assert module is combine or torch.get_num_threads() == 1
    return status


@pytest.fixture
def others(tmp_path):
    """HMMs of another topology."""
    (tmp_path / "others").mkdir()
    write_hmm(tmp_path / "others", *small_model("2state", "1state"))
    return tmp_path / "others"


@pytest.fixture(scope="module")
def transforms(corpus, tmp_path_factory):
    """Folders of train and dev."""
    out = tmp_path_factory.mktemp("speakers")
    assert run(estimate_fmllr, "--features", corpus / "train", "--lang", corpus / "lang", "--alignment",
               corpus / "ali_train", "--out", out / "fmllr_train", "fmllr.rounds=1") == 0
    assert run(estimate_fmllr, "--features", corpus / "dev", "--lang", corpus / "lang", "--lattices",
               corpus / "lattices", "--gaussians", out / "fmllr_train", "--out", out / "fmllr_dev",
               "fmllr.min_frames=100") == 0
    return out


def test_transforms_of_train_and_dev_are_of_one_space(transforms):
    train, dev = (SpeakerTable.read(transforms / f"fmllr_{split}") for split in ("train", "dev"))
    assert train.space == dev.space and dev.speakers == ["anna"]
    assert not (transforms / "fmllr_dev" / "gaussians.safetensors").exists()
    facts = read_record(transforms / "fmllr_dev")["facts"]
    assert facts["log_likelihood_per_frame"] > facts["without_transforms"]


def test_alignments_and_lattices_of_one_path_say_the_same(corpus, transforms, tmp_path):
    assert run(estimate_fmllr, "--features", corpus / "dev", "--lang", corpus / "lang", "--alignment",
               corpus / "ali_dev", "--gaussians", transforms / "fmllr_train", "--out", tmp_path / "fmllr",
               "fmllr.min_frames=100") == 0
    one, other = SpeakerTable.read(tmp_path / "fmllr"), SpeakerTable.read(transforms / "fmllr_dev")
    assert np.allclose(one["anna"]["matrix"], other["anna"]["matrix"], atol=1e-4)


def test_silence_counts_less_for_transforms_alone(corpus):
    """Gaussians are of all frames alike."""
    args = argparse.Namespace(alignment=corpus / "ali_dev", lattices=None, gaussians=None, lang=corpus / "lang")
    transitions, evidence, lacking = estimate_fmllr.read_evidence(
        args, FeatureReader(corpus / "dev"), FmllrOptions(silence_weight=0.25))
    silent = {int(pdf_id) for pdf_id in transitions.pdf_id[transitions.phone_id == 1]}  # SIL
    assert lacking == {} and len(evidence.posteriors) == len(evidence.counted) == 8
    for name, one in evidence.posteriors.items():
        assert one.weights.tolist() == [1.0] * one.num_frames
        expected = [0.25 if int(pdf_id) in silent else 1.0 for pdf_id in evidence.counted[name].pdf_ids]
        assert evidence.counted[name].weights.tolist() == expected and 0.25 in expected


@pytest.mark.parametrize("arguments, message", [
    ((), "--alignment and --lattices: expected one of them"),
    (("--alignment", "ali_dev", "--lattices", "lattices"), "--alignment and --lattices: expected one of them"),
    (("--lattices", "lattices"), "--lattices: expected --gaussians with it"),
])
def test_arguments_that_do_not_fit(corpus, tmp_path, capsys, arguments, message):
    paths = [corpus / one if not one.startswith("--") else one for one in arguments]
    assert run(estimate_fmllr, "--features", corpus / "dev", "--lang", corpus / "lang", *paths, "--out",
               tmp_path / "out") == 2
    assert message in capsys.readouterr().err


def test_hmms_that_do_not_fit(corpus, others, tmp_path, capsys):
    """Gaussians, and alignments to train and to measure on, are of one tree and one topology."""
    assert run(estimate_fmllr, "--features", corpus / "dev", "--lang", corpus / "lang", "--alignment",
               corpus / "ali_dev", "--gaussians", others, "--out", tmp_path / "out") == 2
    assert f"ali_dev: expected the transition_ids of {others}, found others" in capsys.readouterr().err
    (tmp_path / "wide").mkdir()
    tree, transitions = read_hmm(corpus / "ali_dev")
    write_hmm(tmp_path / "wide", tree, transitions)
    text = (tmp_path / "wide/tree").read_text()  # the same pdf_ids, by the phone in the middle of three
    assert text.startswith("ContextDependency 1 0 ToPdf TE 0 ")
    (tmp_path / "wide/tree").write_text(text.replace("ContextDependency 1 0 ToPdf TE 0 ",
                                                     "ContextDependency 3 1 ToPdf TE 1 "))
    assert read_hmm(tmp_path / "wide")[1].states == transitions.states
    for folder in (others, tmp_path / "wide"):
        assert run(train_am, "--features", corpus / "train", "--dev-features", corpus / "dev", "--alignment",
                   corpus / "ali_train", "--dev-alignment", folder, "--out", tmp_path / "am") == 2
        assert (f"--dev-alignment {folder}: expected tree and transition_ids of {corpus / 'ali_train'}, found others"
                in capsys.readouterr().err)


def test_a_network_is_trained_behind_transforms_and_vectors_and_adapted(corpus, transforms, others, tmp_path, capsys):
    for split, more in (("train", ()), ("dev", ("--extractor", tmp_path / "ivectors_train"))):
        assert run(estimate_ivectors, "--features", corpus / split, *more, "--out", tmp_path / f"ivectors_{split}",
                   "ivectors.dim=2", "ivectors.components=2", "ivectors.rounds=2") == 0
    tables = {split: (transforms / f"fmllr_{split}", tmp_path / f"ivectors_{split}") for split in ("train", "dev")}
    assert run(train_am, "--features", corpus / "train", "--dev-features", corpus / "dev", "--alignment",
               corpus / "ali_train", "--dev-alignment", corpus / "ali_dev", "--speaker-transforms", *tables["train"],
               "--dev-speaker-transforms", *tables["dev"], "--out", tmp_path / "am", *TRAIN) == 0
    facts = {split: read_record(tmp_path / f"ivectors_{split}")["facts"] for split in ("train", "dev")}
    assert facts["dev"] == {"speakers": 1, "dim": 2} and facts["train"]["dim"] == 2
    assert [(tmp_path / f"ivectors_{split}/ivectors.safetensors").exists() for split in tables] == [True, False]
    model = AcousticModel.load(tmp_path / "am")
    assert model.feature_dim == 8 and [space.kind for space in model.spaces] == ["fmllr", "ivectors"]

    def adapted(*speakers, lattices=corpus / "lattices"):
        return run(adapt, "--features", corpus / "dev", "--lang", corpus / "lang", "--model", tmp_path / "am",
                   "--lattices", lattices, "--speaker-transforms", *speakers, "--out", tmp_path / "lhuc")
    assert adapted(tables["dev"][0]) == 2
    capsys.readouterr()
    assert adapted(*tables["dev"], lattices=others) == 2
    assert f"{others}: expected the transition_ids of {tmp_path / 'am'}, found others" in capsys.readouterr().err
    write_lattices(tmp_path / "elsewhere", 0, [two_paths("nobody", 1, 2, 6.0)])
    write_hmm(tmp_path / "elsewhere", *read_hmm(corpus / "ali_dev"))
    assert adapted(*tables["dev"], lattices=tmp_path / "elsewhere") == 2
    assert "adaptation: 1 of 1 items failed, more than the allowed share of 50%" in capsys.readouterr().err
    assert adapted(*reversed(tables["dev"])) == 0
    assert (tmp_path / "lhuc" / "outcomes.tsv").read_text() == "item\toutcome\treason\n"
    facts = read_record(tmp_path / "lhuc")["facts"]
    assert facts["outcomes"] == {"done": 1} and facts["loss_after"] < facts["loss_before"]
    dev = FeatureReader(corpus / "dev")
    plain = EnsembleFolders((tmp_path / "am",), tables["dev"]).load(dev)
    other = EnsembleFolders((tmp_path / "am",), tables["dev"], adaptations=(tmp_path / "lhuc",)).load(dev)
    name = dev.ids[0]
    before, after = (one.log_likelihoods(dev[name], name) for one in (plain, other))
    assert before.shape == after.shape and not np.allclose(before, after, atol=1e-3)


@pytest.mark.parametrize("weights, said", [((), "b"), (("3", "1"), "a"), (("1", "0"), "a")])
def test_systems_are_combined_with_the_scales_of_their_scores(tmp_path, weights, said):
    """By its scale the first system says a, with 0.54 of the posterior, the second b, with 0.56."""
    for number, (name, lm_scale) in enumerate((("one", 5.2), ("two", 8.0))):
        write_lattices(tmp_path / name, 0, [two_paths("u0", 1 + number, 2 + number, 6.0)])
        SymbolTable(["z"] * number + ["a", "b"]).write(tmp_path / name / "words.txt")
        add_system(tmp_path, f"score_{name}", name, 1)
        path = tmp_path / "exp" / f"score_{name}" / "result.json"
        entry = {**json.loads(path.read_text())[0], "lm_scale": lm_scale, "acoustic_scale": 1.0}
        path.write_text(json.dumps([entry]))
    write_cuts(tmp_path / "cuts" / "test.jsonl.gz", [noise_cut(tmp_path / "audio", "u0")])
    assert run(combine, "--cuts", tmp_path / "cuts" / "test.jsonl.gz", "--lattices", tmp_path / "one", tmp_path / "two",
               "--scores", tmp_path / "exp" / "score_one", tmp_path / "exp" / "score_two", "--out", tmp_path / "out",
               *(("--weights", *weights) if weights else ())) == 0
    assert read_text(tmp_path / "out" / "hyp.txt") == {"u0": [said]}
    assert run(combine, "--cuts", tmp_path / "cuts", "--lattices", tmp_path / "one", "--out", tmp_path / "again") == 2


def test_systems_without_scores_have_the_scales_of_the_options(tmp_path, capsys):
    """And the cuts may be a folder's; what no system has is named."""
    for name, id_of_a in (("one", 1), ("two", 2)):
        write_lattices(tmp_path / name, 0, [two_paths("u0", id_of_a, id_of_a + 1, 6.0)])
        SymbolTable(["z"] * (id_of_a - 1) + ["a", "b"]).write(tmp_path / name / "words.txt")
    cuts = [noise_cut(tmp_path / "audio", name) for name in ("u0", "u1")]
    write_cuts(tmp_path / "cuts" / "cuts.jsonl.gz", cuts)
    arguments = ("--cuts", tmp_path / "cuts", "--lattices", tmp_path / "one", tmp_path / "two",
                 "--out", tmp_path / "out")
    more = ("score.lm_scale=2", "score.acoustic_scale=0.5", "score.word_insertion_penalty=2")
    assert run(combine, *arguments, *more) == 2
    assert "combination: 1 of 2 items failed, more than the allowed share of 2%" in capsys.readouterr().err
    assert run(combine, *arguments, *more, "combine.max_failed_share=0.5") == 0
    said = capsys.readouterr().err
    for name in ("one", "two"):
        assert f"{name}: lm_scale 2, word_insertion_penalty 2, acoustic_scale 0.5\n" in said
    assert read_text(tmp_path / "out" / "hyp.txt") == {"u0": ["a"]}  # 2 * -1 against 0.5 * -6
    assert "u1\tfailed\t" in (tmp_path / "out" / "outcomes.tsv").read_text()
    assert read_record(tmp_path / "out")["facts"] == {"outcomes": {"done": 1, "failed": 1}}
    assert run(combine, *arguments, "--scores", tmp_path / "one") == 2
    assert "--scores: expected 2 folders, as for --lattices, found 1" in capsys.readouterr().err


@pytest.mark.parametrize("change, message", [
    (None, "result.json: expected a result, found none"), ({"acoustic_scale": None}, "expected scores of lattices"),
    ({"word_insertion_penalty": None}, "expected scores of lattices"),
    ({"lm_scale": None}, "expected scores of lattices"),
    ({"lm_scale": 0, "acoustic_scale": 0}, "result.json: expected an lm_scale or an acoustic_scale above 0, found 0")])
def test_scores_that_have_chosen_no_scales(tmp_path, change, message):
    add_system(tmp_path, "score_one", "one", 1)
    path = tmp_path / "exp/score_one/result.json"
    (entry,) = json.loads(path.read_text())
    path.write_text(json.dumps([] if change is None else [{**entry, **change}]))
    with pytest.raises(InputError, match=message):
        combine.chosen_scales(path.parent)
    if change is not None:
        path.write_text(json.dumps([{key: value for key, value in entry.items() if key != "acoustic_scale"}]))
        with pytest.raises(InputError, match="expected scores of lattices"):
            combine.chosen_scales(path.parent)


@pytest.mark.parametrize("entries", [
    [(7.0, 0.5, 1.0), (9.0, 0.0, 2.0)], [(0.0, 0.0, 1.0)], [(2.0, -1.0, 0.0)], [(0.0, 1.0, 0.5)]])
def test_scales_are_those_of_the_first_set_and_one_of_them_may_be_0(tmp_path, entries):
    """The first is the development set, which has chosen them."""
    add_system(tmp_path, "score_one", "one", 1)
    path = tmp_path / "exp/score_one/result.json"
    (entry,) = json.loads(path.read_text())
    names = ("lm_scale", "word_insertion_penalty", "acoustic_scale")
    path.write_text(json.dumps([{**entry, "test": f"set{n}", **dict(zip(names, scales))}
                                for n, scales in enumerate(entries)]))
    assert combine.chosen_scales(path.parent) == entries[0]


def test_a_penalty_is_no_scale(tmp_path):
    add_system(tmp_path, "score_one", "one", 1)
    path = tmp_path / "exp/score_one/result.json"
    (entry,) = json.loads(path.read_text())
    path.write_text(json.dumps([{**entry, "lm_scale": 0, "word_insertion_penalty": 1.0, "acoustic_scale": 0}]))
    with pytest.raises(InputError, match="expected an lm_scale or an acoustic_scale above 0, found 0 and 0"):
        combine.chosen_scales(path.parent)
