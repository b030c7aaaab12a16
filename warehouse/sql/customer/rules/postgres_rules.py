"""What a Postgres node that is on the allow-list must fulfil beside."""

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from warehouse.sql.customer.allowlists import allowlist_postgres
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.grammars import call_forms
from warehouse.sql.customer.messages import (
    describe_node,
    describe_source,
    locate,
    refuse,
)
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.rules import call_advice, lenient_clauses, postgres_calls
from warehouse.sql.customer.written_names import find_written_name, write_path

IN_FROM = " in FROM"
LATERAL_JOINS = (
    "CROSS JOIN LATERAL (SELECT …) AS b",
    "LEFT JOIN LATERAL (SELECT …) AS b ON TRUE",
)


def _refuse_foreign_type(node: exp.Expr) -> None:
    """Refuse another dialect's type; with its schema, a customer's may have its name."""
    kind = node.args.get("kind")
    name = kind.name if isinstance(kind, exp.Identifier) else str(kind)
    instead = allowlist_postgres.FOREIGN_TYPES.get(name.lower())
    if instead:
        raise refuse("type", write_path(kind) or name, node, instead)


def validate_own_type(node: exp.Expr, dialect: Dialect) -> None:
    """Allow a customer's own type (an enumeration or a domain) by a plain name."""
    _refuse_foreign_type(node)
    kind = node.args.get("kind")
    parts = [kind.this, kind.expression] if isinstance(kind, exp.Dot) else [kind]
    names = [part.name for part in parts if isinstance(part, exp.Identifier)]
    *schemas, name = names or [""]
    is_system = any(dialect.is_system(schema.lower()) for schema in schemas)
    is_system |= bool(re.fullmatch(dialect.system_types, name.lower()))
    if len(names) < len(parts) or is_system:
        name = find_written_name(node) or node.sql(dialect.name)
        raise refuse("type", name, node)


def _validate_values(node: exp.Expr, _dialect: Dialect) -> None:
    # Without a name sqlglot writes `FROM VALUES …`, which Postgres does not read.
    is_source = isinstance(node.parent, exp.From | exp.Join)
    if is_source and not node.alias:
        raise RefusedError(
            f"VALUES in FROM needs a name{locate(node)}: write (VALUES …) AS t (a, b)."
        )


def _validate_star(node: exp.Expr, _dialect: Dialect) -> None:
    key = next((key for key, value in node.args.items() if value), "")
    if key:
        word = find_written_name(node) or key.strip("_").upper()
        raise RefusedError(
            f"Postgres has no SELECT * {word}{locate(node)}: name the columns."
        )


def _validate_interval(node: exp.Expr, _dialect: Dialect) -> None:
    if not isinstance(node.this, exp.Literal):
        raise RefusedError(
            f"INTERVAL needs a text in quotes{locate(node)}: write n * INTERVAL '1 day'."
        )


def _validate_match(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow `text @@ query`; `@@version` is another program's variable."""
    if not node.expressions or not all(node.expressions):
        raise refuse("operator", "@@", node)


def refuse_rows(node: exp.Expr, dialect: Dialect) -> RefusedError:
    """Return the error for a function in FROM that is not known to read its argument."""
    is_list = isinstance(node, exp.Table)
    name = "ROWS" if is_list else describe_source(node, dialect.grammar)
    advice = "" if is_list else call_advice.advise_call(node, name, dialect)
    if advice.endswith(IN_FROM):
        return refuse("function", name, node, advice)
    return RefusedError(
        f"The function {name} in FROM is not allowed{locate(node)}: write a table, a"
        " query, or a function that takes one value apart, such as unnest."
    )


def _validate_join(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse joins that Postgres has not, which sqlglot writes as others."""
    kind = str(node.args.get("kind") or "")
    if kind in {"SEMI", "ANTI"}:
        negation = "NOT " if kind == "ANTI" else ""
        raise refuse(
            "clause", f"{kind} JOIN", node, f"WHERE {negation}EXISTS (SELECT …)"
        )
    if node.args.get("method") == "ASOF":
        advice = (
            "JOIN LATERAL (SELECT … WHERE a.time >= b.time ORDER BY b.time DESC LIMIT 1)"
            " AS b ON TRUE"
        )
        raise refuse("clause", "ASOF JOIN", node, advice)
    lenient_clauses.refuse_apply(node, *LATERAL_JOINS)
    if node.meta.get("lacks_condition"):
        raise RefusedError(
            f"A JOIN needs a condition{locate(node)}: write ON … or USING (…) behind it,"
            " or CROSS JOIN."
        )


def _validate_position(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `position(a, b, 3)`, which sqlglot writes as a longer expression."""
    if node.args.get("position"):
        name = describe_node(node, dialect.grammar)
        raise call_advice.refuse_call("third argument of", name, node, dialect)


def _validate_today(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse `current_date('UTC')`, which sqlglot writes as another type."""
    if node.this:
        raise refuse(
            "argument of", "current_date", node, "(now() AT TIME ZONE 'UTC')::date"
        )


def _validate_array(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow ARRAY[…] and ARRAY(SELECT …), not ARRAY(a, b)."""
    if call_forms.lacks_query(node):
        raise refuse("function", "array", node, "ARRAY[a, b]")


def _validate_count(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse `count(DISTINCT a, b)`, which Postgres does not have."""
    values = node.this.expressions if isinstance(node.this, exp.Distinct) else []
    if len(values) > 1:
        raise refuse("count of", "several values", node, "count(DISTINCT (a, b))")


def _validate_group(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse GROUP BY ALL, which Postgres does not read."""
    if node.args.get("all"):
        raise refuse("clause", "GROUP BY ALL", node, "the names of the columns")


def _validate_quantifier(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse `ANY (a, b)`: Postgres takes one array, or a query."""
    if isinstance(node.this, exp.Tuple):
        name = type(node).__name__.upper()
        raise refuse("list of", name, node, f"{name} (ARRAY[a, b])")


def _validate_percentile(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `percentile_cont(a, 0.5)`."""
    if node.expression:
        name = describe_node(node, dialect.grammar)
        raise call_advice.refuse_call("second argument of", name, node, dialect)


RULES: dict[type[exp.Expr], Callable[[Any, Dialect], None]] = {
    exp.All: _validate_quantifier,
    exp.Any: _validate_quantifier,
    exp.Count: _validate_count,
    exp.Group: _validate_group,
    exp.PercentileCont: _validate_percentile,
    exp.PercentileDisc: _validate_percentile,
    exp.Join: _validate_join,
    exp.Interval: _validate_interval,
    exp.Star: _validate_star,
    exp.MatchAgainst: _validate_match,
    exp.Values: _validate_values,
    exp.StrPosition: _validate_position,
    exp.CurrentDate: _validate_today,
    exp.Array: _validate_array,
    **postgres_calls.RULES,
}
