"""COMPARISON.md: the tables of a comparison, for a README."""

from typing import Iterable

from hybrid.compare.comparison import Comparison
from hybrid.compare.tables import sections
from hybrid.report.tables import markdown_table

# start of a section's title -> start of the name of the picture in it
PICTURES = {"Word error rates on": "wer", "Differences on": "differences", "Learning curves on": "learning",
            "Times of words on": "times"}


def markdown(comparison: Comparison, pictures: Iterable[str] = ()) -> str:
    """pictures: names of files beside it, `wer_TEST.png` and the like."""
    lines = [f"# {comparison.title}", ""]
    lines += [f"- {name}: {value}" for name, value in comparison.facts.items()]
    lines += [f"- note: {note}" for note in comparison.notes] + [""]
    for title, table, told in sections(comparison):
        lines += [f"## {title}", "", told, "", markdown_table(*table)]
        lines += [f"![{title}]({name})\n" for name in pictures if _stands_in(name, title)]
    return "\n".join(lines)


def _stands_in(name: str, title: str) -> bool:
    kind, _, test = name.rpartition(".")[0].partition("_")
    return any(title == f"{start} {test}" or title.startswith(f"{start} {test} (")
               for start, own in PICTURES.items() if own == kind)
