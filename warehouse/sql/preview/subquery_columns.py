"""What a failure says of a column that a WITH query or a subquery does not return."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from warehouse.sql.customer import managed_schema
from warehouse.sql.customer.dialects import get_dialect
from warehouse.sql.preview import unknown_columns
from warehouse.sql.shapes import CheckedQuery

ColumnsByTable = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class MissingColumn:
    """A column that is read of a subquery, which returns `columns` instead."""

    name: str
    subquery: str
    columns: tuple[str, ...]


def find_missing_columns(
    query: CheckedQuery, message: str, tables: ColumnsByTable
) -> list[MissingColumn]:
    """Return what a failure names, and a subquery of the query does not return.

    `tables` are the columns of the query's tables, for the stars of subqueries.
    """
    try:
        tree = sqlglot.parse_one(query.text, dialect=get_dialect(query.dialect).grammar)
        scopes = traverse_scope(tree)
    except SqlglotError:
        return []
    spell = unknown_columns.get_spelling(query)
    missing = [
        MissingColumn(column.name, name, columns)
        for scope in scopes
        for column in scope.columns
        if unknown_columns.names_column(message, column.name)
        for name, columns in _list_sources(scope, column, tables)
        if spell(column.name) not in map(spell, columns)
    ]
    return list(dict.fromkeys(missing))


def describe_missing_columns(missing: Sequence[MissingColumn], message: str) -> str:
    """Return the warehouse's message, and what the subqueries return instead."""
    columns = {each.subquery: each.columns for each in missing}
    names = list(dict.fromkeys(each.name for each in missing))
    return unknown_columns.describe_columns(names, columns, message)


def _list_sources(
    scope: Scope, column: exp.Column, tables: ColumnsByTable
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the subqueries that a column may be read of; none if it may be a table's."""
    sources = scope.selected_sources
    if column.table:
        sources = {name: sources[name] for name in sources if name == column.table}
    subqueries = []
    for name, (node, source) in sources.items():
        columns = _list_columns(source, tables)
        if not isinstance(source, Scope) or columns is None or _is_tenant(source):
            return
        subqueries.append((_describe_source(name, node), columns))
    yield from subqueries


def _describe_source(name: str, node: exp.Expr) -> str:
    """Return what a source is called: a WITH query by its own name."""
    is_named = isinstance(node, exp.Table)
    return f"The WITH query {node.name}" if is_named else f"The subquery {name}"


def _is_tenant(source: Scope) -> bool:
    """Return whether a subquery stands for a table of the managed store."""
    first = source.expression.args.get("from_")
    return isinstance(first, exp.From) and (
        first.this.args.get("db") is not None
        and first.this.args["db"].name == managed_schema.SCHEMA
    )


def _list_columns(
    source: Scope | exp.Expr, tables: ColumnsByTable
) -> tuple[str, ...] | None:
    """Return the columns of a source, or None if its text does not tell them."""
    if isinstance(source, exp.Table):
        parts = (source.catalog, source.db, source.name)
        columns = tables.get(".".join(filter(None, parts)))
        return None if columns is None else tuple(columns)
    if not isinstance(source, Scope):
        return None
    around = source.expression.parent
    named = around.args.get("alias") if isinstance(around, exp.CTE) else None
    if named is not None and named.columns:
        return tuple(column.name for column in named.columns)
    if isinstance(source.expression, exp.SetOperation):
        return _list_columns(source.set_operation_scopes[0], tables)
    return _list_selected(source, tables)


def _list_selected(source: Scope, tables: ColumnsByTable) -> tuple[str, ...] | None:
    query = source.expression
    if not isinstance(query, exp.Query):
        return None
    names: list[str] = []
    for selected in query.selects:
        if not selected.is_star:
            names.append(selected.alias_or_name)
            continue
        if not isinstance(selected, exp.Star) or any(selected.args.values()):
            return None  # `t.*`, and stars with exceptions
        for _node, inner in source.selected_sources.values():
            columns = _list_columns(inner, tables)
            if columns is None:
                return None
            names += columns
    return tuple(names)
