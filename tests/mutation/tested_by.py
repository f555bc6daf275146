"""Which tests are asked about a module: those of its room that import it, directly or not."""

import ast
from functools import lru_cache
from pathlib import Path
from typing import List, Set

# tests of a room that lie elsewhere: those of the programs that are little else than a call of it, or of all of it
MORE_TESTS = {"hybrid/recognize": ["tests/tools/test_score.py", "tests/tools/test_lattices_rescore.py",
                                   "tests/tools/test_rescore_with_model.py"],
              "tools/artefacts": [f"tests/tools/test_{name}.py" for name in ("show", "validate")],
              "tools/experiments": ["tests/tools/test_experiments.py"],
              "tools/lattices": [f"tests/tools/test_{name}.py" for name in (
                  "command_lines", "lattices", "lattice_facts", "lattice_programs", "lattices_rescore",
                  "e2e_lattices")],
              "tools/sweep": [f"tests/tools/test_sweep{of}.py"
                              for of in ("", "_recipe_run", "_space", "_study", "_told", "_watched")]}
BROWSER = "tests/hybrid/report/page/browser.py"  # takes long, and more address space than the runner gives


def find_tests(root: Path, module: str) -> List[str]:
    """Test files for a module, both as paths from the root: first those of its name, if any. Those that start a browser
    are not asked where there are others."""
    room, stem = str(Path(module).parent), Path(module).stem
    rooms = "graphs" if room.startswith("graphs/") else room  # which stand on each other
    tests = [path.relative_to(root).as_posix() for path in sorted((root / "tests" / rooms).rglob("test_*.py"))]
    tests += MORE_TESTS.get(room, [])
    tests = [test for test in tests if module in _reached(root, test)]
    quick = [test for test in tests if BROWSER not in _reached(root, test)]
    return sorted(quick or tests,
                  key=lambda test: (Path(test).stem != f"test_{stem}", not Path(test).stem.endswith(f"_{stem}")))


@lru_cache(maxsize=None)
def _imports(root: Path, file: str) -> Set[str]:
    """Files of the tree that a file imports, anywhere in it."""
    names: Set[str] = set()
    for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    files = {name.replace(".", "/") + ".py" for name in names}
    return {name for name in files if (root / name).is_file()}


def _reached(root: Path, file: str) -> Set[str]:
    reached, waiting = {file}, [file]
    for name in waiting:
        new = _imports(root, name) - reached
        reached |= new
        waiting += sorted(new)
    return reached
