"""COMPARISON.md: the tables of a comparison, for a README."""

from typing import Mapping

from hybrid.compare.comparison import Comparison
from hybrid.compare.tables import sections
from hybrid.report.tables import markdown_table


def markdown(comparison: Comparison, pictures: Mapping[str, str] = {}) -> str:
    """pictures: title of a section -> file of the picture that stands in it."""
    lines = [f"# {comparison.title}", ""]
    lines += [f"- {name}: {value}" for name, value in comparison.facts.items()]
    lines += [f"- note: {note}" for note in comparison.notes] + [""]
    for title, table, told in sections(comparison):
        lines += [f"## {title}", "", told, "", markdown_table(*table)]
        if title in pictures:
            lines += [f"![{title}]({pictures[title]})", ""]
    return "\n".join(lines)
