"""What a WITH query that names itself does in each round: what it reads, adds and requires."""

import re
from collections.abc import Iterator

from sqlglot import exp

POSITIVE = re.compile(r"[1-9]\d{0,8}")


def is_reading(source: exp.Expr | None, cte: exp.Expr) -> bool:
    """Return whether a source is the WITH query itself."""
    return isinstance(source, exp.Table) and not source.db and source.name == cte.alias


def list_sources(query: exp.Select) -> Iterator[exp.Expr]:
    """Yield what a query reads in FROM and its joins."""
    first = query.args.get("from_")
    if first:
        yield first.this
    for join in query.args.get("joins") or ():
        yield join.this


def read_step(column: exp.Column, growth: exp.Expr) -> exp.Expr | None:
    """Return what `column + 1` or DATEADD(unit, 1, column) adds, if it is positive."""
    if not isinstance(growth, exp.DateAdd | exp.Add):
        return None
    base: exp.Expr = growth.this
    amount: exp.Expr = growth.expression
    if isinstance(growth, exp.Add) and not is_column(base, column):
        base, amount = amount, base
    is_positive = isinstance(amount, exp.Literal) and POSITIVE.fullmatch(amount.name)
    if not is_positive or not is_column(base, column):
        return None
    if isinstance(growth, exp.Add):
        return amount
    unit = growth.args.get("unit")
    text = exp.Literal.string(amount.name)
    return exp.Interval(this=text, unit=unit.copy() if unit else None)


def is_column(node: object, column: exp.Column) -> bool:
    """Return whether a node is this column, named with or without its table."""
    return (
        isinstance(node, exp.Column)
        and node.name == column.name
        and node.table in {"", column.table}
    )


def list_conditions(query: exp.Select) -> Iterator[exp.Expr]:
    """Yield the conditions that must all hold for a row of a query."""
    where = query.args.get("where")
    inner = [
        join.args.get("on")
        for join in query.args.get("joins") or ()
        if not join.side and not join.method
    ]
    for condition in [where.this if where else None, *inner]:
        if condition is not None:
            yield from (
                condition.flatten() if isinstance(condition, exp.And) else (condition,)
            )
