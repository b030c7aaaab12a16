"""Statements of the equality tests, and what two texts of one statement return."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "warehouse" / "equality"


@dataclass(frozen=True)
class Answer:
    """Names and types of a result's columns, and its rows as Python prints them."""

    columns: tuple[tuple[str, int], ...]
    rows: tuple[str, ...]


def read_statements(name: str) -> list[str]:
    """Return the statements of a file: its paragraphs, without those of comments alone."""
    paragraphs = re.split(r"\n\s*\n", (FOLDER / name).read_text().strip())
    return [
        text
        for text in paragraphs
        if not all(line.startswith("--") for line in text.splitlines())
    ]


def run_statement(cursor: Any, text: str, *, in_order: bool) -> Answer:
    """Run a statement; rows are sorted unless the statement orders them."""
    cursor.execute(text)
    rows = [repr(row) for row in cursor.fetchall()]
    columns = tuple((column.name, column.type_code) for column in cursor.description)
    return Answer(columns, tuple(rows if in_order else sorted(rows)))
