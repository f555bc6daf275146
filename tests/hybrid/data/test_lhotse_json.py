"""Every complaint about a manifest names the line, the value in it and what is expected."""

import gzip
import json
import re
from copy import deepcopy

import pytest

from graphs.errors import InputError
from hybrid.data import lhotse_json as kinds
from hybrid.data.lhotse_json import check, is_number, read_entries, to_cut, to_recording, to_supervision
from hybrid.data.manifest import read_cuts, source_files, write_cuts
from tests.hybrid.data.material import noise_cut, ready_corpus


@pytest.fixture
def fields(tmp_path):
    return noise_cut(tmp_path, "u1", seconds=0.1).to_dict()


def changed(fields: dict, place: str, value) -> dict:
    *parents, last = place.split(".")
    inside = fields
    for name in parents:
        inside = inside[int(name) if name.isdigit() else name]
    inside[last] = value
    return fields


@pytest.mark.parametrize("place, value, message", [
    ("id", 5, "x:1, id: expected a name, found 5"),
    ("id", "a\nb", r"id: expected a name, found 'a\\nb'"),
    ("id", None, "id: expected a name, found none"),
    ("type", "Cat", "type: expected a kind of cut: MonoCut"),
    ("start", float("nan"), "start: expected a number of seconds, found nan"),
    ("start", True, "start: expected a number of seconds, found True"),
    ("duration", -1, "duration: expected seconds of at least 0, found -1"),
    ("duration", 10 ** 400, "duration: expected seconds of at least 0, found 1000"),
    ("channel", [0], "channel: expected a whole number of at least 0, found a list"),
    ("supervisions", {}, "supervisions: expected a list, found an object"),
    ("supervisions.0.text", "\ud800", r"supervisions.0.text: expected a text, found '\\ud800'"),
    ("supervisions.0.speaker", 7, "supervisions.0.speaker: expected a text, found 7"),
    ("supervisions.0.alignment", {"word": [["yes", 0.1]]}, r"alignment: expected lists of \[symbol, start, duration\]"),
    ("recording", 3, "recording: expected an object, found 3"),
    ("recording.sampling_rate", 0, "recording.sampling_rate: expected a whole number of at least 1, found 0"),
    ("recording.channel_ids", 0, "recording.channel_ids: expected a list, found 0"),
    ("recording.sources.0.source", "a\0b", "recording.sources.0.source: expected a name"),
    ("recording.sources.0.depth", 3, "x:1: expected a Lhotse cut, found TypeError: .*depth"),
])
def test_a_value_of_another_type_is_named(fields, place, value, message):
    to_cut("x:1", json.loads(json.dumps(fields)))
    with pytest.raises(InputError, match=message):
        to_cut("x:1", changed(fields, place, value))


@pytest.mark.parametrize("kind, good, bad", [
    (kinds.NAME, ["a", " ", "\u00e9/\u0416", "\x80"],
     ["", "a\x00", "\x1f", "\x7f", "a\ud800b", "\udfff", None, 5, ["a"]]),
    (kinds.TEXT, ["", "a\nb", "\x00", "\u00e9", "\U0001f600"], ["\ud800", "a\udfff", None, 5]),
    (kinds.SECONDS, [0, -1e7, 1e7, 2.5], [10_000_001, -10_000_001, float("nan"), True, "1", None]),
    (kinds.LENGTH, [0, 0.0, 1e7], [-1e-9, 10_000_001, float("inf"), False]),
    (kinds.STEP, [1e-6, 1e7], [0, 0.9e-6, -1, True]),
    (kinds.COUNT, [0, 1, 10 ** 12], [-1, 10 ** 12 + 1, 1.0, False, "1"]),
    (kinds.POSITIVE, [1, 10 ** 12], [0, True, 2.0]),
    (kinds.CHANNELS, [0, 3, [0], [1, 0]], [[], -1, [0, -1], [0.0], True, None, {}]),
    (kinds.OBJECT, [{}, {"a": 1}], [[], None, "a"]),
    (kinds.SUPERVISION["alignment?"], [{}, {"word": []}, {"word": [["a", 0.5, 1]], "phone": [["b", 0, 1, None]]}],
     [[], {"word": {}}, {"word": ["abc"]}, {"word": [["a", 0.5]]}, {"word": [["a", 0, 1, 0.9, 2]]},
      {"word": [[1, 0, 1]]}, {"word": [["a", "0", 1]]}, {"word": [["a", 0, None]]},
      {"word": [["a", 0, 1], ["a", 0]]}, {"a": [], "b": 1}])])
def test_each_kind_of_value(kind, good, bad):
    for value in good:
        check("x", value, kind)
    for value in bad:
        with pytest.raises(InputError, match=rf"^x: expected {re.escape(kind[0])}, found "):
            check("x", value, kind)


def test_numbers_between_limits():
    assert is_number(2, 2, 3) and is_number(3, 2, 3) and not is_number(1.9, 2, 3) and not is_number(3.1, 2, 3)


def test_places_and_what_is_found_are_told():
    kind = {"a": [{"b": kinds.COUNT}], "c?": {"d": kinds.TEXT}, "e?": [kinds.COUNT], "f?": kinds.COUNT}
    for good in ({"a": []}, {"a": [{"b": 1}], "c": None, "e": None, "more": 5}, {"a": [], "c": {"d": ""}, "f": 0}):
        check("x", good, kind)
    for bad, message in (
            ({}, "x, a: expected a list, found none"), ({"a": {}}, "x, a: expected a list, found an object"),
            ({"a": [{"b": 1}, {"b": -1}]}, "x, a.1.b: expected a whole number of at least 0, found -1"),
            ({"a": [{}]}, "x, a.0.b: expected a whole number of at least 0, found none"),
            ({"a": [[]]}, "x, a.0: expected an object, found a list"), ([], "x: expected an object, found a list"),
            (None, "x: expected an object, found none"), ({"a": [], "c": {}}, "x, c.d: expected a text, found none"),
            ({"a": [], "e": [0, "x" * 99]}, "x, e.1: expected a whole number of at least 0, found '" + 59 * "x"),
            ({"a": [], "f": "\u00e9"}, r"x, f: expected a whole number of at least 0, found '\xe9'")):
        with pytest.raises(InputError) as told:
            check("x", bad, kind)
        assert str(told.value) == message
    with pytest.raises(InputError, match="^x, c: expected an object, found none$"):
        check("x", {}, {"c": kind})


def test_recordings_and_supervisions(fields):
    """Lhotse takes what it is given apart."""
    recording, supervision = fields["recording"], fields["supervisions"][0]
    assert to_recording("x", deepcopy(recording)).num_samples == 1600
    assert to_supervision("x", deepcopy(supervision)).speaker == "anna"
    with pytest.raises(InputError, match="x, duration: expected seconds of at least 0, found none"):
        to_recording("x", {**deepcopy(recording), "duration": None})
    with pytest.raises(InputError, match="x, start: expected a number of seconds, found 'a'"):
        to_supervision("x", {**deepcopy(supervision), "start": "a"})
    with pytest.raises(InputError, match="x: expected a Lhotse recording, found TypeError: .*more"):
        to_recording("x", {**deepcopy(recording), "more": 1})
    with pytest.raises(InputError, match="x: expected a Lhotse supervision, found TypeError: .*more"):
        to_supervision("x", {**deepcopy(supervision), "more": 1})


def test_cuts_of_other_types(fields, tmp_path):
    assert to_cut("x", {**deepcopy(fields), "type": "Cut"}).id == "u1"
    for name in (["MonoCut"], 5, "", None):
        with pytest.raises(InputError, match="x, type: expected a kind of cut: MonoCut, Cut, MultiCut, PaddingCut, M"):
            to_cut("x", {**fields, "type": name})
    both = noise_cut(tmp_path, "u2", channels=2).to_dict()
    assert both["type"] == "MultiCut" and to_cut("x", both).channel == [0, 1]
    mixed = to_cut("x", fields).pad(duration=0.3).to_dict()
    mixed["tracks"][1]["cut"]["sampling_rate"] = 0
    with pytest.raises(InputError, match="^x, a track, sampling_rate: expected a whole number of at least 1, found 0"):
        to_cut("x", mixed)
    with pytest.raises(InputError, match="x, tracks: expected a list, found none"):
        to_cut("x", {**mixed, "tracks": None})


@pytest.mark.parametrize("offset, found", [(None, "none"), ("0", "'0'"), (-1, "-1")])
def test_an_offset_in_a_mix_of_cuts_is_a_number(tmp_path, offset, found):
    mixed = noise_cut(tmp_path, "u1", seconds=0.1).pad(duration=0.3).to_dict()
    assert to_cut("x:1", json.loads(json.dumps(mixed))).duration == 0.3
    mixed["tracks"][1]["offset"] = offset
    with pytest.raises(InputError, match=f"x:1, tracks.1.offset: expected seconds of at least 0, found {found}"):
        to_cut("x:1", mixed)


@pytest.mark.parametrize("name, data, message", [
    ("a.jsonl", b"{}\n{x\n", "a.jsonl:2: expected JSON, found JSONDecodeError"),
    ("a.jsonl", b'{"id": "\xe9"}\n', "a.jsonl: expected utf-8 text, found byte 0xe9"),
    ("a.jsonl", 10000 * b"[", "a.jsonl:1: expected JSON, found RecursionError"),
    ("a.jsonl.gz", gzip.compress(b"{}\n", mtime=0)[:-9], "a.jsonl.gz: expected a whole gzip file"),
    ("a.json", b"{}", "a.json: expected a list, found dict"),
    ("a.yaml", b"- {a: 1", "a.yaml: expected YAML, found ParserError"),
])
def test_what_is_no_json_is_named(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message):
        list(read_entries(tmp_path / name))


def test_entries_are_counted_by_line_or_in_order(tmp_path):
    for name, content, items in (("a.jsonl", '\n1\n \n\t[2]\n', ["a.jsonl:2", "a.jsonl:4"]),
                                 ("a.json", "[1,\n\n[2]]", ["a.json, entry 1", "a.json, entry 2"]),
                                 ("a.yaml", "- 1\n- [2]\n", ["a.yaml, entry 1", "a.yaml, entry 2"])):
        (tmp_path / name).write_text(content)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
        for path, ending in ((tmp_path / name, ""), (tmp_path / f"{name}.gz", ".gz")):
            assert list(read_entries(path)) == [
                (f"{tmp_path}/{item.replace(name, name + ending)}", value) for item, value in zip(items, (1, [2]))]


def test_forms_of_a_manifest(tmp_path, fields):
    text = json.dumps(fields)
    for name, content in (("a.jsonl", f"\n{text}\n{text}"), ("a.json", f"[{text}, {text}]"),
                          ("a.yaml", f"- {text}\n- {text}\n")):
        (tmp_path / name).write_text(content)
        assert [cut.id for cut in read_cuts(tmp_path / name)] == ["u1", "u1"]
    (tmp_path / "b.jsonl").write_text("")
    assert read_cuts(tmp_path / "b.jsonl") == []


def test_what_is_written_is_read(tmp_path):
    cuts = [noise_cut(tmp_path, "u1"), noise_cut(tmp_path, "u2", channels=2), *ready_corpus(tmp_path, number=2)]
    cuts += [cuts[0].pad(duration=2.0), cuts[0].perturb_speed(0.9)]
    assert write_cuts(tmp_path / "a.jsonl.gz", cuts) == 6
    assert [cut.to_dict() for cut in read_cuts(tmp_path / "a.jsonl.gz")] == [cut.to_dict() for cut in cuts]


def test_files_behind_cuts(tmp_path):
    sound, ready = noise_cut(tmp_path / "a", "u1"), ready_corpus(tmp_path / "b", number=2)
    piped = noise_cut(tmp_path / "c", "u3")
    piped.recording.sources[0].type = "command"
    assert source_files([sound, piped, *ready, sound.pad(duration=2.0)]) == {
        tmp_path / "a/u1.wav", tmp_path / "b/u000.npy", tmp_path / "b/u001.npy"}
