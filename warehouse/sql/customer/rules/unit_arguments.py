"""The order of arguments in functions of time: each dialect has the unit at another place.

sqlglot takes what stands at the place of the unit for one: `DATE_TRUNC(ts, DAY)` would run on
Snowflake as DATE_TRUNC('TS', "DAY").
"""

import re

from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake

from warehouse.sql.customer.messages import locate, refuse
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.remedies import postgres_times
from warehouse.sql.customer.remedies.postgres_times import UNITS
from warehouse.sql.customer.written_names import find_written_call, find_written_name

# Units of one dialect alone, and short names, which stand at the place of a unit.
KNOWN_UNITS = (
    UNITS
    | Snowflake.DATE_PART_MAPPING.keys()
    | set(Snowflake.DATE_PART_MAPPING.values())
    | {
        "CENTURY", "DATE", "DATETIME", "DECADE", "DOW", "DOY", "EPOCH", "ISODOW", "ISOYEAR",
        "JULIAN", "MILLENNIUM", "NANOSECOND", "TIME", "TIMEZONE", "TIMEZONE_HOUR",
        "TIMEZONE_MINUTE", "YEAROFWEEK", "YEAROFWEEKISO",
    }
)  # fmt: skip
DIFFERENCES: tuple[type[exp.Expr], ...] = (
    exp.DateDiff, exp.DatetimeDiff, exp.TimeDiff, exp.TimestampDiff,
)  # fmt: skip
# Nodes whose unit sqlglot has found by its place.
NODES = (
    *DIFFERENCES, exp.DateAdd, exp.DateTrunc, exp.DatetimeTrunc, exp.Extract, exp.LastDay,
    exp.TimeAdd, exp.TimeSlice, exp.TimeTrunc, exp.TimestampAdd, exp.TimestampTrunc,
)  # fmt: skip
# The right order, by the dialect and the name in the text. Where a name is missing, as here.
ORDERS = {
    "bigquery": {
        "DATE_DIFF": "end, start, {unit}",
        "DATETIME_DIFF": "end, start, {unit}",
        "EXTRACT": "{unit} FROM time",
        "TIME_DIFF": "end, start, {unit}",
        "TIMESTAMP_DIFF": "end, start, {unit}",
        "": "time, {unit}",
    },
    "snowflake": {
        "DATE_PART": "{unit}, time",
        "DATE_TRUNC": "'{unit}', time",
        "DATEDIFF": "{unit}, start, end",
        "EXTRACT": "{unit} FROM time",
        "LAST_DAY": "time, '{unit}'",
        "TIME_SLICE": "time, n, '{unit}'",
        "TIMEDIFF": "{unit}, start, end",
        "TIMESTAMPDIFF": "{unit}, start, end",
        "TRUNC": "time, '{unit}'",
        "": "{unit}, n, time",
    },
    "postgres": {"EXTRACT": "{unit} FROM time", "": "'{unit}', time"},
}
TRUNCATIONS = (exp.DateTrunc, exp.TimestampTrunc)
WEEKS = (exp.Week, exp.WeekStart)  # WEEK(MONDAY)
POSTGRES_FUNCTIONS = frozenset({"date_part", "date_trunc"})


def require_order(node: exp.Expr, dialect: str) -> None:
    """Raise RefusedError at a function of time whose unit stands at another place."""
    if isinstance(node, exp.Anonymous) and dialect == "postgres":
        if node.name.lower() in POSTGRES_FUNCTIONS and len(node.expressions) == 2:
            _require_postgres_unit(node)
    elif isinstance(node, NODES):
        is_extract = isinstance(node, exp.Extract)
        unit = node.this if is_extract else node.args.get("unit")
        others = [node.args.get("expression"), None if is_extract else node.this]
        found = next(filter(None, map(_read_unit, others)), "")
        # BigQuery has no short names: in `DATE_TRUNC('week', d)` the column is no day.
        is_text = dialect == "bigquery" and isinstance(node.this, exp.Literal)
        if unit is not None and found and (is_text or not _is_unit(unit)):
            raise _refuse(node, "at a wrong place", found, dialect)
        if dialect == "snowflake" and isinstance(unit, WEEKS):
            name = _read_unit(unit)
            raise refuse("unit", name, node, "WEEK, whose weeks begin on Monday,")
        if unit is None and dialect == "bigquery" and isinstance(node, DIFFERENCES):
            raise _refuse(node, "missing", "DAY", dialect)


def _require_postgres_unit(node: exp.Anonymous) -> None:
    """Refuse `date_trunc(ts, day)` and `date_trunc('isoweek', ts)`, Postgres' own unit apart."""
    written, second = node.expressions
    unit = _read_unit(written) or _read_unit(second)
    if unit and not isinstance(written, exp.Literal):
        raise _refuse(node, "at a wrong place", unit.lower(), "postgres")
    is_text = isinstance(written, exp.Literal)
    advice = postgres_times.advise_part(node.name, written.name) if is_text else ""
    if advice:
        raise refuse_part(node, node.name, written.name, advice)


def refuse_part(node: exp.Expr, call: str, unit: str, advice: str) -> RefusedError:
    """Return the error for a unit of time that Postgres has by another name."""
    return RefusedError(
        f"Postgres has no unit {unit} in {call}{locate(node)}: write {advice.rstrip(',')}."
    )


def _read_unit(node: object) -> str:
    """Return the unit that a text, or a column's bare name, looks like; else nothing."""
    if isinstance(node, exp.Column):
        is_bare = len(node.parts) == 1 and not node.this.args.get("quoted")
        return _read_name(node) if is_bare else ""
    if isinstance(node, WEEKS):
        return f"WEEK({node.this.name.upper()})"
    return _read_name(node) if isinstance(node, exp.Literal) else ""


def _read_name(node: exp.Expr) -> str:
    """Return the unit that a node's name is, in capitals; else nothing."""
    name = node.name.upper().removesuffix("S")
    return name if name in UNITS else ""


def _is_unit(node: exp.Expr) -> bool:
    """Return whether a unit stands at a unit's place: a word, a text or WEEK(MONDAY)."""
    if not isinstance(node, exp.Literal | exp.Var):
        return isinstance(node, WEEKS)
    name = node.name.upper()
    return name in KNOWN_UNITS or name.removesuffix("S") in KNOWN_UNITS


def _fill_order(order: str, node: exp.Expr) -> str:
    """Return an order with the time of a call, if that is all that it has beside the unit."""
    call = find_written_call(node)
    arguments = call.arguments if call else ()
    values = [each for each in arguments if not _names_unit(each)]
    # a column with the short name of a unit, beside the unit as a text
    values = values or [each for each in arguments if not each.startswith("'")]
    is_list = bool(call) and not re.search(r"\bFROM\b", " ".join(values), re.IGNORECASE)
    is_alone = (
        is_list
        and len(values) == 1
        and len(re.findall(r"\b(time|n|start)\b", order)) == 1
    )
    return re.sub(r"\btime\b", lambda _: values[0], order) if is_alone else order


def _names_unit(written: str) -> bool:
    return bool(postgres_times.read_unit(written)[0])


def _refuse(node: exp.Expr, problem: str, unit: str, dialect: str) -> RefusedError:
    name = (
        node.name if isinstance(node, exp.Anonymous) else find_written_name(node) or ""
    )
    if dialect == "snowflake" and "WEEK" in unit:
        unit = "WEEK"
    orders = ORDERS[dialect]
    # Only BigQuery has no quotes around a unit; elsewhere weeks begin on Monday.
    if dialect == "bigquery" and unit == "WEEK" and isinstance(node.this, exp.Literal):
        unit = "ISOWEEK"
    order = orders.get(name.upper(), orders[""]).format(unit=unit)
    advice = f"{name}({_fill_order(order, node)})"
    if dialect == "postgres":
        advice = postgres_times.advise_time(node) or advice
    elif dialect == "snowflake" and unit == "WEEK" and isinstance(node, TRUNCATIONS):
        advice = f"{advice}, whose weeks begin on Monday"
    return RefusedError(
        f"The unit of time is {problem} in {name}{locate(node)}: write {advice}."
    )
