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


@pytest.mark.parametrize("old, new", [
    ("0.04", "0"), ("0.04", "-0.04"), ("0.04", "NaN"), ("0.04", "Infinity"), ("0.04", "true"), ("0.04", '"0.04"'),
    ('"a"', '"\\ud800"'), ('"a"', "7"), ('"a"', '""'), (', "a"', ""), ('["<blk>", "a"]', '"ab"'), ("tokens", "token"),
    ("frame_shift", "shift"), ("{", "")])
def test_another_content_is_named(old, new, tmp_path):
    Frames(0.04, ("<blk>", "a")).write(tmp_path)
    text = (tmp_path / "frames.json").read_text()
    assert old in text
    (tmp_path / "frames.json").write_text(text.replace(old, new))
    with pytest.raises(InputError, match="frames.json: expected a frame_shift in seconds and the symbols"):
        Frames.read(tmp_path)
