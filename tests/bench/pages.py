"""Measured tables in the pages of docs, each between its markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rsscircuit.report.tables import print_lines, print_table

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "pictures"


class Block(NamedTuple):
    """A table and the line below it.

    Attributes:
        key: Of its markers in the page.
        heads: Of the columns; the first ``left`` are text.
        rows: As printed.
        note: Below the table; empty where there is nothing to say.
        left: Columns of text.
    """

    key: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    left: int = 1

    def show(self) -> None:
        """Print it."""
        print_table(self.heads, self.rows, left=self.left)
        print_lines([self.note, ""] if self.note else [""])

    def markdown(self) -> str:
        """As the page holds it."""
        rule = ["---" if column < self.left else "---:" for column in range(len(self.heads))]
        lines = ["| " + " | ".join(cells) + " |" for cells in (self.heads, rule, *self.rows)]
        return "\n".join([*lines, "", self.note] if self.note else lines)


def write(page: str, texts: Mapping[str, str]) -> None:
    """Put texts between their markers in a page of docs."""
    path = DOCS / page
    text = path.read_text("utf-8")
    for key, block in texts.items():
        before, mark, rest = text.partition(f"<!-- measured: {key} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not (mark and end):
            raise SystemExit(f"{page} has no place for the block {key}")
        text = f"{before}{mark}\n{block}\n\n{end}{after}"
    path.write_text(text, "utf-8")
