"""What a node that is on the allow-list must fulfil beside."""

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from warehouse.sql.customer.allowlists import (
    allowlist,
    allowlist_engines,
    allowlist_snowflake,
)
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.grammars import negation
from warehouse.sql.customer.growth import bounds
from warehouse.sql.customer.messages import (
    CLAUSES,
    ONE_PARAMETER,
    describe_node,
    describe_source,
    locate,
    refuse,
)
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.rules import (
    bigquery_rules,
    call_advice,
    lenient_clauses,
    postgres_rules,
    snowflake_rules,
)
from warehouse.sql.customer.written_names import find_written_name, write_path

SERIES = (
    exp.ExplodingGenerateSeries, exp.GenerateDateArray, exp.GenerateSeries,
    exp.GenerateTimestampArray,
)  # fmt: skip


def validate_details(node: exp.Expr, dialect: Dialect) -> None:
    """Raise RefusedError if a node's own clauses, names or sizes are not allowed."""
    if clause_rule := lenient_clauses.RULES.get(type(node)):
        clause_rule(node)
    rule = _OWN_RULES[dialect.name].get(type(node)) or _RULES.get(type(node))
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
        name = find_written_name(node) or node.sql(dialect.name)
        raise refuse("type", name, node, dialect.advice.get(name.lower(), ""))
    if node.this == exp.DType.USERDEFINED:  # which Postgres alone allows
        postgres_rules.validate_own_type(node, dialect)


def _validate_word(node: exp.Expr, _dialect: Dialect) -> None:
    if not re.fullmatch(r"[A-Za-z_]+( [A-Za-z]+)?", node.name):
        raise refuse("word", node.name, node)


def _validate_identifier(node: exp.Expr, dialect: Dialect) -> None:
    if node.name.lower() in dialect.forbidden_names:
        raise refuse("name", write_path(node), node)


def _validate_placeholder(node: exp.Expr, _dialect: Dialect) -> None:
    """Allow only the bare placeholder, which stands for the start date."""
    if node.this:
        name = str(node.this)
        raise RefusedError(
            f"The parameter {name} is unknown{locate(node)}: {ONE_PARAMETER}"
        )


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
        raise snowflake_rules.refuse_rows(node, dialect)
    if dialect.name == "postgres":
        raise postgres_rules.refuse_rows(node, dialect)
    name = describe_source(node, dialect.grammar)
    advice = call_advice.advise_call(node, name, dialect)
    if advice.endswith(" in FROM"):
        raise refuse("function", name, node, advice)
    raise RefusedError(
        f"The function {name} in FROM is not allowed"
        f"{locate(node)}: write a table, a query, or a function that takes one value apart,"
        f" such as {dialect.row_functions}."
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


def _validate_extreme(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `max(a, b)`, which sqlglot writes as GREATEST: no warehouse here has it."""
    if node.expressions:
        instead = {"max": "GREATEST", "min": "LEAST"}[node.key]
        name = f"{describe_node(node, dialect.grammar)} of several values"
        raise refuse("function", name, node, instead)


def _validate_negation(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse `NOT a IN (1) || b`: sqlglot negates the IN alone, and not the whole."""
    if negation.negates_part(node):
        raise RefusedError(
            f"What NOT negates is unclear{locate(node)}: write brackets around it, as in"
            " NOT (…)."
        )


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
    exp.Max: _validate_extreme,
    exp.Min: _validate_extreme,
    exp.Not: _validate_negation,
    exp.Pad: lambda node, _dialect: bounds.validate_width(node),
    exp.Format: lambda node, dialect: bounds.validate_format(node, dialect.name),
    exp.Repeat: lambda node, _dialect: bounds.validate_repeat(node),
    **dict.fromkeys(SERIES, _validate_series),
}
_OWN_RULES = {
    "postgres": postgres_rules.RULES,
    "snowflake": snowflake_rules.RULES,
    "bigquery": bigquery_rules.RULES,
}
