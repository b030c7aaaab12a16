"""The columns of the statement's rows, in order."""

from dataclasses import fields

from warehouse.sql.shapes import Cell

CELL_COLUMNS = tuple(field.name for field in fields(Cell))
COLUMNS = ("kind", *CELL_COLUMNS, "crossed", "mismatched")


def build_row_sql(**values: str) -> str:
    """Return the columns of a row as SQL; those without a value are NULL."""
    return ", ".join(values.get(name, "NULL") for name in COLUMNS)
