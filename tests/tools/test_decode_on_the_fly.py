"""tools.decode_on_the_fly with log-likelihoods that are planted instead of computed."""

import json
from pathlib import Path

import pytest

pytest.importorskip("k2")
from graphs.grammar.arpa import read_arpa  # noqa: E402
from graphs.grammar.grammar_lm import GrammarLm  # noqa: E402
from graphs.grammar.sentences import score_sentences  # noqa: E402
from graphs.lang.symbols import SymbolTable  # noqa: E402
from graphs.lattices.lattice_io import read_lattices  # noqa: E402
from hybrid.recognize.decode import decode_folder  # noqa: E402
from hybrid.recognize.rescoring import Chosen  # noqa: E402
from tests.graphs.arpas import arpa_text, random_entries  # noqa: E402
from tests.hybrid.recognize.test_decode import LOG, work  # noqa: E402, F401
from tools import decode_on_the_fly  # noqa: E402

WORDS = ["<eps>", "p", "q", "r", "s", "five", "six", "#0", "<s>", "</s>"]


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_graph_scores_get_the_difference_of_the_models(work, tmp_path, weight):  # noqa: F811
    (tmp_path / "graph" / "words.txt").write_text("".join(f"{word} {i}\n" for i, word in enumerate(WORDS)))
    for name, seed in (("old", 1), ("new", 2)):
        (tmp_path / f"{name}.arpa").write_text(arpa_text(random_entries(seed, 2, ("five", "six"))))
    for name in ("features", "model", "chosen"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "transitions").write_text("")
    Chosen(0.5).write(tmp_path / "chosen")
    arguments = ["--features", "features", "--model", "model", "--graph", "graph", "--graph-lm", "old.arpa", "--lm",
                 "new.arpa", "--out", "out", *(["--weight-of", "chosen"] if weight != 1.0 else [])]
    arguments = [argument if argument.startswith("--") else str(tmp_path / argument) for argument in arguments]
    options = [f"search.{name}={value}" for name, value in vars(work.options).items() if name != "memory_mb"]
    assert decode_on_the_fly.PROGRAM.run(decode_on_the_fly.work, [*arguments, "--nj", "1", *options]) == 0
    found = {lattice.utterance_id: lattice for lattice in read_lattices(tmp_path / "out")}
    decode_folder(work, tmp_path / "plain", 1, 20, LOG)
    words = SymbolTable.read(tmp_path / "graph" / "words.txt")
    old, new = (score_sentences(GrammarLm.of(read_arpa(tmp_path / f"{name}.arpa")[0], words), [[5, 6]])[0]
                for name in ("old", "new"))
    for lattice in read_lattices(tmp_path / "plain"):
        before, after = lattice.best_path(), found[lattice.utterance_id].best_path()
        assert after.graph == pytest.approx(before.graph + weight * (new - old), abs=1e-3) and abs(new - old) > 0.1
        assert after.word_ids == [5, 6] and after.acoustic == pytest.approx(before.acoustic, abs=1e-3)
    facts = json.loads((Path(tmp_path) / "out" / ".stage.json").read_text())["facts"]
    assert facts["outcomes"] == {"done": 4, "failed": 1} and facts["lm_weight"] == weight
