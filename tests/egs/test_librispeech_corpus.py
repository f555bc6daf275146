"""What is found, downloaded and read of LibriSpeech, part by part."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from egs.librispeech import corpus as librispeech
from egs.librispeech.prepare import PROGRAM, CorpusOptions, work
from graphs.errors import InputError
from hybrid.data.manifest import read_cuts, speaker_of
from hybrid.outcomes import Outcomes
from tests.egs.test_librispeech import ARPA, LEXICON

GET = "and give the folder LibriSpeech as --corpus"


def write_chapter(folder, name, numbers, silent=(), unnamed=()):
    """A chapter of a speaker with utterances of those numbers; silent: those without audio; unnamed: without text."""
    place = folder / name.replace("-", "/")
    place.mkdir(parents=True)
    lines = "".join(f"{name}-{number:04d} HELLO\tWORLD  {number}\n" for number in numbers)
    (place / f"{name}.trans.txt").write_text(lines)
    for number in {*numbers, *unnamed} - set(silent):
        soundfile.write(str(place / f"{name}-{number:04d}.flac"), np.zeros(800 + number), 16000)
    return folder


def test_the_numbers_of_utterances_that_the_distribution_has():
    parts = librispeech.UTTERANCES
    assert sum(parts[part] for part in parts if part.startswith("train-") and part != "train-clean-5") == 281241
    assert [parts[part] for part in ("train-clean-100", "train-clean-360", "train-other-500")] == [
        28539, 104014, 148688]
    assert [parts[part] for part in ("dev-clean", "dev-other", "test-clean", "test-other")] == [2703, 2864, 2620, 2939]
    assert [parts[part] for part in librispeech.MINI] == [1519, 1089] and len(parts) == 9


@pytest.mark.parametrize("part", librispeech.UTTERANCES)
def test_each_part_has_its_address(part):
    number = {"train-clean-5": 31, "dev-clean-2": 31}.get(part, 12)
    url = f"https://www.openslr.org/resources/{number}/{part}.tar.gz"
    assert librispeech.url_of_part(part) == url
    assert librispeech.how_to_get([part, part]) == f"Get {url}, {url}, unpack, {GET}"
    assert librispeech.url_of_resource(part) == f"https://www.openslr.org/resources/11/{part}"


def test_a_part_that_there_is_not_is_named_with_those_that_there_are(tmp_path):
    for find in (librispeech.url_of_part, lambda part: librispeech.download(tmp_path / "none", ["dev-clean", part])):
        with pytest.raises(InputError) as caught:
            find("dev-tidy")
        assert str(caught.value) == (f"LibriSpeech part dev-tidy: expected one of {', '.join(librispeech.UTTERANCES)}, "
                                     "found 'dev-tidy'")
    assert not (tmp_path / "none").exists()


def test_the_folder_with_most_of_the_parts_is_taken_itself_before_the_one_in_it(tmp_path):
    parts = ("dev-clean", "test-clean")
    (tmp_path / "LibriSpeech/dev-clean").mkdir(parents=True)
    (tmp_path / "LibriSpeech/test-clean").touch()  # no folder
    (tmp_path / "music").mkdir()
    address = "https://www.openslr.org/resources/12"
    with pytest.raises(InputError) as caught:
        librispeech.find_corpus(tmp_path, parts)
    assert str(caught.value) == (
        f"--corpus {tmp_path}: expected the parts dev-clean, test-clean, found no test-clean beside dev-clean. "
        f"Get {address}/test-clean.tar.gz, unpack, {GET}")
    with pytest.raises(InputError) as caught:
        librispeech.find_corpus(tmp_path / "music", parts)
    assert str(caught.value) == (
        f"--corpus {tmp_path}/music: expected the parts dev-clean, test-clean, found no dev-clean, test-clean beside "
        f"nothing. Get {address}/dev-clean.tar.gz, {address}/test-clean.tar.gz, unpack, {GET}")
    for number in range(13):
        (tmp_path / f"music/{number:02d}").mkdir()
    with pytest.raises(InputError, match="beside 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 11. Get"):
        librispeech.find_corpus(tmp_path / "music", parts)
    assert librispeech.find_corpus(tmp_path, parts[:1]) == tmp_path / "LibriSpeech"
    (tmp_path / "dev-clean").mkdir()
    assert librispeech.find_corpus(tmp_path, parts[:1]) == tmp_path
    (tmp_path / "LibriSpeech/test-clean").unlink()
    (tmp_path / "LibriSpeech/test-clean").mkdir()
    assert librispeech.find_corpus(tmp_path, parts) == tmp_path / "LibriSpeech"


def test_a_resource_may_be_unpacked_and_the_first_folder_wins(tmp_path):
    for name in ("b/lm.arpa", "c/lm.arpa.gz", "c/lm.arpa", "d/lm.arpa.gz/x", "e/words.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name, folders, found in (
            ("lm.arpa.gz", "abc", "b/lm.arpa"), ("lm.arpa.gz", "cb", "c/lm.arpa.gz"), ("lm.arpa", "dcb", "c/lm.arpa"),
            ("lm.arpa.gz", "ad", None), ("words.txt", "e", "e/words.txt"), ("words.txt.gz", "e", "e/words.txt"),
            ("words", "e", None), ("words.txt", "", None)):
        path = librispeech.find_resource(name, [tmp_path / folder for folder in folders])
        assert path == (found and tmp_path / found), (name, folders)


def test_a_resource_has_its_name_when_it_is_whole(tmp_path, monkeypatch):
    (tmp_path / "server/11").mkdir(parents=True)
    (tmp_path / "server/11/lm.arpa").write_text(ARPA)
    monkeypatch.setattr(librispeech, "SERVER", (tmp_path / "server").as_uri())
    folder = tmp_path / "a/b"
    assert librispeech.download_resource("lm.arpa", folder) == folder / "lm.arpa"
    assert librispeech.download_resource("lm.arpa", folder).read_text() == ARPA  # again, into the same folder
    with pytest.raises(InputError) as caught:
        librispeech.download_resource("none", folder)
    url = librispeech.url_of_resource("none")
    assert str(caught.value).startswith(
        f"none: expected it in --corpus or in {folder}, or a download from openslr.org to succeed, found URLError: ")
    assert str(caught.value).endswith(f". Get {url} and put it into --corpus or {folder}")
    assert not (folder / "none").exists()
    with pytest.raises(InputError) as caught:
        librispeech.download(folder, ["dev-clean-2"])
    assert str(caught.value).startswith(
        "LibriSpeech without --corpus: expected a download from openslr.org to succeed, found URLError: ")
    assert str(caught.value).endswith(f". Get {librispeech.SERVER}/31/dev-clean-2.tar.gz, unpack, {GET}")


def test_sexes_are_read_from_the_table_of_speakers(tmp_path):
    path = tmp_path / "SPEAKERS.TXT"
    assert librispeech.read_genders(path) == {}
    path.write_text("; a | comment\n;ID  |SEX| SUBSET\n14   | F | train-clean-360  | 25.03 | Kristin\n\n"
                    "16|M\n  17 |m| dev-clean | 8.1 | A | B\nodd line\n")
    assert librispeech.read_genders(path) == {"14": "f", "16": "m", "17": "m"}


@pytest.mark.parametrize("nj", [1, 2])
def test_a_part_is_read_in_the_order_of_chapters_and_lines(tmp_path, monkeypatch, nj):
    part = tmp_path / "dev-clean"
    for name, numbers in (("84-2", [1, 0]), ("84-1", [3]), ("251-9", [0])):
        write_chapter(part, name, numbers, silent=[3], unnamed=[5] if name == "251-9" else [])
    (part / "251/9/notes.flac.txt").touch()
    (tmp_path / "SPEAKERS.TXT").write_text("84 | F | dev-clean\n")
    monkeypatch.chdir(tmp_path)
    outcomes = Outcomes()
    cuts = librispeech.read_part(Path("dev-clean"), outcomes, nj)
    assert [(cut.id, cut.recording.num_samples, speaker_of(cut), cut.supervisions[0].gender) for cut in cuts] == [
        ("251-9-0000", 800, "251", None), ("84-1-0003", 0, "84", "f"),
        ("84-2-0001", 801, "84", "f"), ("84-2-0000", 800, "84", "f")]
    assert [cut.supervisions[0].text for cut in cuts] == [f"HELLO WORLD {number}" for number in (0, 3, 1, 0)]
    assert {cut.supervisions[0].language for cut in cuts} == {"English"}
    assert {cut.id: cut.recording.sources[0].source for cut in cuts} == {
        cut.id: f"{part}/{cut.id.rpartition('-')[0].replace('-', '/')}/{cut.id}.flac" for cut in cuts}
    assert {cut.id for cut in cuts} == {cut.recording_id for cut in cuts}
    assert outcomes.counts == {"done": 4, "failed": 1}
    assert outcomes.notable == {"251-9-0005": ("failed", "no line in the transcripts of its chapter")}


def test_a_part_without_a_transcript_is_an_error(tmp_path):
    write_chapter(tmp_path, "84-2", [0])
    (tmp_path / "84/2/84-2.trans.txt").rename(tmp_path / "84/84-2.trans.txt")
    with pytest.raises(InputError) as caught:
        librispeech.read_part(tmp_path, Outcomes())
    assert str(caught.value) == f"{tmp_path}: expected SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt, found none"


# ---- the options and the program


@pytest.mark.parametrize("options, message", [
    ({"train": ()}, "train and dev: expected a part each"), ({"dev": ()}, "train and dev: expected a part each"),
    ({"train": ("a", "b"), "dev": ("b",), "test": ()}, "train, dev and test: expected different parts, found a, b, b"),
    ({"test": ("test-clean", "dev-other")}, "test: expected parts named test..., found test-clean, dev-other"),
    ({"train": ("a",), "test": ("test", "test")},
     "train, dev and test: expected different parts, found a, dev-clean, test, test"),
    ({"test_share": 0.0}, "test_share: expected a share between 0 and 1, found 0.0"),
    ({"test_share": 1.0}, "test_share: expected a share between 0 and 1, found 1.0")])
def test_options_that_cannot_be(options, message):
    with pytest.raises(ValueError) as caught:
        CorpusOptions(**options)
    assert str(caught.value) == message


def test_parts_are_those_of_train_then_dev_then_test():
    assert CorpusOptions(train=("d", "c"), dev=("b", "a"), test=("test",), test_share=0.01).parts == (
        "d", "c", "b", "a", "test")
    assert CorpusOptions(test=(), test_share=0.99).parts == ("train-clean-100", "dev-clean")


@pytest.fixture
def corpus(tmp_path):
    """LibriSpeech with two parts to train on and one of six speakers to divide."""
    folder = tmp_path / "LibriSpeech"
    write_chapter(folder / "train-clean-5", "9-1", [0, 1])
    write_chapter(folder / "train-more", "10-1", range(3))
    for speaker in range(20, 26):
        write_chapter(folder / "dev-clean-2", f"{speaker}-1", range(2))
    (folder / librispeech.LEXICON).write_text(LEXICON)
    (tmp_path / "own.arpa").write_text(ARPA)
    return folder


def prepare(out, corpus, *arguments):
    return PROGRAM.run(work, ["--out", str(out), "--corpus", str(corpus), "--nj", "1", "corpus.dev=dev-clean-2",
                              "corpus.train=train-more,train-clean-5", "corpus.test=", "corpus.lm=own.arpa",
                              *arguments])


def test_parts_join_in_the_order_asked_for_and_dev_is_divided_by_speakers(corpus, tmp_path, capsys):
    out, chosen = tmp_path / "out", []
    for seed in range(3):
        assert prepare(out, corpus.parent, "corpus.test_share=0.34", f"corpus.seed={seed}") == 0
        cuts = {split: [cut.id for cut in read_cuts(out / f"{split}.jsonl.gz")] for split in ("train", "dev", "test")}
        assert cuts["train"] == ["10-1-0000", "10-1-0001", "10-1-0002", "9-1-0000", "9-1-0001"]
        assert {split: len(ids) for split, ids in cuts.items()} == {"train": 5, "dev": 8, "test": 4}
        chosen.append(sorted({name.split("-")[0] for name in cuts["test"]}))
        assert not {*chosen[-1]} & {name.split("-")[0] for name in cuts["dev"]}
        said = capsys.readouterr().err
        assert ("INFO test, of dev-clean-2: 4 of 12 utterances (33.3%), all of 2 of 6 speakers "
                f"({', '.join(chosen[-1])})\n") in said
        assert "WARNING train-clean-5: the distribution has 1519 utterances, here are 2\n" in said
        assert "train-more: the distribution" not in said  # of a part of one's own nobody knows
    assert len(set(map(tuple, chosen))) > 1
    assert (out / "lexicon.txt").read_text() == LEXICON and (out / "lm.arpa").read_text() == ARPA
    assert (out / "outcomes.tsv").read_text() == "item\toutcome\treason\n"


def test_one_of_twenty_may_lack_its_text_and_a_whole_part_is_not_warned_of(corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(librispeech.UTTERANCES, "train-clean-5", 4)
    monkeypatch.setitem(librispeech.UTTERANCES, "dev-clean-2", 13)
    place = corpus / "train-clean-5/9/1"
    with open(place / "9-1.trans.txt", "a") as stream:
        stream.write("9-1-0002 A\n9-1-0003\n")
    for number in range(2, 5):
        (place / f"9-1-{number:04d}.flac").write_bytes((place / "9-1-0000.flac").read_bytes())
    arguments = tmp_path / "out", corpus, "--download", str(corpus.parent)
    assert prepare(*arguments) == 0
    said = capsys.readouterr().err
    assert "WARNING dev-clean-2: the distribution has 13 utterances, here are 12\n" in said
    assert "train-clean-5: the distribution" not in said
    assert (tmp_path / "out/outcomes.tsv").read_text() == (
        "item\toutcome\treason\n9-1-0004\tfailed\tno line in the transcripts of its chapter\n")
    assert len(read_cuts(tmp_path / "out/train.jsonl.gz")) == 7
    transcripts = corpus / "train-more/10/1/10-1.trans.txt"
    transcripts.write_text(transcripts.read_text().split("\n", 1)[1])
    (transcripts.parent / "10-1-0000.flac").unlink()
    assert prepare(*arguments) == 2
    assert (f"LibriSpeech in {corpus}: 1 of 19 items failed, more than the allowed share of 5%"
            in capsys.readouterr().err)


def test_where_a_download_would_go_does_not_count_and_what_is_not_there_lacks_its_parts(corpus, tmp_path, capsys):
    out = tmp_path / "out"
    (tmp_path / "own.arpa").rename(corpus / "own.arpa")
    assert prepare(out, corpus) == prepare(out, corpus, "--download", str(tmp_path / "other")) == 0
    assert f"{out} is up to date" in capsys.readouterr().out
    assert prepare(tmp_path / "more", tmp_path / "none", "corpus.train=train-clean-5") == 2
    assert (f"--corpus {tmp_path}/none: expected the parts train-clean-5, dev-clean-2, found no train-clean-5, "
            "dev-clean-2 beside nothing. Get") in capsys.readouterr().err


def test_what_is_downloaded_lies_in_the_output_where_no_other_folder_is_named(corpus, tmp_path, monkeypatch):
    """And is read from where the output is, though its folder is reached by a link."""
    monkeypatch.setattr(librispeech, "SERVER", (tmp_path / "server").as_uri())
    (tmp_path / "server/11").mkdir(parents=True)
    (corpus / librispeech.LEXICON).rename(tmp_path / "server/11" / librispeech.LEXICON)
    (tmp_path / "own.arpa").rename(tmp_path / "server/11/own.arpa")
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    out = tmp_path / "link/out"

    def download(folder, parts):
        assert (folder / "own.arpa").exists() and parts == ("train-more", "train-clean-5", "dev-clean-2")
        corpus.rename(folder / "LibriSpeech")
        return folder / "LibriSpeech"

    monkeypatch.setattr(librispeech, "download", download)
    arguments = ["--out", str(out), "--nj", "1", "corpus.dev=dev-clean-2", "corpus.train=train-more,train-clean-5",
                 "corpus.test=", "corpus.lm=own.arpa"]
    assert PROGRAM.run(work, arguments) == 0
    for split in ("train", "dev", "test"):
        for cut in read_cuts(out / f"{split}.jsonl.gz"):
            path = Path(cut.recording.sources[0].source)
            assert path.exists() and out / "download/LibriSpeech" in path.parents
