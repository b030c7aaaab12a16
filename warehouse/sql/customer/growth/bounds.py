"""Limits of functions that make rows or text out of nothing."""

import re

from sqlglot import exp

from warehouse.sql.customer.growth import series_problems
from warehouse.sql.customer.messages import locate
from warehouse.sql.customer.refusal import RefusedError

MAX_SERIES, MAX_WIDTH = 100_000, 1000
# Units of a step between two moments; a finer one makes too many rows in a few years.
SERIES_UNITS = frozenset({"HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
COARSE_UNITS = frozenset(
    {"DAY", "WEEK", "ISOWEEK", "MONTH", "QUARTER", "YEAR", "ISOYEAR"}
)
DIFFERENCES = (exp.DateDiff, exp.DatetimeDiff, exp.TimestampDiff)
MOMENTS = (
    exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentDatetime, exp.Localtimestamp,
    exp.Parameter, exp.Placeholder,
)  # fmt: skip
OFFSETS = (
    exp.Add, exp.Sub, exp.DateAdd, exp.DateSub, exp.TimestampAdd, exp.TimestampSub,
)  # fmt: skip
MOMENT_WRAPPERS = (
    exp.AtTimeZone, exp.Cast, exp.Date, exp.DateTrunc, exp.Datetime, exp.Paren,
    exp.Timestamp, exp.TimestampTrunc,
)  # fmt: skip
TEXT_FORMATS = {
    "postgres": r"(?:[^%]|%%|%(?:\d{1,2}\$)?[sIL])*",
    "bigquery": r"(?:[^%]|%%|%[-+ 0#']*\d{0,3}(?:\.\d{1,2})?[diouxXeEfFgGsStTpP])*",
}
# At most 999 of a unit, and 9 years: a series must not leave these centuries.
OFFSET = re.compile(
    r"\d{1,3}( (second|minute|hour|day|week|month|quarter)s?)?|\d years?", re.IGNORECASE
)
DATE = re.compile(r"(19|20)\d{2}-\d{2}-\d{2}([ T][\d:.]+(Z|[+-][\d:]+)?)?")


def validate_series(
    node: exp.ExplodingGenerateSeries
    | exp.GenerateSeries
    | exp.GenerateDateArray
    | exp.GenerateTimestampArray,
    dialect: str,
) -> None:
    """Raise RefusedError unless a series has an end that the text tells.

    Its ends are whole numbers, or dates, `@start_date` and the present time with a step of
    at least an hour. On Postgres they may come from the data: there the statement's
    deadline and its limit of temporary files end a series as they end a join.
    """
    start, end, step = (node.args.get(key) for key in ("start", "end", "step"))
    if step is None and isinstance(node, exp.GenerateDateArray):
        step = node.args.get("interval") or exp.Interval(
            this=exp.Literal.string("1"), unit=exp.var("DAY")
        )
    if has_few_rows(start, end, step):
        return
    if dialect == "postgres" and (reads_data(start) or reads_data(end)):
        return
    series_problems.refuse_known(node, start, end, step)
    is_array = type(node) is exp.GenerateSeries  # BigQuery's GENERATE_ARRAY
    least = " (the last one as LEAST(…, 1000))" if is_array else ""
    raise RefusedError(
        f"The series has no bound{locate(node)}: write both ends as whole numbers at most"
        f" {MAX_SERIES:,} apart{least}, or as dates, @start_date or the present time with"
        " a step of an hour or more."
    )


def has_few_rows(start: object, end: object, step: object) -> bool:
    """Return whether a series has an end that the text tells; see validate_series."""
    is_time = _is_moment(start) and _is_moment(end) and _is_coarse(step)
    return is_time or _is_short(start, end, step)


def reads_data(node: object) -> bool:
    """Return whether a value comes from a column or a query."""
    return isinstance(node, exp.Expr) and bool(node.find(exp.Column, exp.Query))


def validate_repeat(node: exp.Repeat) -> None:
    """Raise RefusedError unless a text is repeated a small, written number of times."""
    times = _read_integer(node.args["times"])
    _refuse_larger("number of repetitions", node.args["times"], node)
    if times is None:
        raise RefusedError(
            f"The number of repetitions must be written out{locate(node)}: write at most"
            f" {MAX_WIDTH:,}."
        )


def validate_width(node: exp.Pad) -> None:
    """Raise RefusedError unless a text is filled up to a small, written length."""
    length = _read_integer(node.expression)
    _refuse_larger("length of a filled-up text", node.expression, node)
    if length is None:
        raise RefusedError(
            f"The length of a filled-up text must be a number{locate(node)}: write at"
            f" most {MAX_WIDTH:,}."
        )


def _refuse_larger(name: str, amount: object, node: exp.Expr) -> None:
    """Raise RefusedError if an amount is written out and larger than MAX_WIDTH."""
    is_written = isinstance(amount, exp.Literal) and amount.is_int
    if is_written and isinstance(amount, exp.Literal) and int(amount.name) > MAX_WIDTH:
        raise RefusedError(
            f"The {name} is {int(amount.name):,}{locate(node)}: write at most"
            f" {MAX_WIDTH:,}."
        )


def validate_format(node: exp.Format, dialect: str) -> None:
    """Raise RefusedError unless a format is a literal without wide fields."""
    text = node.this
    if not (
        isinstance(text, exp.Literal)
        and re.fullmatch(TEXT_FORMATS.get(dialect, ""), text.name, re.DOTALL)
    ):
        raise RefusedError(
            f"The format must be a text in quotes with plain fields{locate(node)}: write"
            " one like '%s'."
        )


def _is_short(start: object, end: object, step: object) -> bool:
    first, last = _read_integer(start), _read_integer(end)
    width = 1 if step is None else _read_integer(step)
    if last is None and width is not None and width > 0:
        last = _read_largest(end)
    if first is None or last is None or not width:
        return False
    return abs(last - first) / abs(width) <= MAX_SERIES


def _read_integer(node: object) -> int | None:
    if isinstance(node, exp.Neg):
        positive = _read_integer(node.this)
        return None if positive is None else -positive
    if isinstance(node, exp.Literal) and re.fullmatch(r"\d{1,9}", node.name):
        return None if node.is_string else int(node.name)
    return None


def _read_largest(node: object) -> int | None:
    """Return the largest number that the end of a series can be, as far as one is told.

    The length of an array is no number, but the row holds as much already. The days
    between two dates are four million at most.
    """
    if isinstance(node, exp.ArraySize):
        return 0
    if isinstance(node, DIFFERENCES):
        unit = node.args.get("unit")
        is_coarse = isinstance(unit, exp.WeekStart) or (
            isinstance(unit, exp.Var) and unit.name.upper() in COARSE_UNITS
        )
        return 0 if is_coarse else None
    if isinstance(node, exp.Sub | exp.Add):
        largest, amount = _read_largest(node.this), _read_integer(node.expression)
        if largest is None or amount is None:
            return None
        return largest + (amount if isinstance(node, exp.Add) else -amount)
    if isinstance(node, exp.Least):
        ends = [_read_largest(part) for part in (node.this, *node.expressions)]
        return min((end for end in ends if end is not None), default=None)
    return _read_integer(node)


def _is_moment(node: object) -> bool:
    """Return whether a node is a date of these centuries, @start_date or the present."""
    if isinstance(node, exp.Literal):
        return node.is_string and bool(DATE.fullmatch(node.name))
    if isinstance(node, exp.Anonymous):
        name = str(node.this).lower()
        is_truncated = name == "date_trunc" and len(node.expressions) > 1
        return name == "now" or (is_truncated and _is_moment(node.expressions[1]))
    if isinstance(node, OFFSETS):
        return _is_moment(node.this) and _is_offset(node.expression)
    if isinstance(node, MOMENT_WRAPPERS):
        return _is_moment(node.this)
    return isinstance(node, MOMENTS)


def _is_offset(node: object) -> bool:
    amount = node.this if isinstance(node, exp.Interval) else node
    if not isinstance(amount, exp.Literal):
        return False
    unit = str(node.args.get("unit") or "") if isinstance(node, exp.Interval) else ""
    return bool(OFFSET.fullmatch(f"{amount.name} {unit}".strip()))


def _is_coarse(step: object) -> bool:
    """Return whether a step is at least an hour."""
    interval = step.this if isinstance(step, exp.Cast | exp.Interval) else step
    if not isinstance(interval, exp.Literal):
        return False
    amount, _, unit = interval.name.partition(" ")
    if isinstance(step, exp.Interval):
        unit = unit or str(step.args.get("unit") or "")
    unit = unit.upper().removesuffix("S")
    return bool(re.fullmatch(r"[1-9]\d{0,3}", amount)) and unit in SERIES_UNITS
