from hybrid.report.tables import display_width, markdown_table, text_table, tsv


def test_width_of_wide_and_combining_characters():
    assert [display_width(text) for text in ("abc", "你好", "e\u0301", "ｱ", "")] == [3, 4, 1, 1, 0]


def test_numbers_stand_at_the_right_and_have_two_decimals():
    assert text_table(("name", "WER"), [("a", 1.234), ("long name", 10.0)]) == (
        "name         WER\n"
        "---------  -----\n"
        "a           1.23\n"
        "long name  10.00\n")


def test_a_column_stands_at_the_right_where_every_cell_is_a_number():
    assert text_table(("one", "some", "none"), [(1, "a", None)]).splitlines()[2] == "  1  a"
    mixed = text_table(("first", "last"), [("a", 1), (2, "a")]).splitlines()
    assert mixed[2:] == ["a      1", "2      a"]


def test_wide_characters_keep_the_columns():
    lines = text_table(("w", "x"), [("你好", "p"), ("a", "q")]).splitlines()
    assert display_width(lines[2][:lines[2].index("p")]) == display_width(lines[3][:lines[3].index("q")])


def test_none_is_blank():
    assert text_table(("a", "b"), [(None, 1)]).splitlines()[2].split() == ["1"]


def test_markdown():
    assert markdown_table(("a", "n"), [("x|y", 1), ("z", 22)]) == (
        "| a    |  n |\n"
        "| ---- | -: |\n"
        "| x\\|y |  1 |\n"
        "| z    | 22 |\n")


def test_a_table_without_rows():
    assert text_table(("a",), []) == "a\n-\n"


def test_tab_separated_cells_hold_no_tab():
    assert tsv(("a", "b"), [("x\ty", 0.5)]) == "a\tb\nx y\t0.50\n"
