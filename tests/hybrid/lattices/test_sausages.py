import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.lattices.mbr import Bin, BinWord, Consensus
from hybrid.lattices.sausages import Sausage, Slot, read_sausages, sausage_of, write_sausages

BINS = [Bin((BinWord(1, 0.7, 0.3, 0.6), BinWord(0, 0.2995, 0.6, 0.6), BinWord(2, 0.0005, 0.27, 0.57)), 0.3, 0.6),
        Bin((BinWord(2, 0.0004, 0.03, 0.06),), 0.9, 0.93)]


def test_bins_become_words():
    found = sausage_of("u", Consensus(BINS, [], 0.25), SymbolTable(["a", "b"]))
    assert found == Sausage("u", [Slot({"a": 0.7, "<eps>": 0.2995}, 0.3, 0.6), Slot({"b": 0.0004}, 0.9, 0.93)], 0.25)
    assert found.slots[0].best == "a"
    assert len(sausage_of("u", Consensus(BINS, [], 0.0), SymbolTable(["a", "b"]), least=0.3).slots[0].words) == 1


def test_the_file_comes_back(tmp_path):
    sausages = [Sausage("u1", [Slot({"ä": 0.75, "<eps>": 0.25}, 0.1, 0.4)], 0.25), Sausage("u2", [], 0.0)]
    write_sausages(tmp_path / "sausages.jsonl", sausages)
    assert list(read_sausages(tmp_path / "sausages.jsonl")) == sausages
    assert not list(tmp_path.glob("*.tmp"))


def test_each_utterance_once_and_at_least_one(tmp_path):
    path = tmp_path / "x"
    for sausages, message in (([], "x: expected at least one consensus network, found none"),
                              (["u", "v", "u"], "x:3: expected each utterance once, found u again")):
        write_sausages(path, [Sausage(name, [], 0.0) for name in sausages])
        with pytest.raises(InputError, match=message):
            list(read_sausages(path))


@pytest.mark.parametrize("old, new", [
    ('"risk"', '"joy"'), ("0.75", '"much"'), ("0.75", "1.5"), ("0.75", "-0.5"), ("0.1", "NaN"), ('"u1"', "1"),
    ('{"a": 0.75}', "{}"), ('{"a": 0.75}', "[]"), ("0.75", "true"), ("{", "")])
def test_a_line_that_is_none_is_named(old, new, tmp_path):
    write_sausages(tmp_path / "x", [Sausage("u1", [Slot({"a": 0.75}, 0.1, 0.4)], 0.25)])
    text = (tmp_path / "x").read_text()
    assert old in text
    (tmp_path / "x").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match="x:1: expected utterance, risk and bins"):
        list(read_sausages(tmp_path / "x"))
