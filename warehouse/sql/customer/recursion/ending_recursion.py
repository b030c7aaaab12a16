"""WITH queries that read themselves and end soon, as a calendar up to today does.

The text of such a query tells it: each round moves a column by a constant towards a limit
that the round requires.
"""

from collections.abc import Iterator

from sqlglot import exp

from warehouse.sql.customer.growth import bounds
from warehouse.sql.customer.recursion.endless_recursion import makes_rows
from warehouse.sql.customer.recursion.recursion_steps import (
    is_column,
    is_reading,
    list_conditions,
    list_sources,
)

WHOLE_NUMBERS = frozenset({exp.DType.BIGINT, exp.DType.INT, exp.DType.SMALLINT})
TIMES = frozenset({exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ})
BELOW, ABOVE = (exp.LT, exp.LTE), (exp.GT, exp.GTE)


def ends_soon(cte: exp.Expr) -> bool:
    """Return whether a WITH query has few rounds, whatever the tables hold.

    Its column counts whole numbers at most 100,000 rounds apart, or steps by an hour or
    more between dates, `@start_date` and the present. A first time that comes from the
    data is taken for one of these centuries.
    """
    query = cte.this
    if not isinstance(query, exp.Union):
        return False
    first, second = query.this.unnest(), query.expression.unnest()
    readings = [table for table in cte.find_all(exp.Table) if is_reading(table, cte)]
    if not isinstance(first, exp.Select) or not isinstance(second, exp.Select):
        return False
    # With a join or a function of rows each round may have many times the rows before.
    if list(list_sources(second)) != readings or makes_rows(second):
        return False
    names = cte.alias_column_names or first.named_selects
    for name, start, growth in zip(names, first.selects, second.selects, strict=False):
        if start.is_star or growth.is_star:
            return False  # what follows has positions that the text does not tell
        column = exp.column(name, readings[0].alias_or_name)
        if _meets_limit(column, start.unalias(), growth.unalias(), second):
            return True
    return False


def _meets_limit(
    column: exp.Column, start: exp.Expr, growth: exp.Expr, query: exp.Select
) -> bool:
    step, is_rising = _read_step(column, growth)
    if step is None:
        return False
    return any(
        _has_few_steps(start, limit, step)
        for condition in list_conditions(query)
        for limit in _list_limits(condition, column, growth, is_rising=is_rising)
    )


def _read_step(column: exp.Column, growth: exp.Expr) -> tuple[exp.Expr | None, bool]:
    """Return what each round adds to a column, or takes from it; and whether it adds."""
    moved = _strip(growth)
    is_rising = isinstance(moved, exp.Add)
    if not isinstance(moved, exp.Add | exp.Sub):
        return None, is_rising
    base, amount = moved.this, moved.expression
    if is_rising and not is_column(base, column):
        base, amount = amount, base
    is_reversed = isinstance(amount, exp.Neg)
    if not is_column(base, column) or is_reversed or _is_rounded_away(growth, amount):
        return None, is_rising
    return amount, is_rising


def _is_rounded_away(growth: exp.Expr, amount: exp.Expr) -> bool:
    """Return whether a cast to a day may undo a step of hours."""
    casts = [each.to.this for each in growth.find_all(exp.Cast) if each is not amount]
    return exp.DType.DATE in casts and "hour" in amount.sql("postgres").lower()


def _list_limits(
    condition: exp.Expr, column: exp.Column, growth: exp.Expr, *, is_rising: bool
) -> Iterator[exp.Expr]:
    """Yield what a column, or its next value, must not pass."""
    if isinstance(condition, exp.Between):
        moved, limit = condition.this, condition.args["high" if is_rising else "low"]
    elif isinstance(condition, BELOW if is_rising else ABOVE):
        moved, limit = condition.this, condition.expression
    elif isinstance(condition, ABOVE if is_rising else BELOW):
        moved, limit = condition.expression, condition.this
    else:
        return
    moved = _strip(moved)
    is_next = _write_intervals(moved) == _write_intervals(_strip(growth))
    if is_column(moved, column) or is_next:
        yield limit


def _write_intervals(node: exp.Expr) -> exp.Expr:
    """Return a copy with `'1 day'::interval` as INTERVAL '1 day'."""
    return node.copy().transform(_write_interval)


def _write_interval(node: exp.Expr) -> exp.Expr:
    is_cast = isinstance(node, exp.Cast) and node.is_type(exp.DType.INTERVAL)
    return exp.Interval(this=node.this) if is_cast else node


def _has_few_steps(start: exp.Expr, limit: exp.Expr, step: exp.Expr) -> bool:
    first, last = _strip(start), _strip(limit)
    if bounds.reads_data(first):
        first = exp.CurrentDate()
    is_number = isinstance(first, exp.Literal | exp.Neg) and first.is_int
    if not is_number and isinstance(step, exp.Literal) and step.is_int:
        step = exp.Interval(this=exp.Literal.string(f"{step.name} day"))
    return bounds.has_few_rows(first, last, step)


def _strip(node: exp.Expr) -> exp.Expr:
    """Return a value without brackets, and without casts that keep whole steps."""
    while isinstance(node, exp.Paren) or (
        isinstance(node, exp.Cast) and node.to.this in WHOLE_NUMBERS | TIMES
    ):
        node = node.this
    return node
