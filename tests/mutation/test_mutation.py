"""The mutation tester changes what it says, and knows which tests to ask."""

import ast
from pathlib import Path

import pytest

from tests.mutation.mutants import mutants, read_equivalents
from tests.mutation.tested_by import find_tests

ROOT = Path(__file__).parents[2]

SOURCE = '''"""A text: 1 < 2."""
LIMIT: int = 3  # 4


@decorated(5)
def work(items, first=False):
    """Another text."""
    log.info("%d", 1 + 2)
    if items and len(items) >= LIMIT:
        raise ValueError(f"{LIMIT - 1} and more")
    for i in range(len(items)):
        total += items[i]
    return max(total, -1)
'''


def changes(tmp_path, source):
    (tmp_path / "module.py").write_text(source)
    found = mutants(tmp_path, "module.py")
    for mutant in found:
        ast.parse(mutant.source)
    return found


def test_each_kind_of_change_is_made_once(tmp_path):
    found = changes(tmp_path, SOURCE)
    assert [(m.line, *m.added) for m in found if m.line != 12] == [
        (2, "LIMIT: int = 2  # 4"), (2, "LIMIT: int = 4  # 4"),
        (6, "def work(items, first=True):"),
        (9, "if items or len(items) >= LIMIT:"), (9, "if items and len(items) > LIMIT:"),
        (10, "pass"),
        (11, "for i in range(1, len(items)):"),
        (13, "return min(total, -1)"), (13, "return None"), (13, "return max(total, (1))"),
        (13, "return max(total, -0)"), (13, "return max(total, -2)")]
    assert [m.added for m in found if m.line == 12] == [("pass",), ("total -= items[i]",)]
    assert all(m.removed == (SOURCE.splitlines()[m.line - 1].strip(),) for m in found)


@pytest.mark.parametrize("before, after", [
    ("a = b not in c", ["a = b in c"]), ("a = b is not c", ["a = b is c"]), ("a = 'ä' < b", ["a = 'ä' <= b"]),
    ("a = not b", ["a = (b)"]), ("a = b if c else d", ["a = b if (not c) else d"]),
    ("a = [b for b in c if d]", ["a = [b for b in c if (not d)]"]), ("a[b] = c", ["pass"]), ("a = b", []),
    ("a = all(b)", ["a = any(b)"]), ("a = np.minimum(b, c)", ["a = np.maximum(b, c)"]),
    ("a = b // c", ["a = b / c"]), ("a = new_figure(b + c, d - e)", []),
    ("a = b.plot(c, alpha=d + e, left=f - g)", ["a = b.plot(c, alpha=d + e, left=f + g)"]),
    ("a = Options(alpha=b + c)", ["a = Options(alpha=b - c)"]), ("a = 1e300", []),
    ("a = 0.5", ["a = (-0.5)", "a = 1.5"])])
def test_changes_of_one_line(tmp_path, before, after):
    assert [" ".join(m.added) for m in changes(tmp_path, before + "\n")] == after


def test_equivalents_are_known_again(tmp_path):
    mutant = changes(tmp_path, SOURCE)[0]
    (tmp_path / "equivalent.txt").write_text(f"# a comment\n\n{mutant.diff()}because nobody\nlooks at it\n")
    (equivalent,) = read_equivalents(tmp_path / "equivalent.txt")
    assert equivalent.is_of(mutant) and equivalent.why == "because nobody looks at it"
    assert not any(equivalent.is_of(other) for other in changes(tmp_path, SOURCE)[1:])
    (tmp_path / "equivalent.txt").write_text(mutant.diff())
    with pytest.raises(ValueError, match="a reason"):
        read_equivalents(tmp_path / "equivalent.txt")


def test_the_list_of_equivalents_can_be_read():
    assert all((ROOT / e.file).is_file() for e in read_equivalents(Path(__file__).with_name("equivalent.txt")))


def test_the_test_of_its_name_comes_first():
    tests = find_tests(ROOT, "graphs/fst/ragged.py")
    assert set(tests) >= {"tests/graphs/fst/test_epsilon.py", "tests/graphs/hmm/test_hmm_fst.py"}
    tests = find_tests(ROOT, "graphs/lattices/lattice.py")
    assert tests[0] == "tests/graphs/lattices/test_lattice.py" and "tests/graphs/decoding/test_search.py" in tests
    assert "tests/graphs/hmm/test_topology.py" not in tests
    assert find_tests(ROOT, "hybrid/recognize/wer.py")[0] == "tests/hybrid/recognize/test_wer.py"
    assert find_tests(ROOT, "tools/sweep/watched.py")[0] == "tests/tools/test_sweep_watched.py"
    page = "tests/hybrid/report/page/"
    asked = find_tests(ROOT, "hybrid/report/page/page.py")
    assert asked[0] == page + "test_page.py" and page + "test_in_browser.py" not in asked  # no browser is started
    assert find_tests(ROOT, "tools/experiments/tables.py") == ["tests/tools/test_experiments.py"]
