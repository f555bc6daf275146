"""The an4 recipe: both distributions (audio in two formats, Sphinx features), speakers held out, the official half."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from egs.an4 import corpus as an4
from egs.an4.prepare import PROGRAM, CorpusOptions, work
from graphs.errors import InputError
from hybrid.data.audio import load_audio
from hybrid.data.manifest import read_cuts
from hybrid.lm.ngram_train import NgramOptions, train_ngram
from tests.egs.options import options_of
from tools import compute_features, prepare_lang, validate_data

ROOT = Path(__file__).parent.parent.parent
SPLITS = ("train", "dev", "test")
SPEAKERS = {"train": ("fash", "fbbh", "fclc", "mcen", "mdcs", "mema"), "test": ("fcaw", "mmkw")}
TEXTS = ("YES", "RUBOUT G M", "P I T", "NINE OH")
LEXICON = """YES  Y EH S
RUBOUT  R AH B AW T
G  JH IY
M  EH M
P  P IY
I  AY
T  T IY
NINE  N AY N
OH  OW
"""


def speech(number):
    """Half a second and more of a tone in noise, int16, as smooth as speech is."""
    time = np.arange(8000 + 160 * number) / an4.SAMPLING_RATE
    noise = np.random.default_rng(number).normal(0, 40, len(time))
    return (3000 * np.sin(2 * np.pi * (200 + 50 * number) * time) + noise).astype(np.int16)


def write_audio(folder, fileid, number, form):
    path = folder / "wav" / f"{fileid}.{form}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "sph":
        soundfile.write(str(path), speech(number), an4.SAMPLING_RATE, format="NIST", subtype="PCM_16")
    else:
        path.write_bytes(speech(number).astype(">i2").tobytes())


def mfc(number):
    """Sphinx features of 0.6 seconds and more, float32."""
    return np.random.default_rng(number).normal(0, 1, (60 + number, 13)).astype(np.float32)


def write_mfc(folder, fileid, number):
    path = folder / "feat" / f"{fileid}.mfc"
    path.parent.mkdir(parents=True, exist_ok=True)
    matrix = mfc(number)
    path.write_bytes(np.array([matrix.size], ">i4").tobytes() + matrix.astype(">f4").tobytes())


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    train_ngram([text.split() for text in TEXTS], NgramOptions(order=1, method="witten-bell")).write_arpa(path)
    return path.read_text()


def distribution(folder, language_model, form, splits=("train", "test")):
    """A folder as CMU packs it; form: sph, raw or mfc."""
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/an4.dic").write_text(LEXICON)
    (folder / "etc/an4.ug.lm").write_text(language_model)
    number = 0
    for split in splits:
        fileids, transcripts = [], []
        for speaker in SPEAKERS[split]:
            for index, text in enumerate(TEXTS):
                number += 1
                name = f"an{251 + index}-{speaker}-b"
                fileids.append(f"an4{'test' if split == 'test' else ''}_clstk/{speaker}/{name}")
                transcripts.append(f"<s> {text} </s> ({name})" if index else f"{text} ({name})")
                write = write_mfc if form == "mfc" else lambda *some: write_audio(*some, form)
                write(folder, fileids[-1], number)
        (folder / f"etc/an4_{split}.fileids").write_text("\n".join(fileids) + "\n")
        (folder / f"etc/an4_{split}.transcription").write_text("\n".join(transcripts) + "\n")
    return folder


@pytest.fixture(scope="module", params=("sph", "raw", "mfc"))
def prepared(request, tmp_path_factory, language_model):
    base = tmp_path_factory.mktemp(request.param)
    distribution(base / "above/an4", language_model, request.param)
    assert PROGRAM.run(work, ["--corpus", str(base / "above"), "--out", str(base / "corpus"),
                              "corpus.dev_share=0.33"]) == 0
    assert validate_data.PROGRAM.run(validate_data.work, ["--corpus", str(base / "corpus"), "--out",
                                                          str(base / "cuts")]) == 0
    return base


def test_every_utterance_is_in_one_set_with_its_words(prepared):
    cuts = {split: list(read_cuts(prepared / f"cuts/{split}.jsonl.gz")) for split in ("train", "dev", "test")}
    speakers = {split: {cut.supervisions[0].speaker for cut in some} for split, some in cuts.items()}
    assert {name[0] for name in speakers["dev"]} == {"f", "m"} and len(speakers["dev"]) == 2
    assert speakers["train"] | speakers["dev"] == set(SPEAKERS["train"]) and not speakers["train"] & speakers["dev"]
    assert speakers["test"] == set(SPEAKERS["test"])
    assert {split: len(some) for split, some in cuts.items()} == {"train": 16, "dev": 8, "test": 8}
    for some in cuts.values():
        assert [cut.supervisions[0].text for cut in some] == [*TEXTS] * (len(some) // 4)


def numbers():
    """Utterance -> the number that its sound is made of, as `distribution` counts."""
    names = (f"an{251 + index}-{speaker}-b" for split in ("train", "test") for speaker in SPEAKERS[split]
             for index in range(len(TEXTS)))
    return {name: number for number, name in enumerate(names, 1)}


def test_women_then_men_in_the_order_of_the_list_with_times_of_what_is_there(prepared):
    found = {split: list(read_cuts(prepared / f"corpus/{split}.jsonl.gz")) for split in SPLITS}
    for split, some in found.items():
        order = [numbers()[cut.id] for cut in some]
        assert order == sorted(order), split
        for cut, number in zip(some, order):
            assert cut.id.split("-")[1] == cut.supervisions[0].speaker and cut.start == 0
            if cut.has_features:
                assert cut.duration == pytest.approx(0.01 * (60 + number))
                assert (cut.features.type, cut.features.sampling_rate, cut.features.frame_shift) == (
                    "sphinx-mfcc", 16000, 0.01)
                assert np.array_equal(cut.load_features(), mfc(number))
            else:
                assert cut.duration == pytest.approx((8000 + 160 * number) / 16000) and cut.sampling_rate == 16000
                path = Path(cut.recording.sources[0].source)
                folder = prepared / ("above/an4/wav" if path.suffix == ".sph" else "corpus/wav")
                assert folder in path.parents and path.stem == cut.id
    for name, source in (("lexicon.txt", "an4.dic"), ("lm.arpa", "an4.ug.lm")):
        assert (prepared / "corpus" / name).read_bytes() == (prepared / "above/an4/etc" / source).read_bytes()


def test_the_seed_says_which_speakers_of_each_sex_are_held_out(tmp_path, language_model, capsys):
    folder, held = distribution(tmp_path / "an4", language_model, "mfc"), []
    for seed in range(4):
        assert PROGRAM.run(work, ["--corpus", str(folder), "--out", str(tmp_path / "out"),
                                  "corpus.dev_share=0.33", f"corpus.dev_seed={seed}"]) == 0
        cuts = {split: read_cuts(tmp_path / f"out/{split}.jsonl.gz") for split in SPLITS}
        assert {split: len(some) for split, some in cuts.items()} == {"train": 16, "dev": 8, "test": 8}
        held.append(list(dict.fromkeys(cut.supervisions[0].speaker for cut in cuts["dev"])))
        assert [name[0] for name in held[-1]] == ["f", "m"]
        said = capsys.readouterr().err
        for name in held[-1]:
            assert f"dev, speakers {name[0]}...: 4 of 12 utterances (33.3%), all of 1 of 3 speakers ({name})" in said
    assert len({tuple(names) for names in held}) > 1


def test_audio_is_found_from_anywhere_where_the_corpus_was_not(tmp_path, language_model, monkeypatch):
    distribution(tmp_path / "an4", language_model, "sph")
    monkeypatch.chdir(tmp_path)
    assert PROGRAM.run(work, ["--corpus", "an4", "--out", "out"]) == 0
    for split in SPLITS:
        for cut in read_cuts(tmp_path / f"out/{split}.jsonl.gz"):
            assert tmp_path / "an4/wav" in Path(cut.recording.sources[0].source).parents


def test_the_whole_distribution_is_not_warned_of(tmp_path, language_model, monkeypatch, capsys):
    monkeypatch.setattr(an4, "UTTERANCES", {"train": 24, "test": 9})
    folder = distribution(tmp_path / "an4", language_model, "mfc")
    (folder / "wav").touch()  # no folder: no audio
    assert PROGRAM.run(work, ["--corpus", str(folder), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert "WARNING test: the distribution has 9 utterances, here are 8\n" in said and said.count("WARNING") == 1
    assert (tmp_path / "out/outcomes.tsv").read_text() == "item\toutcome\treason\n"


def test_features_of_every_set(prepared, tmp_path):
    pytest.importorskip("kaldifeat")
    from hybrid.data.features import FeatureReader
    for split, utterances in (("train", 16), ("dev", 8), ("test", 8)):
        assert compute_features.PROGRAM.run(compute_features.work, [
            "--cuts", str(prepared / "cuts"), "--split", split, "--out", str(tmp_path / split),
            "--conf", str(ROOT / "egs/an4/conf/default.conf")]) == 0
        reader = FeatureReader(tmp_path / split)
        assert len(reader.ids) == utterances and reader.dim == 39 and reader.base_dim == 13
    assert prepare_lang.PROGRAM.run(prepare_lang.work, [
        "--lexicon", str(prepared / "corpus/lexicon.txt"), "--out", str(tmp_path / "lang"),
        "lang.lexicon_form=cmu"]) == 0


def test_audio_comes_out_as_it_was_recorded(prepared):
    for split in ("train", "dev", "test"):
        for cut in read_cuts(prepared / f"corpus/{split}.jsonl.gz"):
            if cut.has_recording:
                samples = np.round(load_audio(cut)[0] * 32768).astype(np.int16)
                assert any(np.array_equal(samples, speech(number)) for number in range(1, 33)), cut.id
            else:
                assert cut.load_features().shape[1] == 13


def test_lists_without_folders_keep_the_features_of_both_sets_apart(tmp_path, language_model):
    """Those of an older distribution, which name no folder that tells test from training."""
    folder = distribution(tmp_path / "an4", language_model, "mfc")
    for path in folder.glob("feat/*/*/*.mfc"):
        path.rename(folder / "feat" / path.name)
    for path in folder.glob("etc/*.fileids"):
        path.write_text("".join(line.rsplit("/", 1)[-1] for line in path.read_text().splitlines(keepends=True)))
    assert PROGRAM.run(work, ["--corpus", str(folder), "--out", str(tmp_path / "out"), "corpus.dev_share=0.33"]) == 0
    number = 0
    found = {cut.id: cut for split in SPLITS for cut in read_cuts(tmp_path / f"out/{split}.jsonl.gz")}
    for split in ("train", "test"):
        for name in (folder / f"etc/an4_{split}.fileids").read_text().split():
            number += 1
            assert np.array_equal(found[name].load_features(), mfc(number)), name


@pytest.mark.parametrize("order", ("<", ">"))
def test_byte_order_is_found_out(tmp_path, order):
    (tmp_path / "a.raw").write_bytes(speech(3).astype(order + "i2").tobytes())
    assert np.array_equal(an4.read_raw(tmp_path / "a.raw"), speech(3))
    matrix = np.arange(26, dtype="f4").reshape(2, 13)
    (tmp_path / "a.mfc").write_bytes(np.array([26], order + "i4").tobytes() + matrix.astype(order + "f4").tobytes())
    assert np.array_equal(an4.read_mfc(tmp_path / "a.mfc"), matrix)


def test_without_the_official_half_dev_alone_is_made(tmp_path, language_model, capsys):
    folder = distribution(tmp_path / "an4", language_model, "mfc", splits=("train",))
    assert PROGRAM.run(work, ["--corpus", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert not (tmp_path / "out/test.jsonl.gz").exists() and (tmp_path / "out/dev.jsonl.gz").exists()
    message = "".join(capsys.readouterr())
    assert "etc/an4_test.fileids" in message and "the distribution has 948 utterances, here are 24" in message


def test_damaged_files_are_named_and_too_many_stop_it(tmp_path, language_model, capsys):
    folder = distribution(tmp_path / "an4", language_model, "mfc")
    files = sorted(folder.glob("feat/an4_clstk/*/*.mfc"))
    files[0].write_bytes(files[0].read_bytes()[:-4])
    assert PROGRAM.run(work, ["--corpus", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert f"{files[0].stem}\tfailed" in (tmp_path / "out/outcomes.tsv").read_text()
    left = {cut.id for split in SPLITS for cut in read_cuts(tmp_path / f"out/{split}.jsonl.gz")}
    assert left == numbers().keys() - {files[0].stem}
    files[1].unlink()  # two of 32 are more than 5 %
    assert PROGRAM.run(work, ["--corpus", str(folder), "--out", str(tmp_path / "out2")]) == 2
    assert f"AN4 in {folder}: 2 of 32 items failed, more than the allowed share of 5%" in capsys.readouterr().err


@pytest.mark.parametrize("change, named", [
    (lambda etc: (etc / "an4_train.transcription").write_text("YES\n"), "an4_train.transcription:1"),
    (lambda etc: (etc / "an4_train.transcription").write_text("YES (an251-fash-b)\n"), "an252-fash-b"),
    (lambda etc: (etc / "an4_train.fileids").write_text("x/fash/an251-fash-b\n" * 2), "each utterance once"),
    (lambda etc: (etc / "an4_train.fileids").write_text(""),
     "etc/an4_train.fileids: expected at least one utterance, found none"),
    (lambda etc: (etc / "an4.dic").unlink(), "etc/an4.dic: expected the corpus' own file, found none"),
    (lambda etc: (etc / "an4.ug.lm").unlink(), "etc/an4.ug.lm: expected the corpus' own file, found none")])
def test_broken_lists_are_named(tmp_path, language_model, capsys, change, named):
    folder = distribution(tmp_path / "an4", language_model, "mfc")
    change(folder / "etc")
    assert PROGRAM.run(work, ["--corpus", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert named in capsys.readouterr().err


def test_without_the_data_the_message_says_how_to_get_it(tmp_path, capsys):
    for arguments in ([], ["--corpus", str(tmp_path)], ["--corpus", str(tmp_path / "none")]):
        assert PROGRAM.run(work, [*arguments, "--out", str(tmp_path / "out")]) == 2
        assert "CMU AN4 database" in capsys.readouterr().err, arguments
    with pytest.raises(InputError, match="a count"):
        (tmp_path / "a.mfc").write_bytes(b"abc")
        an4.read_mfc(tmp_path / "a.mfc")


@pytest.mark.parametrize("share", (0.0, 1.0, -0.1))
def test_a_share_for_dev_leaves_something_on_both_sides(share):
    assert CorpusOptions(dev_share=0.01).dev_share == 0.01 and CorpusOptions(dev_share=0.99).dev_share == 0.99
    with pytest.raises(ValueError, match=f"^dev_share: expected 0 to 1, found {share}$"):
        CorpusOptions(dev_share=share)


def test_every_option_of_the_conf_file_is_known():
    options = options_of(ROOT / "egs/an4/conf/default.conf", CorpusOptions)
    assert options["corpus"].dev_share == 0.1 and options["ctc"].cepstra_of == options["features"].num_mel_bins
