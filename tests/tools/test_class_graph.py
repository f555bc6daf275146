"""The decoding graph of a class model is that of the word model which says the same."""

import math

import numpy as np
import pytest

from graphs.lang.lang_folder import write_lang
from tests.graphs.langs import small_lang

pytest.importorskip("k2")

HEADER = "\\data\\\nngram 1={}\n\n\\1-grams:\n-99\t<s>\n{:.7f}\t</s>\n"
CLASSES = {"b": 0.25, "bee": 0.75, "bad": 0.4, "add": 0.6}  # in C: b, bee; in D: bad, add


def graph(tmp_path, name, *arguments):
    from graphs.decoding.graph_io import read_graph
    from graphs.hmm.context_tree import ContextTree
    from graphs.hmm.transitions import TransitionModel
    from tools import make_graph
    lang = small_lang()
    assert make_graph.PROGRAM.run(make_graph.work, ["--lang", str(tmp_path / "lang"), "--out", str(tmp_path / name),
                                                    *map(str, arguments)]) == 0
    transitions = TransitionModel.from_tree(ContextTree.monophone(lang.topology), lang.topology)
    return read_graph(tmp_path / name, transitions).arcs


def test_classes_in_the_graph(tmp_path, capsys):
    write_lang(small_lang(), tmp_path / "lang")
    p_end, p_c, p_d = 0.2, 0.5, 0.3
    lines = [f"{math.log10(p):.7f}\t{word}\n" for word, p in (("C", p_c), ("D", p_d))]
    (tmp_path / "class.arpa").write_text(HEADER.format(4, math.log10(p_end)) + "".join(lines) + "\n\\end\\\n")
    lines = [f"{math.log10(p * (p_c if word in ('b', 'bee') else p_d)):.7f}\t{word}\n" for word, p in CLASSES.items()]
    (tmp_path / "word.arpa").write_text(HEADER.format(6, math.log10(p_end)) + "".join(lines) + "\n\\end\\\n")
    (tmp_path / "classes.txt").write_text("".join(
        f"{'C' if word in ('b', 'bee') else 'D'} {p} {word}\n" for word, p in CLASSES.items()))
    by_class = graph(tmp_path, "by_class", "--arpa", tmp_path / "class.arpa", "--classes", tmp_path / "classes.txt")
    by_word = graph(tmp_path, "by_word", "--arpa", tmp_path / "word.arpa")
    assert (by_class.num_states, by_class.num_arcs) == (by_word.num_states, by_word.num_arcs)
    assert np.sort(by_class.score) == pytest.approx(np.sort(by_word.score), abs=1e-4)
    assert "words of words.txt are not in the LM" not in capsys.readouterr().err
