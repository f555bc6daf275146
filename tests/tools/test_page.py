"""tools.page on a comparison whose lattices and features are there."""

import logging
import shutil
from dataclasses import replace

import pytest

from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import write_lattices
from hybrid.compare.comparison import Comparison, FamilyResult, Hypothesis, TestSet, Utterance
from hybrid.compare.comparison_file import write_comparison
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions
from hybrid.outcomes import Outcomes
from tests.graphs.lattices.test_lattice import random_lattice
from tests.hybrid.data.material import ready_corpus
from tests.hybrid.report.page.material import rate, result, system
from tests.hybrid.report.page.parsed import Page
from tools.page import PAGE, PROGRAM, _lattices, draw_pictures, work


def run(*argv):
    return PROGRAM.run(work, [str(word) for word in argv])


def tiny(folder, decoded) -> Comparison:
    """Two systems, one utterance; the first has a lattice and times."""
    lattice = random_lattice(1)
    (folder / decoded).mkdir()
    write_lattices(folder / decoded, 0, [lattice])
    highest = int(lattice.word_id.max())
    SymbolTable(["<eps>", *(f"w{n}" for n in range(1, highest + 1))]).write(folder / decoded / "words.txt")
    systems = (system(0), system(1))
    said = Utterance(lattice.utterance_id, "test", "s1", 1.0, ("a",), (
        Hypothesis(systems[0].key, (("a", "b"),), times=((0.1, 0.3),)), Hypothesis(systems[1].key, (("a", "a"),))),
        audio="no/such.wav")
    results = (replace(result(systems[0].key, "test", 5.0), decoded=str(folder / decoded)),
               replace(result(systems[1].key, "test", 6.0), decoded=str(folder / "gone")))
    families = tuple(FamilyResult(one.family, "test", (one.key,), rate(5.0)) for one in systems)
    return Comparison("tiny", systems, (TestSet("test", 1, 1, 1, 1.0, "utterances"),), results, families,
                      utterances=(said,))


def test_a_comparison_becomes_a_page_with_pictures(tmp_path, capsys):
    made = tiny(tmp_path, "decode")
    (tmp_path / "comparison").mkdir()
    write_comparison(tmp_path / "comparison" / "comparison.json", made)
    out = tmp_path / "page"
    assert run("--comparison", tmp_path / "comparison", "--out", out) == 0
    page = Page((out / PAGE).read_text(encoding="utf-8"))
    assert page.all("h1")[0].text == "tiny" and "pictures" in [one.attributes.get("id") for one in page.all("section")]
    captions = [one.text for one in page.all("figcaption")]
    assert any(text.startswith("Words over time") for text in captions)
    assert any(text.startswith(f"Lattice of {made.systems[0].key}") for text in captions)
    told = (out / "log.txt").read_text(encoding="utf-8")
    assert "no audio of" in told and made.utterances[0].utterance_id in told
    assert "2 pictures" in told and "1 utterances" in told
    first = (out / PAGE).read_bytes()
    assert run("--comparison", tmp_path / "comparison", "--out", out) == 0
    assert "up to date" in capsys.readouterr().out
    assert run("--comparison", tmp_path / "comparison", "--out", out, "page.pictures=0") == 0
    assert b"Lattice of" in first and b"Lattice of" not in (out / PAGE).read_bytes()


def test_audio_that_is_gone_is_told_in_a_few_lines(tmp_path, capsys):
    made = tiny(tmp_path, "decode")
    said = tuple(replace(made.utterances[0], utterance_id=f"u{number}") for number in range(6))
    write_comparison(tmp_path / "comparison.json", replace(made, utterances=said))
    assert run("--comparison", tmp_path, "--out", tmp_path / "page") == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "no audio" in line]
    assert len(lines) == 4 and all("no/such.wav" in line for line in lines[:3])
    named = [line.split("audio of ")[1].split(":")[0] for line in lines[:3]]
    assert lines[3].startswith("WARNING no audio of 3 more: ")
    assert sorted([*named, *lines[3].split(": ")[1].split(", ")]) == [f"u{number}" for number in range(6)]


@pytest.mark.parametrize("number", [0, 3, 4])
def test_of_audio_that_is_gone_three_reasons_are_told(tmp_path, capsys, number):
    made = tiny(tmp_path, "decode")
    said = tuple(replace(made.utterances[0], utterance_id=f"u{n}") for n in range(number))
    write_comparison(tmp_path / "comparison.json", replace(made, utterances=said))
    assert run("--comparison", tmp_path, "--out", tmp_path / "page", "page.pictures=0") == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "no audio" in line]
    assert len(lines) == number and sum("no/such.wav" in line for line in lines) == min(3, number)
    assert [line for line in lines if "more" in line] == ["WARNING no audio of 1 more: u3"] * (number == 4)


@pytest.mark.parametrize("seconds, drawn", [(29.5, True), (30.5, False)])
def test_what_lasts_longer_than_half_a_minute_is_not_drawn(tmp_path, seconds, drawn):
    made = tiny(tmp_path, "decode")
    made = replace(made, utterances=(replace(made.utterances[0], seconds=seconds),))
    assert bool(draw_pictures(made, 1, [], logging.getLogger("page"))) == drawn


def test_lattices_that_cannot_be_drawn_are_named_and_four_systems_at_most(tmp_path, caplog):
    """The others of the utterance are drawn, those whose folders are gone are passed over."""
    made = tiny(tmp_path, "decode")
    utterance, names = made.utterances[0], ["decode", "bad", "gone", *"abcd"]
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "lattices.00000.npz").write_bytes(b"x")
    for name in "abcd":
        shutil.copytree(tmp_path / "decode", tmp_path / name)
    systems = [system(place) for place in range(len(names))]
    results = tuple(replace(result(one.key, "test", 5.0 + place), decoded=str(tmp_path / name))
                    for place, (one, name) in enumerate(zip(systems, names)))
    results += (replace(results[0], test="other", decoded=str(tmp_path / "gone")),)
    families = tuple(FamilyResult(one.family, "test", (one.key,), rate(5.0 + place))
                     for place, one in enumerate(systems))
    comparison = replace(made, systems=tuple(systems), results=results, families=families)
    with caplog.at_level(logging.WARNING):
        found = _lattices(comparison, utterance, logging.getLogger("page"))
    # of the four the second is damaged and the third gone
    assert [one.system for one in found] == [systems[0].key, systems[3].key]
    assert {one.graph_scale for one in found} == {1.0}
    assert {one.acoustic_scale for one in found} == {0.1} and found[0].word_of(1) == "w1"
    assert caplog.messages and caplog.messages[0].startswith(f"no lattice of {systems[1].key} is drawn: {tmp_path}/bad")
    assert len(caplog.messages) == 1


def test_features_lie_above_the_words_of_their_utterances(tmp_path):
    cuts = ready_corpus(tmp_path / "made", number=1, shortest=90, longest=100)
    (tmp_path / "features").mkdir()
    compute_features(cuts, FeatureOptions(kind="ready"), tmp_path / "features", Outcomes())
    made = tiny(tmp_path, "decode")
    log = logging.getLogger("page")
    for name, drawn in ((cuts[0].id, True), ("other", False)):
        comparison = replace(made, utterances=(replace(made.utterances[0], utterance_id=name),))
        plain, with_features = (draw_pictures(comparison, 1, folders, log) for folders in ([], [tmp_path / "features"]))
        assert [one.title for one in plain] == [f"test: {name}"]  # words over time; no such lattice
        assert "times-picture-1" in plain[0].svg and ("<image" in with_features[0].svg) == drawn
        assert "<image" not in plain[0].svg
    (tmp_path / "others").mkdir()
    compute_features(ready_corpus(tmp_path / "more", number=1, seed=1, shortest=90, longest=100),
                     FeatureOptions(kind="ready"), tmp_path / "others", Outcomes())
    comparison = replace(made, utterances=(replace(made.utterances[0], utterance_id=cuts[0].id),))
    one, both, turned = (draw_pictures(comparison, 1, [tmp_path / name for name in names], log)[0].svg for names in (
        ["features"], ["features", "others"], ["others", "features"]))
    assert one == both != turned  # the first folder that has them


def test_what_is_no_comparison_is_named(tmp_path, capsys):
    (tmp_path / "comparison.json").write_text('{"format": 99}')
    assert run("--comparison", tmp_path, "--out", tmp_path / "page") == 2
    assert "comparison.json: format" in capsys.readouterr().err
