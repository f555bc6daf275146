import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from hybrid.lattices.joint_words import JointWords
from hybrid.recognize.text_filter import TextFilter
from tests.graphs.lattices.material import random_of_both

TABLES = [SymbolTable(["Yes", "no", "<unk>"]), SymbolTable(["no", "maybe", "yes"])]


def test_words_of_several_tables_are_one_where_the_filter_makes_them_one():
    joint = JointWords(TABLES, TextFilter(fold_case=True, ignore=["<UNK>"]))
    assert joint.table.symbols == ["<eps>", "yes", "no", "maybe"]
    assert joint.of_ids([0, 1, 2, 3]).tolist() == [0, 1, 2, 0]
    assert joint.of_ids([1, 2, 3], 1).tolist() == [2, 3, 1]
    assert JointWords(TABLES).table.symbols == ["<eps>", "Yes", "no", "<unk>", "maybe", "yes"]


def test_words_that_no_table_has_get_ids_of_their_own():
    joint = JointWords(TABLES[1:])
    assert joint.of_words(["x", "yes", "y", "x"]) == [4, 3, 6, 4]
    assert joint.words([3, 1]) == ["yes", "no"]


@pytest.mark.parametrize("seed", range(2))
def test_a_lattice_keeps_all_but_its_words(seed):
    joint = JointWords(TABLES[1:], TextFilter(ignore=["maybe"]))
    lattice = random_of_both(seed)
    found = joint.of_lattice(lattice)
    assert found.word_id.tolist() == [[0, 1, 0, 2][word_id] for word_id in lattice.word_id]
    for name in ("src", "dst", "acoustic", "graph", "arc_frames"):
        assert getattr(found, name).tolist() == getattr(lattice, name).tolist()


def test_ids_beyond_the_table_are_refused():
    with pytest.raises(InputError, match="lattice: expected word_ids below 4, as in its words.txt, found 4"):
        JointWords(TABLES).of_ids([4])
