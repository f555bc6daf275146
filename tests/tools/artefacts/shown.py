"""What is shown, without the blanks of its layout."""

from typing import List


def lines_of(text: str) -> List[str]:
    """The lines that hold anything, rules of tables apart; blanks are single ones."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in lines if line.strip("- ")]
