"""tools.lattices.rescore on made-up lattices, against the library and against an oracle."""

import json
import math
import shutil

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.grammar.grammar_lm import GrammarLm
from graphs.grammar.ngram_lm import NgramLm
from graphs.grammar.sentences import score_sentences
from graphs.grammar.weighted_lm import Term
from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice import Lattice
from graphs.lattices.lattice_io import read_lattices, write_lattices
from graphs.lattices.rescore import RescoreOptions, rescore
from hybrid.lm.language_models import mixture_weights
from hybrid.lm.neural_lm import NeuralLm
from hybrid.lm.perplexity import read_text_ids
from hybrid.recognize import rescoring
from hybrid.recognize.nbest import best_sentences
from hybrid.recognize.rescoring import Chosen, RescoringOptions
from tests.graphs.arpas import arpa_text, random_entries
from tests.graphs.lattices.material import best_of_sentences, random_lattice
from tests.hybrid.lm.test_neural_folder import write as write_network
from tools.lattices import rescore as program

WORDS = ["<eps>", "a", "b", "#0", "<s>", "</s>"]
IDS = [f"u{i}" for i in range(4)]
WIDE = ["rescore.beam=1000", "rescore.acoustic_scale=1"]


@pytest.fixture
def work(tmp_path):
    for name, seed, order in (("old", 1, 2), ("new", 2, 3), ("other", 3, 2)):
        (tmp_path / f"{name}.arpa").write_text(arpa_text(random_entries(seed, order, ("a", "b"), 0.7)))
    folder = tmp_path / "lattices"
    folder.mkdir()
    (folder / "words.txt").write_text("".join(f"{word} {i}\n" for i, word in enumerate(WORDS)))
    (folder / "transitions").write_text("of the model\n")
    write_lattices(folder, 0, [random_lattice(i, 4, 2, name) for i, name in enumerate(IDS)])
    return tmp_path


def run(work, out, *arguments, lm=("new",), lattices="lattices", old=("old.arpa",)):
    lms, olds = [work / f"{name}.arpa" for name in lm], [word for name in old for word in ("--graph-lm", work / name)]
    return program.PROGRAM.run(program.work, [str(argument) for argument in (
        "--lattices", work / lattices, *olds, "--lm", *lms, "--out", work / out, "--nj", 1, *arguments)])


def lattices_of(folder):
    return {lattice.utterance_id: lattice for lattice in read_lattices(folder)}


def models(work):
    words = SymbolTable.read(work / "lattices" / "words.txt")
    found = {name: read_arpa(work / f"{name}.arpa")[0] for name in ("old", "new", "other")}
    return words, found


def same(one, other):
    return one.keys() == other.keys() and all(
        np.allclose(one[key].graph, other[key].graph, atol=1e-5) and (one[key].word_id == other[key].word_id).all()
        for key in one)


@pytest.mark.parametrize("backoff", ["free", "model"])
def test_the_librarys_lattices_come_out(work, backoff):
    assert run(work, "out", f"rescore.backoff={backoff}", "rescore.lm_weight=0.75", *WIDE, "--part-size", 3) == 0
    words, found = models(work)
    new = GrammarLm.of(found["new"], words) if backoff == "free" else NgramLm(found["new"], words)
    terms = [Term(GrammarLm.of(found["old"], words), -0.75), Term(new, 0.75)]
    expected = {name: rescore(lattice, terms, RescoreOptions(beam=1000, acoustic_scale=1.0))
                for name, lattice in lattices_of(work / "lattices").items()}
    assert same(lattices_of(work / "out"), expected)
    assert len(list((work / "out").glob("lattices.*.npz"))) == 2
    assert (work / "out" / "words.txt").read_text() == (work / "lattices" / "words.txt").read_text()
    assert (work / "out" / "transitions").exists() and Chosen.read(work / "out") == Chosen(0.75)
    facts = json.loads((work / "out" / ".stage.json").read_text())["facts"]
    assert facts["outcomes"] == {"done": 4} and facts["frames"] == 16


def test_several_processes_are_for_the_cpu(work, monkeypatch):
    seen, once = [], rescoring.rescore_all
    monkeypatch.setattr(rescoring, "rescore_all", lambda wanted, lattices, nj: seen.append(nj) or once(
        wanted, lattices, 1))
    for device in ("cpu", "cuda"):  # which n-gram models do not look at
        assert run(work, device, *WIDE, "--device", device, "--nj", 3) == 0
    assert seen == [3, 1]


def test_the_same_lm_leaves_lattices_as_they_are(work):
    assert run(work, "out", *WIDE, lm=("old",)) == 0
    for name, lattice in lattices_of(work / "out").items():
        before = lattices_of(work / "lattices")[name].best_path()
        after = lattice.best_path()
        assert after.word_ids == before.word_ids and after.score == before.score


@pytest.mark.parametrize("nbest", [0, 3])
def test_lattices_without_a_model_get_one(work, nbest):
    assert run(work, "out", "rescore.lm_weight=0.5", f"rescore.nbest={nbest}", *WIDE, old=()) == 0
    words, found = models(work)
    new = NgramLm(found["new"], words)  # nothing says how a graph scores
    for name, lattice in lattices_of(work / "lattices").items():
        before, after = best_of_sentences(lattice), best_of_sentences(lattices_of(work / "out")[name])
        assert len(after) == nbest or after.keys() == before.keys() and not nbest
        for ids, score in zip(after, score_sentences(new, list(after))):
            assert after[ids][2] == pytest.approx(before[ids][2] + 0.5 * score, abs=1e-4)


def test_facts_of_the_search_stay(work):
    from tools.frame.records import write_record
    write_record(work / "lattices", {"state": "done", "facts": {"acoustic_scale": 0.75, "search_seconds": 100.0}})
    assert run(work, "out", *WIDE) == 0
    facts = json.loads((work / "out" / ".stage.json").read_text())["facts"]
    assert facts["acoustic_scale"] == 0.75 and 100.0 <= facts["search_seconds"] < 200.0
    arcs = sum(lattice.num_arcs for lattice in read_lattices(work / "out"))
    assert (facts["arcs"], facts["lm_weight"]) == (arcs, 1.0) and "mixture" not in facts
    assert f"lm_weight 1; {arcs / facts['frames']:.1f} arcs a frame\n" in (work / "out" / "log.txt").read_text()
    with pytest.raises(SystemExit):
        run(work, "none", "--part-size", 0)


def test_several_new_models_are_interpolated(work):
    assert run(work, "out", *WIDE, "--mixture", 0.25, 0.75, lm=("new", "other")) == 0
    words, found = models(work)
    old = GrammarLm.of(found["old"], words)
    lattice, after = lattices_of(work / "lattices")["u1"], lattices_of(work / "out")["u1"]
    for ids, (_, _, graph, _) in best_of_sentences(after).items():
        said = [words.symbol_of(i) for i in ids]
        total = 0.0
        for end in range(len(said) + 1):
            event, history = [*said, "</s>"][end], ["<s>", *said[:end]]
            total += math.log(sum(w * 10 ** found[name].log10_prob(event, history)
                                  for name, w in (("new", 0.25), ("other", 0.75))))
        without = rescore(lattice, [Term(old, -1.0)])
        assert graph == pytest.approx(best_of_sentences(without)[ids][2] + total, abs=1e-4)
    assert run(work, "bad", "--mixture", 0.5, -0.75, lm=("new", "other")) == 2


def test_held_out_text_finds_the_weights_of_several_models(work):
    (work / "text").write_text("a b b\nb a\nunheard a\na\n" * 3)
    words, found = models(work)
    text = read_text_ids(work / "text", words)
    weights = mixture_weights([NgramLm(found[name], words) for name in ("new", "other")], None, text)
    assert max(weights) > 0.55  # or equal ones would do
    assert run(work, "tuned", *WIDE, "--tune", work / "text", lm=("new", "other")) == 0
    assert run(work, "given", *WIDE, "--mixture", *weights, lm=("new", "other")) == 0
    assert same(lattices_of(work / "tuned"), lattices_of(work / "given"))
    assert f"other.arpa: weight {weights[1]:.4f}" in (work / "tuned" / "log.txt").read_text()
    assert run(work, "both", "--tune", work / "text", "--mixture", 0.5, 0.5, lm=("new", "other")) == 2
    assert "--mixture: expected none, since --tune finds them" in (work / "both.unfinished" / "log.txt").read_text()


def test_the_weights_of_several_models_are_carried_over(work):
    two, mixture = ("new", "other"), (0.75, 0.25)
    assert run(work, "dev", *WIDE, "rescore.lm_weight=0.5", "--mixture", *mixture, lm=two) == 0
    assert Chosen.read(work / "dev") == Chosen(0.5, mixture)
    assert json.loads((work / "dev" / ".stage.json").read_text())["facts"]["mixture"] == [0.75, 0.25]
    assert run(work, "test", *WIDE, "--weight-of", work / "dev", lm=two) == 0
    assert Chosen.read(work / "test") == Chosen(0.5, mixture)
    assert same(lattices_of(work / "test"), lattices_of(work / "dev"))
    assert run(work, "given", *WIDE, "--weight-of", work / "dev", "--mixture", 0.5, 0.5, lm=two) == 0
    assert Chosen.read(work / "given") == Chosen(0.5, (0.5, 0.5))
    (work / "text").write_text("b b b\n" * 3)
    assert run(work, "tuned", *WIDE, "--weight-of", work / "dev", "--tune", work / "text", lm=two) == 0
    assert Chosen.read(work / "tuned").mixture != mixture
    assert run(work, "one", *WIDE, "--weight-of", work / "dev") == 2


def test_nbest_keeps_the_best_sentences_alone(work):
    assert run(work, "whole", *WIDE) == 0 and run(work, "nbest", *WIDE, "rescore.nbest=3") == 0
    for name, lattice in lattices_of(work / "lattices").items():
        sentences = [sentence.word_ids for sentence in best_sentences(lattice, 3)]
        whole = best_of_sentences(lattices_of(work / "whole")[name])
        found = best_of_sentences(lattices_of(work / "nbest")[name])
        assert found.keys() == set(sentences) and len(whole) > 3
        for ids in sentences:
            assert found[ids][2] == pytest.approx(whole[ids][2], abs=1e-4)


def texts(work, paths):
    words = SymbolTable.read(work / "lattices" / "words.txt")
    lines = (f"{name} {' '.join(words.symbol_of(i) for i in path.word_ids)}\n" for name, path in paths.items())
    (work / "text").write_text("".join(lines))


def test_the_weight_is_chosen_on_the_development_set_and_carried_over(work):
    """What is said is what a weight of 0.5 finds, and no other weight does."""
    assert run(work, "half", "rescore.lm_weight=0.5", *WIDE) == 0
    texts(work, {name: lattice.best_path() for name, lattice in lattices_of(work / "half").items()})
    grid = ["score.lm_scales=1", "score.word_insertion_penalties=0"]
    assert run(work, "dev", "--weights", 0, 0.5, 3, "--cuts", work / "text", *WIDE, *grid) == 0
    rows = [line.split("\t") for line in (work / "dev" / "weights.tsv").read_text().splitlines()]
    assert rows[0] == ["lm_weight", "lm_scale", "word_insertion_penalty", "wer", "errors"]
    assert [row[0] for row in rows[1:]] == ["0", "0.5", "3"]
    errors = [int(row[-1]) for row in rows[1:]]
    assert errors[1] == 0 < min(errors[0], errors[2])
    assert Chosen.read(work / "dev") == Chosen(0.5)
    assert run(work, "test", "--weight-of", work / "dev", "rescore.lm_weight=3", *WIDE) == 0
    assert Chosen.read(work / "test") == Chosen(0.5) and same(lattices_of(work / "test"), lattices_of(work / "half"))
    assert same(lattices_of(work / "dev"), lattices_of(work / "half"))


def test_a_narrower_beam_is_told(work):
    assert run(work, "out", "rescore.max_arcs=22", "rescore.beam=50", "rescore.acoustic_scale=1") == 0
    lines = (work / "out" / "outcomes.tsv").read_text().splitlines()[1:]
    assert lines and all("\tretried\tbeam " in line and line.endswith("22 arcs with 50") for line in lines)
    assert lattices_of(work / "out").keys() == set(IDS)


@pytest.mark.parametrize("word_id, message", [
    (4, "lattice bad: expected words and sentence ends"), (6, "lattice bad: expected word_ids below 6")])
def test_what_fails_is_named(work, word_id, message):
    shutil.copytree(work / "lattices", work / "mixed")
    bad = Lattice("bad", 1, [0, 1], [1, 2], [1, 0], [0, word_id], np.zeros(2), np.zeros(2))
    write_lattices(work / "mixed", 1, [bad])
    assert run(work, "out", "rescore.max_failed_share=0.2", lattices="mixed") == 0
    assert lattices_of(work / "out").keys() == set(IDS)
    lines = (work / "out" / "outcomes.tsv").read_text().splitlines()
    assert len(lines) == 2 and lines[1].startswith(f"bad\tfailed\t{message}")
    assert run(work, "strict", "rescore.max_failed_share=0.1", lattices="mixed") != 0


@pytest.mark.parametrize("arguments", [
    ["--weights", "0.5"], ["--cuts", "text"], ["--weights", "-1", "0.5", "--cuts", "text"],
    ["--weights", "0", "--cuts", "text"], ["--weight-of", "lattices"]])
def test_arguments_that_cannot_be(work, arguments, monkeypatch):
    monkeypatch.chdir(work)
    texts(work, {name: lattice.best_path() for name, lattice in lattices_of(work / "lattices").items()})
    assert run(work, "out", *arguments) == 2


@pytest.mark.parametrize("text", ["{}", *(f"{{\"lm_weight\": {x}}}" for x in (
    "true", "-1", "NaN", '1, "mixture": [0.5, -0.6]', '1, "mixture": [true]', '1, "mixture": 1'))])
def test_a_damaged_weight_is_refused(tmp_path, text):
    (tmp_path / "lm_weight.json").write_text(text)
    with pytest.raises(InputError, match="the lm_weight that tools.lattices.rescore wrote"):
        Chosen.read(tmp_path)


def test_a_weight_that_was_never_chosen(tmp_path):
    with pytest.raises(InputError, match="lm_weight.json: expected an existing file, found none"):
        Chosen.read(tmp_path)


@pytest.mark.parametrize("change, message", [
    ({"lm_weight": 0.0}, "lm_weight"), ({"lm_weight": math.inf}, "lm_weight"), ({"backoff": "no"}, "free, model"),
    ({"nbest": -1}, "nbest"), ({"max_failed_share": 1.5}, "max_failed_share"), ({"beam": -1.0}, "beam")])
def test_options_are_checked(change, message):
    with pytest.raises(ValueError, match=message):
        RescoringOptions(**change)


@pytest.mark.parametrize("nbest", [0, 3])
def test_a_neural_model(work, nbest):
    (work / "net").mkdir()
    write_network(work / "net", "lstm_2")
    more = ["rescore.max_order=0", "--graph-lm", work / "old_lm"] if nbest else ["rescore.max_order=9"]
    (work / "old_lm").mkdir()  # as tools.train_ngram leaves it
    shutil.copy(work / "old.arpa", work / "old_lm" / "lm.arpa")
    (work / "net.arpa").symlink_to(work / "net")
    assert run(work, "out", "rescore.lm_weight=0.5", *WIDE, f"rescore.nbest={nbest}", *more, lm=("net",)) == 0
    words, found = models(work)
    neural, old = NeuralLm.read(work / "net", words), GrammarLm.of(found["old"], words)
    for name, lattice in lattices_of(work / "lattices").items():
        before, after = best_of_sentences(lattice), best_of_sentences(lattices_of(work / "out")[name])
        assert len(after) == (min(nbest, len(before)) or len(before))
        new_scores, old_scores = (score_sentences(lm, list(after)) for lm in (neural, old))
        for ids, new, less in zip(after, new_scores, old_scores):
            assert after[ids][2] == pytest.approx(before[ids][2] + 0.5 * (new - less), abs=1e-4)


def test_merged_histories_of_a_neural_model_make_smaller_lattices(work):
    (work / "net").mkdir()
    write_network(work / "net", "lstm")
    (work / "net.arpa").symlink_to(work / "net")
    sizes = []
    for max_order in (2, 3, 0):
        assert run(work, f"out{max_order}", *WIDE, f"rescore.max_order={max_order}", lm=("net",)) == 0
        sizes.append(sum(lattice.num_arcs for lattice in read_lattices(work / f"out{max_order}")))
    assert sizes[0] < sizes[1] < sizes[2]
