"""Validates a parsed query against the allow-lists: nodes, clauses, names and tables."""

import re
from collections.abc import Iterable, Iterator

from sqlglot import exp

from warehouse.sql.customer import managed_schema
from warehouse.sql.customer.allowlists import allowlist
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.grammars import kept_arguments
from warehouse.sql.customer.messages import (
    ADVICE,
    CLAUSES,
    describe_kind,
    describe_node,
    locate,
    refuse,
)
from warehouse.sql.customer.recursion import bounded_recursion, endless_recursion
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.rules import (
    call_advice,
    node_rules,
    snowflake_rules,
    unit_arguments,
)
from warehouse.sql.customer.written_names import (
    find_written_name,
    write_alias,
    write_path,
)

# Names of the CTEs around a customer's query start with this. No WITH query of the customer
# may, so that neither side can mean the other's.
RESERVED_PREFIX = "levered_"
# What a query's author calls a clause that sqlglot names otherwise.
TABLE_CLAUSES = {
    "bigquery": {"sample": "TABLESAMPLE", "version": "FOR SYSTEM_TIME AS OF"},
    "postgres": {"sample": "TABLESAMPLE", "version": "FOR SYSTEM_TIME AS OF"},
    "snowflake": {"version": "FOR SYSTEM_TIME AS OF"},
}


def validate_query(query: exp.Query, dialect: Dialect, *, is_managed: bool) -> None:
    """Raise RefusedError at the first node that is not on the allow-lists.

    On the managed store two tables may be read. Elsewhere any table with its schema may,
    except for the warehouse's system tables.
    """
    for node in query.walk():
        _validate_node(node, dialect)
        if isinstance(node, exp.With):
            _validate_with(node, managed_schema.COLUMNS if is_managed else (), dialect)
        if is_managed and node.args.get("this") == exp.DType.USERDEFINED:
            name = find_written_name(node) or node.sql(dialect.name)
            raise refuse("type", name, node)
        if isinstance(node, exp.Table) and not is_cte(node):
            validate_table_clauses(node, dialect)
            if is_table_function(node):
                continue
            if is_managed:
                _validate_managed_table(node)
            else:
                validate_own_table(node, dialect)


def _validate_node(node: exp.Expr, dialect: Dialect) -> None:
    if isinstance(node, exp.Anonymous):
        if not node_rules.is_allowed_by_name(node, dialect):
            otherwise = dialect.advice.get(node.name.lower(), "")
            raise call_advice.refuse_call(
                "function", node.name, node, dialect, otherwise
            )
    elif isinstance(node, exp.Dot) and node_rules.reads_field(node, dialect):
        return
    elif type(node) not in dialect.nodes:
        name = describe_node(node, dialect.grammar)
        raise call_advice.refuse_call(
            describe_kind(node), name, node, dialect, _advise(node, name, dialect)
        )
    unit_arguments.require_order(node, dialect.name)
    node_rules.validate_details(node, dialect)
    kept_arguments.require_kept(node)


def _advise(node: exp.Expr, name: str, dialect: Dialect) -> str:
    """Return what to write instead of a node, by the name it was written by or another."""
    for known in (
        name,
        name.lower(),
        node.sql_name().lower() if isinstance(node, exp.Func) else name,
    ):
        if advice := dialect.advice.get(known) or ADVICE.get(known):
            return advice
    if isinstance(node, exp.Dot) and dialect.name == "bigquery":
        namespace = f"{name.split('.', maxsplit=1)[0].lower()}."
        return dialect.advice.get(namespace, "its expression")
    return snowflake_rules.advise(name, dialect)


def _validate_with(node: exp.With, tables: Iterable[str], dialect: Dialect) -> None:
    if node.args.get("recursive") and dialect.recursion_bound:
        bounded_recursion.validate_clause(node)
    elif node.args.get("recursive") and not dialect.recursion:
        raise RefusedError(
            f"A recursive WITH is not allowed{locate(node)}: write {dialect.series} for"
            " a calendar, or join the levels one by one."
        )
    elif node.args.get("recursive"):
        endless_recursion.refuse_endless(node)
    names: set[str] = set()
    for cte in node.expressions:
        name, written = cte.alias.lower(), f"{write_alias(cte)}{locate(cte)}"
        if name in tables or name.startswith(("pg_", RESERVED_PREFIX)):
            raise RefusedError(
                f"The name {written} is reserved: rename that WITH query."
            )
        if name in names:
            raise RefusedError(
                f"Two WITH queries have the name {written}: rename one of them."
            )
        names.add(name)


def is_cte(table: exp.Table) -> bool:
    """Return whether a table node names a WITH query that is visible at its place."""
    return not table.db and not table.catalog and table.name in list_visible_ctes(table)


def list_visible_ctes(node: exp.Expr) -> Iterator[str]:
    """Yield the names of the WITH queries in scope at a node.

    Within a WITH only its earlier queries are in scope, in a recursive one all of them;
    below the query that has the WITH, all of them.
    """
    child: exp.Expr = node
    parent = node.parent
    while parent is not None:
        if isinstance(parent, exp.With):
            yield from _list_siblings(parent, child)
        elif child is not parent.args.get("with_"):
            clause = parent.args.get("with_")
            yield from (cte.alias for cte in clause.expressions) if clause else ()
        child, parent = parent, parent.parent


def _list_siblings(clause: exp.With, inside: exp.Expr) -> Iterator[str]:
    """Yield the names that one query of a WITH may read: earlier ones, or all."""
    for cte in clause.expressions:
        if cte is inside and not clause.args.get("recursive"):
            return
        yield cte.alias


def names_no_table(source: exp.Table) -> bool:
    """Return whether a scope's source is a function, or a query of a recursive WITH.

    sqlglot's scopes take a recursive WITH's later queries for tables.
    """
    return is_table_function(source) or _is_recursive_reference(source)


def _is_recursive_reference(table: exp.Table) -> bool:
    clause = table.find_ancestor(exp.With)
    while clause is not None:
        names = [cte.alias for cte in clause.expressions]
        if clause.args.get("recursive") and table.name in names:
            return is_cte(table)
        clause = clause.find_ancestor(exp.With)
    return False


def is_table_function(table: exp.Table) -> bool:
    """Return whether a table node is a function in FROM."""
    return not isinstance(table.this, exp.Identifier)


def validate_table_clauses(table: exp.Table, dialect: Dialect) -> None:
    """Refuse functions in FROM, and clauses of a table, that are not allowed."""
    allowed = dialect.table_clauses
    if is_table_function(table):
        node_rules.validate_table_function(table.this or table, dialect)
        allowed = allowlist.FUNCTION_CLAUSES
    for key, value in table.args.items():
        if value and key not in allowed:
            name = f"{CLAUSES.get(key, key.upper())} of a table"
            name = TABLE_CLAUSES.get(dialect.name, {}).get(key, name)
            if key == "pivots":
                name = "UNPIVOT" if value[0].args.get("unpivot") else "PIVOT"
            if key == "hints":
                name = ", ".join(hint.sql() for hint in value)
            raise refuse("clause", name, table, dialect.advice.get(name, ""))


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
            f"The table {write_path(table)} cannot be read{locate(table)}:"
            f" only {tables} can."
        )


def validate_own_table(table: exp.Table, dialect: Dialect) -> None:
    """Refuse a system table, and a table without its schema."""
    name = f"{write_path(table)}{locate(table)}"
    if not table.db:
        raise RefusedError(
            f"The table {name} needs its schema: write schema.{write_path(table)}."
        )
    if table.catalog and not dialect.catalogs:
        raise RefusedError(
            f"The table {name} is in another database: name tables of the connected one."
        )
    schemas = [table.db, table.catalog]
    if dialect.name == "bigquery":  # sqlglot joins INFORMATION_SCHEMA and its view
        schemas += table.name.split(".")[:-1]
        schemas += [table.name] if table.name.startswith("__") else []
    if any(dialect.is_system(schema.lower()) for schema in schemas):
        raise RefusedError(
            f"The table {name} is a system table of the warehouse: read tables of"
            " your own."
        )
    if not re.fullmatch(dialect.table_names, table.name):
        raise RefusedError(
            f"The table {name} has a name that is not allowed: name a table or view by"
            " letters, digits, - and _, with a * at its end if it is a wildcard."
        )


def format_table_name(table: exp.Table) -> str:
    """Return a table's name with catalog and schema, without quotes."""
    return ".".join(part for part in (table.catalog, table.db, table.name) if part)
