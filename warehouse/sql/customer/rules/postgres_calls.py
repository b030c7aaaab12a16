"""Calls that Postgres has with other arguments than other dialects: what to write instead."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import describe_node, refuse
from warehouse.sql.customer.remedies import postgres_times
from warehouse.sql.customer.rules import call_advice
from warehouse.sql.customer.rules.unit_arguments import refuse_part
from warehouse.sql.customer.written_calls import WrittenCall

# What has another meaning elsewhere with so many arguments.
FOREIGN_COUNTS = {"array_length": 1, "to_char": 1, "to_date": 1, "to_number": 1}
LONGER = {"to_number": 3}
ARRAY_FUNCTIONS = frozenset(
    {"array", "array_agg", "regexp_match", "regexp_split_to_array", "string_to_array"}
)
SUMS = frozenset({"date_add", "date_subtract"})


def _refuse_count(node: exp.Expr, name: str, dialect: Dialect) -> None:
    """Refuse a call that has as many arguments as another dialect's function of the name."""
    count = len(postgres_times.list_arguments(node))
    if count == FOREIGN_COUNTS.get(name.lower()):
        raise call_advice.refuse_call("function", f"{name} of one value", node, dialect)
    if count == LONGER.get(name.lower()):
        raise call_advice.refuse_call("form of", name, node, dialect)


def _validate_named(node: exp.Anonymous, dialect: Dialect) -> None:
    """Refuse `to_char(a)`, `date_add(day, 7, t)` and `date_add(t, 7)`."""
    name = node.name.lower()
    _refuse_count(node, node.name, dialect)
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
    _refuse_count(node, describe_node(node, dialect.grammar), dialect)


def _validate_date(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `date(time, 'zone')` and `date(2026, 1, 2)`."""
    if node.args.get("zone"):
        name = f"{describe_node(node, dialect.grammar)} of several values"
        raise call_advice.refuse_call("function", name, node, dialect)


def _validate_mode(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `mode(a)`: Postgres' own is of ordered rows."""
    if node.this:
        name = f"{describe_node(node, dialect.grammar)} of a value"
        raise call_advice.refuse_call("function", name, node, dialect)


def _validate_complement(node: exp.Expr, dialect: Dialect) -> None:
    """Refuse `RLIKE(a, b)`, which sqlglot reads as the complement of two values."""
    if isinstance(node.this, exp.Tuple):
        values = [value.sql(dialect.grammar) for value in node.this.expressions]
        call = WrittenCall("rlike", tuple(values))
        raise call_advice.refuse_call("function", "RLIKE", node, dialect, written=call)


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
        raise refuse("unit of", "TRUNC", node, postgres_times.advise_time(node))


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
