"""The custom recipe on tiny made-up data: a Kaldi folder with flaws, Lhotse manifests, no lexicon."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lhotse.utils import fastcopy

from egs.custom import choose
from egs.custom.prepare import PROGRAM, CorpusOptions, find_data, work
from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.lang.lang_folder import read_lang
from hybrid.data.features import FeatureReader
from hybrid.data.manifest import read_cuts, source_files, speaker_of, text_of, write_cuts
from tests.egs.options import options_of
from tests.hybrid.data.material import write_noise
from tests.hybrid.data.test_kaldi_dir import write_dir
from tools import compute_features, prepare_lang, train_ngram, validate_data
from tools.frame.config import read_config

ROOT = Path(__file__).parent.parent.parent
BY_HOURS = ROOT / "egs/custom/conf/by_hours"
CONF = ["--conf", str(ROOT / "egs/custom/conf/default.conf"), "--nj", "1"]
LEXICON = ("one W AH N\n", "two T UW\n", "three TH R IY\n", "four F AO R\n", "go G OW\n")
FLAWS = {"anna-flaw1": "", "ben-flaw2": "one two", "cleo-flaw3": "xyzzy plugh"}  # ben-flaw2 has no wav


def write_split(data: Path, split: str, speakers, each: int, flaws=()) -> None:
    words = [line.split()[0] for line in LEXICON]
    texts = {f"{speaker}-{split}{n}": f"{words[n % 5]} {words[(n + i) % 5]} {words[(2 * n + 1) % 5]}"
             for i, speaker in enumerate(speakers) for n in range(each)}
    texts.update((name, FLAWS[name]) for name in flaws)
    names = sorted(texts)
    for seed, name in enumerate(names):
        if name != "ben-flaw2":
            write_noise(data / "wav" / f"{name}.wav", seconds=1.2, rate=8000, seed=seed)
    write_dir(data / split, wav_scp=[f"{name} wav/{name}.wav" for name in names],
              text=[f"{name} {texts[name]}".strip() for name in names],
              utt2spk=[f"{name} {name.split('-')[0]}" for name in names])


@pytest.fixture
def data(tmp_path):
    """Kaldi data directories with relative paths, of 8 kHz audio, and a lexicon."""
    folder = tmp_path / "my data"
    folder.mkdir()
    write_split(folder, "train", ["anna", "ben", "cleo", "dan"], 4, FLAWS)
    text = folder / "train/text"
    text.write_text(text.read_text().replace("anna-train1 two", "anna-train1 xyzzy"))
    write_split(folder, "dev", ["eve"], 3)
    write_split(folder, "test", ["fay"], 3)
    (folder / "lexicon.txt").write_text("".join(LEXICON), encoding="utf-8")
    return folder


def do(program, out: Path, *arguments) -> int:
    return program.PROGRAM.run(program.work, ["--out", str(out), *map(str, arguments)])


def prepare(out: Path, corpus, *arguments) -> int:
    return PROGRAM.run(work, ["--out", str(out), "--corpus", str(corpus), *CONF, *arguments])


def contents(folder: Path) -> dict:
    return {split: [(cut.id, text_of(cut), speaker_of(cut), cut.duration, cut.recording.sources[0].source)
                    for cut in read_cuts(folder / f"{split}.jsonl.gz")] for split in ("train", "dev", "test")}


def test_kaldi_folder_with_flaws_to_features_and_lm(data, tmp_path):
    pytest.importorskip("kaldifeat")
    corpus, cuts, lang, features, lm = (tmp_path / n for n in ("corpus", "cuts", "lang", "features", "lm"))
    assert prepare(corpus, data) == 0
    assert do(validate_data, cuts, "--corpus", corpus, *CONF, "data.max_rejected_share=0.2") == 0
    lines = (cuts / "rejected_train.tsv").read_text().splitlines()
    reasons = {line.split("\t")[0]: line for line in lines if "flaw" in line}
    assert reasons.keys() == FLAWS.keys()
    for name, reason in (("anna-flaw1", "empty"), ("ben-flaw2", "missing"), ("cleo-flaw3", "oov")):
        assert reason in reasons[name]
    train = cuts / "train.jsonl.gz"
    kept = read_cuts(train)
    assert len(kept) == 16 and text_of(kept[1]) == "xyzzy two four"  # one unknown word of three is no reason
    assert "xyzzy" in (cuts / "report.txt").read_text()
    assert do(prepare_lang, lang, "--lexicon", corpus / "lexicon.txt", "--text", train, *CONF) == 0
    assert read_lang(lang).word_ids(text_of(kept[1]))[1] == ["xyzzy"]
    assert do(compute_features, features, "--cuts", cuts, "--split", "train", *CONF,
              "features.num_mel_bins=23") == 0
    reader = FeatureReader(features)
    assert reader.dim == 23 and len(reader.ids) == 3 * 16 and reader.sampling_rate == 8000
    assert do(train_ngram, lm, "--text", train, "--dev", cuts / "dev.jsonl.gz", "--lang", lang) == 0
    words = read_arpa(lm / "lm.arpa")[0].words
    assert {line.split()[0] for line in LEXICON} <= set(words) and "xyzzy" not in words


def test_what_pipes_gave_is_no_recording_of_others(data, tmp_path, capsys):
    """It lies in the folder that the stage makes, and nowhere before."""
    scp = data / "dev/wav.scp"
    scp.write_text("".join(line.replace(" ", f" cat '{data}'/", 1) + " |\n" for line in scp.read_text().splitlines()))
    assert prepare(tmp_path / "corpus", data) == prepare(tmp_path / "corpus", data) == 0
    assert "up to date" in capsys.readouterr().out
    assert all((tmp_path / "corpus") in path.parents and path.exists()
               for path in source_files(read_cuts(tmp_path / "corpus/dev.jsonl.gz")))


def test_lhotse_manifests_give_the_same(data, tmp_path):
    first, manifests, second = tmp_path / "first", tmp_path / "manifests", tmp_path / "second"
    assert prepare(first, data) == 0
    manifests.mkdir()
    for split in ("train", "dev", "test"):
        (first / f"{split}.jsonl.gz").rename(manifests / f"mine_cuts_{split}.jsonl.gz")
    assert find_data(manifests).form == "lhotse"
    assert prepare(second, manifests) == 0
    assert prepare(first, data) == 0  # lost files are made again
    assert contents(first) == contents(second) and len(contents(first)["train"]) == 19


def test_a_data_directory_that_is_called_data_is_training_data(data, tmp_path):
    (tmp_path / "other").mkdir()
    (data / "train").rename(tmp_path / "other/data")
    assert find_data(tmp_path / "other") == ("kaldi", tmp_path / "other/data", ["train"])


def test_a_test_set_that_nobody_transcribed_is_left_aside(data, tmp_path, capsys):
    write_split(data, "eval_blind", ["gus"], 3)
    (data / "eval_blind/text").unlink()
    assert prepare(tmp_path / "corpus", data) == 0
    assert ("without transcripts, so no test sets: eval_blind (tools.transcribe says what is said there)"
            in capsys.readouterr().err)
    assert sorted(path.name for path in (tmp_path / "corpus").glob("*.jsonl.gz")) == [
        "dev.jsonl.gz", "test.jsonl.gz", "train.jsonl.gz"]
    assert prepare(tmp_path / "asked", data, "corpus.splits=train,dev,test=eval_blind") == 2
    assert "eval_blind/text: expected a file of a Kaldi data directory, found none" in capsys.readouterr().err


def test_the_same_of_lhotse_manifests(data, tmp_path, capsys):
    first, manifests = tmp_path / "first", tmp_path / "manifests"
    assert prepare(first, data) == 0
    manifests.mkdir()
    for split in ("train", "dev", "test"):
        (first / f"{split}.jsonl.gz").rename(manifests / f"cuts_{split}.jsonl.gz")
    cuts = read_cuts(manifests / "cuts_test.jsonl.gz")
    for name, supervisions in (("eval1", []), ("eval2", [fastcopy(cuts[0].supervisions[0], text=" ")]),
                               ("eval3", cuts[0].supervisions)):
        write_cuts(manifests / f"cuts_{name}.jsonl.gz", [fastcopy(cuts[0], supervisions=supervisions)])
    assert prepare(tmp_path / "second", manifests) == 0
    assert "no test sets: eval1, eval2 (" in capsys.readouterr().err
    assert {path.name.split(".")[0] for path in (tmp_path / "second").glob("*.jsonl.gz")} == {
        "train", "dev", "test", "eval3"}


def lay_beside(folder: Path, names, text="one two") -> None:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_noise(folder / f"{name}.wav", seconds=0.3, rate=8000, seed=seed)
        if text:
            (folder / f"{name}.txt").write_text(text)


def test_audio_with_transcripts_beside_it(tmp_path, capsys):
    data = tmp_path / "mine"
    lay_beside(data / "train", [f"anna/{n}" for n in "123"])
    lay_beside(data / "test_far", ["4", "5"], "two")
    lay_beside(data / "eval_blind", ["6"], None)
    lay_beside(data / "spare", ["7"])
    (data / "lexicon.txt").write_text("".join(LEXICON))
    assert find_data(data) == ("texts", data, ["spare", "test_far", "train"])
    assert prepare(tmp_path / "corpus", data) == 0
    err = capsys.readouterr().err
    assert "no test sets: eval_blind (" in err and "WARNING left aside: spare (" in err  # it may be dev
    found = {name: [(cut.id, text_of(cut), speaker_of(cut)) for cut in read_cuts(tmp_path / f"corpus/{name}.jsonl.gz")]
             for name in ("train", "dev", "test_far")}
    assert sorted(found["train"] + found["dev"]) == [(n, "one two", "anna") for n in "123"]
    assert found["test_far"] == [("4", "two", ""), ("5", "two", "")]
    assert (tmp_path / "corpus/lexicon.txt").exists()
    assert prepare(tmp_path / "corpus", data) == 0 and "up to date" in capsys.readouterr().out
    (data / "train/anna/1.txt").write_text("two one")
    assert prepare(tmp_path / "corpus", data) == 0 and "1.txt changed" in capsys.readouterr().err


def test_a_folder_of_speakers_is_training_data(tmp_path):
    speakers = ("anna", "ben", "cleo", "dan")
    lay_beside(tmp_path / "mine/data", [f"{speaker}/{n}" for speaker in speakers for n in range(4)])
    assert find_data(tmp_path / "mine") == ("texts", tmp_path / "mine/data", ["train"])
    out = tmp_path / "corpus"
    assert prepare(out, tmp_path / "mine", "corpus.dev_share=0.3", "corpus.test_share=0.3") == 0
    assert {split: len(cuts) for split, cuts in contents(out).items()} == {"train": 8, "dev": 4, "test": 4}
    assert len({speaker for cuts in contents(out).values() for _, _, speaker, _, _ in cuts}) == 4


def test_splits_of_other_names_are_asked_for(tmp_path, capsys):
    lay_beside(tmp_path / "mine", ["big/1", "big/2", "small/3"])
    assert prepare(tmp_path / "corpus", tmp_path / "mine", "corpus.splits=train=big,test=small",
                   "corpus.dev_share=0.5") == 0
    assert [len(cuts) for cuts in contents(tmp_path / "corpus").values()] == [1, 1, 1]
    assert prepare(tmp_path / "other", tmp_path / "mine", "corpus.splits=train=huge") == 2
    assert "expected huge, found big, small" in capsys.readouterr().err


def test_one_data_directory_is_split_by_speakers(data, tmp_path):
    (data / "local/dict").mkdir(parents=True)
    (data / "lexicon.txt").rename(data / "train/lexiconp.txt")
    out = tmp_path / "corpus"
    assert prepare(out, data / "train", "corpus.dev_share=0.25", "corpus.test_share=0.3") == 0
    speakers = [{speaker for _, _, speaker, _, _ in cuts} for cuts in contents(out).values()]
    assert set.union(*speakers) == {"anna", "ben", "cleo", "dan"}
    assert sum(map(len, speakers)) == 4 and all(speakers)
    assert (out / "lexiconp.txt").exists()


def test_a_speaker_with_most_of_the_data_is_not_held_out(tmp_path, capsys):
    """Of 72 %, as a corpus of three had: utterances of all are held out instead."""
    write_split(tmp_path / "my", "train", ["anna"], 72)
    rows = {}
    for speaker, count in (("ben", 14), ("cleo", 14)):
        write_split(tmp_path / speaker, "train", [speaker], count)
        for name in ("text", "utt2spk", "wav.scp"):
            rows[name] = rows.get(name, "") + (tmp_path / speaker / "train" / name).read_text().replace(
                "wav/", f"{tmp_path}/{speaker}/wav/")
    for name, text in rows.items():
        with open(tmp_path / "my/train" / name, "a") as stream:
            stream.write(text)
    assert prepare(tmp_path / "corpus", tmp_path / "my") == 0
    sizes = {split: len(cuts) for split, cuts in contents(tmp_path / "corpus").items()}
    assert sizes == {"train": 90, "dev": 5, "test": 5}
    said = capsys.readouterr().err
    assert "no dev, held out of train: 5 of 100 utterances (5.0%), of speakers that train has, too" in said


@pytest.mark.parametrize("number, message", [
    (0, "wav.scp: expected at least one line, found none"),
    (1, "split dev: expected data of its own, or at least 2 utterances of train to divide"),
    (2, "split test: expected data of its own, or at least 2 utterances of train")])
def test_too_few_utterances_to_divide(tmp_path, capsys, number, message):
    write_split(tmp_path / "my", "train", ["anna"], number)
    assert prepare(tmp_path / "corpus", tmp_path / "my") == 2
    assert message in capsys.readouterr().err


def test_splits_by_other_names(data, tmp_path, capsys):
    (data / "train").rename(data / "train_clean")
    assert prepare(tmp_path / "corpus", data) == 2
    assert "corpus.splits=train=" in capsys.readouterr().err
    assert prepare(tmp_path / "corpus", data, "corpus.splits=train=train_clean,dev,test=eval1") == 2
    assert "eval1" in capsys.readouterr().err
    assert prepare(tmp_path / "corpus", data, "corpus.splits=train=train_clean,dev=test,test=dev") == 0
    assert {row[2] for row in contents(tmp_path / "corpus")["dev"]} == {"fay"}


def test_all_sets_that_are_called_so_are_test_sets(data, tmp_path, capsys):
    """But what Kaldi derives from them, and what no stage could name a folder after."""
    for name in ("eval_noisy", "test_hires", "train_sp", "spaced"):
        write_split(data, name, ["gus"], 2)
    (data / "spaced").rename(data / "test set")
    corpus = tmp_path / "corpus"
    assert prepare(corpus, data) == 0
    assert {path.name for path in corpus.glob("*.jsonl.gz")} == {
        f"{name}.jsonl.gz" for name in ("train", "dev", "test", "eval_noisy")}
    assert "INFO left aside: test set, test_hires, train_sp (corpus.splits" in capsys.readouterr().err
    shutil.rmtree(data / "test")
    assert prepare(corpus, data) == 0 and not (corpus / "test.jsonl.gz").exists()  # none is held out: one is there
    assert prepare(corpus, data, "corpus.splits=train,dev,later=test set") == 0
    assert {path.name for path in corpus.glob("*.jsonl.gz")} == {
        f"{name}.jsonl.gz" for name in ("train", "dev", "later")}
    assert "INFO left aside: eval_noisy, " in capsys.readouterr().err
    assert prepare(corpus, data, "corpus.splits=train,dev") == 0
    assert "WARNING left aside: eval_noisy, " in capsys.readouterr().err  # one of them may be test
    assert prepare(corpus, data, "corpus.splits=train,dev,test set") == 2
    assert "option corpus.splits: expected names of letters" in capsys.readouterr().err


@pytest.mark.parametrize("files, expected", [
    ((), "test"), (("train", "dev"), "test"), (("dev", "test", "train"), "test"),
    (("dev", "eval1", "later", "test_b", "train", "train_sp"), "eval1 later test_b train_sp")])
def test_the_test_sets_of_a_corpus(tmp_path, files, expected):
    for name in files:
        (tmp_path / f"{name}.jsonl.gz").touch()
    done = subprocess.run(["bash", "-c", '. "$1"; test_sets "$2"', "bash", str(ROOT / "tools/recipe/stages.sh"),
                           str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == expected.split()


def test_nothing_to_import_says_what_is_wanted(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="wav.scp"):
        find_data(tmp_path / "empty")
    assert PROGRAM.run(work, ["--out", str(tmp_path / "out"), *CONF]) == 2
    assert "egs/custom/README.md" in capsys.readouterr().err


def test_conf_is_accepted():
    assert options_of(ROOT / "egs/custom/conf/default.conf", CorpusOptions)["corpus"] == CorpusOptions()


@pytest.mark.parametrize("hours, name", [(0, "0"), (0.19, "0"), (0.2, "0.2"), (3.5, "2"), (39.9, "8"), (1000, "40")])
def test_the_table_for_the_hours(hours, name):
    path, _ = choose.choose(BY_HOURS, hours)
    assert path.name == f"{name}.conf"
    assert {"ctc", "dnn", "am", "am.tdnn", "am.tri_tdnn", "am.blstm", "am.conformer", "am.words", "tree", "lang.words",
            "e2e", "e2e.joint"} == read_config([path]).conf.keys()
    chosen = options_of(ROOT / "egs/custom/conf/default.conf", CorpusOptions, path)
    assert chosen["ctc"].epochs < 20 and chosen["lang.words"].word_phones > 0
    assert chosen["am.tri_tdnn"].arch == chosen["am.tdnn"].arch
    assert chosen["am.words"].arch == chosen["am.conformer"].arch
    assert chosen["e2e"].encoder_dim == chosen["e2e"].arch.hidden_dim == chosen["am.conformer"].arch.hidden_dim


def test_what_is_chosen_is_said_and_written(data, tmp_path, capsys):
    assert prepare(tmp_path / "corpus", data) == 0
    out = tmp_path / "chosen"
    assert do(choose, out, "--cuts", tmp_path / "corpus", "--tables", BY_HOURS) == 0
    said = capsys.readouterr().err
    assert "0.01 hours of training speech: options for 0 to 0.2 hours" in said and "[ctc] hidden_dim=128 " in said
    assert (out / "options.conf").read_bytes() == (BY_HOURS / "0.conf").read_bytes()
    assert do(choose, tmp_path / "spelled", "--cuts", tmp_path / "corpus", "--tables", BY_HOURS, "--spelled") == 0
    spelled = read_config([tmp_path / "spelled/options.conf"]).conf
    assert spelled.pop("lang") == {"unit": "grapheme"} and spelled == read_config([BY_HOURS / "0.conf"]).conf
    (tmp_path / "tables").mkdir()
    for names, said in (((), "0.conf, found none"), (("1.conf",), "0.conf, found 1.conf"), (("x.conf",), "HOURS.conf")):
        for name in names:
            (tmp_path / "tables" / name).touch()
        assert do(choose, out, "--cuts", tmp_path / "corpus", "--tables", tmp_path / "tables") == 2
        assert said in capsys.readouterr().err


def test_graphemes_for_lack_of_a_lexicon(data, tmp_path):
    (data / "lexicon.txt").unlink()
    corpus, lang, lm = (tmp_path / name for name in ("corpus", "lang", "lm"))
    train = corpus / "train.jsonl.gz"
    assert prepare(corpus, data) == 0
    assert do(prepare_lang, lang, "--text", train, *CONF, "lang.unit=grapheme") == 0
    made = read_lang(lang)
    assert {"o", "w", "z"} <= set(made.phones.symbols) and made.word_ids("xyzzy two")[1] == []
    assert do(train_ngram, lm, "--text", train, "--lang", lang) == 0
    assert "xyzzy" in read_arpa(lm / "lm.arpa")[0].words


def run_recipe(work_folder: Path, *arguments):
    done = subprocess.run(
        ["bash", str(ROOT / "egs/custom/run.sh"), "--work", str(work_folder), "--python", sys.executable,
         "--nj", "1", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=300,
        stdin=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_recipe_with_graphemes(data, tmp_path):
    """run.sh takes neither lexicon nor language model for granted."""
    pytest.importorskip("kaldifeat")
    (data / "lexicon.txt").unlink()
    status, said = run_recipe(tmp_path / "work", "--corpus", data, "--stop-stage", "4",
                              "data.max_rejected_share=0.2", "features.num_mel_bins=23")
    assert status == 0, said[-2000:]
    lang = read_lang(tmp_path / "work/lang")
    assert {"o", "w", "z"} <= set(lang.phones.symbols) and "xyzzy" in lang.lexicon
    assert (tmp_path / "work/exp/lm/lm.arpa").exists()
    assert FeatureReader(tmp_path / "work/features/test").dim == 23
