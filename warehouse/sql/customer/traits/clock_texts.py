"""Texts and calls by which Postgres reads the clock and that name no clock function."""

import re
from collections.abc import Iterable, Iterator, Sequence

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
# What returns one of its arguments, so that they have one type.
ALIKE = (
    exp.Coalesce, exp.Greatest, exp.Least, exp.Case, exp.If, exp.Nullif, exp.Lag, exp.Lead,
    exp.Array, exp.Max, exp.Min, exp.Paren,
)  # fmt: skip
ALIKE_CALLS = frozenset({"coalesce", "greatest", "lag", "lead", "least", "nullif"})
RANGES = frozenset(
    {
        exp.DType.DATERANGE, exp.DType.DATEMULTIRANGE, exp.DType.TSRANGE,
        exp.DType.TSMULTIRANGE, exp.DType.TSTZRANGE, exp.DType.TSTZMULTIRANGE,
    }
)  # fmt: skip
ELEMENTS = re.compile(r"[{}\[\](),]")
ORDERS = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
# These take texts as well: what stands on the other side tells.
EQUALITIES = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ, exp.In)
SAME_TYPES = (*EQUALITIES, exp.Sub, exp.ArrayContainsAll)
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


def reads_clock(query: exp.Expr, times: Iterable[str] = ()) -> bool:
    """Return whether a query reads the clock by `age(x)` or a text such as 'today'.

    `times` are columns, in lower case, that are known to be times. A text that is computed, such as `'to' || 'day'`, is not recognized.
    """
    if any(
        call.name.lower() == "age" and len(call.expressions) == 1
        for call in query.find_all(exp.Anonymous)
    ):
        return True
    columns = frozenset({*times, *_list_time_columns(query)})
    return any(
        _is_clock_word(text) and _becomes_time(text, columns)
        for text in query.find_all(*TEXTS)
    )


def _is_clock_word(text: exp.Expr) -> bool:
    if isinstance(text, exp.Literal) and not text.is_string:
        return False
    elements = ELEMENTS.split(text.name.lower())
    return any(_is_clock_phrase(element.strip(' "').split()) for element in elements)


def _is_clock_phrase(words: Sequence[str]) -> bool:
    clock_words = [word for word in words if word in WORDS]
    return len(clock_words) == 1 and all(
        word in WORDS or BESIDE.fullmatch(word) for word in words
    )


def _list_time_columns(query: exp.Expr) -> Iterator[str]:
    """Yield, in lower case, the columns that a query uses as times."""
    for comparison in query.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ):
        sides = (comparison.this.unnest(), comparison.expression.unnest())
        for column, other in (sides, sides[::-1]):
            is_parameter = isinstance(other, exp.Parameter | exp.Placeholder)
            if isinstance(column, exp.Column) and (is_parameter or _is_cast(other)):
                yield column.name.lower()
    for sum_or_rest in query.find_all(exp.Add, exp.Sub):
        is_shift = isinstance(sum_or_rest.expression, exp.Interval)
        if is_shift and isinstance(sum_or_rest.this, exp.Column):
            yield sum_or_rest.this.name.lower()


def _becomes_time(text: exp.Expr, columns: frozenset[str]) -> bool:
    """Return whether what stands around a text casts it to a time, or compares it with one."""
    node, parent = text, text.parent
    while isinstance(parent, (*TRANSPARENT, *ALIKE)) or _is_alike_call(parent):
        if parent is None or _is_cast(parent):
            return parent is not None
        if isinstance(parent, exp.Case | exp.If) and node.arg_key == "this":
            return False  # what CASE compares, not what it returns
        if not isinstance(parent, exp.Paren) and _has_time(parent, columns):
            return True
        node, parent = parent, parent.parent
    if isinstance(parent, (*ORDERS, *TIMES)) or _is_time_call(parent):
        return True
    if not isinstance(parent, SAME_TYPES):
        return False
    other = parent.this if parent.this is not node else parent.expression
    return _is_time(other.unnest(), columns) or _is_days(parent)


def _is_alike_call(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() in ALIKE_CALLS


def _has_time(node: exp.Expr, columns: frozenset[str]) -> bool:
    """Return whether one of the values that a node may return is a time."""
    values = list(node.iter_expressions())
    if isinstance(node, exp.Case):
        values = [branch.args["true"] for branch in node.args["ifs"]]
        values += [node.args["default"]] if node.args.get("default") else []
    elif isinstance(node, exp.If):
        values = [node.args[key] for key in ("true", "false") if node.args.get(key)]
    return any(_is_time(value, columns) for value in values)


def _is_days(difference: exp.Expr) -> bool:
    """Return whether a difference is compared with a number or an interval."""
    around = difference.parent
    while isinstance(around, exp.Paren):
        around = around.parent
    if not isinstance(difference, exp.Sub) or not isinstance(around, exp.Binary):
        return False
    sides = (around.this.unnest(), around.expression.unnest())
    is_order = isinstance(around, (*ORDERS, *EQUALITIES))
    return is_order and any(
        isinstance(side, exp.Interval)
        or (isinstance(side, exp.Literal) and not side.is_string)
        or (isinstance(side, exp.Neg) and isinstance(side.this, exp.Literal))
        for side in sides
    )


def _is_time(expression: exp.Expr, columns: frozenset[str]) -> bool:
    if isinstance(expression, exp.Column):
        return expression.name.lower() in columns
    if isinstance(expression, exp.Add | exp.Sub):
        return isinstance(expression.expression, exp.Interval)
    if isinstance(expression, ALIKE) or _is_alike_call(expression):
        return _has_time(expression, columns)
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
        isinstance(kind, exp.DataType)
        and (kind.is_type(*exp.DataType.TEMPORAL_TYPES) or kind.this in RANGES)
        for kind in kinds
    )
