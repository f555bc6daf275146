"""The librispeech and mini recipes on a small corpus in LibriSpeech's own layout."""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse.recipes.librispeech import prepare_librispeech

from egs.librispeech import corpus as librispeech
from egs.librispeech.prepare import PROGRAM, CorpusOptions, work
from graphs.errors import InputError
from graphs.lang.lang_folder import read_lang
from graphs.lang.lexicon import Lexicon
from hybrid.data.manifest import read_cuts, speaker_of, text_of
from hybrid.outcomes import Outcomes
from tests.egs.options import options_of
from tools import prepare_lang, validate_data

EGS = Path(__file__).parent.parent.parent / "egs"
MINI = ["--conf", str(EGS / "mini/conf/default.conf"), "--nj", "1"]
LEXICON = "HELLO\tHH AH0 L OW1\nHELLO\tHH EH0 L OW1\nWORLD\tW ER1 L D\nA\tAH0\nA\tEY1\n"
ARPA = """\\data\\
ngram 1=6

\\1-grams:
-1.0 <UNK>
-99 <s>
-0.8 </s>
-0.7 HELLO
-0.7 WORLD
-0.7 A

\\end\\
"""


def write_flac(path: Path, seconds: float, pitch: float) -> None:
    time = np.arange(round(16000 * seconds)) / 16000
    soundfile.write(str(path), 0.1 * np.sin(2 * np.pi * pitch * time), 16000)


def write_part(folder: Path, speakers, chapters=2, utterances=3) -> None:
    """PART/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac with their transcripts."""
    for speaker in speakers:
        for chapter in range(100, 100 + chapters):
            place = folder / str(speaker) / str(chapter)
            place.mkdir(parents=True)
            lines = []
            for number in range(utterances):
                name = f"{speaker}-{chapter}-{number:04d}"
                write_flac(place / f"{name}.flac", 1.0 + 0.1 * number, 200 + speaker)
                lines.append(f"{name} {('HELLO WORLD', 'A WORLD', 'HELLO')[number % 3]}\n")
            (place / f"{speaker}-{chapter}.trans.txt").write_text("".join(lines), encoding="utf-8")


@pytest.fixture
def corpus(tmp_path):
    """LibriSpeech/ in a folder that holds the lexicon and the language model, too."""
    folder = tmp_path / "LibriSpeech"
    write_part(folder / "train-clean-5", [14, 16])
    write_part(folder / "dev-clean-2", [84, 174, 251, 422], chapters=1)
    (folder / "SPEAKERS.TXT").write_text(
        ";ID  |SEX| SUBSET           |MINUTES| NAME\n"
        "14   | F | train-clean-5    | 25.03 | A. Reader\n"
        "16   | M | train-clean-5    | 25.11 | B. | Reader\n"
        "84   | F | dev-clean-2      | 8.02  | C. Reader\n", encoding="utf-8")
    (tmp_path / librispeech.LEXICON).write_text(LEXICON, encoding="utf-8")
    (tmp_path / "3-gram.pruned.3e-7.arpa").write_text(ARPA, encoding="utf-8")
    return folder


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(librispeech, "SERVER", "http://127.0.0.1:9")


def prepare(out: Path, *arguments) -> int:
    return PROGRAM.run(work, ["--out", str(out), *map(str, arguments)])


def splits(out: Path, *names):
    return [read_cuts(out / f"{name}.jsonl.gz") for name in names]


def test_mini_from_corpus_to_lang(corpus, tmp_path):
    out, cuts, lang = (str(tmp_path / name) for name in ("corpus", "cuts", "lang"))
    assert prepare(out, "--corpus", corpus.parent, *MINI) == 0
    train, dev, test = splits(Path(out), "train", "dev", "test")
    assert (len(train), len(dev), len(test)) == (12, 6, 6)
    assert {speaker_of(cut) for cut in train} == {"14", "16"}
    assert not {speaker_of(cut) for cut in dev} & {speaker_of(cut) for cut in test}
    assert [train[0].supervisions[0].gender, train[-1].supervisions[0].gender] == ["f", "m"]
    assert validate_data.PROGRAM.run(validate_data.work, ["--corpus", out, "--out", cuts, *MINI]) == 0
    assert len(read_cuts(Path(cuts) / "train.jsonl.gz")) == 12
    assert prepare_lang.PROGRAM.run(prepare_lang.work, [
        "--lexicon", f"{out}/lexicon.txt", "--text", f"{cuts}/train.jsonl.gz", "--out", lang, *MINI]) == 0
    made = read_lang(Path(lang))
    assert {"AH", "OW", "SPN", "SIL"} <= set(made.phones.symbols) and "AH0" not in made.phones.symbols
    assert made.oov_word == "<UNK>"
    assert (Path(out) / "lm.arpa").read_text() == ARPA


def test_a_sound_part_is_what_lhotse_makes_of_it(corpus):
    found = {cut.id: cut for cut in librispeech.read_part(corpus / "train-clean-5", Outcomes())}
    expected = prepare_librispeech(corpus, dataset_parts="train-clean-5")["train-clean-5"]
    assert found.keys() == {supervision.id for supervision in expected["supervisions"]}
    for theirs in expected["supervisions"]:
        cut, ours = found[theirs.id], found[theirs.id].supervisions[0]
        for name in ("id", "recording_id", "start", "duration", "channel", "text", "speaker", "language"):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert cut.recording == expected["recordings"][theirs.recording_id]


def test_each_test_part_is_a_test_set(corpus, tmp_path):
    write_part(corpus / "test-clean", [61], chapters=1)
    write_part(corpus / "test-other", [367], chapters=1, utterances=2)
    out = tmp_path / "corpus"
    assert prepare(out, "--corpus", corpus, "corpus.train=train-clean-5", "corpus.dev=dev-clean-2",
                   "--download", tmp_path) == 0
    assert [len(cuts) for cuts in splits(out, "train", "dev", "test-clean", "test-other")] == [12, 12, 3, 2]
    assert not (out / "test.jsonl.gz").exists()


def test_damaged_utterances_are_named_and_the_rest_goes_on(corpus, tmp_path):
    chapter = corpus / "train-clean-5/14/100"
    (chapter / "14-100-0000.flac").unlink()
    (chapter / "14-100-0001.flac").write_bytes(b"not audio")
    transcripts = chapter / "14-100.trans.txt"
    transcripts.write_text(transcripts.read_text().replace("14-100-0002 HELLO", "14-100-0002"))
    write_flac(chapter / "14-100-0009.flac", 1.0, 300)
    out, cuts = tmp_path / "corpus", tmp_path / "cuts"
    assert prepare(out, "--corpus", corpus.parent, *MINI) == 0
    assert "14-100-0009\tfailed" in (out / "outcomes.tsv").read_text()
    assert validate_data.PROGRAM.run(validate_data.work, [
        "--corpus", str(out), "--out", str(cuts), *MINI, "data.max_rejected_share=0.3"]) == 0
    rejected = [line.split("\t")[:2] for line in (cuts / "rejected_train.tsv").read_text().splitlines()]
    reasons = dict(fields for fields in rejected if fields[0].startswith("14-"))
    assert reasons.keys() == {f"14-100-000{n}" for n in range(3)} and len(set(reasons.values())) == 3
    assert len(read_cuts(cuts / "train.jsonl.gz")) == 9


def test_missing_part_is_named_with_its_address(corpus, tmp_path, capsys):
    assert prepare(tmp_path / "corpus", "--corpus", corpus) == 2
    said = capsys.readouterr().err
    for part in ("train-clean-100", "dev-clean", "test-clean", "test-other"):
        assert f"/resources/12/{part}.tar.gz" in said
    assert "dev-clean-2" in said  # what is there
    assert prepare(tmp_path / "corpus", "--corpus", corpus, *MINI, "corpus.train=train-clean-7") == 2
    assert "train-clean-7" in capsys.readouterr().err


def test_without_corpus_and_network_it_says_how_to_get_the_data(corpus, tmp_path, capsys, no_network):
    downloads = tmp_path / "download"
    assert prepare(tmp_path / "corpus", "--download", downloads, *MINI) == 2
    assert f"/11/{librispeech.LEXICON}" in capsys.readouterr().err
    for name in (librispeech.LEXICON, "3-gram.pruned.3e-7.arpa"):
        (tmp_path / name).rename(downloads / name)
    assert prepare(tmp_path / "corpus", "--download", downloads, *MINI) == 2
    said = capsys.readouterr().err
    assert "/31/train-clean-5.tar.gz" in said and "--corpus" in said


def test_download_by_lhotse(corpus, tmp_path, monkeypatch, capsys):
    server, downloads, out = tmp_path / "server", tmp_path / "download", tmp_path / "corpus"
    for resource in ("11", "31"):
        (server / resource).mkdir(parents=True)
    for part in librispeech.MINI:
        with tarfile.open(server / "31" / f"{part}.tar.gz", "w:gz") as tar:
            tar.add(corpus / part, arcname=f"LibriSpeech/{part}")
    (tmp_path / librispeech.LEXICON).rename(server / "11" / librispeech.LEXICON)
    (tmp_path / "3-gram.pruned.3e-7.arpa").rename(server / "11" / "lm.arpa.gz")
    monkeypatch.setattr(librispeech, "SERVER", server.as_uri())
    assert prepare(out, "--download", downloads, *MINI, "corpus.lm=lm.arpa.gz") == 0
    assert [len(cuts) for cuts in splits(out, "train", "dev", "test")] == [12, 6, 6]
    assert (out / "lexicon.txt").read_text() == LEXICON
    monkeypatch.setattr(librispeech, "SERVER", "http://127.0.0.1:9")  # all is there: nothing is fetched again
    assert prepare(out, "--download", downloads, *MINI, "corpus.lm=lm.arpa.gz", "corpus.seed=1") == 0


def test_parts_are_checked(tmp_path):
    with pytest.raises(InputError, match="train-clean-7"):
        librispeech.url_of_part("train-clean-7")
    with pytest.raises(ValueError, match="different parts"):
        CorpusOptions(dev=("train-clean-100",))
    with pytest.raises(ValueError, match="test_share"):
        CorpusOptions(test_share=1.0)
    (tmp_path / "part").mkdir()
    with pytest.raises(InputError, match="trans.txt"):
        librispeech.read_part(tmp_path / "part", Outcomes())


@pytest.mark.parametrize("recipe", ["librispeech", "mini"])
def test_conf_is_accepted(recipe):
    options = options_of(EGS / recipe / "conf/default.conf", CorpusOptions)
    assert set(options["corpus"].parts) <= set(librispeech.UTTERANCES)
    assert options["features"].speed == (0.9, 1.0, 1.1) and options["am"].spec_augment


# ---- run.sh, on synthetic speech


SMALL = ["features.speed=1.0", "features.num_mel_bins=40", "lang.oov_word=<unk>", "corpus.lm=lm.arpa",
         "ctc.epochs=12", "ctc.hidden_dim=128", "ctc.max_duration=8", "ctc.spec_augment=false",
         "ctc.dilations=1,1,2,3,3", "dnn.epochs=3", "dnn.num_layers=2", "dnn.hidden_dim=96", "dnn.every=1",
         "dnn.max_duration=5", "am.epochs=5", "am.hidden_dim=128", "am.bottleneck=32", "am.dilations=1,1,2,3",
         "am.every=1", "am.warp=0", "am.spec_augment=false", "am.max_duration=5", "search.max_active=500",
         "score.lm_scales=0.5,1,2", "score.word_insertion_penalties=0", "score.resamples=200"]


def synthesize(folder: Path, parts) -> Path:
    """Speech of egs/synth in LibriSpeech's layout. parts: synth's split -> parts that share its voices."""
    from egs.synth import prepare as synth
    made = folder / "synth"
    assert synth.PROGRAM.run(synth.work, ["--out", str(made), "--nj", "2", "corpus.num_train=150",
                                          "corpus.num_dev=12", "corpus.num_test=12"]) == 0
    for split, names in parts.items():
        speakers = {}
        for number, cut in enumerate(read_cuts(made / f"{split}.jsonl.gz")):
            speaker = speakers.setdefault(speaker_of(cut), len(speakers) + 1)
            name = f"{speaker}-1-{number:04d}"
            place = folder / "LibriSpeech" / names[speaker % len(names)] / f"{speaker}/1"
            place.mkdir(parents=True, exist_ok=True)
            soundfile.write(str(place / f"{name}.flac"), cut.load_audio()[0], cut.sampling_rate)
            with open(place / f"{speaker}-1.trans.txt", "a", encoding="utf-8") as stream:
                stream.write(f"{name} {text_of(cut)}\n")
    lines = (f"{entry.word} {' '.join(entry.phones)}\n" for entry in Lexicon.read(made / "lexiconp.txt"))
    (folder / librispeech.LEXICON).write_text("".join(lines), encoding="utf-8")
    (made / "lm.arpa").rename(folder / "lm.arpa")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("recipe, parts", [
    ("librispeech", {"train": ["train-clean-100"], "dev": ["dev-clean"],
                     "test": ["test-clean", "test-other"]}),
    ("mini", {"train": ["train-clean-5"], "dev": ["dev-clean-2"]})])
def test_recipe_to_the_scores(recipe, parts, tmp_path):
    for package in ("k2", "kaldifeat", "espeakng_loader"):
        pytest.importorskip(package)
    command = ["bash", str(EGS / recipe / "run.sh"), "--corpus", str(synthesize(tmp_path, parts)),
               "--work", str(tmp_path / "work"), "--python", sys.executable, *SMALL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    entries = {entry["test"]: entry for entry in json.loads((tmp_path / "work/results.json").read_text())}
    assert entries.keys() == {"dev", *parts.get("test", ["test"])}
    assert sum(entry["utterances"] for entry in entries.values()) == (24 if "test" in parts else 12)
    # five minutes of speech are too little to recognize by; the phones are learnt, which takes every stage before
    said = (tmp_path / "work/run.log").read_text(encoding="utf-8")
    assert min(float(error) for error in re.findall(r"dev loss .* phone_error ([0-9.]+)", said)) < 0.6
    assert min(float(error) for error in re.findall(r"dev loss .* frame_error ([0-9.]+)", said)) < 0.8
