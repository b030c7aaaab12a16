"""The rows of erased people in the statement of the managed store."""

from dataclasses import fields
from datetime import date, datetime

from warehouse.sql.shapes import Cell

TYPES: dict[object, str] = {
    int: "bigint",
    int | None: "bigint",
    float: "double precision",
    bool: "boolean",
    str | None: "text",
    date: "date",
    datetime | None: "timestamptz",
}
# The statement's columns and their types. From `users` on they are sums, which are 0 where
# a row was stored before there was such a column.
COLUMNS = (
    ("kind", "text"),
    *((field.name, TYPES[field.type]) for field in fields(Cell)),
    ("crossed", "bigint"),
    ("mismatched", "bigint"),
)
FIRST_SUM = [name for name, _ in COLUMNS].index("users")

ROWS = """
UNION ALL
-- Erased people of sealed days: their sums by cell, without ids.
SELECT {columns}
FROM managed_dw.erased_remainders AS e
CROSS JOIN LATERAL jsonb_to_recordset(e.rows) AS r ({types})
WHERE e.organization_id = $1 AND e.optimization_id = $3
  AND e.definition = CAST(${definition} AS text) AND e.day = ANY(CAST($14 AS date[]))"""


def build_rows_sql(definition_parameter: int) -> str:
    """Build the rows; the parameter holds the definition of the metric that is counted."""
    names = [name for name, _ in COLUMNS]
    sums = [f"COALESCE(r.{name}, 0)" for name in names[FIRST_SUM:]]
    return ROWS.format(
        columns=", ".join([f"r.{name}" for name in names[:FIRST_SUM]] + sums),
        types=", ".join(f"{name} {sql_type}" for name, sql_type in COLUMNS),
        definition=definition_parameter,
    )
