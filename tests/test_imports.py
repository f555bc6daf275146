"""The direction of imports: egs -> tools -> hybrid -> graphs, and what each folder may know of."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import NEED_K2

ROOT = Path(__file__).parent.parent
ORDER = ("graphs", "hybrid", "tools", "egs")
ROOMS = ("fst", "hmm", "lang", "grammar", "lattices", "decoding")  # of graphs/
FILES = sorted(path for folder in ORDER for path in (ROOT / folder).rglob("*.py"))
# the only files that import k2
K2_FILES = {"graphs/fst/ops.py", "graphs/decoding/intersect.py", "graphs/decoding/compile.py",
            "hybrid/e2e/decoders/pruned_loss.py", "hybrid/e2e/search/rnnt_streams.py", "tools/doctor.py"}


def imported(path):
    """(top module, whole module, line) of every import, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0], node.module, node.lineno


def name_of(path):
    return str(path.relative_to(ROOT))


def violations(allowed):
    return [f"{name_of(path)}:{line} imports {module}" for path in FILES for top, module, line in imported(path)
            if not allowed(name_of(path), top, module)]


def test_each_folder_imports_only_those_before_it():
    def allowed(name, top, module):
        return top not in ORDER or ORDER.index(top) <= ORDER.index(name.split("/")[0])
    assert violations(allowed) == []


def test_recipes_import_no_other_recipe_but_what_they_say():
    """mini is a part of librispeech; egs/*.py is shared."""
    def allowed(name, top, module):
        parts = module.split(".")
        if top != "egs" or len(parts) < 2 or not (ROOT / "egs" / parts[1]).is_dir():
            return True
        return parts[1] == name.split("/")[1] or (name.startswith("egs/mini/") and parts[1] == "librispeech")
    assert violations(allowed) == []


def test_each_room_of_graphs_imports_only_those_before_it():
    assert sorted(ROOMS) == sorted(path.name for path in (ROOT / "graphs").iterdir() if (path / "__init__.py").exists())

    def allowed(name, top, module):
        importer, imported_one = name.split("/"), module.split(".")
        if importer[0] != "graphs" or top != "graphs" or imported_one[1] not in ROOMS:
            return True
        return importer[1] in ROOMS and ROOMS.index(imported_one[1]) <= ROOMS.index(importer[1])
    assert violations(allowed) == []


def test_graphs_know_no_audio_and_no_networks():
    banned = {"lhotse", "kaldifeat", "soundfile", "scipy", "matplotlib", "sentencepiece"}

    def allowed(name, top, module):
        return not name.startswith("graphs/") or not (top in banned or module.startswith("torch.nn"))
    assert violations(allowed) == []


def test_k2_stands_behind_few_files():
    assert violations(lambda name, top, module: top != "k2" or name in K2_FILES) == []


def test_espeak_is_loaded_by_the_synth_recipe_only():
    def allowed(name, top, module):
        return top != "espeakng_loader" or name.startswith("egs/synth/") or name == "tools/doctor.py"
    assert violations(allowed) == []


def test_nothing_stored_is_executed():
    """Stored tensors are safetensors or plain arrays: no pickle, by any name."""
    def allowed(name, top, module):
        return top not in ("pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "cloudpickle")
    assert violations(allowed) == []
    called = re.compile(r"torch\.(load|save|jit)\b|from torch import .*\b(load|save)\b|allow_pickle\s*=\s*True")
    assert [name_of(path) for path in FILES if called.search(path.read_text(encoding="utf-8"))] == []


PROGRAMS = [path for path in FILES if "PROGRAM.main(" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", PROGRAMS, ids=name_of)
def test_programs_import_nothing_heavy_at_the_top(path):
    """A stage that is up to date says so at once."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    tops = [alias.name for node in body if isinstance(node, ast.Import) for alias in node.names]
    tops += [node.module for node in body if isinstance(node, ast.ImportFrom)]
    heavy = [name for name in tops if re.match(r"torch|k2|lhotse|numpy|hybrid|graphs(?!\.errors)", name)]
    assert heavy == []


def test_the_options_of_every_program_are_there_without_k2():
    """All options of a run are checked before its first stage, also where only stages without graphs are run. Graphs
    are shown and checked without it, too."""
    modules = [name_of(path)[:-3].replace("/", ".") for path in PROGRAMS]
    code = ("import sys, importlib; sys.modules['k2'] = None\n"
            f"for name in {modules}: importlib.import_module(name).PROGRAM.describe_options()\n"
            "import graphs.decoding.graph_io")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_is_left_out_without_k2_is_there():
    assert [name for name in NEED_K2 if not (ROOT / "tests" / name).is_file()] == []
