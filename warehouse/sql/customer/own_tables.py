"""A customer's query on his own warehouse: every table named in full, none the system's."""

from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from warehouse.sql.customer import validator
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.refusal import RefusedError


def qualify_tables(query: exp.Query, schema: str | None) -> None:
    """Give tables without a schema the one that the connection has.

    A bare name would mean whatever the statement around the query calls by it.
    """
    for table in query.find_all(exp.Table):
        bare = isinstance(table.this, exp.Identifier) and not table.db
        if schema and bare and not validator.is_cte(table):
            table.set("db", exp.to_identifier(schema, quoted=True))


def list_tables(query: exp.Query) -> tuple[str, ...]:
    """Name the tables that a query reads."""
    found = query.find_all(exp.Table)
    return tuple(
        sorted(
            {
                validator.format_table_name(table)
                for table in found
                if not validator.is_cte(table)
            }
        )
    )


def validate_regenerated_query(query: exp.Query, dialect: Dialect) -> None:
    """Look at the regenerated text once more: what scopes read, and every table node."""
    for scope in traverse_scope(query):
        for source in scope.sources.values():
            if isinstance(source, exp.Table):
                validator.validate_own_table(source, dialect)
    for table in query.find_all(exp.Table):
        if table.db:
            validator.validate_own_table(table, dialect)
        elif not validator.is_cte(table):
            raise RefusedError(f"The table {table.name} is not named in full.")
