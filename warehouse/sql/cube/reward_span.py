"""Leave rewards from before the counted days unread, though @start_date is earlier."""

import sqlglot
from sqlglot import exp

from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.shapes import CheckedMetric

# The managed store's own column: its day is the partition.
TIMESTAMP_COLUMN = "timestamp_utc"


def build_span_condition(metric: CheckedMetric) -> str:
    """Return the condition that rewards are not before the span; "" if it may not stand.

    A reward before a user's first touch never counts, so the condition changes nothing.
    Postgres moves it down to the partitions unless the query groups or numbers rows. It
    stands only where the mapped timestamp is the store's own column: it might be checked
    before the customer's conditions, and the cast of another type may fail on rows that
    those leave out.
    """
    query = sqlglot.parse_one(metric.query.text, dialect=metric.query.dialect)
    if not isinstance(query, exp.Select) or _is_renamed(query):
        return ""
    if not any(_is_own_column(column, metric.timestamp) for column in query.selects):
        return ""
    column = quote_identifier(metric.timestamp)
    return f"\n  WHERE q.{column} >= CAST($22 AS timestamptz)"


def _is_renamed(query: exp.Select) -> bool:
    """Return whether anything may have the name of the store's column without being it."""
    return any(
        alias.alias == TIMESTAMP_COLUMN for alias in query.find_all(exp.Alias)
    ) or any(alias.args.get("columns") for alias in query.find_all(exp.TableAlias))


def _is_own_column(column: exp.Expr, name: str) -> bool:
    if isinstance(column, exp.Star):
        return name == TIMESTAMP_COLUMN
    source = column.unalias()
    return (
        column.alias_or_name == name
        and isinstance(source, exp.Column)
        and source.name == TIMESTAMP_COLUMN
    )
