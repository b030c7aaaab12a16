"""Tables of a query on a connected warehouse: all named in full, none of the system's."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from warehouse.sql.customer import messages
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.rules import validator


def qualify_tables(
    query: exp.Query, schema: str | None, database: str | None = None
) -> None:
    """Give tables without a schema the connection's schema.

    A bare name could otherwise mean a CTE of the statement around the query. The name of
    the connected database before a schema is left out.
    """
    for named in query.find_all(exp.Table, exp.Column):
        catalog = named.args.get("catalog")
        if database and catalog is not None and catalog.name == database:
            named.set("catalog", None)
    for table in query.find_all(exp.Table):
        bare = isinstance(table.this, exp.Identifier) and not table.db
        if schema and bare and not validator.is_cte(table):
            table.set("db", exp.to_identifier(schema, quoted=True))


def list_tables(query: exp.Query) -> tuple[str, ...]:
    """Return the full names of the tables that a query reads, sorted."""
    return tuple(sorted({name for name, _table in _find_tables(query)}))


def list_lines(query: exp.Query) -> tuple[tuple[str, int], ...]:
    """Return the tables that a query reads, each with the line that names it first."""
    lines: dict[str, int] = {}
    for name, table in _find_tables(query):
        line = messages.find_line(table)
        if line is not None:
            lines[name] = min(line, lines.get(name, line))
    return tuple(lines.items())


def _find_tables(query: exp.Query) -> Iterator[tuple[str, exp.Table]]:
    for table in query.find_all(exp.Table):
        if not validator.is_cte(table) and not validator.is_table_function(table):
            yield validator.format_table_name(table), table


def validate_regenerated_query(query: exp.Query, dialect: Dialect) -> None:
    """Check the regenerated query again: the sources of all scopes, and all table nodes.

    Raises RefusedError.
    """
    for scope in traverse_scope(query):
        for source in scope.sources.values():
            # A WITH query under PIVOT is a table to sqlglot's scopes.
            if (
                isinstance(source, exp.Table)
                and not validator.is_table_function(source)
                and not validator.is_cte(source)
            ):
                validator.validate_own_table(source, dialect)
    for table in query.find_all(exp.Table):
        if table.db:
            validator.validate_own_table(table, dialect)
        elif not validator.is_cte(table) and not validator.is_table_function(table):
            raise RefusedError(f"Name the table {table.name} with its schema.")
