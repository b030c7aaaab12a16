"""Rows of raw SQL statements, read by column name."""

import functools
from dataclasses import make_dataclass
from typing import Any

from django.db.backends.utils import CursorWrapper


def fetch_rows(cursor: CursorWrapper) -> list[Any]:
    """Return the remaining rows of an executed cursor as objects.

    Each column of the statement is an attribute, so every column needs a name that is a
    Python identifier (`SELECT count(*) AS users`).
    """
    row_type = _make_row_type(tuple(column.name for column in cursor.description))
    return [row_type(*row) for row in cursor.fetchall()]


@functools.lru_cache(maxsize=256)
def _make_row_type(names: tuple[str, ...]) -> Any:
    """Make the class of a statement's rows; making one costs half a millisecond."""
    return make_dataclass("Row", names, frozen=True, slots=True)


def fetch_row(cursor: CursorWrapper) -> Any:
    """Return the only row of an executed cursor as an object.

    Raises ValueError if the statement returned no row, or more than one.
    """
    (row,) = fetch_rows(cursor)
    return row
