"""The decoding graph of a class model is that of the word model which says the same."""

import math

import numpy as np
import pytest
import torch

from graphs.hmm.context_tree import ContextTree
from graphs.hmm.hmm_folder import write_hmm
from graphs.hmm.transitions import TransitionModel
from graphs.lang.lang_folder import write_lang
from tests.graphs.langs import small_lang
from tools.frame.records import read_record

pytest.importorskip("k2")

HEADER = "\\data\\\nngram 1={}\n\n\\1-grams:\n-99\t<s>\n{:.7f}\t</s>\n"
CLASSES = {"b": 0.25, "bee": 0.75, "bad": 0.4, "add": 0.6}  # in C: b, bee; in D: bad, add


def test_what_stands_beside_a_graph(tmp_path):
    """HMMs are those of the lang where none are given; what is given may be a tree alone, or transitions beside one."""
    lang = small_lang()
    write_lang(lang, tmp_path / "lang")
    lines = [f"-0.5\t{word}\n" for word in ("b", "bad", "<unk>")]
    (tmp_path / "lm.arpa").write_text(HEADER.format(5, -0.5) + "".join(lines) + "\n\\end\\\n")
    (tmp_path / "hmm").mkdir()
    tree = ContextTree.monophone(lang.topology)
    write_hmm(tmp_path / "hmm", tree, TransitionModel.from_tree(tree, lang.topology))
    torch.set_num_threads(2)
    plain = graph(tmp_path, "plain", "--arpa", tmp_path / "lm.arpa")
    assert torch.get_num_threads() == 1
    for name in ("words.txt", "phones.txt"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "lang" / name).read_bytes()
    found = read_record(tmp_path / "plain")["facts"]
    header, *rows = [line.split("\t") for line in (tmp_path / "plain/report.tsv").read_text().splitlines()]
    assert (plain.num_states, plain.num_arcs) == (found["states"], found["arcs"])
    assert header == ["step", "states", "arcs"] and len(rows) > 2
    assert phones_in(plain, lang, tree) == {"SIL", "A", "B", "D"}  # of b and bad
    assert rows == [[row["step"], str(row["states"]), str(row["arcs"])] for row in found["steps"]]
    for name, flag, file in (("tree", "--tree", "tree"), ("both", "--transitions", "transitions")):
        other = graph(tmp_path, name, "--arpa", tmp_path / "lm.arpa", flag, tmp_path / "hmm" / file)
        assert all(np.array_equal(getattr(plain, of), getattr(other, of)) for of in ("src", "dst", "ilabel", "score"))
    unknown = graph(tmp_path, "unknown", "--arpa", tmp_path / "lm.arpa", "graph.recognize_oov=true")
    assert phones_in(unknown, lang, tree) == {"SIL", "SPN", "A", "B", "D"}
    assert len({*unknown.olabel.tolist()} - {0}) == len({*plain.olabel.tolist()} - {0}) + 1 == 3


def phones_in(arcs, lang, tree):
    """Of the transition_ids, which are the labels."""
    phone_id = TransitionModel.from_tree(tree, lang.topology).phone_id
    return {lang.phones.symbol_of(int(phone_id[label])) for label in arcs.ilabel if label > 0}


def graph(tmp_path, name, *arguments):
    from graphs.decoding.graph_io import read_graph
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
