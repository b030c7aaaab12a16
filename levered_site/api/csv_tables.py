"""Tables of CSV: names, rows, and what is said of all rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from levered_site.api import csv_reasons, csv_texts
from levered_site.api.csv_columns import Column

# Of the columns that are equal in all rows.
READING_PREFIX = "reading."


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Rows under the names of their columns, and what the answer says of all of them.

    `readings` are columns that are equal in all rows. `withheld` is why rows are left out.
    """

    names: Sequence[str]
    rows: Sequence[Sequence[Any]]
    readings: Mapping[str, Any] = field(default_factory=dict)
    withheld: str | None = None

    def write(self) -> bytes:
        """Return the table as CSV."""
        names = [READING_PREFIX + name for name in self.readings]
        header = csv_texts.write_lines([self.names], names)
        return header + csv_texts.write_lines(self.rows, [*self.readings.values()])


def fill_columns(
    columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the names of the columns, and their values in each row."""
    names: list[str] = []
    filled: list[list[Any]] = []
    for column in columns:
        values = [csv_reasons.find_value(row, column.path) for row in rows]
        if column.kind == "levels":
            factors = list(
                dict.fromkeys(name for each in values for name in each or ())
            )
            names += [f"{column.name}.{factor}" for factor in factors]
            filled += [[(each or {}).get(name) for each in values] for name in factors]
        else:
            names.append(column.name)
            filled.append(_take_parts(values, column))
    return names, list(zip(*filled, strict=True))


def _take_parts(values: list[Any], column: Column) -> list[Any]:
    """Return the parts of values that a column has."""
    if column.kind == "value":
        return values
    if column.kind == "reasons":
        return _join_reasons(values)
    index = 0 if column.kind == "low" else 1
    return [None if value is None else value[index] for value in values]


def _join_reasons(values: list[Mapping[str, str] | None]) -> list[list[str]]:
    """Return reasons as lists of texts; those of most rows are the same."""
    known: dict[tuple[tuple[str, str], ...], list[str]] = {}
    joined = []
    for value in values:
        key = tuple((value or {}).items())
        if key not in known:
            known[key] = csv_reasons.join_reasons(key)
        joined.append(known[key])
    return joined
