"""The language models and the text of LibriSpeech that systems rescore with."""

import gzip

import pytest

from egs.librispeech import corpus as librispeech
from egs.librispeech import resource
from tests.egs.test_librispeech import ARPA
from tools.frame.records import read_record


def run(corpus, out, name, *arguments):
    return resource.PROGRAM.run(resource.work, [str(argument) for argument in (
        "--corpus", corpus, "--name", name, "--out", out, "--nj", 1, *arguments)])


def sentences(number):
    return "".join(f"SENTENCE {n}\n" for n in range(number))


def test_an_arpa_file_beside_the_corpus_or_in_it_is_taken(tmp_path):
    (tmp_path / "LibriSpeech").mkdir()
    (tmp_path / "4-gram.arpa").write_text(ARPA)
    (tmp_path / "LibriSpeech" / "3-gram.arpa.gz").write_bytes(gzip.compress(ARPA.encode()))
    assert run(tmp_path, tmp_path / "four", "4-gram.arpa.gz") == 0  # unpacked
    assert run(tmp_path, tmp_path / "three", "3-gram.arpa.gz") == 0
    assert (tmp_path / "four" / "lm.arpa").read_text() == ARPA
    assert gzip.decompress((tmp_path / "three" / "lm.arpa.gz").read_bytes()).decode() == ARPA


def test_where_it_is_looked_for_does_not_count_and_a_corpus_need_not_be_there(tmp_path, capsys):
    (tmp_path / "4-gram.arpa").write_text(ARPA)
    for folder in (tmp_path, tmp_path / "other"):
        assert run(tmp_path / "none", tmp_path / "out", "4-gram.arpa", "--download", folder) == 0
    assert f"{tmp_path}/out is up to date" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        resource.PROGRAM.run(resource.work, ["--out", str(tmp_path / "out")])
    assert "required: --name\n" in capsys.readouterr().err


def test_what_is_downloaded_lies_in_the_output_where_no_other_folder_is_named(tmp_path, monkeypatch):
    (tmp_path / "server/11").mkdir(parents=True)
    (tmp_path / "server/11/4-gram.arpa").write_text(ARPA)
    monkeypatch.setattr(librispeech, "SERVER", (tmp_path / "server").as_uri())
    for out, more, file in (("a", [], "a/download/4-gram.arpa"),
                            ("b", ["--download", tmp_path / "c"], "c/4-gram.arpa")):
        assert run(tmp_path / "none", tmp_path / out, "4-gram.arpa", *more) == 0
        assert (tmp_path / file).read_text() == (tmp_path / out / "lm.arpa").read_text() == ARPA
    assert not (tmp_path / "b/download").exists()


@pytest.mark.parametrize("name", ["text.txt", "text.txt.gz"])
def test_text_begins_with_the_sentences_to_check_on(tmp_path, name):
    text = "\n" + sentences(resource.DEV_SENTENCES + 30)
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    assert run(tmp_path, tmp_path / "out", name, "--sentences", 20) == 0
    dev, train = ((tmp_path / "out" / f"{part}.txt").read_text() for part in ("dev", "train"))
    assert dev + train == sentences(resource.DEV_SENTENCES + 20) and train.count("\n") == 20


def test_one_sentence_is_text_and_less_than_asked_for_is_taken(tmp_path, capsys):
    (tmp_path / "text.txt").write_text(sentences(2003))
    for asked, there in ((1, 1), (50, 3)):
        assert run(tmp_path, tmp_path / "out", "text.txt", "--sentences", asked) == 0
        assert (tmp_path / "out/train.txt").read_text().count("\n") == there
        assert read_record(tmp_path / "out")["facts"] == {"dev": 2000, "train": there}
        assert f"INFO {there} sentences to train on, 2000 to check on\n" in capsys.readouterr().err


@pytest.mark.parametrize("number, asked, message", [
    (2000, 5, "expected more than 2000 sentences, found 2000"),
    (2009, -1, "--sentences: expected 1 or more, found -1")])
def test_too_little_text_is_an_error(tmp_path, capsys, number, asked, message):
    (tmp_path / "text.txt").write_text(sentences(number))
    assert run(tmp_path, tmp_path / "out", "text.txt", "--sentences", asked) == 2
    assert message in capsys.readouterr().err
