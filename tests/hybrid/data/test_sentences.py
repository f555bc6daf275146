"""Sentences of texts and manifests: which files are which, and lines that are none."""

import gzip
import json

import pytest

from graphs.errors import InputError
from hybrid.data.sentences import read_sentences, unmarked_sentences


def test_the_name_tells_a_manifest_from_a_text(tmp_path):
    line = json.dumps({"text": "a b"}) + "\n"
    for name in ("x.jsonl", "x.jsonl.gz"):
        data = gzip.compress(line.encode()) if name.endswith("gz") else line.encode()
        (tmp_path / name).write_bytes(data)
        assert list(read_sentences(str(tmp_path / name))) == [(f"{tmp_path / name}:1", ["a", "b"])]
    for name in ("x.json", "x.jsonl.txt", "jsonl"):
        (tmp_path / name).write_text(line)
        assert list(read_sentences(tmp_path / name)) == [(f"{tmp_path / name}:1", ['{"text":', '"a', 'b"}'])]


def test_every_transcript_of_a_line_that_is_not_empty(tmp_path):
    path = tmp_path / "x.jsonl"
    entries = [{"supervisions": [{"text": "a"}, {"text": " "}, {"text": None}, {}, {"text": "b  c"}]},
               {"supervisions": []}, {"id": "no text"}, {"text": "d"}]
    path.write_text("\n".join(map(json.dumps, entries)))
    assert list(read_sentences(path)) == [(f"{path}:1", ["a"]), (f"{path}:1", ["b", "c"]), (f"{path}:4", ["d"])]


@pytest.mark.parametrize("line", [
    "{", "3", "null", '"text"', '{"supervisions": null}', '{"supervisions": {"text": "a"}}', '{"supervisions": [3]}',
    '{"text": 3}', '{"text": ["a"]}', '{"text": "\\ud83d"}', "[" * 100000 + "]" * 100000,
    '{"text": "' + 100 * "a" + '}'])
def test_lines_that_are_no_cut_or_supervision_are_named(tmp_path, line):
    path = tmp_path / "x.jsonl"
    path.write_text(f'{{"text": "a"}}\n{line}\n')
    sentences = read_sentences(path)
    assert next(sentences) == (f"{path}:1", ["a"])
    with pytest.raises(InputError) as error:
        next(sentences)
    assert str(error.value) == f"{path}:2: expected a cut or a supervision in JSON, found {line[:60]!r}"


@pytest.mark.parametrize("word", ["<s>", "</s>", "<eps>", "#0"])
def test_reserved_words_are_refused_where_models_add_them(tmp_path, word):
    path = tmp_path / "text"
    path.write_text(f"a b\n<unk> <S>\n\nc {word} d {word}\n")
    assert list(read_sentences(path))[2] == (f"{path}:4", ["c", word, "d", word])
    sentences = unmarked_sentences(path)
    assert [next(sentences), next(sentences)] == [(f"{path}:1", ["a", "b"]), (f"{path}:2", ["<unk>", "<S>"])]
    with pytest.raises(InputError) as error:
        next(sentences)
    assert str(error.value) == f"{path}:4: expected no reserved words (<s> and </s> are added), found {word}"
