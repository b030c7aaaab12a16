"""The columns of the statement's rows, in order, and the types of a cell's."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from types import NoneType

from warehouse.sql.shapes import Cell

CELL_COLUMNS = tuple(field.name for field in fields(Cell))
COLUMNS = ("kind", *CELL_COLUMNS, "crossed", "mismatched")

NUMBER_TYPES: tuple[type, ...] = (int, float, Decimal)
# Exact types: a moment is a date to Python, and a boolean an integer.
CELL_TYPES: dict[str, tuple[type, ...]] = {
    "day": (date,),
    "policy_version": (int, NoneType),
    "holdout": (bool,),
    "outcome": (str, NoneType),
    "mature": (bool,),
    "hour": (datetime, NoneType),
    **dict.fromkeys(("value_sum", "value_sum_squares"), NUMBER_TYPES),
    **dict.fromkeys(("log_sum", "log_sum_squares"), (*NUMBER_TYPES, NoneType)),
    **dict.fromkeys(
        ("negative_log_sum", "negative_log_sum_squares"), (*NUMBER_TYPES, NoneType)
    ),
    **dict.fromkeys(("payers", "negatives"), (int, NoneType)),
}
COUNT_TYPES = (int,)


def build_row_sql(**values: str) -> str:
    """Return the columns of a row as SQL; those without a value are NULL."""
    return ", ".join(values.get(name, "NULL") for name in COLUMNS)


def require_cell_types(values: Mapping[str, object]) -> None:
    """Raise TypeError for a cell's value of another type, as a broken server sends."""
    for name in CELL_COLUMNS:
        if type(values[name]) not in CELL_TYPES.get(name, COUNT_TYPES):
            raise TypeError(f"The warehouse returned {values[name]!r} as {name}.")
