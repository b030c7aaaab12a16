"""Calls that Postgres has with other arguments than other dialects: what to write instead."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from warehouse.sql.customer import postgres_times
from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import describe_node, refuse
from warehouse.sql.customer.unit_arguments import refuse_part

# What one argument alone means elsewhere.
OF_ONE_VALUE = {
    "array_length": "cardinality(array)",
    "to_char": "value::text",
    "to_date": "text::date",
    "to_number": "round(text::numeric)",
}
ARRAY_FUNCTIONS = frozenset(
    {"array", "array_agg", "regexp_match", "regexp_split_to_array", "string_to_array"}
)
SUMS = frozenset({"date_add", "date_subtract"})


def _refuse_single(node: exp.Expr, name: str) -> None:
    if len(postgres_times.list_arguments(node)) == 1:
        advice = OF_ONE_VALUE[name.lower()]
        raise refuse("function", f"{name} of one value", node, advice)


def _validate_named(node: exp.Anonymous, _dialect: Dialect) -> None:
    """Refuse `to_char(a)`, `date_add(day, 7, t)` and `date_add(t, 7)`."""
    name = node.name.lower()
    if name in OF_ONE_VALUE:
        _refuse_single(node, node.name)
    if name == "to_hex":
        _validate_hash(node)
    advice = postgres_times.advise_time(node) if name in SUMS else ""
    if advice:
        raise refuse("form of", node.name, node, advice)


def _validate_hash(node: exp.Anonymous) -> None:
    """Refuse `to_hex(md5(a))`: Postgres' md5 is a text of digits already."""
    value = next(iter(node.expressions), None)
    name = f"{node.name} of a hash"
    if isinstance(value, exp.MD5):
        raise refuse("function", name, node, "md5(text)")
    if isinstance(value, exp.SHA2 | exp.SHA2Digest):
        advice = "encode(sha256(convert_to(text, 'UTF8')), 'hex')"
        raise refuse("function", name, node, advice)


def _validate_length(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `array_length(a)`: Postgres' own has the dimension, and is NULL for none."""
    _refuse_single(node, describe_node(node, dialect.grammar))


def _validate_date(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `date(time, 'zone')` and `date(2026, 1, 2)`."""
    if node.args.get("zone"):
        name = f"{describe_node(node, dialect.grammar)} of several values"
        of_zone = "(time AT TIME ZONE 'zone')::date"
        advice = "make_date(year, month, day)" if node.expressions else of_zone
        raise refuse("function", name, node, advice)


def _validate_mode(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `mode(a)`: Postgres' own is of ordered rows."""
    if node.this:
        name = f"{describe_node(node, dialect.grammar)} of a value"
        raise refuse("function", name, node, "mode() WITHIN GROUP (ORDER BY a)")


def _validate_complement(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `RLIKE(a, b)`, which sqlglot reads as the complement of two values."""
    if isinstance(node.this, exp.Tuple):
        raise refuse("function", "RLIKE", node, dialect.advice["rlike"])


def _validate_element(node: exp.Bracket, dialect: Dialect) -> None:
    """Refuse `(string_to_array(a, ','))[0]`: arrays that are made here begin at 1."""
    made = node.this.unnest()
    index = node.expressions[0] if len(node.expressions) == 1 else None
    # sqlglot has taken one off what was written.
    is_zero = isinstance(index, exp.Neg) and index.name == "1"
    name = describe_node(made, dialect.grammar)
    if is_zero and name.lower() in ARRAY_FUNCTIONS:  # those of JSON begin at 0
        raise refuse(
            "element", f"[0] of {name}, always NULL,", node, "[1] for the first"
        )


def _validate_part(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse `EXTRACT(dayofweek FROM t)`, a part that Postgres names otherwise."""
    name = node.this.name.upper()
    advice = postgres_times.PARTS.get(name, "")
    if isinstance(node.this, exp.Week):
        name = f"WEEK({node.this.this.name.upper()})"
        advice = "EXTRACT(WEEK FROM time), which counts weeks by ISO 8601,"
    if advice:
        raise refuse_part(node, "EXTRACT", name, advice)


def _validate_truncation(node: exp.Expr, _dialect: Dialect) -> None:
    """Refuse `trunc(time, 'month')`."""
    unit = node.args.get("decimals")
    if isinstance(unit, exp.Literal) and unit.is_string:
        advice = postgres_times.advise_time(node) or "date_trunc('day', time)"
        raise refuse("unit of", "TRUNC", node, advice)


RULES: dict[type[exp.Expr], Callable[[Any, Dialect], None]] = {
    exp.Anonymous: _validate_named,
    exp.ArraySize: _validate_length,
    exp.BitwiseNot: _validate_complement,
    exp.Bracket: _validate_element,
    exp.Date: _validate_date,
    exp.Extract: _validate_part,
    exp.Mode: _validate_mode,
    exp.Trunc: _validate_truncation,
}
