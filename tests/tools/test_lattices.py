"""The programs over folders of lattices: what they write of each lattice, and of those of which nothing comes."""

import numpy as np
import pytest

import tools.lattices.compose
import tools.lattices.determinize
import tools.lattices.join
import tools.lattices.nbest
import tools.lattices.prune
import tools.lattices.reshape
import tools.lattices.sample
import tools.lattices.scale
import tools.lattices.statistics
from graphs.lang.symbols import SymbolTable
from graphs.lattices.compact_lattice import CompactLattice
from graphs.lattices.compose import union
from graphs.lattices.determinize import determinize
from graphs.lattices.lattice import Lattice
from graphs.lattices.lattice_io import read_lattices, write_lattices
from graphs.lattices.structure import reverse, statistics
from hybrid.recognize.nbest import best_sentences
from tests.graphs.lattices.material import path_list, random_compact_lattice, same_paths
from tests.graphs.lattices.test_lattice import random_lattice
from tools.frame.records import read_record, write_record

WORDS = SymbolTable(["a", "b", "c", "#0", "<s>", "</s>"])
ARPA = "\\data\\\nngram 1=4\n\n\\1-grams:\n-99 <s>\n-0.5 </s>\n-0.25 a\n-1.0 b\n\n\\end\\\n"


@pytest.fixture
def decoded(tmp_path):
    folder = tmp_path / "decode"
    write_lattices(folder, 0, [random_lattice(seed, name=f"u{seed}") for seed in range(3)])
    write_lattices(folder, 1, [random_compact_lattice(7, name="u3")])
    WORDS.write(folder / "words.txt")
    (folder / "transitions").write_text("as they were\n")
    write_record(folder, {"facts": {"acoustic_scale": 0.5, "search_seconds": 3.0}})
    return folder


def run(decoded, program, *more, status=0, nj=1, source=None):
    """The output folder of tools.lattices.PROGRAM."""
    module = getattr(tools.lattices, program)
    out = decoded.parent / "out"
    arguments = ["--lattices", source or decoded, "--out", out, "--nj", nj, *more]
    assert module.PROGRAM.run(module.work, list(map(str, arguments))) == status
    return out


def by_id(folder):
    return {lattice.utterance_id: lattice for lattice in read_lattices(folder)}


def facts(folder):
    return read_record(folder)["facts"]


def test_determinized_by_the_scale_of_the_search(decoded):
    out = run(decoded, "determinize", "determinize.beam=3", nj=2)
    found = by_id(out)
    assert list(found) == ["u0", "u1", "u2", "u3"]
    for name, lattice in by_id(decoded).items():
        assert isinstance(found[name], CompactLattice)
        same_paths(path_list(found[name]), path_list(determinize(lattice, 3.0, 1.0, 0.5).lattice))
    assert (out / "words.txt").read_bytes() == (decoded / "words.txt").read_bytes()
    assert (out / "transitions").read_text() == "as they were\n"
    assert facts(out)["acoustic_scale"] == 0.5 and facts(out)["search_seconds"] >= 3.0
    assert facts(out)["outcomes"] == {"done": 4} and facts(out)["frames"] == sum(x.num_frames for x in found.values())
    assert facts(out)["arcs_per_frame"] == pytest.approx(
        sum(x.num_arcs for x in found.values()) / facts(out)["frames"], abs=1e-3)


def test_a_lattice_that_becomes_too_large_is_named(decoded):
    out = run(decoded, "determinize", "determinize.beam=20", "determinize.max_arcs=8")
    lines = (out / "outcomes.tsv").read_text().splitlines()
    assert any(line.split("\t")[1] == "retried" and "instead of 20: more than 8 arcs" in line for line in lines)
    assert all(lattice.num_arcs <= 8 for lattice in by_id(out).values()) and len(by_id(out)) == 4


def test_what_fails_is_named_and_more_than_allowed_is_an_error(decoded):
    lattices = list(read_lattices(decoded))
    lattices[1].acoustic[:] = np.nan
    write_lattices(decoded, 0, lattices[:3])
    run(decoded, "prune", "--beam", 2, status=2)
    out = run(decoded, "prune", "--beam", 2, "--max-failed-share", 0.3)
    assert list(by_id(out)) == ["u0", "u2", "u3"]
    assert "u1\tfailed\tlattice u1, arc 0: expected a score, found nan" in (out / "outcomes.tsv").read_text()
    same_paths(path_list(by_id(out)["u0"]), path_list(lattices[0].prune(2.0, 1.0, 0.5)))


def test_partial_lattices_stay_marked(decoded):
    lattices = list(read_lattices(decoded))
    lattices[2].partial = True
    write_lattices(decoded, 0, lattices[:3])
    out = run(decoded, "prune", "--beam", 2, "--acoustic-scale", 2, "--graph-scale", 3)
    assert [lattice.partial for lattice in read_lattices(out)] == [False, False, True, False]
    assert facts(out)["outcomes"] == {"done": 3, "partial": 1}
    same_paths(path_list(by_id(out)["u0"]), path_list(lattices[0].prune(2.0, 3.0, 2.0)))


def test_scaled_lattices_know_the_scale_that_suits_them(decoded):
    out = run(decoded, "scale", "--acoustic-factor", 0.25, "--word-insertion-penalty", 1.5)
    for name, lattice in by_id(decoded).items():
        best, found = lattice.best_path(1.0, 0.25, 1.5), by_id(out)[name].best_path()
        assert found.score == pytest.approx(best.score, abs=1e-4)
    assert facts(out)["acoustic_scale"] == 2.0
    with pytest.raises(SystemExit):
        run(decoded, "scale", "--graph-factor", -1)
    run(decoded, "scale", "--acoustic-factor", 0, status=2)


def test_steps_are_taken_in_turn(decoded):
    out = run(decoded, "reshape", "--steps", "expand", "connect", "sort", "push", "reverse")
    for name, lattice in by_id(decoded).items():
        assert isinstance(by_id(out)[name], Lattice)
        same_paths(path_list(by_id(out)[name]), path_list(reverse(lattice)))
    out = run(decoded, "reshape", "--steps", "compact", "minimize")
    for name, lattice in by_id(decoded).items():
        assert isinstance(by_id(out)[name], CompactLattice)
        same_paths(path_list(by_id(out)[name]), path_list(lattice))


def test_composed_with_a_model_each_sentence_has_its_score_more(decoded):
    (decoded.parent / "lm.arpa").write_text(ARPA)
    out = run(decoded, "compose", "--arpa", decoded.parent / "lm.arpa", "--scale", 2)
    gain = {1: -0.25, 2: -1.0}
    for name, lattice in by_id(decoded).items():
        expected = []
        for words, ids, acoustic, graph, score in path_list(lattice):
            if not set(words) - set(gain):
                more = 2.0 * np.log(10.0) * (sum(gain[word] for word in words) - 0.5)
                expected.append((words, ids, acoustic, graph + more, score + more))
        same_paths(path_list(by_id(out)[name]), expected)
    (decoded.parent / "a.fst").write_text("0 0 1 1 0.5\n0\n")
    out = run(decoded, "compose", "--fst", decoded.parent / "a.fst", "--max-failed-share", 0.9)
    assert all(set(words) <= {1} for lattice in read_lattices(out) for words, *_ in path_list(lattice))
    run(decoded, "compose", status=2)


def test_systems_are_joined(decoded):
    other = decoded.parent / "other"
    write_lattices(other, 0, [random_lattice(seed + 10, name=f"u{seed}") for seed in range(2)])
    WORDS.write(other / "words.txt")
    out = run(decoded, "join", "--others", other, "--how", "union", "--weights", 3, 1)
    own, theirs = by_id(decoded), by_id(other)
    same_paths(path_list(by_id(out)["u1"]), path_list(union([own["u1"], theirs["u1"]], [3, 1], 1.0, 0.5)))
    assert "u2\tpartial\tno lattice in" in (out / "outcomes.tsv").read_text() and len(by_id(out)) == 4
    out = run(decoded, "join", "--others", other, "--how", "intersect", "--max-failed-share", 0.9)
    assert set(by_id(out)) <= {"u0", "u1"} and "u3\tfailed\t" in (out / "outcomes.tsv").read_text()
    SymbolTable(["x"]).write(other / "words.txt")
    run(decoded, "join", "--others", other, "--how", "union", status=2)


def rows(path):
    header, *lines = path.read_text().splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"))) for line in lines]


def test_tables_of_sentences_samples_and_sizes(decoded):
    out = run(decoded, "nbest", "--number", 3, "--word-insertion-penalty", 0.5)
    found = rows(out / "nbest.tsv")
    expected = best_sentences(by_id(decoded)["u0"], 3, 1.0, 0.5, 0.5)
    for row, sentence in zip(found, expected):
        assert row["words"] == " ".join(WORDS.symbol_of(word) for word in sentence.word_ids)
        assert float(row["score"]) == pytest.approx(sentence.score, abs=1e-3)
    assert [row["rank"] for row in found[:3]] == ["1", "2", "3"]
    out = run(decoded, "sample", "--number", 5, "--seed", 4)
    drawn = (out / "samples.tsv").read_text()
    assert len(rows(out / "samples.tsv")) == 20
    assert drawn != (run(decoded, "sample", "--number", 5, "--seed", 5) / "samples.tsv").read_text()
    assert drawn == (run(decoded, "sample", "--number", 5, "--seed", 4) / "samples.tsv").read_text()
    out = run(decoded, "statistics")
    own = statistics(by_id(decoded)["u3"])
    row = rows(out / "statistics.tsv")[3]
    assert (row["utterance"], int(row["states"]), int(row["arcs"])) == ("u3", own.states, own.arcs)
    assert float(row["depth"]) == pytest.approx(own.depth, abs=0.01)
    assert (facts(out)["lattices"], facts(out)["outcomes"]) == (4, {"done": 4})


@pytest.mark.parametrize("program", ["nbest", "sample"])
def test_tables_name_what_fails(decoded, program):
    lattices = list(read_lattices(decoded))
    lattices[1].acoustic[:] = np.nan
    write_lattices(decoded, 0, lattices[:3])
    run(decoded, program, status=2)
    out = run(decoded, program, "--max-failed-share", 0.3)
    assert "u1\tfailed\tlattice u1, arc 0: expected a score, found nan" in (out / "outcomes.tsv").read_text()
    assert {row["utterance"] for row in rows(next(out.glob(f"{program}*.tsv")))} == {"u0", "u2", "u3"}
