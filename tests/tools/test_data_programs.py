"""The data stages from a Kaldi directory or Lhotse manifests to features, as a recipe runs them."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse.features.io import close_cached_file_handles

from hybrid.data.features import FeatureReader
from hybrid.data.manifest import read_cuts, write_cuts
from tests.hybrid.data.material import noise_cut, ready_corpus, ready_cut, write_noise
from tests.hybrid.data.test_features import flip
from tools import compute_features, import_kaldi, import_lhotse, validate_data
from tools.frame.program import Program


def run(module, *argv):
    return module.PROGRAM.run(module.work, [*map(str, argv), "--nj", "1"])


def facts_of(folder):
    return json.loads((folder / ".stage.json").read_text(encoding="utf-8"))["facts"]


@pytest.fixture
def kaldi_data(tmp_path):
    """24 training and 2 test utterances, one of each with bad audio."""
    for split, count in (("train", 24), ("test", 2)):
        folder = tmp_path / "data" / split
        names = [f"{split}{i:02d}" for i in range(count)]
        paths = [write_noise(tmp_path / "wav" / f"{name}.wav", seconds=0.5, seed=i, rate=8000)
                 for i, name in enumerate(names)]
        folder.mkdir(parents=True)
        (folder / "wav.scp").write_text("".join(f"{n} {p}\n" for n, p in zip(names, paths)))
        (folder / "text").write_text("".join(f"{n} YES NO\n" for n in names))
        (folder / "utt2spk").write_text("".join(f"{n} s{i % 4}\n" for i, n in enumerate(names)))
        paths[1].write_bytes(b"")
    (tmp_path / "lexicon.txt").write_text("YES Y EH S\nNO N OW\n")
    return tmp_path


def test_from_a_kaldi_directory_to_features(kaldi_data, capsys):
    pytest.importorskip("kaldifeat")
    root = kaldi_data
    assert run(import_kaldi, "--data", root / "data", "--out", root / "corpus", "--hold-out", "0.25",
               "--lexicon", root / "lexicon.txt") == 0
    assert facts_of(root / "corpus") == {"train": 18, "test": 2, "dev": 6}
    assert (root / "corpus" / "lexicon.txt").exists()

    validate = (validate_data, "--corpus", root / "corpus", "--out", root / "cuts")
    assert run(*validate) == 2  # 1 of 2 test utterances
    assert "test (each is named in" in capsys.readouterr().err
    rejected = (root / "cuts.unfinished" / "rejected_test.tsv").read_text().splitlines()
    assert len(rejected) == 2 and rejected[1].startswith("test01\tempty_file\t0 bytes")
    assert run(*validate, "data.max_rejected_share=0.5") == 0
    facts = facts_of(root / "cuts")
    assert sum(facts[split]["good"] for split in facts) == 24
    assert sum(facts[split]["rejected"].get("empty_file", 0) for split in facts) == 2
    assert "1 rejected: empty_file" in (root / "cuts" / "report.txt").read_text(encoding="utf-8")

    compute = (compute_features, "--cuts", root / "cuts", "features.cmvn=global", "features.device=cpu")
    test_split = ("--split", "test", "--out", root / "features/test", "--stats", root / "features/train")
    assert run(*compute, "--split", "train", "--out", root / "features/train", "features.speed=0.9,1.0") == 0
    assert run(*compute, *test_split) == 0
    good = len(read_cuts(root / "cuts" / "train.jsonl.gz"))
    train, test = FeatureReader(root / "features/train"), FeatureReader(root / "features/test")
    assert len(train) == 2 * good and test.ids == ["test00"]
    assert train.dim == test.dim == 40 and test["test00"].shape == (50, 40)
    assert "up to date" not in capsys.readouterr().out
    assert run(*compute, *test_split) == 0
    assert "up to date" in capsys.readouterr().out


@pytest.fixture
def data_stages(kaldi_data, capsys):
    """Runs the stages from a data directory to features; returns those that did something, and all that was said."""
    pytest.importorskip("kaldifeat")
    root = kaldi_data

    def run_all(*more):
        more = ("data.max_rejected_share=0.1", "features.max_failed_share=0.1", *more)
        statuses = [
            run(import_kaldi, "--data", root / "data/train", "--splits", "train", "--out", root / "corpus", *more),
            run(validate_data, "--corpus", root / "corpus", "--out", root / "cuts", *more),
            run(compute_features, "--cuts", root / "cuts", "--split", "train", "--out", root / "features", *more)]
        assert statuses == [0, 0, 0]
        said = capsys.readouterr()
        done = [name for name in ("import_kaldi", "validate_data", "compute_features")
                if f"tools.{name}: " not in said.out]
        return done, said.err
    run_all.root = root
    return run_all


ALL = ["import_kaldi", "validate_data", "compute_features"]


@pytest.mark.parametrize("seconds", [0.5, 0.7])
def test_a_replaced_recording_counts(data_stages, seconds):
    assert data_stages()[0] == ALL and data_stages()[0] == []
    before = FeatureReader(data_stages.root / "features").raw("train05")
    write_noise(data_stages.root / "wav/train05.wav", seconds=seconds, seed=99, rate=8000)
    done, said = data_stages()
    assert done == ALL and said.count("train05.wav changed, is gone or is back") == 3
    after = FeatureReader(data_stages.root / "features").raw("train05")
    assert before.shape != after.shape or not before.equal(after)
    assert data_stages()[0] == []


def test_a_deleted_recording_is_named_and_counts_again_when_it_is_back(data_stages):
    data_stages()
    wav = data_stages.root / "wav/train05.wav"
    wav.rename(data_stages.root / "elsewhere")
    assert data_stages()[0] == ALL
    assert "train05\tmissing\tno file" in (data_stages.root / "cuts/rejected_train.tsv").read_text()
    assert "train05" not in FeatureReader(data_stages.root / "features") and data_stages()[0] == []
    (data_stages.root / "elsewhere").rename(wav)
    assert data_stages()[0] == ALL and "train05" in FeatureReader(data_stages.root / "features")


def test_a_touched_recording_is_told_by_content(data_stages):
    wav = data_stages.root / "wav/train05.wav"
    data_stages("--by-content")
    os.utime(wav, (1, 1))
    assert data_stages()[0] == data_stages("--by-content")[0] == []
    write_noise(wav, seconds=0.5, seed=99, rate=8000)
    os.utime(wav, (1, 1))
    assert data_stages("--by-content")[0] == ALL


def test_one_kaldi_directory_under_another_name(kaldi_data, capsys):
    """But not under two, which would have the same utterances."""
    out, data = kaldi_data / "corpus", kaldi_data / "data/train"
    assert run(import_kaldi, "--data", data, "--splits", "train,dev", "--out", out) == 2
    assert (f"--splits: expected one name, since {data} is a single data directory, found train, dev\n"
            in capsys.readouterr().err)
    for more, splits in ((["--splits", "test"], {"test": 24}), ([], {"train": 24})):
        assert run(import_kaldi, "--data", data, *more, "--out", out) == 0
        assert facts_of(out) == splits
    assert run(import_kaldi, "--data", kaldi_data / "data", "--splits", "dev=test,train", "--out", out) == 0
    assert facts_of(out) == {"dev": 2, "train": 24}


@pytest.mark.parametrize("unknown, named", [(0, None), (1, "u0"), (3, "u0, u1, u2"), (4, "u0, u1, u2, ..."), (5, None)])
def test_utterances_without_a_speaker_beside_others_are_warned_of(tmp_path, capsys, unknown, named):
    """Three are named; where no utterance has a speaker, none is expected."""
    wav, names = write_noise(tmp_path / "x.wav", seconds=0.1), [f"u{n}" for n in range(5)]
    (tmp_path / "data").mkdir()
    for file, text in (("wav.scp", wav), ("text", "yes"), ("utt2spk", "ann")):
        lines = [f"{name} {text}\n" for name in names[unknown if file == "utt2spk" else 0:]]
        if lines:
            (tmp_path / "data" / file).write_text("".join(lines))
    assert run(import_kaldi, "--data", tmp_path / "data", "--out", tmp_path / "corpus") == 0
    said = capsys.readouterr().err
    expected = f"data: {unknown} of 5 utterances have no line in utt2spk, so no speaker ({named})\n"
    assert expected in said if named else "utt2spk" not in said


def test_where_relative_paths_of_a_kaldi_directory_start(tmp_path, monkeypatch):
    """Here, in the directory, above it and above that, in turn; or where --root says alone."""
    places = [tmp_path / name for name in ("here", "a/b/data", "a/b", "a")]
    for place in places:
        write_noise(place / "x.wav", seconds=0.1)
    (places[1] / "wav.scp").write_text("u x.wav\n")
    (places[1] / "text").write_text("u yes\n")
    monkeypatch.chdir(places[0])

    def found(*more):
        assert run(import_kaldi, "--data", places[1], "--out", tmp_path / "corpus", *more) == 0
        (source,) = read_cuts(tmp_path / "corpus/data.jsonl.gz")[0].recording.sources
        return Path(source.source).parent
    assert found("--root", places[2]) == places[2]
    for place in places:
        assert found() == place
        (place / "x.wav").unlink()


@pytest.mark.parametrize("absolute", [False, True])
def test_what_pipes_gave_lies_in_the_corpus(kaldi_data, monkeypatch, absolute):
    monkeypatch.chdir(kaldi_data)
    scp = kaldi_data / "data/test/wav.scp"
    scp.write_text(scp.read_text().replace("test00 ", "test00 cat ").replace("test00.wav", "test00.wav |"))
    out = (kaldi_data if absolute else Path()) / "corpus"
    assert run(import_kaldi, "--data", "data", "--splits", "test", "--out", out) == 0
    (source,) = read_cuts("corpus/test.jsonl.gz")[0].recording.sources
    assert source.source == str(kaldi_data / "corpus/audio/test/test00.wav") and Path(source.source).exists()


def test_a_damaged_language_model_is_told_before_anything_is_trained(kaldi_data, capsys):
    lm = kaldi_data / "lm.arpa"
    lm.write_text("\\data\\\nngram 1=1\n\n\\1-grams:\n-1 YES\n")
    arguments = (import_kaldi, "--data", kaldi_data / "data", "--out", kaldi_data / "corpus", "--lm", lm)
    assert run(*arguments) == 2
    assert "lm.arpa:6: expected \\2-grams: or \\end\\, found the end of the file" in capsys.readouterr().err
    assert not (kaldi_data / "corpus").exists()
    lm.write_text(lm.read_text() + "\\end\\\n")
    assert run(*arguments) == 0
    assert (kaldi_data / "corpus/lm.arpa").read_bytes() == lm.read_bytes()


def test_zeros_are_warned_of(tmp_path, capsys):
    cut = noise_cut(tmp_path / "wav", "u", seconds=0.3, channels=2)
    samples, rate = soundfile.read(str(tmp_path / "wav/u.wav"))
    soundfile.write(str(tmp_path / "wav/u.wav"), samples * [0, 1], rate)
    write_cuts(tmp_path / "corpus/train.jsonl.gz", [cut])
    assert run(validate_data, "--corpus", tmp_path / "corpus", "--out", tmp_path / "cuts") == 0
    assert "WARNING   1 with nothing but zeros in the chosen channel" in capsys.readouterr().err


def test_an_utterance_of_two_splits_is_warned_of(tmp_path, capsys):
    cut = noise_cut(tmp_path / "wav", "u", seconds=0.3)
    for split in ("train", "test"):
        write_cuts(tmp_path / f"corpus/{split}.jsonl.gz", [cut])
    assert run(validate_data, "--corpus", tmp_path / "corpus", "--out", tmp_path / "cuts") == 0
    assert "WARNING   1 with an id that another split has, too (u)" in capsys.readouterr().err


def test_from_lhotse_manifests(tmp_path, capsys):
    from lhotse import CutSet
    cuts = [noise_cut(tmp_path / "wav", f"u{i}", seconds=0.3, seed=i) for i in range(4)]
    CutSet.from_cuts(cuts).to_file(tmp_path / "manifests_cuts_small.jsonl.gz")
    out = tmp_path / "corpus"
    assert run(import_lhotse, "--manifests", tmp_path, "--splits", "train=small", "--out", out) == 0
    assert [cut.id for cut in read_cuts(out / "train.jsonl.gz")] == ["u0", "u1", "u2", "u3"]
    assert run(import_lhotse, "--manifests", tmp_path, "--splits", "dev=big", "--out", tmp_path / "x") == 2
    assert "expected manifests of big, found small" in capsys.readouterr().err


def test_where_relative_paths_of_lhotse_manifests_start(tmp_path, monkeypatch):
    """Here, beside the manifests and above them, in turn; or where --root says alone."""
    from lhotse import CutSet
    places = [tmp_path / name for name in ("here", "a/manifests", "a", "other")]
    for place in places:
        cut = noise_cut(place, "u", seconds=0.1)
    cut.recording.sources[0].source = "u.wav"
    CutSet.from_cuts([cut]).to_file(places[1] / "cuts_train.jsonl.gz")
    monkeypatch.chdir(places[0])

    def found(*more):
        assert run(import_lhotse, "--manifests", places[1], "--out", tmp_path / "corpus", *more) == 0
        (source,) = read_cuts(tmp_path / "corpus/train.jsonl.gz")[0].recording.sources
        return Path(source.source).parent
    assert found("--root", places[3]) == places[3]
    for place in places[:3]:
        assert found() == place
        (place / "u.wav").unlink()


def test_a_validated_corpus_in_files_and_facts(tmp_path, capsys):
    """Pronunciations are those of lexiconp.txt where both are there."""
    corpus, out = tmp_path / "corpus", tmp_path / "cuts"
    for split, texts in (("train", ("yes no", "yes", "maybe", "")), ("test", ("maybe",))):
        write_cuts(corpus / f"{split}.jsonl.gz", [
            ready_cut(tmp_path / "made", f"{split}{n}", np.ones((1800, 1), np.float32), text)
            for n, text in enumerate(texts)])
    (corpus / "lexicon.txt").write_text("maybe M\n")
    (corpus / "lexiconp.txt").write_text("yes 1.0 Y\nno 1.0 N\n")
    arguments = ("--corpus", corpus, "--out", out)
    assert run(validate_data, *arguments) == 2
    assert "train (each is named in " in capsys.readouterr().err
    assert run(validate_data, *arguments, "data.max_rejected_share=0.5") == 0
    assert facts_of(out) == {
        "train": {"good": 2, "rejected": {"all_oov": 1, "empty_transcript": 1}, "kept": 2, "hours": 0.01, "notes": {}},
        "test": {"good": 1, "rejected": {}, "kept": 1, "hours": 0.005, "notes": {"kept_for_scoring": 1}}}
    report = (out / "report.txt").read_text(encoding="utf-8")
    assert "train: 2 good utterances, 0.01 hours, 1 speakers; 2 rejected\n" in report and report.endswith("\n")
    said = capsys.readouterr().err
    assert "WARNING" not in said and all(f"INFO {line}\n" in said for line in report.splitlines())
    write_cuts(corpus / "dev.jsonl.gz", [])
    assert run(validate_data, *arguments) == 2
    assert f"{corpus}/dev.jsonl.gz: expected at least one cut, found none" in capsys.readouterr().err


def test_ready_features_need_no_kaldifeat(tmp_path, monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "kaldifeat", None)
    write_cuts(tmp_path / "corpus" / "train.jsonl.gz", ready_corpus(tmp_path / "made", number=6))
    assert run(validate_data, "--corpus", tmp_path / "corpus", "--out", tmp_path / "cuts") == 0
    assert run(compute_features, "--cuts", tmp_path / "cuts", "--split", "train", "--out", tmp_path / "f",
               "features.deltas=2") == 0
    assert FeatureReader(tmp_path / "f").dim == 15


def test_a_damaged_matrix_is_made_anew(tmp_path, capsys, monkeypatch):
    """Of a large archive whose size and time did not change: noticed by whoever reads the matrix."""
    monkeypatch.setattr("tools.frame.records.LARGE", 0)
    corpus, cuts, features = (tmp_path / name for name in ("corpus", "cuts", "features"))
    write_cuts(corpus / "train.jsonl.gz", ready_corpus(tmp_path / "made", number=6))
    assert run(validate_data, "--corpus", corpus, "--out", cuts) == 0
    compute = (compute_features, "--cuts", cuts, "--split", "train", "--out", features)
    assert run(*compute) == 0
    (archive,) = (features / "storage").iterdir()
    flip(archive, archive.read_bytes().index(FeatureReader(features).raw("u003").numpy().tobytes()))
    close_cached_file_handles()

    def read_all(job):
        reader = FeatureReader(job.args.features)
        job.facts["frames"] = sum(len(reader[name]) for name in reader)
    toy = Program("toy", "").input("--features", help="features")
    arguments = ["--features", str(features), "--out", str(tmp_path / "sums")]
    assert toy.run(read_all, arguments) == 2
    said = capsys.readouterr().err
    assert "features of u003" in said and "run tools.compute_features again to make it anew" in said
    assert toy.run(read_all, arguments) == 2
    assert run(*compute) == 0
    assert "is made anew: storage/000.h5 is damaged" in capsys.readouterr().err
    assert toy.run(read_all, arguments) == 0


def test_without_kaldifeat_the_message_says_what_to_run(tmp_path, monkeypatch, capsys):
    import sys
    monkeypatch.setitem(sys.modules, "kaldifeat", None)
    write_cuts(tmp_path / "train.jsonl.gz", [noise_cut(tmp_path / "wav", "u")])
    assert run(compute_features, "--cuts", tmp_path, "--split", "train", "--out", tmp_path / "f") == 2
    assert "./run.sh doctor" in capsys.readouterr().err


def test_empty_folders_are_told(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert run(validate_data, "--corpus", tmp_path / "empty", "--out", tmp_path / "a") == 2
    assert run(import_kaldi, "--data", tmp_path / "empty", "--out", tmp_path / "b") == 2
    assert run(compute_features, "--cuts", tmp_path / "empty", "--split", "dev", "--out", tmp_path / "c") == 2
    assert run(import_lhotse, "--manifests", tmp_path / "empty", "--out", tmp_path / "d") == 2
    for program, flag in ((import_kaldi, "--data"), (import_lhotse, "--manifests")):
        assert run(program, flag, tmp_path / "nonesuch", "--out", tmp_path / "e") == 2
    errors = capsys.readouterr().err
    assert errors.count("nonesuch: expected") == 2 and "an existing file or folder" not in errors  # but what it holds
    for expected in ("manifests such as train.jsonl.gz", "with wav.scp", "dev.jsonl.gz"):
        assert expected in errors


def test_a_share_of_the_training_data_for_learning_curves(tmp_path, capsys):
    write_cuts(tmp_path / "corpus/train.jsonl.gz", ready_corpus(tmp_path / "ready", 12, speakers=3))
    write_cuts(tmp_path / "corpus/test.jsonl.gz", ready_corpus(tmp_path / "ready_test", 4, speakers=2))
    kept = {}
    for share in (1, 0.5, 0.25):
        out = tmp_path / f"cuts_{share}"
        assert run(validate_data, "--corpus", tmp_path / "corpus", "--out", out, f"data.train_share={share}",
                   "data.case=keep") == 0
        kept[share] = [cut.id for cut in read_cuts(out / "train.jsonl.gz")]
        assert len(read_cuts(out / "test.jsonl.gz")) == 4
        facts = facts_of(out)
        assert facts["train"]["good"] == 12 and facts["train"]["kept"] == len(kept[share]) == 12 * share
        assert facts["train"]["hours"] == pytest.approx(
            sum(cut.duration for cut in read_cuts(out / "train.jsonl.gz")) / 3600, abs=5e-5)
        assert (out / "left_out.txt").exists() == (share < 1)
    assert "train: 3 of 12 utterances stay (train_share 0.25)" in capsys.readouterr().err
    assert set(kept[0.25]) < set(kept[0.5]) < set(kept[1])
    left_out = (tmp_path / "cuts_0.5/left_out.txt").read_text().split()
    assert sorted(left_out + kept[0.5]) == sorted(kept[1])


def test_a_share_of_training_data_that_is_not_there(tmp_path, capsys):
    write_cuts(tmp_path / "corpus/test.jsonl.gz", ready_corpus(tmp_path / "ready", 4))
    assert run(validate_data, "--corpus", tmp_path / "corpus", "--out", tmp_path / "cuts", "data.train_share=0.5") == 2
    assert "data.train_share: expected 1 without a split train" in capsys.readouterr().err


def test_a_corpus_may_have_no_training_set(tmp_path, capsys):
    write_cuts(tmp_path / "corpus/test.jsonl.gz", ready_corpus(tmp_path / "ready", 2))
    assert run(validate_data, "--corpus", tmp_path / "corpus", "--out", tmp_path / "cuts") == 0
    assert facts_of(tmp_path / "cuts")["test"]["kept"] == 2 and "WARNING" not in capsys.readouterr().err


@pytest.mark.parametrize("split, again", [("train_clean", True), ("dev", False)])
def test_noise_that_copies_hear_counts_for_training_sets(tmp_path, capsys, split, again):
    """Recordings count for all."""
    pytest.importorskip("kaldifeat")
    write_cuts(tmp_path / f"cuts/{split}.jsonl.gz", [noise_cut(tmp_path / "wav", "u", seconds=0.3, rate=8000)])
    arguments = ("--cuts", tmp_path / "cuts", "--split", split, "--out", tmp_path / "f", "features.device=cpu",
                 "augment.copies=1", "augment.rooms=0", "augment.noises=recorded",
                 f"augment.noise_files={tmp_path / 'noises'}")
    for seed, (name, anew) in enumerate((("noises/n", True), ("noises/n", again), ("wav/u", True)), 1):
        write_noise(tmp_path / f"{name}.wav", seconds=0.3, rate=8000, seed=seed)
        assert run(compute_features, *arguments) == 0
        assert ("is up to date" not in capsys.readouterr().out) == anew
    assert facts_of(tmp_path / "f")["utterances"] == (2 if again else 1)
