"""Functions in FROM on Postgres: what may stand behind the dot of `alias.name`.

Postgres takes `x.name` for the function `name(x)` if `x` has no such column, and `x` may be
any single value: `SELECT x.pg_sleep FROM unnest(ARRAY[9.0]) AS x` would wait.
"""

from collections.abc import Iterator, Mapping

from sqlglot import exp

from warehouse.sql.customer import query_parts
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import locate
from warehouse.sql.customer.refusal import RefusedError

# Columns that Postgres names itself: of JSON functions, and of WITH ORDINALITY.
NAMED_COLUMNS = frozenset({"*", "key", "ordinality", "value"})
SERIES = (exp.ExplodingGenerateSeries, exp.GenerateSeries)


def wrap_unnested_rows(query: exp.Query, dialect: Dialect) -> None:
    """Put `unnest(rows) AS x` into a query of its own where a column `x.name` is read.

    A query's row is a record, for which there is no function to take the name for.
    """
    for column, source in list(_find_unknown_columns(query, dialect)):
        is_rows = isinstance(_get_function(source), exp.Unnest | exp.Explode)
        if is_rows and source.parent is not None and not source.args.get("joins"):
            alias = exp.to_identifier(column.table, quoted=True)
            rows = exp.select("*").from_(source.copy()).subquery(copy=False)
            source.replace(exp.Lateral(this=rows, alias=exp.TableAlias(this=alias)))


def validate_columns(query: exp.Query, dialect: Dialect) -> None:
    """Raise RefusedError at `x.name` if a function in FROM may have no such column.

    A function without a name of its own gets one from Postgres: for most that is unknown
    here.
    """
    for source in query.find_all(exp.Table, exp.Lateral):
        if (
            dialect.name == "postgres"
            and _is_function(source)
            and not _get_alias(source)
        ):
            raise RefusedError(
                f"A function in FROM needs a name{locate(source)}: write AS x behind it."
            )
    for column, _ in _find_unknown_columns(query, dialect):
        raise RefusedError(
            f"The column {column.table}.{column.name} of a function in FROM is unknown"
            f"{locate(column)}: name the function's columns, as in AS {column.table} (a, b)."
        )


def _find_unknown_columns(
    query: exp.Query, dialect: Dialect
) -> Iterator[tuple[exp.Column, exp.Expr]]:
    """Yield columns of functions in FROM that have no such column for certain."""
    if dialect.name != "postgres":
        return
    sources = {
        id(select): {
            _get_alias(node): node for node in query_parts.list_sources(select)
        }
        for select in query.find_all(exp.Select)
    }
    functions = {
        alias
        for named in sources.values()
        for alias, node in named.items()
        if _is_function(node)
    }
    for select in query.find_all(exp.Select) if functions else ():
        for column in query_parts.list_own_nodes(select):
            if isinstance(column, exp.Column) and column.table in functions:
                source = _find_source(column.table, select, sources)
                if source is not None and column.name not in _list_names(source):
                    yield column, source


def _find_source(
    alias: str, select: exp.Expr, sources: Mapping[int, Mapping[str, exp.Expr]]
) -> exp.Expr | None:
    """Return the function in FROM that an alias means inside a query, if it means one."""
    around: exp.Expr | None = select
    while around is not None:
        source = sources[id(around)].get(alias)
        if source is not None:
            return source if _is_function(source) else None
        around = around.find_ancestor(exp.Select)
    return None


def _is_function(node: exp.Expr) -> bool:
    if isinstance(node, exp.Lateral):
        return not isinstance(node.this, exp.Query)
    is_table = isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier)
    return is_table or isinstance(node, exp.Unnest)


def _get_function(source: exp.Expr) -> exp.Expr:
    return source.this if isinstance(source, exp.Lateral | exp.Table) else source


def _get_alias(source: exp.Expr) -> str:
    """Return a source's alias; Postgres gives a function its name as one."""
    if source.alias_or_name:
        return source.alias_or_name
    function = _get_function(source)
    if isinstance(function, exp.Anonymous):
        return str(function.this).lower()
    if isinstance(function, exp.Unnest | exp.Explode):
        return "unnest"
    return "generate_series" if isinstance(function, SERIES) else ""


def _list_names(source: exp.Expr) -> frozenset[str]:
    return NAMED_COLUMNS.union(source.alias_column_names, {_get_alias(source)})
