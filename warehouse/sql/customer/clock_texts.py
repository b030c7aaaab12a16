"""Texts and calls by which Postgres reads the clock and that name no clock function."""

import re
from collections.abc import Iterator

from sqlglot import exp

WORDS = frozenset({"now", "today", "yesterday", "tomorrow"})
# What may stand beside such a word in the text of a time, as in 'today 10:00 UTC'.
BESIDE = re.compile(r"[\d:.+-]+|am|pm|utc|gmt|z|allballs", re.ASCII)
TEXTS = (
    exp.Literal, exp.National, exp.RawString, exp.ByteString, exp.UnicodeString
)  # fmt: skip
# A text that stands in these has the type of what it is compared with or cast to.
TRANSPARENT = (
    exp.Paren, exp.Coalesce, exp.Greatest, exp.Least, exp.Case, exp.If, exp.Array,
    exp.Tuple, exp.Any, exp.All, exp.Cast,
)  # fmt: skip
ORDERS = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
# These take texts as well: what stands on the other side tells.
SAME_TYPES = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ, exp.In, exp.Sub)
TIMES = (exp.TimestampTrunc, exp.DateTrunc, exp.Date, exp.TsOrDsToDate, exp.AtTimeZone)
TIME_CALLS = frozenset(
    {
        *("age", "date", "timestamp", "timestamptz", "timezone"),
        *(
            "date_bin",
            "date_trunc",
            "to_timestamp",
            "daterange",
            "tsrange",
            "tstzrange",
        ),
    }
)


def reads_clock(query: exp.Expr) -> bool:
    """Return whether a query reads the clock by `age(x)` or a text such as 'today'.

    A text that is computed, such as `'to' || 'day'`, is not recognized.
    """
    if any(
        call.name.lower() == "age" and len(call.expressions) == 1
        for call in query.find_all(exp.Anonymous)
    ):
        return True
    columns = frozenset(_list_time_columns(query))
    return any(
        _is_clock_word(text) and _becomes_time(text, columns)
        for text in query.find_all(*TEXTS)
    )


def _is_clock_word(text: exp.Expr) -> bool:
    if isinstance(text, exp.Literal) and not text.is_string:
        return False
    words = text.name.lower().split()
    clock_words = [word for word in words if word in WORDS]
    return len(clock_words) == 1 and all(
        word in WORDS or BESIDE.fullmatch(word) for word in words
    )


def _list_time_columns(query: exp.Expr) -> Iterator[str]:
    """Yield, in lower case, the columns that are compared with the start date or a time."""
    for comparison in query.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE):
        sides = (comparison.this.unnest(), comparison.expression.unnest())
        for column, other in (sides, sides[::-1]):
            is_parameter = isinstance(other, exp.Parameter | exp.Placeholder)
            if isinstance(column, exp.Column) and (is_parameter or _is_cast(other)):
                yield column.name.lower()


def _becomes_time(text: exp.Expr, columns: frozenset[str]) -> bool:
    """Return whether what stands around a text casts it to a time, or compares it with one."""
    node, parent = text, text.parent
    while isinstance(parent, TRANSPARENT):
        if _is_cast(parent):
            return True
        if isinstance(parent, exp.Case | exp.If) and node.arg_key == "this":
            return False  # what CASE compares, not what it returns
        node, parent = parent, parent.parent
    if isinstance(parent, (*ORDERS, *TIMES)) or _is_time_call(parent):
        return True
    if not isinstance(parent, SAME_TYPES):
        return False
    other = parent.this if parent.this is not node else parent.expression
    return _is_time(other.unnest(), columns)


def _is_time(expression: exp.Expr, columns: frozenset[str]) -> bool:
    if isinstance(expression, exp.Column):
        return expression.name.lower() in columns
    return (
        isinstance(expression, TIMES)
        or _is_cast(expression)
        or _is_time_call(expression)
    )


def _is_time_call(expression: exp.Expr | None) -> bool:
    return (
        isinstance(expression, exp.Anonymous) and expression.name.lower() in TIME_CALLS
    )


def _is_cast(expression: exp.Expr) -> bool:
    """Return whether it is a cast to a time, or to a list of times."""
    if not isinstance(expression, exp.Cast):
        return False
    kinds = [expression.to, *expression.to.expressions]
    return any(
        isinstance(kind, exp.DataType) and kind.is_type(*exp.DataType.TEMPORAL_TYPES)
        for kind in kinds
    )
