"""Every complaint about a manifest names the line, the value in it and what is expected."""

import gzip
import json

import pytest

from graphs.errors import InputError
from hybrid.data.lhotse_json import read_entries, to_cut
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
