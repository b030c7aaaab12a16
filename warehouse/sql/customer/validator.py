"""Validates a parsed query against the allow-lists: nodes, clauses, names and tables."""

import re
from collections.abc import Callable, Iterable, Iterator

from sqlglot import exp

from warehouse.sql.customer import managed_schema
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.refusal import RefusedError

# Names of the CTEs around a customer's query start with this. No WITH query of the customer
# may, so that neither side can mean the other's.
RESERVED_PREFIX = "levered_"


def validate_query(query: exp.Query, dialect: Dialect, *, is_managed: bool) -> None:
    """Raise RefusedError at the first node that is not on the allow-lists.

    On the managed store two tables may be read. Elsewhere any table with its schema may,
    except for the warehouse's system tables.
    """
    for node in query.walk():
        _validate_node(node, dialect)
        if isinstance(node, exp.With):
            _validate_with(node, managed_schema.COLUMNS if is_managed else ())
        if isinstance(node, exp.Table) and not is_cte(node):
            validate_table_clauses(node, dialect)
            if is_managed:
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
    validate_details = checks.get(type(node))
    if validate_details:
        validate_details(node, dialect)


def _describe_node(node: exp.Expr, dialect: Dialect) -> str:
    """Return a name that the query's author knows: a function's as in the dialect."""
    if isinstance(node, exp.Func):
        call = re.match(r"\w+(?=\()", node.sql(dialect=dialect.name))
        return (call[0] if call else node.sql_name()).lower()
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _validate_select(node: exp.Expr, dialect: Dialect) -> None:
    # Without columns sqlglot reads `SELECT JOIN t` and writes `SELECT, t`: a table where
    # a column belongs, which no database reads.
    if not node.expressions:
        raise RefusedError("A query needs columns: name at least one after SELECT.")
    for key, value in node.args.items():
        if value and key not in dialect.select_clauses:
            raise RefusedError(f"The clause {key.strip('_').upper()} is not allowed.")


def _validate_with(node: exp.With, tables: Iterable[str]) -> None:
    if node.args.get("recursive"):
        raise RefusedError("A recursive WITH is not allowed.")
    names = [cte.alias.lower() for cte in node.expressions]
    for name in names:
        if name in tables or name.startswith(("pg_", RESERVED_PREFIX)):
            raise RefusedError(f"The name {name} is reserved: rename that WITH query.")
    if len(set(names)) < len(names):
        raise RefusedError("Two WITH queries have the same name: rename one.")


def _validate_type(node: exp.Expr, dialect: Dialect) -> None:
    if node.this not in dialect.types or node.args.get("nested"):
        raise RefusedError(f"The type {node.sql(dialect.name)} is not allowed.")


def _validate_word(node: exp.Expr, _dialect: Dialect) -> None:
    if not re.fullmatch(r"[A-Za-z_]+", node.name):
        raise RefusedError(f"The word {node.name} is not allowed.")


def _validate_identifier(node: exp.Expr, dialect: Dialect) -> None:
    if node.name.lower() in dialect.forbidden_names:
        raise RefusedError(f"The name {node.name} is not allowed.")


def _validate_placeholder(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow only the bare placeholder, which stands for the start date."""
    if node.this:
        raise RefusedError("The only parameter that a query may have is @start_date.")


def is_cte(table: exp.Table) -> bool:
    """Return whether a table node names a WITH query that is visible at its place."""
    return (
        not table.db and not table.catalog and table.name in _list_visible_ctes(table)
    )


def _list_visible_ctes(node: exp.Expr) -> Iterator[str]:
    """Yield the names of the WITH queries in scope at a node.

    Within a WITH only its earlier queries are in scope; below the query that has the WITH,
    all of them.
    """
    child: exp.Expr = node
    parent = node.parent
    while parent is not None:
        if isinstance(parent, exp.With):
            earlier = parent.expressions[: parent.expressions.index(child)]
            yield from (cte.alias for cte in earlier)
        elif child is not parent.args.get("with_"):
            clause = parent.args.get("with_")
            yield from (cte.alias for cte in clause.expressions) if clause else ()
        child, parent = parent, parent.parent


def validate_table_clauses(table: exp.Table, dialect: Dialect) -> None:
    """Refuse functions in FROM, and clauses of a table that are not allowed."""
    if not isinstance(table.this, exp.Identifier):
        raise RefusedError("Functions in FROM are not allowed.")
    for key, value in table.args.items():
        if value and key not in dialect.table_clauses:
            raise RefusedError(f"The clause {key.upper()} of a table is not allowed.")


def _validate_managed_table(table: exp.Table) -> None:
    tables = " and ".join(
        f"{managed_schema.SCHEMA}.{name}" for name in managed_schema.COLUMNS
    )
    if (
        table.catalog
        or table.db != managed_schema.SCHEMA
        or table.name not in managed_schema.COLUMNS
    ):
        raise RefusedError(
            f"The table {format_table_name(table)} cannot be read: only {tables} can."
        )


def validate_own_table(table: exp.Table, dialect: Dialect) -> None:
    """Refuse a system table, and a table without its schema."""
    name = format_table_name(table)
    if not table.db:
        raise RefusedError(f"Name the table {name} with its schema.")
    if table.catalog and not dialect.catalogs:
        raise RefusedError(f"The table {name} is in another database.")
    if not re.fullmatch(dialect.table_names, table.name):
        raise RefusedError(f"The table {name} has a name that is not allowed.")
    if dialect.is_system(table.db.lower()) or dialect.is_system(table.catalog.lower()):
        raise RefusedError(f"The table {name} is a system table of the warehouse.")


def format_table_name(table: exp.Table) -> str:
    """Return a table's name with catalog and schema, without quotes."""
    return ".".join(part for part in (table.catalog, table.db, table.name) if part)
