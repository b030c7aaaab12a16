"""Proof that a parsed query is harmless: allow-lists, clause by clause, table by table."""

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from warehouse.sql import managed
from warehouse.sql.allowed import (
    FUNCTIONS,
    NODES,
    SELECT_CLAUSES,
    TABLE_CLAUSES,
    TYPES,
)
from warehouse.sql.refusal import RefusedError


def prove(query: exp.Query) -> None:
    """Walk over every node; raise RefusedError at the first that is not known harmless."""
    for node in query.walk():
        _prove_node(node)
        if isinstance(node, exp.Table) and not is_cte(node):
            _prove_table(node)


def _prove_node(node: exp.Expr) -> None:
    if isinstance(node, exp.Anonymous):
        name = node.this if isinstance(node.this, str) else ""
        if name.lower() not in FUNCTIONS:
            raise RefusedError(f"The function {node.name.lower()} is not allowed.")
    elif type(node) not in NODES:
        kind = "function" if isinstance(node, exp.Func) else "construct"
        raise RefusedError(f"The {kind} {_name(node)} is not allowed.")
    checks: dict[type[exp.Expr], Callable[[exp.Expr], None]] = {
        exp.Select: _prove_select,
        exp.With: _prove_with,
        exp.DataType: _prove_type,
        exp.Var: _prove_word,
    }
    check_more = checks.get(type(node))
    if check_more:
        check_more(node)


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Func):
        return node.sql_name().lower()
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _prove_select(node: exp.Expr) -> None:
    for key, value in node.args.items():
        if value and key not in SELECT_CLAUSES:
            raise RefusedError(f"The clause {key.strip('_').upper()} is not allowed.")


def _prove_with(node: exp.Expr) -> None:
    if node.args.get("recursive"):
        raise RefusedError("A recursive WITH is not allowed.")
    names = [cte.alias.lower() for cte in node.expressions]
    for name in names:
        if name in managed.COLUMNS or name.startswith("pg_"):
            raise RefusedError(f"A WITH may not be called {name}: a table is.")
    if len(set(names)) < len(names):
        raise RefusedError("Two WITH queries have the same name.")


def _prove_type(node: exp.Expr) -> None:
    if node.this not in TYPES or node.args.get("nested"):
        raise RefusedError(f"The type {node.sql('postgres')} is not allowed.")


def _prove_word(node: exp.Expr) -> None:
    if not re.fullmatch(r"[A-Za-z_]+", node.name):
        raise RefusedError(f"The word {node.name} is not allowed.")


def is_cte(table: exp.Table) -> bool:
    """Whether a bare name means a WITH query that is in sight where it stands."""
    return not table.db and not table.catalog and table.name in _in_sight(table)


def _in_sight(node: exp.Expr) -> Iterator[str]:
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


def _prove_table(table: exp.Table) -> None:
    allowed = ", ".join(f"{managed.SCHEMA}.{name}" for name in managed.COLUMNS)
    if not isinstance(table.this, exp.Identifier):
        raise RefusedError("Functions in FROM are not allowed.")
    named = f"{table.db}.{table.name}" if table.db else table.name
    if table.catalog or table.db != managed.SCHEMA or table.name not in managed.COLUMNS:
        raise RefusedError(
            f"The table {named} is not there to read; there are {allowed}."
        )
    for key, value in table.args.items():
        if value and key not in TABLE_CLAUSES:
            raise RefusedError(f"The clause {key.upper()} of a table is not allowed.")
