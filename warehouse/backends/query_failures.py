"""Explains failures of customers' queries: which table or column was meant."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from levered_site.errors import NotFoundError, WarehouseError
from warehouse.backends import query_checks
from warehouse.backends.query_results import Column, Table
from warehouse.sql.preview import subquery_columns, unknown_columns, unknown_tables
from warehouse.sql.shapes import CheckedQuery


def explain_failure(
    query: CheckedQuery,
    message: str,
    list_columns: Callable[[str], Sequence[Column]],
    list_tables: Callable[[], Sequence[Table]],
) -> str | None:
    """Return a warehouse's message with what was meant; None if no name is unknown.

    `list_columns` returns a table's columns, or raises NotFoundError; `list_tables`
    returns the tables that a query may read.
    """
    columns = _list_table_columns(query, list_columns)
    # The catalog also finds a name in lower case, which a query that quotes it does not.
    unfound = [
        table
        for table in query.tables
        if table not in columns or f'relation "{table}"' in message
    ]
    table = unknown_tables.find_unknown_table(unfound, message)
    if table:
        names = _list_names(list_tables)
        return unknown_tables.describe_table(query, table, names, message)
    missing = query_checks.find_missing_columns(query, message, columns)
    if missing:
        return subquery_columns.describe_missing_columns(missing, message)
    known = [name for names in columns.values() for name in names]
    unknown = unknown_columns.find_unknown_columns(query, message, known)
    if not unknown or not known:
        return None
    return unknown_columns.describe_columns(unknown, columns, message)


def _list_table_columns(
    query: CheckedQuery, list_columns: Callable[[str], Sequence[Column]]
) -> dict[str, list[str]]:
    """Return the columns of a query's tables, without tables that cannot be looked up."""
    columns: dict[str, list[str]] = {}
    for table in query.tables:
        with suppress(NotFoundError, WarehouseError):
            columns[table] = [column.name for column in list_columns(table)]
    return columns


def _list_names(list_tables: Callable[[], Sequence[Table]]) -> list[str]:
    """Return tables as `schema.name`; none if they cannot be told."""
    with suppress(WarehouseError):
        return [f"{table.schema}.{table.name}" for table in list_tables()]
    return []
