"""What the programs over lattices write and tell of lattices in which everything is known, to the last figure."""

import gzip
import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.lattice_io import read_lattices, write_lattices
from hybrid.lattices.calibration import KINDS, calibration_error, normalized_cross_entropy
from tests.graphs.lattices.test_lattice import random_lattice
from tests.hybrid.lattices.material import LANG, lattice_of
from tests.hybrid.report.test_results import add_system
from tests.reference.slf import read_slf
from tests.tools.test_lattice_programs import SCALES, folder, run, text, transcribed  # noqa: F401
from tools.frame.records import read_record, write_record
from tools.lattices import calibrate, compose, confusions, convert, draw, filter, mbr, oracle, sample, statistics
from tools.lattices.convert import file_name, parts
from tools.lattices.inputs import frame_shift_of, scored_words, system_scales, utterance_ids, words_of


def facts(folder, out):  # noqa: F811
    return read_record(folder / out)["facts"]


# --- convert

@pytest.mark.parametrize("arguments", [
    (), ("--lattices", "@one"), ("--text", "@lat.txt", "--to", "kaldi"), ("--to", "slf"),
    ("--lattices", "@one", "--text", "@lat.txt"), ("--lattices", "@one", "--text", "@lat.txt", "--to", "kaldi")])
def test_lattices_and_a_form_or_a_text(folder, capsys, arguments):  # noqa: F811
    (folder / "lat.txt").write_text("")
    assert run(convert, folder, "no", *arguments) == 2
    assert "arguments: expected --lattices with --to, or --text, found something else" in capsys.readouterr().err


def test_parts_are_of_one_class_and_size():
    ones, twos = [1, 2, 3], ["a", "b"]
    assert list(parts([*ones, *twos], 2)) == [[1, 2], [3], ["a", "b"]]
    assert list(parts(ones, 1)) == [[1], [2], [3]] and list(parts(ones, 3)) == [ones] and list(parts([], 2)) == []


def test_names_of_files_are_those_of_one_utterance():
    assert [file_name(name) for name in ("a/b", "a%2Fb", "a%b", "ab")] == ["a%2Fb", "a%252Fb", "a%25b", "ab"]


def test_the_same_lattices_give_the_same_bytes(folder):  # noqa: F811
    """No time and no name stand in the head of what is compressed; words may be those of another table."""
    for out, more in (("plain", []), ("packed", ["--gzip"]), ("other", ["--words", "@other.txt"])):
        symbols = enumerate(LANG.words.symbols)
        (folder / "other.txt").write_text("".join(f"{'x' * (n > 0)}{symbol} {n}\n" for n, symbol in symbols))
        assert run(convert, folder, out, "--lattices", "@one", "--to", "kaldi", *more) == 0
    packed = (folder / "packed/lattices.txt.gz").read_bytes()
    assert packed[:4] == b"\x1f\x8b\x08\x00" and packed[4:8] == bytes(4)
    assert gzip.decompress(packed).decode() == text(folder, "plain/lattices.txt")
    assert "\txbad\t" in text(folder, "other/lattices.txt")
    assert facts(folder, "plain") == {"outcomes": {"done": 1, "partial": 1}}
    assert "u1\tpartial\tthe search did not reach the end of the graph\n" in text(folder, "plain/outcomes.tsv")


def test_half_of_a_text_may_be_empty_lattices(folder, capsys):  # noqa: F811
    more = ["--words", "@lang/words.txt", "--ids"]
    for empty, status in ((1, 0), (2, 2)):
        (folder / "lat.txt").write_text("u\n0 1 1 1,2,1\n1\n\n" + "".join(f"v{n}\n\n" for n in range(empty)))
        assert run(convert, folder, "half", "--text", "@lat.txt", *more) == status
    assert "conversion: 2 of 3 items failed, more than the allowed share of 50%" in capsys.readouterr().err


def test_scales_in_the_head_of_slf(folder):  # noqa: F811
    """Those of the options, or those that a score folder has chosen."""
    options = ["score.lm_scale=3", "score.acoustic_scale=0.5", "score.word_insertion_penalty=-1.5"]
    add_system(folder, "score_am", "am", 1)  # lm_scale 7, no penalty
    for out, more, lm_scale, penalty, acoustic in (("own", [], 3, 1.5, 0.5), (
            "chosen", ["--scores", "@exp/score_am"], 7, 0, None)):
        assert run(convert, folder, out, "--lattices", "@one", "--to", "slf", "--frame-shift", "0.02", *more,
                   options=options) == 0
        head = read_slf(text(folder, f"{out}/u0.slf")).head
        assert (float(head["lmscale"]), float(head["wdpenalty"])) == (lm_scale, penalty)
        assert acoustic is None or float(head["acscale"]) == acoustic


# --- what several programs ask of the folders

def test_scales_of_the_systems(folder):  # noqa: F811
    from hybrid.recognize.scoring import ScoreOptions
    options = ScoreOptions(lm_scale=3.0, word_insertion_penalty=1.0, acoustic_scale=0.5)
    assert system_scales([], 2, options) == [(3.0, 1.0, 0.5)] * 2
    add_system(folder, "score_am", "am", 1)
    scores = folder / "exp/score_am"
    assert system_scales([scores], 1, options)[0][:2] == (7.0, 0.0)
    for given, count in (([scores], 2), ([scores] * 2, 1)):
        with pytest.raises(InputError, match=f"expected {count} folders, as for --lattices, found {len(given)}"):
            system_scales(given, count, options)


@pytest.mark.parametrize("given", [0.0, -0.01, math.inf, math.nan])
def test_seconds_of_a_frame(folder, given):  # noqa: F811
    assert frame_shift_of(folder / "one", 0.02) == 0.02
    with pytest.raises(InputError, match=f"--frame-shift: expected seconds above 0, found {given}"):
        frame_shift_of(folder / "one", given)


def test_files_or_the_folders_that_hold_them(folder):  # noqa: F811
    from hybrid.data.manifest import write_cuts
    from tests.hybrid.data.material import ready_corpus
    transcribed(folder, mbr)
    assert scored_words(folder / "mbr") == scored_words(folder / "mbr/words.ctm")
    write_cuts(folder / "cuts.jsonl.gz", ready_corpus(folder / "corpus", number=2, shortest=30, longest=40))
    assert utterance_ids(folder) == utterance_ids(folder / "cuts.jsonl.gz") == ["u000", "u001"]
    assert utterance_ids(None) is None and words_of(folder / "one").symbols == LANG.words.symbols
    with pytest.raises(InputError, match="words.txt: expected the words.txt of the lattices, found none"):
        words_of(folder / "lang" / "none")


# --- oracle, pictures

def test_errors_of_the_nearest_paths(folder):  # noqa: F811
    """u0 lacks a word and u1 has one too many: of `bad add b` one is replaced, and one is deleted or inserted."""
    (folder / "near.txt").write_text("u0 bad add\nu1 bad b add b\n")
    assert run(oracle, folder, "oracle", "--lattices", "@one", "--cuts", "@near.txt", options=SCALES) == 0
    header, *rows = [line.split("\t") for line in text(folder, "oracle/oracle.tsv").splitlines()]
    assert header[4:] == ["errors", "words", "ins", "del", "sub"]
    assert [row[0] for row in rows] == ["0", "1", "2", "4", "6", "8", "10", "inf"]
    assert {tuple(row[3:]) for row in rows} == {("33.33", "2", "6", "1", "1", "0")}
    assert facts(folder, "oracle") == {"outcomes": {"done": 2}, "oracle_wer": {
        row[0]: 33.3333 for row in rows}}
    (folder / "near.txt").write_text("u0 bad add\nu1 bad\nu2 b\n")
    assert run(oracle, folder, "lack", "--lattices", "@one", "--cuts", "@near.txt", "--max-failed-share", "0.3") == 2
    assert run(oracle, folder, "lack", "--lattices", "@one", "--cuts", "@near.txt", "--max-failed-share", "0.4") == 0


def test_the_first_ten_lattices_or_those_that_are_named_are_drawn(folder, capsys):  # noqa: F811
    write_lattices(folder / "one", 0, [lattice_of([("bad", "B", 1.0)], f"u/{n}") for n in range(11)])
    assert run(draw, folder, "ten", "--lattices", "@one", "--format", "svg") == 0
    assert facts(folder, "ten") == {"drawn": [f"u/{n}" for n in range(10)]} and (folder / "ten/u%2F9.svg").exists()
    assert run(draw, folder, "named", "--lattices", "@one", "--format", "svg", "--number", "1",
               "--utterances", "u/10", "u/3") == 0
    assert facts(folder, "named") == {"drawn": ["u/3", "u/10"]}
    assert run(draw, folder, "no", "--lattices", "@one", "--utterances", "z", "u/1", "y") == 2
    assert "one: expected lattices of all --utterances, found none of y" in capsys.readouterr().err


# --- words and how sure they are

def test_what_is_told_of_words_of_least_errors(folder, capsys):  # noqa: F811
    """Where a pronunciation does not make up the phones, words last from label to label, and phones are not written."""
    assert transcribed(folder) == 0
    # of each utterance: add for b (0.35 + 0.25), bad for b (0.4), add for bee (0.35)
    assert facts(folder, "mbr")["times_by_label"] == 0 and (folder / "mbr/phones.ctm").exists()
    risk = facts(folder, "mbr")["expected_errors"]
    assert risk == round(risk, 2) > 0 and "pronunciations do not" not in capsys.readouterr().err
    write_lattices(folder / "one", 0, [lattice_of([("bee", "A", 1.0)], "u0"), lattice_of([("b", "B", 1.0)], "u1")])
    assert transcribed(folder, mbr, "odd") == 0
    assert facts(folder, "odd") == {"outcomes": {"done": 2}, "times_by_label": 1, "expected_errors": 0.0}
    assert "1 of 2 utterances: pronunciations do not make up the phones of the path" in capsys.readouterr().err
    (folder / "one/transitions").unlink()
    assert run(mbr, folder, "bare", "--lattices", "@one", "--frame-shift", "0.01", options=SCALES) == 0
    assert "pronunciations do not" not in capsys.readouterr().err and facts(folder, "bare")["times_by_label"] == 2
    assert not (folder / "bare/phones.ctm").exists()


CTM = {"u0": (("bad", 0.9), ("add", 0.6)), "u1": (("b", 0.75), ("bad", 0.25), ("b", 0.5))}


@pytest.fixture
def ctm(folder):  # noqa: F811
    """`bad add` and `b bad b`, of which `bad` of u1 is wrong and its last word too much."""
    (folder / "x.ctm").write_text("".join(f"{key} 1 {n} 0.5 {word} {p}\n" for key, words in CTM.items()
                                          for n, (word, p) in enumerate(words)))
    (folder / "x.txt").write_text("u0 bad add\nu1 b b\n")
    return folder


def test_what_is_told_of_what_is_kept(ctm):
    assert run(filter, ctm, "out", "--ctm", "@x.ctm", "--cuts", "@x.txt", options=["filter.confidence=0.51"]) == 0
    assert text(ctm, "out/utterances.tsv").splitlines() == [
        "utterance\tconfidence\twords\tkept_words", "u0\t0.7500\t2\t2", "u1\t0.5000\t3\t0"]
    assert facts(ctm, "out") == {"utterances": 2, "kept_utterances": 1, "words": 5, "kept_words": 2}
    header, *rows = [line.split("\t") for line in text(ctm, "out/thresholds.tsv").splitlines()]
    assert header == ["confidence", "utterances", "wer_of_them", "words", "correct_of_them"]
    points = sorted({*(round(0.05 * n, 2) for n in range(21)), 0.51, 0.99})
    assert [row[0] for row in rows] == [f"{point:g}" for point in points]
    found = {row[0]: row[1:] for row in rows}
    assert found["0"] == ["2", "25.00", "5", "0.8000"] and found["0.5"] == ["2", "25.00", "4", "1.0000"]
    assert found["0.51"] == ["1", "0.00", "3", "1.0000"] and found["1"] == ["0", "0.00", "0", "1.0000"]
    assert "above 0.51: 1 utterances with 0.00 % WER; 3 words, 100.00 % of them correct" in text(ctm, "out/log.txt")
    assert run(filter, ctm, "plain", "--ctm", "@x.ctm") == 0 and not (ctm / "plain/thresholds.tsv").exists()


def test_what_is_told_of_how_good_confidences_are(ctm, capsys):
    assert run(calibrate, ctm, "out", "--ctm", "@x.ctm", "--cuts", "@x.txt") == 0
    confidences, correct = [0.9, 0.6, 0.75, 0.25, 0.5], [True, True, True, False, True]
    header, before, after = [line.split("\t") for line in text(ctm, "out/calibration.tsv").splitlines()]
    assert header == ["set", "confidences", "words", "correct", "nce", "calibration_error"]
    nce, error = (of(confidences, correct) for of in (normalized_cross_entropy, calibration_error))
    assert before == ["dev", "before", "5", "0.8000", f"{nce:.4f}", f"{error:.4f}"]
    assert after[:4] == ["dev", "after", "5", "0.8000"] and float(after[4]) >= float(before[4])
    found = facts(ctm, "out")
    assert found["nce"] == {"dev before": before[4], "dev after": after[4]} and found["kind"] in KINDS
    assert (ctm / "out/reliability.png").read_bytes()[:4] == b"\x89PNG"
    for more in (["--test-ctm", "@x.ctm"], ["--test-cuts", "@x.txt"]):
        assert run(calibrate, ctm, "no", "--ctm", "@x.ctm", "--cuts", "@x.txt", *more) == 2
        assert "--test-ctm: expected --test-ctm and --test-cuts together, found one of them" in capsys.readouterr().err
    (ctm / "none.ctm").write_text("")
    assert run(calibrate, ctm, "no", "--ctm", "@none.ctm", "--cuts", "@x.txt") == 2
    assert "none.ctm: expected at least one word, found none" in capsys.readouterr().err


def test_what_is_told_of_confusions(folder):  # noqa: F811
    transcribed(folder)
    assert run(confusions, folder, "all", "--sausages", "@mbr/sausages.jsonl", "--least", "0.75") == 0
    rows = [line.split("\t") for line in text(folder, "all/confusions.tsv").splitlines()[1:]]
    assert rows and all(float(row[2]) >= 0.75 and row[3] == "0" for row in rows)
    assert facts(folder, "all") == {"pairs": len(rows), "errors": 0,
                                    "expected": round(sum(float(row[2]) for row in rows), 2)}
    (folder / "other.txt").write_text("u0 bad add b\nu1 bad b bad\n")
    assert run(confusions, folder, "made", "--sausages", "@mbr", "--cuts", "@other.txt") == 0
    assert facts(folder, "made")["errors"] == 2
    rows = [line.split("\t") for line in text(folder, "made/confusions.tsv").splitlines()[1:]]
    assert {(row[0], row[1]): row[3] for row in rows if row[3] != "0"} == {("bad", "b"): "1", ("add", "b"): "1"}


# --- sizes, draws, composition

def test_means_of_sizes_are_of_frames(folder):  # noqa: F811
    """Of lattices of 6 and 3 frames, of which three and two arcs cross each."""
    write_lattices(folder / "one", 0, [
        lattice_of([(word, "B A", p) for word, p in (("bad", 0.5), ("add", 0.25), ("b", 0.25))], "u0"),
        lattice_of([(word, "B", 0.5) for word in ("bad", "add")], "u1")])
    assert run(statistics, folder, "out", "--lattices", "@one") == 0
    assert facts(folder, "out") == {"outcomes": {"done": 2}, "lattices": 2, "frames": 9, "arcs": 9 + 4,
                                    "depth": round((6 * 3 + 3 * 2) / 9, 2)}
    assert "2 lattices, 9 frames, 13 arcs, depth 2.67\n" in text(folder, "out/log.txt")


def test_draws_of_two_lattices_are_not_alike(folder):  # noqa: F811
    one = random_lattice(3, num_frames=6, name="u0")
    write_lattices(folder / "one", 0, [one, random_lattice(3, num_frames=6, name="u1")])
    for out, more in (("first", []), ("again", ["--seed", "0"]), ("other", ["--seed", "1"])):
        assert run(sample, folder, out, "--lattices", "@one", "--number", "8", "--acoustic-scale", "0.5", *more) == 0
    rows = [line.split("\t") for line in text(folder, "first/samples.tsv").splitlines()]
    assert rows[0] == ["utterance", "number", "score", "acoustic", "graph", "words"]
    assert [row[:2] for row in rows[1:]] == [[f"u{n}", str(number)] for n in range(2) for number in range(1, 9)]
    assert [row[2:] for row in rows[1:9]] != [row[2:] for row in rows[9:]]
    assert text(folder, "again/samples.tsv") == text(folder, "first/samples.tsv") != text(folder, "other/samples.tsv")
    assert run(sample, folder, "single", "--lattices", "@one") == 0
    assert len(text(folder, "single/samples.tsv").splitlines()) == 3


def test_acceptors_with_failure_arcs(folder, capsys):  # noqa: F811
    """`bad` is taken by its own arc, other words by way of the failure arc, whose label --backoff is."""
    bad, add, b, bee = (LANG.words.id_of(word) for word in ("bad", "add", "b", "bee"))
    arcs = [(0, 0, bad, 0.5), (0, 1, 99, 0.25), (1, 0, add, 1.0), (1, 0, b, 2.0), (1, 0, bee, 4.0)]
    (folder / "g.fst").write_text("".join(f"{s} {d} {i} {i} {w}\n" for s, d, i, w in arcs) + "0\n1\n")
    before = {}
    for lattice in read_lattices(folder / "one"):
        path = lattice.best_path(1.0, 1.0)
        before[lattice.utterance_id] = path.score - (0.5 + 0.25 + 1.0 + 0.25 + 2.0)  # bad add b
    assert run(compose, folder, "out", "--lattices", "@one", "--fst", "@g.fst", "--backoff", "99") == 0
    for lattice in read_lattices(folder / "out"):
        scores = {tuple(path.word_ids): path.score for path in [lattice.best_path(1.0, 1.0)]}
        assert scores.get((bad, add, b), -math.inf) <= before[lattice.utterance_id] + 1e-5
        assert max(scores.values()) >= before[lattice.utterance_id] - 1e-5
    for more in ([], ["--fst", "@g.fst", "--arpa", "@g.fst"]):
        assert run(compose, folder, "no", "--lattices", "@one", *more) == 2
        assert "--arpa and --fst: expected one of them, found neither or both" in capsys.readouterr().err
    assert run(compose, folder, "no", "--lattices", "@one", "--fst", "@said.txt") == 2
    assert "said.txt" in capsys.readouterr().err


def test_scales_for_good(folder, capsys):  # noqa: F811
    """The record tells the acoustic scale that suits the new scores: as before, times the one by the other factor,
    or by the acoustic one where graph scores go out."""
    from tools.lattices import scale
    write_record(folder / "one", {"facts": {"acoustic_scale": 0.5, "search_seconds": 3.0}})
    for out, more, own in (("a", ["--acoustic-factor", "0.25"], 2.0), ("g", ["--graph-factor", "0.5"], 0.25),
                           ("both", ["--graph-factor", "3", "--acoustic-factor", "0.5"], 3.0),
                           ("none", ["--graph-factor", "0", "--acoustic-factor", "0.25"], 2.0),
                           ("p", ["--word-insertion-penalty", "1.5"], 0.5)):
        assert run(scale, folder, out, "--lattices", "@one", *more) == 0
        assert facts(folder, out)["acoustic_scale"] == own and facts(folder, out)["search_seconds"] >= 3.0
    assert run(scale, folder, "no", "--lattices", "@one", "--acoustic-factor", "0") == 2
    assert "--acoustic-factor: expected a number above 0, found 0" in capsys.readouterr().err
    one, other = (next(read_lattices(folder / name)) for name in ("one", "p"))
    assert np.allclose(other.graph, one.graph - 1.5 * (one.word_id > 0))
