"""The Python of README.md, line by line, in a folder like a recipe's."""

import re
from pathlib import Path

import pytest

import graphs.lattices
from graphs.lattices.lattice_io import write_lattices
from tests.graphs.arpas import arpa_text, random_entries
from tests.graphs.lattices.material import random_lattice

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(graphs.lattices.__file__).parent / "README.md").read_text(), re.S)
WORDS = ["<eps>", "a", "b", "#0", "<s>", "</s>"]


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    exp = tmp_path / "egs/stories/work/exp"
    for name, seed, order in (("bigram", 1, 2), ("fourgram", 2, 4)):
        (exp / f"lm_{name}").mkdir(parents=True)
        (exp / f"lm_{name}/lm.arpa").write_text(arpa_text(random_entries(seed, order, ("a", "b"), 0.7)))
    (exp / "decode_tdnn_test").mkdir()
    (exp / "decode_tdnn_test/words.txt").write_text("".join(f"{word} {i}\n" for i, word in enumerate(WORDS)))
    write_lattices(exp / "decode_tdnn_test", 0, [random_lattice(1, 6, 2, "u1")])
    monkeypatch.chdir(tmp_path)


def test_every_line_runs(recipe, capsys):
    scope = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), scope)
    assert len(BLOCKS) == 7
    assert capsys.readouterr().out.startswith("u1 ")
    assert scope["again"].best_path(**scope["scales"]).word_ids == scope["best"].word_ids
    assert 0 < len(scope["decided"].words) and scope["both"].num_arcs > scope["lattice"].num_arcs
