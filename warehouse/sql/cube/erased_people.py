"""The rows of erased people in the statement of the managed store."""

from dataclasses import fields
from datetime import date, datetime

from warehouse.sql.cube.row_columns import COLUMNS
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
# From `users` on the columns are sums, which are 0 where a row was stored before there was
# such a column.
CELL_TYPES = {field.name: TYPES[field.type] for field in fields(Cell)}
COLUMN_TYPES = {name: CELL_TYPES.get(name, "bigint") for name in COLUMNS} | {
    "kind": "text"
}
FIRST_SUM = COLUMNS.index("users")

ROWS = """
UNION ALL
-- Erased people of sealed days: their sums by cell, without ids.
SELECT {columns}
FROM managed_dw.erased_remainders AS e
CROSS JOIN LATERAL jsonb_to_recordset(e.rows) AS r ({types})
WHERE e.organization_id = $1 AND e.optimization_id = $3
  AND e.definition = CAST(${definition} AS text) AND e.day = ANY(CAST($14 AS date[]))
  AND (r.regime IS NULL OR r.regime = ANY(CAST($10 AS integer[])))"""


def build_rows_sql(definition_parameter: int) -> str:
    """Build the rows; the parameter holds the definition of the metric that is counted."""
    sums = [f"COALESCE(r.{name}, 0)" for name in COLUMNS[FIRST_SUM:]]
    return ROWS.format(
        columns=", ".join([f"r.{name}" for name in COLUMNS[:FIRST_SUM]] + sums),
        types=", ".join(
            f"{name} {sql_type}" for name, sql_type in COLUMN_TYPES.items()
        ),
        definition=definition_parameter,
    )
