"""Small changes of a source file, one at a time: what a slip of the hand would do.

What is mutated: comparisons, arithmetic and bit operators, and/or, not, signs, numbers (one more, one less), True and
False, the first value of a range, min/max and any/all, conditions, returned values; and statements are left out.
What is not: docstrings, annotations, strings (f-strings, too), decorators, what is logged, the texts of errors, the
defaults of options, which experiments judge, and sizes and strokes of pictures, which the eye judges.
"""

import ast
import difflib
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

COMPARISONS = {ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
               ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
               ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is")}
OPERATORS = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"),
             ast.FloorDiv: ("//", "/"), ast.Mod: ("%", "*"), ast.Pow: ("**", "*"), ast.BitAnd: ("&", "|"),
             ast.BitOr: ("|", "&")}
TWINS = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}
ERRORS = re.compile(r"[A-Z]\w*(Error|Failures)$")
OPTIONS = {"field", "_option"}
LOGGING = {"debug", "info", "warning", "error", "say", "_say", "print"}
PICTURES = {"new_figure"}
STROKES = {"alpha", "capsize", "fontsize", "gridspec_kw", "linespacing", "linewidth", "markersize", "ncols", "padding",
           "rotation", "xytext", "zorder"}


@dataclass(frozen=True)
class Mutant:
    """A file with one change.

    Attributes:
      file: path from the root of the tree, with slashes.
      line: of the change, 1-based.
      source: the whole file, changed.
      removed, added: the lines that differ, without blanks at their ends.
    """

    file: str
    line: int
    source: str
    removed: Tuple[str, ...]
    added: Tuple[str, ...]

    def diff(self) -> str:
        return "\n".join([f"{self.file}:{self.line}", *(f"- {line}" for line in self.removed),
                          *(f"+ {line}" for line in self.added)]) + "\n"


def mutants(root: Path, file: str) -> List[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    source = (root / file).read_text(encoding="utf-8")
    changes = sorted(set(_Changes(source).found))
    return [_mutant(file, source, *change) for change in changes]


def _mutant(file: str, source: str, start: int, end: int, text: str) -> Mutant:
    changed = source[:start] + text + source[end:]
    before, after = source.splitlines(), changed.splitlines()
    removed, added = [], []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            removed += before[i:j]
            added += after[k:m]
    return Mutant(file, source.count("\n", 0, start) + 1, changed, tuple(line.strip() for line in removed),
                  tuple(line.strip() for line in added))


class _Changes(ast.NodeVisitor):
    """Collects (start, end, new text) in characters of the source."""

    def __init__(self, source: str):
        self.source, self.found = source, []
        self._line_starts = [0]
        for line in source.splitlines(keepends=True):
            self._line_starts.append(self._line_starts[-1] + len(line))
        self._lines = source.splitlines()
        self._tokens = [(self._place(*t.start), self._place(*t.end), t.string)
                        for t in tokenize.generate_tokens(io.StringIO(source).readline)
                        if t.type in (tokenize.OP, tokenize.NAME)]
        self.visit(ast.parse(source))

    def _place(self, line: int, column: int) -> int:
        return self._line_starts[line - 1] + column

    def _span(self, node: ast.AST) -> Tuple[int, int]:
        """ast counts columns in bytes."""
        def place(line, column):
            return self._place(line, len(self._lines[line - 1].encode()[:column].decode()))
        return place(node.lineno, node.col_offset), place(node.end_lineno, node.end_col_offset)

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self.source[start:end]

    def _replace(self, node: ast.AST, text: str) -> None:
        self.found.append((*self._span(node), text))

    def _operator(self, left: ast.AST, right: ast.AST, old: str, new: str) -> None:
        """The operator that stands between two operands."""
        after, before = self._span(left)[1], self._span(right)[0]
        words = old.split()
        tokens = [t for t in self._tokens if after <= t[0] and t[1] <= before and t[2] in words]
        if len(tokens) >= len(words):
            self.found.append((tokens[0][0], tokens[len(words) - 1][1], new))

    # what stays as it is
    def visit_JoinedStr(self, node):
        pass

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node):
        for child in (*node.args.defaults, *node.args.kw_defaults, *node.body):
            if child is not None:
                self.visit(child)

    def visit_ClassDef(self, node):
        for child in node.body:
            self.visit(child)

    def visit_Raise(self, node):
        self._delete(node)

    # what changes
    def visit_Compare(self, node):
        operands = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, operands, operands[1:]):
            self._operator(left, right, *COMPARISONS[type(operator)])
        self.generic_visit(node)

    def visit_BinOp(self, node):
        if type(node.op) in OPERATORS:
            self._operator(node.left, node.right, *OPERATORS[type(node.op)])
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:]):
            self._operator(left, right, old, new)
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if not isinstance(node.op, ast.UAdd):
            self._replace(node, f"({self._text(node.operand)})")
        self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, bool):
            self._replace(node, str(not node.value))
        elif isinstance(node.value, (int, float)):
            for value in {node.value - 1, node.value + 1} - {node.value}:  # 1e300 - 1 is 1e300
                self._replace(node, f"({value})" if value < 0 else str(value))

    def visit_Call(self, node):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if ERRORS.match(name) or name in LOGGING | OPTIONS | PICTURES:
            return
        if name in TWINS:
            start, end = self._span(node.func)
            self.found.append((end - len(name), end, TWINS[name]))
        if name == "range" and len(node.args) == 1:
            self._replace(node.args[0], f"1, {self._text(node.args[0])}")
        drawn = isinstance(node.func, ast.Attribute)  # axes.plot and the like
        for child in ast.iter_child_nodes(node):
            if not (drawn and getattr(child, "arg", None) in STROKES):
                self.visit(child)

    def visit_If(self, node):
        self._condition(node.test)
        self.generic_visit(node)

    visit_While = visit_IfExp = visit_If

    def visit_comprehension(self, node):
        for test in node.ifs:
            self._condition(test)
        self.generic_visit(node)

    def _condition(self, test: ast.AST) -> None:
        """Turned round, where nothing inside it is turned round anyway."""
        if not isinstance(test, (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Constant)):
            self._replace(test, f"(not {self._text(test)})")

    def visit_Return(self, node):
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._replace(node.value, "None")
            self.visit(node.value)

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        name = getattr(getattr(node.value, "func", None), "attr", "")
        if name not in LOGGING:
            self._delete(node)
            self.visit(node.value)

    def visit_Assign(self, node):
        if not all(isinstance(target, (ast.Name, ast.Tuple)) for target in node.targets):
            self._delete(node)
        self.visit(node.value)

    def visit_AugAssign(self, node):
        if type(node.op) in OPERATORS:
            old, new = OPERATORS[type(node.op)]
            self._operator(node.target, node.value, f"{old}=", f"{new}=")
        self._delete(node)
        self.visit(node.value)

    def visit_Continue(self, node):
        self._delete(node)

    visit_Break = visit_Continue

    def _delete(self, node: ast.stmt) -> None:
        self._replace(node, "pass")


@dataclass(frozen=True)
class Equivalent:
    """A change that changes nothing, and why."""

    file: str
    removed: Tuple[str, ...]
    added: Tuple[str, ...]
    why: str

    def is_of(self, mutant: Mutant) -> bool:
        return (self.file, self.removed, self.added) == (mutant.file, mutant.removed, mutant.added)


def read_equivalents(path: Path) -> List[Equivalent]:
    """Blocks with an empty line between them: the file, `- ` and `+ ` lines as in a survivor, then the reason."""
    return [found for block in path.read_text(encoding="utf-8").split("\n\n")
            for found in [_equivalent(block)] if found is not None]


def _equivalent(block: str) -> Optional[Equivalent]:
    lines = [line for line in block.splitlines() if line and not line.startswith("#")]
    if not lines:
        return None
    marked = {mark: tuple(line[2:].strip() for line in lines[1:] if line.startswith(mark)) for mark in ("- ", "+ ")}
    why = " ".join(line.strip() for line in lines[1:] if line[:2] not in marked)
    if not (marked["- "] and marked["+ "] and why):
        raise ValueError(f"an equivalent: expected `- ` and `+ ` lines and a reason, found {block!r}")
    return Equivalent(lines[0].split(":")[0], marked["- "], marked["+ "], why)


def all_mutants(root: Path, rooms: List[str]) -> Iterator[Mutant]:
    for room in rooms:
        for path in sorted((root / room).glob("*.py")):
            yield from mutants(root, path.relative_to(root).as_posix())
