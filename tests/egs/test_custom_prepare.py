"""Data of one's own: what is found where, which split is which, and what is taken along or held out."""

import gzip

import pytest

from egs.custom.prepare import EXPECTED, PROGRAM, CorpusOptions, Found, choose_splits, find_data, first_file, work
from graphs.errors import InputError
from graphs.lang.lexicon import Lexicon
from hybrid.data.manifest import read_cuts
from tests.egs.test_custom import LEXICON, contents, prepare, write_split
from tests.hybrid.data.test_kaldi_dir import write_dir

ARPA = "\\data\\\nngram 1=3\n\n\\1-grams:\n-1 <s>\n-1 </s>\n-1 one\n\n\\end\\\n"


def plant(folder, files):
    for name in files.split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("files, form, place, names", [
    ("wav.scp text", "kaldi", ".", ["train"]), ("wav.scp dev/wav.scp", "kaldi", ".", ["train"]),
    ("b/wav.scp a/wav.scp c/text cuts_d.jsonl.gz data/e/wav.scp", "kaldi", ".", ["a", "b"]),
    ("data/b/wav.scp data/a/wav.scp local/x", "kaldi", "data", ["a", "b"]),
    ("cuts_b.jsonl.gz mine_cuts_a.jsonl.gz data/c/wav.scp", "lhotse", ".", ["a", "b"]),
    ("text data/recordings_b.jsonl.gz data/supervisions_b.jsonl.gz data/a.jsonl", "lhotse", "data", ["a", "b"])])
def test_data_is_found_in_the_folder_before_that_in_data_and_kaldis_before_lhotses(tmp_path, files, form, place, names):
    assert find_data(plant(tmp_path, files)) == (form, tmp_path / place, names)


@pytest.mark.parametrize("name, found", [("none", "no such folder"), ("file", "a file"), ("empty", "neither")])
def test_where_there_is_no_data_the_message_says_what_should_be(tmp_path, name, found):
    plant(tmp_path, "file empty/data/text")
    with pytest.raises(InputError) as caught:
        find_data(tmp_path / name)
    assert str(caught.value) == f"--corpus {tmp_path / name}: expected {EXPECTED}, found {found}"


@pytest.mark.parametrize("names, wanted, splits", [
    ("dev test test_hires train train_sp", None, {name: name for name in ("dev", "test", "train")}),
    ("eval92 test-clean test_hires.b train trainer", None,
     {name: name for name in ("eval92", "test-clean", "test_hires.b", "train")}),
    ("train", None, {"train": "train"}), ("dev t train", "train", {"train": "train"}),
    ("a b c", "train=a,test.1=c,dev=b", {"train": "a", "test.1": "c", "dev": "b"}),
    ("a b c", "train=a,dev=a", {"train": "a", "dev": "a"})])
def test_train_dev_and_tests_are_taken_or_what_is_named(tmp_path, names, wanted, splits):
    assert choose_splits(Found("kaldi", tmp_path, names.split()), wanted) == splits


@pytest.mark.parametrize("names, wanted, expected, found", [
    ("a b", None, "a split train", "a, b. Say which is which, as corpus.splits=train=a"),
    ("a b", "dev=a", "a split train", "a, b. Say which is which, as corpus.splits=train=a"),
    ("dev test trainer", None, "a split train", "dev, test, trainer. Say which is which, as "
     "corpus.splits=train=trainer,dev,test"),
    ("dev other", None, "a split train", "dev, other. Say which is which, as corpus.splits=train=other,dev"),
    ("c b", "train=b,dev=x,test=y", "x, y", "c, b. Say which is which, as corpus.splits=train=c"),
    ("b", "train=b,", "different names, `NAME` or `NAME=SOURCE`", "'train=b,'"),
    ("b", "train=b,my set=b", "names of letters, digits and . _ -, as in `test=my set`", "my set"),
    ("b", "train=b,a/b=b", "names of letters, digits and . _ -, as in `test=my set`", "a/b")])
def test_a_split_that_is_not_there_or_cannot_name_a_folder_is_an_error(tmp_path, names, wanted, expected, found):
    item = "option corpus.splits" if expected.startswith(("names", "different")) else str(tmp_path)
    with pytest.raises(InputError) as caught:
        choose_splits(Found("kaldi", tmp_path, names.split()), wanted)
    assert str(caught.value) == f"{item}: expected {expected}, found {found}"


@pytest.mark.parametrize("name, value, expected", [
    ("dev_share", 0.0, "a share between 0 and 1"), ("dev_share", 1.0, "a share between 0 and 1"),
    ("test_share", 0.0, "a share between 0 and 1"), ("test_share", 1.0, "a share between 0 and 1"),
    ("max_failed_share", -0.01, "0 to 1"), ("max_failed_share", 1.01, "0 to 1")])
def test_shares_have_their_limits(name, value, expected):
    for inside in (0.01, 0.99) if name != "max_failed_share" else (0.0, 1.0):
        assert getattr(CorpusOptions(**{name: inside}), name) == inside
    with pytest.raises(ValueError) as caught:
        CorpusOptions(**{name: value})
    assert str(caught.value) == f"{name}: expected {expected}, found {value}"


def test_the_first_folder_that_has_one_of_the_files_gives_the_first_of_them(tmp_path):
    plant(tmp_path, "b/two c/one c/two d/one/file")
    assert first_file(["one", "two"], [tmp_path / name for name in "adbc"]) == tmp_path / "b/two"
    assert first_file(["one", "two"], [tmp_path / name for name in "acb"]) == tmp_path / "c/one"
    assert first_file(["one"], [tmp_path / name for name in "ab"]) is None


def test_lexicon_and_model_are_taken_from_the_corpus_its_data_or_their_local_dict(tmp_path, capsys):
    corpus, out = tmp_path / "my", tmp_path / "out"
    for split in ("train", "dev", "test"):
        write_split(corpus / "data", split, ["anna"], 1)
    assert prepare(out, corpus) == 0
    said = capsys.readouterr().err
    assert "WARNING no lexicon.txt: pronunciations are spellings (or pieces" in said
    assert "INFO no lm.arpa: a trigram of the training transcripts takes its place\n" in said
    assert f"INFO {corpus}/data: kaldi, dev=dev,test=test,train=train\n" in said and "left aside" not in said
    assert not [*out.glob("lexicon*"), *out.glob("lm*")]
    for number, place in enumerate(("data/local/dict", "local/dict", "data", "."), 2):
        (corpus / place).mkdir(parents=True, exist_ok=True)
        (corpus / place / "lexicon.txt").write_text(f"one {'W ' * number}\n")
        (corpus / place / "lm.arpa").write_text(ARPA.replace("-1 one", f"-{number} one"))
        assert prepare(out, corpus) == 0
        assert (out / "lexicon.txt").read_text() == f"one {'W ' * number}\n", place
        assert f"-{number} one" in (out / "lm.arpa").read_text(), place
    said = capsys.readouterr().err
    assert "no lexicon.txt" not in said and "no lm.arpa" not in said


@pytest.mark.parametrize("name", ["lexicon.txt", "lexiconp.txt"])
def test_a_lexicon_may_be_compressed(tmp_path, capsys, name):
    for split in ("train", "dev", "test"):
        write_split(tmp_path / "my", split, ["anna"], 1)
    (tmp_path / "my" / f"{name}.gz").write_bytes(gzip.compress(b"one 1 W\n"))
    assert prepare(tmp_path / "out", tmp_path / "my") == 0
    assert "no lexicon.txt" not in capsys.readouterr().err
    assert Lexicon.read(tmp_path / "out" / name).words == ["one"]


def test_utterances_without_a_speaker_where_others_have_one_are_told(tmp_path, capsys):
    for split in ("train", "dev", "test"):
        write_split(tmp_path / "my", split, ["anna"], 5)
    speakers = tmp_path / "my/train/utt2spk"
    lines = speakers.read_text().splitlines(keepends=True)
    speakers.write_text(lines[0])
    (tmp_path / "my/test/utt2spk").unlink()
    assert prepare(tmp_path / "out", tmp_path / "my") == 0
    said = capsys.readouterr().err
    names = ", ".join(line.split()[0] for line in lines[1:4])
    assert f"WARNING train: 4 of 5 utterances have no line in utt2spk, so no speaker ({names}, ...)\n" in said
    assert said.count("utt2spk") == 1
    speakers.write_text("".join(lines[:4]))
    assert prepare(tmp_path / "out", tmp_path / "my") == 0
    assert f"train: 1 of 5 utterances have no line in utt2spk, so no speaker ({lines[4].split()[0]})\n" in (
        capsys.readouterr().err)


def test_what_lacks_is_held_out_dev_first_and_the_seed_says_what(tmp_path, capsys):
    corpus, made = tmp_path / "my", []
    write_split(corpus, "train", ["anna"], 20)
    for seed in (0, 1):
        assert prepare(tmp_path / "out", corpus, "corpus.dev_share=0.25", "corpus.test_share=0.2",
                       f"corpus.seed={seed}") == 0
        said = capsys.readouterr().err
        for split, sizes in (("dev", "5 of 20 utterances (25.0%)"), ("test", "3 of 15 utterances (20.0%)")):
            assert f"INFO no {split}, held out of train: {sizes}, of all speakers, since there are 1\n" in said
        made.append({split: {row[0] for row in rows} for split, rows in contents(tmp_path / "out").items()})
        assert {split: len(ids) for split, ids in made[-1].items()} == {"train": 12, "dev": 5, "test": 3}
        assert len(set.union(*made[-1].values())) == 20
    assert made[0]["dev"] != made[1]["dev"] and made[0]["test"] != made[1]["test"]


@pytest.mark.parametrize("there, lacking, sizes", [
    ("dev", "test", {"train": 9, "dev": 2, "test": 1}), ("eval", "dev", {"train": 9, "dev": 1, "eval": 2})])
def test_what_is_there_stays_as_it_is(tmp_path, capsys, there, lacking, sizes):
    write_split(tmp_path / "my", "train", ["anna"], 10)
    write_split(tmp_path / "my", there, ["ben"], 2)
    assert prepare(tmp_path / "out", tmp_path / "my") == 0
    assert {path.name.split(".")[0]: len(read_cuts(path)) for path in (tmp_path / "out").glob("*.jsonl.gz")} == sizes
    said = capsys.readouterr().err
    assert f"no {lacking}, held out of train: 1 of 10 utterances (10.0%)" in said and f"no {there}," not in said


def test_audio_paths_begin_at_the_root_and_so_many_may_lack_a_transcript(tmp_path, capsys):
    write_split(tmp_path / "audio", "unused", ["anna"], 4)
    names = sorted(path.stem for path in (tmp_path / "audio/wav").glob("*.wav"))
    corpus = tmp_path / "far/away/my"
    for split, mine in (("train", names[:2]), ("dev", names[2:3]), ("test", names[3:])):
        write_dir(corpus / split, wav_scp=[f"{name} wav/{name}.wav" for name in mine],
                  text=[f"{name} one" for name in mine[:1]])
    arguments = ["corpus.root=" + str(tmp_path / "audio")]
    assert prepare(tmp_path / "out", corpus, *arguments) == 2
    assert "1 of 4 items failed, more than the allowed share of 5%" in capsys.readouterr().err
    assert prepare(tmp_path / "out", corpus, *arguments, "corpus.max_failed_share=0.25") == 0
    assert [(row[0], row[4]) for rows in contents(tmp_path / "out").values() for row in rows] == [
        (name, str(tmp_path / f"audio/wav/{name}.wav")) for name in (names[0], *names[2:])]


def test_without_data_the_program_says_what_it_wants(tmp_path, capsys):
    for arguments, message in (([], f"--corpus: expected your own data: {EXPECTED}, found none\n"), (
            ["--corpus", str(tmp_path / "none")],
            f"--corpus {tmp_path}/none: expected {EXPECTED}, found no such folder\n")):
        assert PROGRAM.run(work, ["--out", str(tmp_path / "out"), *arguments]) == 2
        assert message in capsys.readouterr().err


def test_a_damaged_language_model_is_told_at_once(tmp_path, capsys):
    for split in ("train", "dev", "test"):
        write_split(tmp_path / "my", split, ["anna"], 1)
    (tmp_path / "my/lm.arpa").write_text(ARPA.replace("-1 one", "one"))
    (tmp_path / "my/lexicon.txt").write_text("".join(LEXICON))
    assert prepare(tmp_path / "out", tmp_path / "my") == 2
    assert f"{tmp_path}/my/lm.arpa:" in capsys.readouterr().err
