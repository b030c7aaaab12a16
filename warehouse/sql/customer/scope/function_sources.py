"""Functions in FROM on Postgres: what may stand behind the dot of `alias.name`.

Postgres takes `x.name` for the function `name(x)` if `x` has no such column, and `x` may be
any single value: `SELECT x.pg_sleep FROM unnest(ARRAY[9.0]) AS x` would wait. So a function
whose alias stands before a dot is read in a query of its own: that query's row is a record,
and no function takes a record for the value in it.
"""

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

from warehouse.sql.customer import query_parts
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import locate
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.written_names import write_path

# Columns that Postgres names itself: of JSON functions, and of WITH ORDINALITY.
NAMED_COLUMNS = frozenset({"key", "ordinality", "value"})
# Functions whose columns have names of their own, not that of the alias.
NAMING_FUNCTIONS = re.compile(r"jsonb?_(each|array_elements|to_record|populate_record)")
SERIES = (exp.ExplodingGenerateSeries, exp.GenerateSeries)


def wrap_sources(query: exp.Query, dialect: Dialect) -> None:
    """Put `function(…) AS x` into a query of its own where a column `x.name` is read.

    Raises RefusedError where `x` alone, the function's value, is read as well: it would
    become a record.
    """
    for column, source in list(_find_columns(query, dialect)):
        is_known = _is_rows(source) or column.name in _list_names(source)
        is_alone = source.parent is not None and not source.args.get("joins")
        if is_known and is_alone:
            _refuse_value(query, source)
            alias = exp.to_identifier(column.table, quoted=True)
            rows = exp.select("*").from_(source.copy()).subquery(copy=False)
            source.replace(exp.Lateral(this=rows, alias=exp.TableAlias(this=alias)))


def _refuse_value(query: exp.Query, source: exp.Expr) -> None:
    alias, names = _get_alias(source), source.alias_column_names
    function = _get_function(source)
    name = str(function.this) if isinstance(function, exp.Anonymous) else ""
    is_column = alias in names if names else not NAMING_FUNCTIONS.match(name.lower())
    if is_column or _is_rows(source):
        return
    for column in query.find_all(exp.Column):
        if not column.table and column.name == alias:
            name = write_path(column)
            raise RefusedError(
                f"{name} and one of its columns are both read{locate(column)}: name the"
                f" function's columns, as in AS {name} (a, b), and write those alone."
            )


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
    for column, _ in _find_columns(query, dialect):
        name = write_path(column.args.get("table"))
        raise RefusedError(
            f"The column {write_path(column)} of a function in FROM is unknown"
            f"{locate(column)}: name the function's columns, as in AS {name} (a, b)."
        )


def _find_columns(
    query: exp.Query, dialect: Dialect
) -> Iterator[tuple[exp.Column, exp.Expr]]:
    """Yield the columns `x.name` where `x` is a function in FROM, and that function."""
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
                if source is not None:
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


def _is_rows(source: exp.Expr) -> bool:
    return isinstance(_get_function(source), exp.Unnest | exp.Explode)


def _list_names(source: exp.Expr) -> frozenset[str]:
    """Return the names that the function's columns may have, and `*`."""
    names = frozenset(source.alias_column_names) or NAMED_COLUMNS | {_get_alias(source)}
    return names | {"*"}
