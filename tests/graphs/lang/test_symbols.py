import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable


def test_ids_are_dense_and_start_after_epsilon():
    table = SymbolTable(["a", "b"])
    assert (table.id_of("<eps>"), table.id_of("a"), table.id_of("b"), len(table)) == (0, 1, 2, 3)
    assert table.add("b") == 2 and table.add("c") == 3
    assert table.symbol_of(3) == "c" and "d" not in table and table.get("d") is None
    assert SymbolTable(["<eps>", "a", "b", "c"]) == table


def test_what_a_table_lacks_is_named(tmp_path):
    table = SymbolTable(["a", "b"])
    with pytest.raises(InputError, match="^symbol table: expected the symbol #0, found none$"):
        table.id_of("#0")
    table.write(tmp_path / "words.txt")
    with pytest.raises(InputError, match="words.txt: expected a symbol of id 3, found ids up to 2$"):
        SymbolTable.read(tmp_path / "words.txt").symbol_of(3)


def test_round_trip_of_any_script(tmp_path):
    table = SymbolTable(["na\u00efve", "\u4f60\u597d", "\u0928\u092e", "it's", "#0", "a\u00a0b"])
    table.write(tmp_path / "words.txt")
    assert SymbolTable.read(tmp_path / "words.txt") == table


def test_reads_tabs_blank_lines_dos_ends_and_any_order(tmp_path):
    (tmp_path / "t").write_bytes(b"b\t2\r\n\r\n<eps>  0\r\na 1\r\n")
    assert SymbolTable.read(tmp_path / "t").symbols == ["<eps>", "a", "b"]


@pytest.mark.parametrize("text, message", [
    (b"<eps> 0\na\n", "t:2: expected `SYMBOL ID`, found 'a'"),
    (b"<eps> 0\na one\n", "t:2: expected `SYMBOL ID`"),
    (b"<eps> 0\na 1\nb 1\n", "t:3: expected an id not used before, found 1"),
    (b"<eps> 0\na 2\n", "without a gap, found no id 1"),
    (b"a 0\n", "expected id 0 for <eps>"),
    (b"<eps> 0\na 1\na 2\n", "every symbol once"),
    (b"<eps> 0\n\xff 1\n", "t:2: expected utf-8 text, found byte 0xff at column 1"),
])
def test_bad_tables_are_refused_with_the_line(tmp_path, text, message):
    (tmp_path / "t").write_bytes(text)
    with pytest.raises(InputError) as error:
        SymbolTable.read(tmp_path / "t")
    assert message in str(error.value)


@pytest.mark.parametrize("symbol_id", [-1, 2, 1.5, "a", None])
def test_no_symbol_has_an_id_that_is_none(symbol_id):
    with pytest.raises(InputError, match=f"a symbol of id {symbol_id}, found ids up to 1"):
        SymbolTable(["a"]).symbol_of(symbol_id)


@pytest.mark.parametrize("symbol", ["", "a b", "a\n", "\t", 3, None])
def test_a_symbol_that_could_not_be_read_again_is_not_written(tmp_path, symbol):
    table = SymbolTable(["a", "b\u00a0c"])
    table.write(tmp_path / "words.txt")
    assert SymbolTable.read(tmp_path / "words.txt") == table
    table.add(symbol)
    with pytest.raises(InputError, match="words.txt: expected symbols without blanks, found"):
        table.write(tmp_path / "words.txt")
    assert len(SymbolTable.read(tmp_path / "words.txt")) == 3
