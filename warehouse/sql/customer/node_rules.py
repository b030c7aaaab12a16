"""What a node that is on the allow-list must fulfil beside."""

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from warehouse.sql.customer import (
    allowlist,
    allowlist_engines,
    allowlist_postgres,
    allowlist_snowflake,
    bounds,
    snowflake_rules,
)
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import CLAUSES, describe_node, locate, refuse
from warehouse.sql.customer.refusal import RefusedError


def validate_details(node: exp.Expr, dialect: Dialect) -> None:
    """Raise RefusedError if a node's own clauses, names or sizes are not allowed."""
    own_rules = snowflake_rules.RULES if dialect.name == "snowflake" else {}
    rule = own_rules.get(type(node)) or _RULES.get(type(node))
    if rule:
        rule(node, dialect)


def is_allowed_by_name(node: exp.Anonymous, dialect: Dialect) -> bool:
    """Return whether a function that sqlglot does not know is on the allow-list."""
    name = node.this.lower() if isinstance(node.this, str) else ""
    if isinstance(node.parent, exp.NetFunc):
        return name in allowlist_engines.NET_FUNCTIONS
    return name in dialect.functions


def reads_field(node: exp.Dot, dialect: Dialect) -> bool:
    """Return whether a dot reads a field of a value, or is part of a type's name.

    `schema.function(…)` and, on Postgres, `(value).function` are the other meanings.
    """
    if isinstance(node.parent, exp.DataType):
        return True
    if isinstance(node.expression, exp.Star) and not dialect.fields:
        # `(value).*`: only a composite has columns
        return isinstance(node.this, exp.Paren | exp.Subquery)
    return (
        dialect.fields
        and isinstance(node.expression, exp.Identifier | exp.Star)
        and not isinstance(node.this, exp.Identifier)
    )


def _validate_select(node: exp.Expr, dialect: Dialect) -> None:
    # Without columns sqlglot reads `SELECT JOIN t` and writes `SELECT, t`: a table where
    # a column belongs, which no database reads.
    if not node.expressions:
        raise RefusedError(
            f"A query needs columns{locate(node)}: name at least one after SELECT."
        )
    for key, value in node.args.items():
        if key == "kind" and value and node.parent is not None:
            continue  # SELECT AS STRUCT and AS VALUE, one value, inside a query
        if value and key not in dialect.select_clauses:
            clause = CLAUSES.get(key, key.strip("_").upper())
            name = f"AS {value}" if key == "kind" else clause
            advice = "the columns themselves" if key == "kind" else ""
            place = value if isinstance(value, exp.Expr) else node
            raise refuse("clause", name, place, dialect.advice.get(name, advice))


def _validate_type(node: exp.Expr, dialect: Dialect) -> None:
    if node.this not in dialect.types:
        raise refuse("type", node.sql(dialect.name), node)
    if dialect.name == "postgres" and node.this == exp.DType.USERDEFINED:
        _refuse_foreign_type(node)
    if node.this == exp.DType.USERDEFINED:
        _validate_own_type(node, dialect)


def _refuse_foreign_type(node: exp.Expr) -> None:
    """Refuse another dialect's type; with its schema, a customer's may have its name."""
    kind = node.args.get("kind")
    name = kind.name if isinstance(kind, exp.Identifier) else str(kind)
    instead = allowlist_postgres.FOREIGN_TYPES.get(name.lower())
    if instead:
        raise refuse("type", name.lower(), node, instead)


def _validate_own_type(node: exp.Expr, dialect: Dialect) -> None:
    """Allow a customer's own type (an enumeration or a domain) by a plain name."""
    kind = node.args.get("kind")
    parts = [kind.this, kind.expression] if isinstance(kind, exp.Dot) else [kind]
    names = [part.name for part in parts if isinstance(part, exp.Identifier)]
    *schemas, name = names or [""]
    is_system = any(dialect.is_system(schema.lower()) for schema in schemas)
    is_system |= bool(re.fullmatch(dialect.system_types, name.lower()))
    if len(names) < len(parts) or is_system:
        raise refuse("type", node.sql(dialect.name), node)


def _validate_word(node: exp.Expr, _dialect: Dialect) -> None:
    if not re.fullmatch(r"[A-Za-z_]+( [A-Za-z]+)?", node.name):
        raise refuse("word", node.name, node)


def _validate_identifier(node: exp.Expr, dialect: Dialect) -> None:
    if node.name.lower() in dialect.forbidden_names:
        raise refuse("name", node.name, node)


def _validate_placeholder(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow only the bare placeholder, which stands for the start date."""
    if node.this:
        raise RefusedError("The only parameter that a query may have is @start_date.")


def _validate_lateral(node: exp.Expr, dialect: Dialect) -> None:
    """Allow LATERAL before a query, UNNEST, FLATTEN, or an allowed function of rows."""
    is_flatten = dialect.name == "snowflake" and isinstance(
        node.this, allowlist_snowflake.ROW_FUNCTIONS
    )
    if not isinstance(node.this, exp.Subquery | exp.Unnest) and not is_flatten:
        validate_table_function(node.this, dialect)
    for key, value in node.args.items():
        if value and key not in allowlist.LATERAL_CLAUSES:
            raise refuse("clause", key.upper(), node)


def validate_table_function(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse a function in FROM that is not known to read its argument alone."""
    is_series = isinstance(node, exp.ExplodingGenerateSeries)
    name = str(node.this).lower() if isinstance(node, exp.Anonymous) else ""
    is_value = dialect.name == "postgres" and _returns_value(node, dialect)
    if is_series or is_value or name in dialect.table_functions:
        return
    if dialect.name == "snowflake":
        raise snowflake_rules.refuse_rows(node)
    if dialect.name == "postgres":
        is_list = isinstance(node, exp.Table)
        name = "ROWS" if is_list else describe_node(node, dialect.grammar).lower()
        raise RefusedError(
            f"The function {name} in FROM is not allowed{locate(node)}: write a table, a"
            " query, or a function that takes one value apart, such as unnest."
        )
    raise RefusedError(
        f"Functions in FROM are not allowed{locate(node)}, except those that take one"
        f" value apart, such as {dialect.row_functions}."
    )


def _returns_value(node: exp.Expr, dialect: Dialect) -> bool:
    """Return whether a node calls a function that is allowed among columns."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower() in dialect.functions
    return isinstance(node, exp.Func) and type(node) in dialect.nodes


def _validate_column_definition(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow `name type` in `AS t(name type)` and in a struct's type, no constraints."""
    is_typed_name = isinstance(node.parent, exp.TableAlias | exp.DataType)
    if not is_typed_name or any(
        node.args[key] for key in node.args.keys() - {"this", "kind"}
    ):
        raise refuse("construct", "COLUMN DEFINITION", node)


def _validate_net_function(node: exp.Func, _dialect: Dialect) -> None:
    """Allow BigQuery's `NET.HOST`; `HOST` alone would be a customer's own function."""
    if not isinstance(node.parent, exp.NetFunc):
        raise refuse("function", node.sql_name().lower(), node, "NET. before it")


def _validate_values(node: exp.Expr, dialect: Dialect) -> None:
    # Without a name sqlglot writes `FROM VALUES …`, which Postgres does not read.
    is_source = isinstance(node.parent, exp.From | exp.Join)
    if dialect.name == "postgres" and is_source and not node.alias:
        raise RefusedError(
            f"VALUES in FROM needs a name{locate(node)}: write (VALUES …) AS t (a, b)."
        )


def _validate_star(node: exp.Expr, dialect: Dialect) -> None:
    if dialect.name == "postgres" and any(node.args.values()):
        raise RefusedError(
            f"Postgres has no SELECT * EXCEPT{locate(node)}: name the columns."
        )


def _validate_interval(node: exp.Expr, dialect: Dialect) -> None:
    if dialect.name == "postgres" and not isinstance(node.this, exp.Literal):
        raise RefusedError(
            f"INTERVAL needs a text in quotes{locate(node)}: write n * INTERVAL '1 day'."
        )


def _validate_match(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow `text @@ query`; `@@version` is another program's variable."""
    if not node.expressions or not all(node.expressions):
        raise refuse("operator", "@@", node)


def _validate_join(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse joins that Postgres has not, which sqlglot writes as others."""
    kind = str(node.args.get("kind") or "")
    if dialect.name == "postgres" and kind in {"SEMI", "ANTI"}:
        negation = "NOT " if kind == "ANTI" else ""
        raise refuse(
            "clause", f"{kind} JOIN", node, f"WHERE {negation}EXISTS (SELECT …)"
        )
    if node.meta.get("lacks_condition"):
        raise RefusedError(
            f"A JOIN needs a condition{locate(node)}: write ON … or USING (…) behind it,"
            " or CROSS JOIN."
        )


def _validate_extreme(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `max(a, b)`: on Postgres it can only be a customer's own function."""
    if dialect.name == "postgres" and node.expressions:
        name = node.key.lower()
        instead = {"max": "greatest", "min": "least"}[name]
        raise refuse("function", f"{name} of several values", node, instead)


def _validate_series(node: Any, dialect: Dialect) -> None:
    bounds.validate_series(node, dialect.name)


_RULES: dict[type[exp.Expr], Callable[[Any, Dialect], None]] = {
    exp.Select: _validate_select,
    exp.DataType: _validate_type,
    exp.Var: _validate_word,
    exp.Identifier: _validate_identifier,
    exp.Placeholder: _validate_placeholder,
    exp.Lateral: _validate_lateral,
    exp.ColumnDef: _validate_column_definition,
    exp.Join: _validate_join,
    exp.Max: _validate_extreme,
    exp.Min: _validate_extreme,
    exp.Pad: lambda node, _dialect: bounds.validate_width(node),
    exp.Format: lambda node, dialect: bounds.validate_format(node, dialect.name),
    exp.Interval: _validate_interval,
    exp.Star: _validate_star,
    exp.MatchAgainst: _validate_match,
    exp.Values: _validate_values,
    exp.Repeat: lambda node, _dialect: bounds.validate_repeat(node),
    exp.ExplodingGenerateSeries: _validate_series,
    exp.GenerateSeries: _validate_series,
    exp.GenerateDateArray: _validate_series,
    exp.GenerateTimestampArray: _validate_series,
    **dict.fromkeys(allowlist_engines.NET_NODES, _validate_net_function),
}
