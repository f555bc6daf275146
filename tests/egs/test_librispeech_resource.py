"""The language models and the text of LibriSpeech that systems rescore with."""

import gzip

import pytest

from egs.librispeech import resource
from tests.egs.test_librispeech import ARPA


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


@pytest.mark.parametrize("name", ["text.txt", "text.txt.gz"])
def test_text_begins_with_the_sentences_to_check_on(tmp_path, name):
    text = "\n" + sentences(resource.DEV_SENTENCES + 30)
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    assert run(tmp_path, tmp_path / "out", name, "--sentences", 20) == 0
    dev, train = ((tmp_path / "out" / f"{part}.txt").read_text() for part in ("dev", "train"))
    assert dev + train == sentences(resource.DEV_SENTENCES + 20) and train.count("\n") == 20


@pytest.mark.parametrize("number, asked, message", [
    (2000, 5, "expected more than 2000 sentences, found 2000"),
    (2009, -1, "--sentences: expected 1 or more, found -1")])
def test_too_little_text_is_an_error(tmp_path, capsys, number, asked, message):
    (tmp_path / "text.txt").write_text(sentences(number))
    assert run(tmp_path, tmp_path / "out", "text.txt", "--sentences", asked) == 2
    assert message in capsys.readouterr().err
