"""Proof that a parsed query is harmless: allow-lists, clause by clause, table by table."""

import re
from collections.abc import Callable, Iterable, Iterator

from sqlglot import exp

from warehouse.sql.customer import managed_schema
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.refusal import RefusedError

# What the SQL around a customer's query calls its own: no table of his may be meant by
# such a name, nor one of ours by his.
RESERVED_PREFIX = "levered_"


def validate_query(query: exp.Query, dialect: Dialect, *, of_managed: bool) -> None:
    """Walk over every node; raise RefusedError at the first that is not known harmless.

    On the managed store there are two tables; elsewhere all are the customer's own, but
    for the warehouse's catalogs, and each is named with its schema.
    """
    for node in query.walk():
        _validate_node(node, dialect)
        if isinstance(node, exp.With):
            _validate_with(node, managed_schema.COLUMNS if of_managed else ())
        if isinstance(node, exp.Table) and not is_cte(node):
            validate_table_clauses(node, dialect)
            if of_managed:
                _validate_managed_table(node)
            else:
                validate_own_table(node, dialect)


def _validate_node(node: exp.Expr, dialect: Dialect) -> None:
    if isinstance(node, exp.Anonymous):
        name = node.this if isinstance(node.this, str) else ""
        if name.lower() not in dialect.functions:
            raise RefusedError(f"The function {node.name.lower()} is not allowed.")
    elif type(node) not in dialect.nodes:
        kind = "function" if isinstance(node, exp.Func) else "construct"
        raise RefusedError(
            f"The {kind} {_describe_node(node, dialect)} is not allowed."
        )
    checks: dict[type[exp.Expr], Callable[[exp.Expr, Dialect], None]] = {
        exp.Select: _validate_select,
        exp.DataType: _validate_type,
        exp.Var: _validate_word,
        exp.Identifier: _validate_identifier,
        exp.Placeholder: _validate_placeholder,
    }
    check_more = checks.get(type(node))
    if check_more:
        check_more(node, dialect)


def _describe_node(node: exp.Expr, dialect: Dialect) -> str:
    """Name it as its author may have: functions as they are called in the dialect."""
    if isinstance(node, exp.Func):
        called = re.match(r"\w+(?=\()", node.sql(dialect=dialect.name))
        return (called[0] if called else node.sql_name()).lower()
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _validate_select(node: exp.Expr, dialect: Dialect) -> None:
    for key, value in node.args.items():
        if value and key not in dialect.select_clauses:
            raise RefusedError(f"The clause {key.strip('_').upper()} is not allowed.")


def _validate_with(node: exp.With, tables: Iterable[str]) -> None:
    if node.args.get("recursive"):
        raise RefusedError("A recursive WITH is not allowed.")
    names = [cte.alias.lower() for cte in node.expressions]
    for name in names:
        if name in tables or name.startswith(("pg_", RESERVED_PREFIX)):
            raise RefusedError(f"A WITH may not be called {name}: a table is.")
    if len(set(names)) < len(names):
        raise RefusedError("Two WITH queries have the same name.")


def _validate_type(node: exp.Expr, dialect: Dialect) -> None:
    if node.this not in dialect.types or node.args.get("nested"):
        raise RefusedError(f"The type {node.sql(dialect.name)} is not allowed.")


def _validate_word(node: exp.Expr, _dialect: Dialect) -> None:
    if not re.fullmatch(r"[A-Za-z_]+", node.name):
        raise RefusedError(f"The word {node.name} is not allowed.")


def _validate_identifier(node: exp.Expr, dialect: Dialect) -> None:
    if node.name.lower() in dialect.unnameable:
        raise RefusedError(f"The name {node.name} is not allowed.")


def _validate_placeholder(node: exp.Expr, _dialect: Dialect) -> None:
    """Only the bare one, which stands for the start date."""
    if node.this:
        raise RefusedError("The only parameter that a query may hold is @start_date.")


def is_cte(table: exp.Table) -> bool:
    """Whether a bare name means a WITH query that is in sight where it stands."""
    return (
        not table.db and not table.catalog and table.name in _list_visible_ctes(table)
    )


def _list_visible_ctes(node: exp.Expr) -> Iterator[str]:
    """Names of the WITH queries that a table node can mean, by SQL's lexical rule."""
    inside: exp.Expr = node
    above = node.parent
    while above is not None:
        if isinstance(above, exp.With):
            earlier = above.expressions[: above.expressions.index(inside)]
            yield from (cte.alias for cte in earlier)
        elif inside is not above.args.get("with_"):
            within = above.args.get("with_")
            yield from (cte.alias for cte in within.expressions) if within else ()
        inside, above = above, above.parent


def validate_table_clauses(table: exp.Table, dialect: Dialect) -> None:
    """Refuse what FROM may say of a table besides its name."""
    if not isinstance(table.this, exp.Identifier):
        raise RefusedError("Functions in FROM are not allowed.")
    for key, value in table.args.items():
        if value and key not in dialect.table_clauses:
            raise RefusedError(f"The clause {key.upper()} of a table is not allowed.")


def _validate_managed_table(table: exp.Table) -> None:
    allowed = ", ".join(
        f"{managed_schema.SCHEMA}.{name}" for name in managed_schema.COLUMNS
    )
    if (
        table.catalog
        or table.db != managed_schema.SCHEMA
        or table.name not in managed_schema.COLUMNS
    ):
        raise RefusedError(
            f"The table {format_table_name(table)} is not there to read; there are {allowed}."
        )


def validate_own_table(table: exp.Table, dialect: Dialect) -> None:
    """Refuse a table of the warehouse's own, and one without its schema."""
    name = format_table_name(table)
    if not table.db:
        raise RefusedError(f"Name the table {name} with its schema.")
    if table.catalog and not dialect.catalogs:
        raise RefusedError(f"The table {name} is of another database.")
    if not re.fullmatch(dialect.table_names, table.name):
        raise RefusedError(f"The table {name} is not one that a query may read.")
    if dialect.is_system(table.db.lower()) or dialect.is_system(table.catalog.lower()):
        raise RefusedError(f"The table {name} is the warehouse's own.")


def format_table_name(table: exp.Table) -> str:
    """Write a table's name as its author did, without quotes."""
    return ".".join(part for part in (table.catalog, table.db, table.name) if part)
