"""Rows of raw SQL statements, read by column name."""

from dataclasses import make_dataclass
from typing import Any

from django.db.backends.utils import CursorWrapper


def fetch_rows(cursor: CursorWrapper) -> list[Any]:
    """Return the remaining rows of an executed cursor as objects.

    Each column of the statement is an attribute, so every column needs a name that is a
    Python identifier (`SELECT count(*) AS users`).
    """
    names = [column.name for column in cursor.description]
    row_type = make_dataclass("Row", names, frozen=True, slots=True)
    return [row_type(*row) for row in cursor.fetchall()]


def fetch_row(cursor: CursorWrapper) -> Any:
    """Return the only row of an executed cursor as an object.

    Raises ValueError if the statement returned no row, or more than one.
    """
    (row,) = fetch_rows(cursor)
    return row
