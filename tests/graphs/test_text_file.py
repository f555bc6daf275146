"""Numbers and lines of text files, and JSON."""

import pytest

from graphs import text_file
from graphs.errors import InputError
from graphs.text_file import read_json_object, read_lines, stream_lines, to_float, to_int


@pytest.mark.parametrize("text, value", [("1", 1.0), ("-0.5", -0.5), (".5", 0.5), ("5.", 5.0), ("+1.5e-3", 0.0015)])
def test_numbers(text, value):
    assert to_float(text) == value


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e999", "1_000", "١", " 1", "1.2.3", ".", "e5", "0x10",
                                  pytest.param("9" * 10**6 + "x", id="long")])
def test_what_is_no_number(text):
    """A long one takes no longer than its length (once it took the square of that)."""
    with pytest.raises(ValueError, match="expected a finite number"):
        to_float(text)


@pytest.mark.parametrize("text", ["", "1.0", "1_000", "١", " 1", "9" * 19, "--1"])
def test_what_is_no_integer(text):
    with pytest.raises(ValueError, match="expected a whole number"):
        to_int(text)


def test_integers():
    assert [to_int(text) for text in ("0", "-3", "+7", "9" * 18)] == [0, -3, 7, 10**18 - 1]


@pytest.mark.parametrize("data, message", [
    (b"{", "expected JSON"), (b"\xff{}", "expected utf-8 text"), (b"[]", "expected a JSON object, found list"),
    pytest.param(10 ** 5 * b"[", "expected JSON, found RecursionError", id="deep"),
    pytest.param(5000 * b"1", "expected JSON", id="long")])
def test_json_that_is_no_object(tmp_path, data, message):
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_json_object(tmp_path / "x.json")


def test_json_with_half_a_character(tmp_path):
    (tmp_path / "x.json").write_text(r'{"a": ["\ud83d\ude00 \uD7FF \\ud800"]}')
    assert read_json_object(tmp_path / "x.json") == {"a": ["\U0001f600 \ud7ff \\ud800"]}
    (tmp_path / "x.json").write_text(r'{"a": ["\uD800"]}')
    with pytest.raises(InputError, match="x.json: expected JSON, found UnicodeEncodeError"):
        read_json_object(tmp_path / "x.json")


def test_missing_files_and_damaged_gzip(tmp_path):
    with pytest.raises(InputError, match="expected an existing file, found none"):
        read_lines(tmp_path / "x")
    with pytest.raises(InputError, match="found a folder"):
        read_lines(tmp_path)
    (tmp_path / "x.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff")
    with pytest.raises(InputError, match="a whole gzip file"):
        read_lines(tmp_path / "x.gz")


@pytest.mark.parametrize("block", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("data", [
    b"", b"\n", b"a b\n\n \t\nc", b"a\r\nb\r\n\r\nc\r", b"\xef\xbb\xbfa\nb\n", "na\u00efve\n\u0928 x\n".encode(),
    b"\n\n\na\n", b"a long line of many words\nb"])
def test_lines_in_blocks_are_the_same(tmp_path, monkeypatch, block, data):
    monkeypatch.setattr(text_file, "BLOCK_BYTES", block)
    (tmp_path / "x").write_bytes(data)
    assert list(stream_lines(tmp_path / "x")) == read_lines(tmp_path / "x")[0]


@pytest.mark.parametrize("block", [3, 1000])
@pytest.mark.parametrize("data, message", [
    (b"a\n\nb\xff\nc", r"x:3: expected utf-8 text"), (b"a\nb\x00", "x:2: expected no blanks but"),
    ("a\n\n\n\u00a0b\n".encode(), "x:4: expected no blanks but"), (b"a\rb\n", "x:1: expected no blanks but"),
    (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff", "a whole gzip file")])
def test_bad_lines_in_blocks(tmp_path, monkeypatch, block, data, message):
    monkeypatch.setattr(text_file, "BLOCK_BYTES", block)
    (tmp_path / "x").write_bytes(data)
    for read in (read_lines, lambda path: list(stream_lines(path))):
        with pytest.raises(InputError, match=message):
            read(tmp_path / "x")
