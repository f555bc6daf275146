"""The programs over folders of lattices, on lattices in which words, times and probabilities are known."""

import json

import pytest

from graphs.lang.lang_folder import write_lang
from graphs.lattices.kaldi_text import to_kaldi_text
from graphs.lattices.lattice_io import read_lattices, write_lattices
from hybrid.lattices.sausages import read_sausages
from tests.graphs.lattices.test_lattice import random_lattice
from tests.hybrid.lattices.material import LANG, TRANSITIONS, lattice_of
from tests.reference.slf import read_slf
from tools import rover
from tools.artefacts.registry import kind_of, problems_of
from tools.frame.records import read_record
from tools.lattices import calibrate, confusions, convert, ctm, draw, filter, mbr, oracle
from tools.show import main as show

SAID = [("bad add b", "SIL B A D A D D B", 0.4), ("bad bee bad", "B A D B SIL B A D", 0.35),
        ("b add bad", "B SIL A D D B A D", 0.25)]
SCALES = ["score.lm_scale=1", "score.acoustic_scale=1"]


@pytest.fixture
def folder(tmp_path):
    """Two systems; the second lacks u1 and is sure of `b bee`. What was said is `bad add bad`."""
    write_lattices(tmp_path / "one", 0, [lattice_of(SAID, "u0"), lattice_of(SAID, "u1", partial=True)])
    write_lattices(tmp_path / "two", 0, [lattice_of([("b bee", "B SIL B", 1.0)], "u0")])
    for name in ("one", "two"):
        LANG.words.write(tmp_path / name / "words.txt")
        TRANSITIONS.write(tmp_path / name / "transitions")
    write_lang(LANG, tmp_path / "lang")
    (tmp_path / "said.txt").write_text("u0 bad add bad\nu1 bad add bad\n")
    return tmp_path


def run(program, folder, out, *arguments, options=()):
    words = [str(folder / word[1:]) if word.startswith("@") else word for word in arguments]
    return program.PROGRAM.run(program.work, [*words, "--out", str(folder / out), "--nj", "1", *options])


def text(folder, name):
    return (folder / name).read_text(encoding="utf-8")


def transcribed(folder, program=mbr, out="mbr", lattices=("@one",), *more):
    return run(program, folder, out, "--lattices", *lattices, "--lang", "@lang", "--frame-shift", "0.01", *more,
               options=SCALES)


def test_words_of_least_expected_errors_and_of_the_best_path(folder):
    assert transcribed(folder) == 0 and transcribed(folder, ctm, "ctm") == 0
    assert text(folder, "mbr/hyp.txt") == "u0 bad add bad\nu1 bad add bad\n"
    assert text(folder, "ctm/hyp.txt") == "u0 bad add b\nu1 bad add b\n"
    assert text(folder, "ctm/words.ctm").splitlines()[:3] == [
        "u0 1 0.0300 0.0900 bad 0.750000", "u0 1 0.1200 0.0900 add 0.650000", "u0 1 0.2100 0.0300 b 0.400000"]
    assert text(folder, "ctm/phones.ctm").startswith("u0 1 0.0000 0.0300 SIL 0.400000\nu0 1 0.0300 0.0300 B 0.400000\n")
    assert "u1\tpartial" in text(folder, "mbr/outcomes.tsv") and "u0" not in text(folder, "mbr/outcomes.tsv")
    sausage = next(read_sausages(folder / "mbr" / "sausages.jsonl"))
    assert sausage.slots[1].words == {"add": pytest.approx(0.65), "bee": pytest.approx(0.35)}


def test_lattices_of_two_systems_vote(folder):
    assert transcribed(folder, mbr, "both", ("@one", "@two"), "--weights", "1", "9") == 0
    assert text(folder, "both/hyp.txt") == "u0 b bee\nu1 bad add bad\n"
    record = json.loads(text(folder, "both/.stage.json"))
    assert record["facts"]["outcomes"] == {"done": 1, "partial": 1}


def test_utterances_of_the_cuts_without_a_lattice_are_named(folder, capsys):
    from hybrid.data.manifest import write_cuts
    from tests.hybrid.data.material import ready_corpus
    cuts = ready_corpus(folder / "corpus", number=2, shortest=30, longest=40)
    write_lattices(folder / "one", 0, [lattice_of(SAID, cuts[0].id)])
    write_cuts(folder / "cuts.jsonl.gz", cuts)
    assert transcribed(folder, mbr, "mbr", ("@one",), "--cuts", "@cuts.jsonl.gz") == 2
    assert "1 of 2 items failed" in capsys.readouterr().err


def test_without_a_frame_shift_or_a_model_it_is_asked_for(folder, capsys):
    assert run(mbr, folder, "mbr", "--lattices", "@one") == 2
    assert "--frame-shift" in capsys.readouterr().err
    assert run(mbr, folder, "mbr", "--lattices", "@one", "--scores", "@one", "@two", "--frame-shift", "0.01") == 2
    assert "--scores: expected 1 folders" in capsys.readouterr().err


def test_sausages_are_shown_drawn_and_checked(folder, capsys):
    transcribed(folder)
    assert kind_of(folder / "mbr").name == "consensus networks" and problems_of(folder / "mbr") == []
    assert show([str(folder / "mbr"), "u1"]) == 0 and "bad 0.750  b 0.250" in capsys.readouterr().out
    assert show([str(folder / "mbr" / "sausages.jsonl"), "--png", str(folder / "x.png")]) == 0
    assert (folder / "x.png").read_bytes()[:4] == b"\x89PNG"
    assert show([str(folder / "mbr")]) == 0 and "least sure" in capsys.readouterr().out
    assert show([str(folder / "mbr"), "u9"]) == 2
    broken = text(folder, "mbr/sausages.jsonl").replace("0.65", "0.95")
    (folder / "mbr" / "sausages.jsonl").write_text(broken)
    assert any("sum to at most 1, found 1.3" in problem for problem in problems_of(folder / "mbr"))


def test_oracle_errors_fall_with_the_beam(folder):
    assert run(oracle, folder, "oracle", "--lattices", "@one", "--cuts", "@said.txt", "--beams", "0", "0.2", "inf",
               options=SCALES) == 0
    rows = [line.split("\t") for line in text(folder, "oracle/oracle.tsv").splitlines()]
    assert rows[0][:4] == ["beam", "depth", "word_arcs_a_word", "oracle_wer"]
    assert [row[:5] for row in rows[1:]] == [["0", "1.00", "1.00", "33.33", "2"], ["0.2", "2.00", "2.00", "33.33", "2"],
                                             ["inf", "3.00", "3.00", "33.33", "2"]]
    assert text(folder, "oracle/hyp.txt") == "u0 bad add b\nu1 bad add b\n"
    assert (folder / "oracle" / "oracle.png").stat().st_size > 0


def test_rover_over_ctms(folder):
    for name, lattices in (("a", "@one"), ("b", "@two")):
        transcribed(folder, ctm, name, (lattices,))
    assert run(rover, folder, "rover", "--ctm", "@a", "@b/words.ctm", options=["rover.alpha=0"]) == 0
    assert text(folder, "rover/hyp.txt") == "u0 bad b bee\nu1 bad\n"
    assert "u1\tpartial\t1 of 2 systems" in text(folder, "rover/outcomes.tsv")
    assert run(rover, folder, "tuned", "--ctm", "@a", "@b", "--dev-ctm", "@a", "@b", "--dev-cuts", "@said.txt") == 0
    assert len(text(folder, "tuned/tuning.tsv").splitlines()) == 112
    assert text(folder, "tuned/hyp.txt").startswith("u0 bad add b")


def test_what_a_vote_of_words_tells(folder, capsys):
    """Which systems said nothing of an utterance of the cuts, and when these are too many."""
    from hybrid.data.manifest import write_cuts
    from tests.hybrid.data.material import ready_corpus
    write_cuts(folder / "cuts.jsonl.gz", ready_corpus(folder / "corpus", number=3, shortest=30, longest=40))
    for name, ids in (("a", "012"), ("b", "0"), ("c", "0")):
        (folder / f"{name}.ctm").write_text("".join(f"u00{n} 1 0.1 0.2 {name} 0.5\n" for n in ids if n != "2"))
    assert run(rover, folder, "vote", "--ctm", "@a.ctm", "@b.ctm", "@c.ctm", "--cuts", "@cuts.jsonl.gz",
               options=["rover.alpha=0.75", "rover.null_confidence=0.25"]) == 0
    assert text(folder, "vote/outcomes.tsv").splitlines()[1:] == [
        "u001\tpartial\t2 of 3 systems said nothing", "u002\tfailed\tno system said anything"]
    assert read_record(folder / "vote")["facts"] == {
        "outcomes": {"done": 1, "partial": 1, "failed": 1}, "alpha": 0.75, "null_confidence": 0.25}
    assert text(folder, "vote/words.ctm").startswith("u000 1 0.1000 0.2000 a ")
    assert text(folder, "vote/hyp.txt") == "u000 a\nu001\n"  # 0.75 / 3 + 0.25 * 0.5 against 0.75 * 2 / 3 + 0.25 * 0.25
    for more, found in ((["--dev-ctm", "@a.ctm"], "1 paths and no cuts"), (["--dev-cuts", "@said.txt"], "0 paths"),
                        (["--dev-ctm", "@a.ctm", "--dev-cuts", "@said.txt"], "1 paths")):
        assert run(rover, folder, "no", "--ctm", "@a.ctm", "@b.ctm", *more) == 2
        assert (f"--dev-ctm and --dev-cuts: expected both, --dev-ctm with 2 paths as --ctm, found {found}\n"
                in capsys.readouterr().err)
    for name in "bc":  # half of the utterances, and more than that
        (folder / f"{name}.ctm").write_text("")
    (folder / "a.ctm").write_text("u000 1 0.1 0.2 a 0.5\n")
    assert run(rover, folder, "none", "--ctm", "@a.ctm", "@b.ctm", "--cuts", "@cuts.jsonl.gz") == 2
    assert "ROVER: 2 of 3 items failed, more than the allowed share of 50%" in capsys.readouterr().err


def test_the_settings_of_the_fewest_errors_are_told(folder, capsys):
    for name, (word, sure) in {"a": ("wrong", 0.9), "b": ("said", 0.2), "c": ("said", 0.1)}.items():
        (folder / f"{name}.ctm").write_text(f"u0 1 0.1 0.2 {word} {sure}\n")
    (folder / "one.txt").write_text("u0 said\n")
    systems = ("@a.ctm", "@b.ctm", "@c.ctm")
    assert run(rover, folder, "out", "--ctm", *systems, "--dev-ctm", *systems, "--dev-cuts", "@one.txt") == 0
    header, *rows = [line.split("\t") for line in text(folder, "out/tuning.tsv").splitlines()]
    facts = read_record(folder / "out")["facts"]
    assert header == ["alpha", "null_confidence", "errors"] and {row[2] for row in rows} == {"0", "1"}
    assert [f"{facts['alpha']:g}", f"{facts['null_confidence']:g}", "0"] in rows
    assert text(folder, "out/hyp.txt") == "u0 said\n"
    assert f"give 0 errors on the development set, the fewest of {len(rows)} settings\n" in capsys.readouterr().err


def test_calibration_of_confidences(folder, capsys):
    transcribed(folder, ctm, "ctm")
    assert run(calibrate, folder, "calibration", "--ctm", "@ctm", "--cuts", "@said.txt", "--test-ctm", "@ctm",
               "--test-cuts", "@said.txt") == 0
    rows = [line.split("\t") for line in text(folder, "calibration/calibration.tsv").splitlines()]
    assert [row[:4] for row in rows[1:]] == [["dev", "before", "6", "0.6667"], ["dev", "after", "6", "0.6667"],
                                             ["test", "before", "6", "0.6667"], ["test", "after", "6", "0.6667"]]
    assert transcribed(folder, ctm, "mapped", ("@one",), "--calibration", "@calibration") == 0
    kind = json.loads(text(folder, "calibration/calibration.json"))["kind"]
    assert (text(folder, "mapped/words.ctm") == text(folder, "ctm/words.ctm")) == (kind == "none")
    assert show([str(folder / "calibration")]) == 0 and "becomes" in capsys.readouterr().out
    assert problems_of(folder / "calibration") == []


def test_what_is_sure_is_kept(folder):
    transcribed(folder, ctm, "ctm")
    assert run(filter, folder, "sure", "--ctm", "@ctm", "--cuts", "@said.txt",
               options=["filter.confidence=0.6", "filter.unit=words"]) == 0
    assert text(folder, "sure/hyp.txt") == "u0 bad add\nu1 bad add\n"
    assert "u0\t0.6000\t3\t2\n" in text(folder, "sure/utterances.tsv")
    table = dict(line.split("\t", 1) for line in text(folder, "sure/thresholds.tsv").splitlines())
    assert table["0.6"] == "2\t33.33\t4\t1.0000" and table["0.65"] == "0\t0.00\t4\t1.0000"
    assert run(filter, folder, "none", "--ctm", "@ctm") == 0 and text(folder, "none/hyp.txt") == ""


def test_confusions(folder):
    transcribed(folder, ctm, "ctm")
    assert run(confusions, folder, "pairs", "--sausages", "@ctm", "--cuts", "@said.txt") == 0
    assert text(folder, "pairs/confusions.tsv").splitlines() == [
        "recognized\tsaid\texpected\terrors", "bad\tb\t1.300\t0", "add\tbee\t0.700\t0"]


def test_kaldi_text_there_and_back(folder):
    for more, text_form in (([], "lattices.txt"), (["--ids"], "lattices.txt"), (["--gzip"], "lattices.txt.gz")):
        out = "kaldi" + "".join(more)
        assert run(convert, folder, out, "--lattices", "@one", "--to", "kaldi", *more) == 0
        assert run(convert, folder, f"back{out}", "--text", f"@{out}/{text_form}", "--words", "@lang/words.txt",
                   "--transitions", "@one/transitions", *more[:1] if "--ids" in more else []) == 0
        for before, after in zip(read_lattices(folder / "one"), read_lattices(folder / f"back{out}")):
            assert to_kaldi_text(before) == to_kaldi_text(after)
    assert "u1\tpartial" in text(folder, "kaldi/outcomes.tsv") and "\tbad\t" in text(folder, "kaldi/lattices.txt")
    assert (folder / "backkaldi" / "transitions").exists() and problems_of(folder / "backkaldi") == []


def test_a_text_with_an_empty_lattice_and_both_classes(folder, capsys):
    lattices = [random_lattice(0, name="f0"), lattice_of(SAID, "c0"), lattice_of(SAID, "c1"), lattice_of(SAID, "c2")]
    (folder / "lat.txt").write_text("".join(map(to_kaldi_text, lattices)) + "empty \n\n")
    by_ids = ["--words", "@lang/words.txt", "--ids"]
    assert run(convert, folder, "in", "--text", "@lat.txt", *by_ids, "--part-size", "2") == 0
    assert sorted(path.name for path in (folder / "in").glob("*.npz")) == [f"lattices.0000{n}.npz" for n in range(3)]
    assert [lattice.utterance_id for lattice in read_lattices(folder / "in")] == ["f0", "c0", "c1", "c2"]
    assert "empty\tfailed\tan empty lattice" in text(folder, "in/outcomes.tsv")
    (folder / "twice.txt").write_text(2 * to_kaldi_text(lattices[1]))
    assert run(convert, folder, "no", "--text", "@twice.txt", *by_ids) == 2
    assert "c0: expected each id once" in capsys.readouterr().err
    assert run(convert, folder, "no", "--text", "@lat.txt", "--ids") == 2 and "--words" in capsys.readouterr().err
    assert run(convert, folder, "no", "--text", "@lat.txt", "--to", "slf") == 2


def test_text_and_tables_that_do_not_go_together(folder, capsys):
    (folder / "short.txt").write_text("<eps> 0\n")
    for form in ("kaldi", "slf"):
        assert run(convert, folder, "no", "--lattices", "@one", "--to", form, "--words", "@short.txt",
                   "--frame-shift", "0.01") == 2
        assert "lattice u0, word_ids: expected numbers from 0 to below 1, found 0 to " in capsys.readouterr().err
    more = ["--words", "@lang/words.txt", "--ids"]
    beyond = TRANSITIONS.num_transition_ids + 1
    (folder / "lat.txt").write_text(f"u\n0 1 1 1,2,1\n1\n\nv\n0 1 1 1,2,{beyond}\n1\n\n")
    assert run(convert, folder, "no", "--text", "@lat.txt", *more, "--transitions", "@one/transitions") == 2
    assert (f"lat.txt:5: lattice v, transition_ids: expected numbers from 0 to below {beyond}, found {beyond} to "
            in capsys.readouterr().err)
    assert run(convert, folder, "no", "--text", "@lat.txt", *more, "--transitions", "@said.txt") == 2
    assert "said.txt: expected a transition model" in capsys.readouterr().err
    (folder / "lat.txt").write_text("\n\n")
    assert run(convert, folder, "no", "--text", "@lat.txt", *more) == 2
    assert "conversion: expected at least one item, found none" in capsys.readouterr().err


def test_slf(folder):
    write_lattices(folder / "one", 1, [random_lattice(1, name="a/b")])
    assert run(convert, folder, "slf", "--lattices", "@one", "--to", "slf", "--frame-shift", "0.02",
               options=SCALES) == 0
    slf = read_slf(text(folder, "slf/u0.slf"))
    assert slf.head["UTTERANCE"] == "u0" and float(slf.nodes[-1]["t"]) == pytest.approx(0.48)
    assert {link["W"] for link in slf.links} == {"!NULL", "bad", "add", "b", "bee"}
    assert (folder / "slf" / "a%2Fb.slf").exists()


def test_pictures(folder, capsys):
    assert run(draw, folder, "pictures", "--lattices", "@one", "--utterances", "u1", "--format", "svg",
               options=SCALES) == 0
    assert "bad" in text(folder, "pictures/u1.svg") and not (folder / "pictures" / "u0.svg").exists()
    assert run(draw, folder, "first", "--lattices", "@one", "--number", "1") == 0
    assert [path.name for path in (folder / "first").glob("*.png")] == ["u0.png"]
    assert run(draw, folder, "none", "--lattices", "@one", "--utterances", "u7") == 2
    assert "none of u7" in capsys.readouterr().err
