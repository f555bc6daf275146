"""Titled tables as text, Markdown, tab-separated lines or JSON."""

import json
from typing import Dict, List, NamedTuple, Sequence

from hybrid.report.tables import markdown_table, text_table, tsv
from tools.experiments.columns import as_text

RATES = (".wer", ".cer", ".ser")
FORMATS = ("text", "markdown", "tsv", "json")


class Section(NamedTuple):
    """A table; title: "" for one that stands alone."""

    title: str
    header: Sequence[str]
    rows: List[Sequence]


def render(sections: Sequence[Section], form: str) -> str:
    """In one of FORMATS. Sections without rows are left out, except in JSON, where numbers stay what they are."""
    if form == "json":
        found = {section.title: [dict(zip(section.header, row)) for row in section.rows] for section in sections}
        return json.dumps(found if list(found) != [""] else found[""], indent=1, ensure_ascii=False) + "\n"
    draw = {"text": text_table, "markdown": markdown_table, "tsv": tsv}[form]
    mark = {"text": "", "markdown": "## ", "tsv": "# "}[form]
    shown = [section for section in sections if section.rows]
    blocks = [(f"{mark}{section.title}\n" + "\n" * (form == "markdown") if section.title else "")
              + draw(section.header, [_cells(section.header, row) for row in section.rows]) for section in shown]
    return "\n".join(blocks)


def _cells(header: Sequence[str], row: Sequence) -> List[str]:
    """Error rates, of a column or a row of that name, with two decimals."""
    return [f"{value:.2f}" if isinstance(value, float) and (name.endswith(RATES) or str(row[0]).endswith(RATES))
            else as_text(value) for name, value in zip(header, row)]


def rows_of(values: Sequence[Dict[str, object]], columns: Sequence[str]) -> Section:
    """A row for each experiment."""
    return Section("", columns, [[row.get(column) for column in columns] for row in values])
