import pytest

from graphs.errors import InputError
from hybrid.lattices.frames import Frames


def test_the_file_comes_back(tmp_path):
    assert Frames.read(tmp_path) is None
    frames = Frames(0.04, ("<blk>", "\u2581", "ä"))
    frames.write(tmp_path)
    assert Frames.read(tmp_path) == frames and "ä" in (tmp_path / "frames.json").read_text(encoding="utf-8")
    Frames(1, ("<blk>", "a")).write(tmp_path)
    assert Frames.read(tmp_path).frame_shift == 1.0


SHIFT, TOKENS = "frame_shift: expected seconds above 0", "tokens: expected the symbols of at least two, found"


@pytest.mark.parametrize("old, new, message", [
    *(("0.04", shift, SHIFT) for shift in ("0", "-0.04", "NaN", "Infinity", "true", '"0.04"', "null")),
    *(('"a"', token, TOKENS) for token in ("7", '""')), (', "a"', "", TOKENS), ('["<blk>", "a"]', '"ab"', TOKENS),
    ("tokens", "token", f"{TOKENS} none"), ("frame_shift", "shift", f"{SHIFT} and below 1000, found none"),
    ('"a"', '"\\ud800"', "frames.json: expected JSON, found UnicodeEncodeError"),
    ("{", "", "frames.json: expected JSON, found JSONDecodeError"), ("{", "[{", "frames.json: expected JSON"),
    ("<blk>", "\xe9", "frames.json: expected utf-8 text, found byte 0xe9")])
def test_another_content_is_named(old, new, message, tmp_path):
    Frames(0.04, ("<blk>", "a")).write(tmp_path)
    text = (tmp_path / "frames.json").read_text()
    assert old in text
    (tmp_path / "frames.json").write_text(text.replace(old, new), encoding="latin-1")
    with pytest.raises(InputError, match=message):
        Frames.read(tmp_path)
